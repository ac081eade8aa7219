"""Every command of the README and of the tour works, in order, as a newcomer types them.

The convention, for whoever edits these pages:

- The ```sh blocks of a page run in one bash, in a temporary directory, stopping at the first command that fails.
  ```python blocks run where they stand, with the Python that has the suite's packages; they see the exported variables
  of the shell.
- Blocks marked ```sh no-test (or ```python no-test) are left out: building, installing.
- Blocks marked first-call are the README's way to a first call. They are run as they are told: one in one terminal, the
  next one in another.
- `latchkey` is on the PATH. The port 8080 is replaced by a free one wherever it stands in a block.
- A server is started in the background (`latchkey serve … &`); if it isn't stopped in the text, the test stops it.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

import pytest

import planted
import server
from waiting import wait_for

README = server.REPOSITORY / "README.md"
TOUR = server.REPOSITORY / "docs" / "tour.md"
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


FIRST_CALL = [text for _, rest, text in FENCE.findall(README.read_text("utf-8")) if rest.strip() == "first-call"]


def blocks(page):
    """(language, whether it is tested, text) of each block of commands of a page, in order."""
    for language, rest, text in FENCE.findall(page.read_text("utf-8")):
        if language in ("sh", "bash", "shell", "console", "python"):
            assert language in ("sh", "python"), f"a ```{language} block would not be tested: write ```sh"
            assert rest.strip() in ("", "no-test", "first-call"), f"```{language}{rest} means nothing"
            yield language, not rest.strip(), text


def script(page, port):
    """One bash script of all tested blocks; each says its number first, so that a failure is found."""
    lines = ["set -e -o pipefail"]
    for number, (language, is_tested, text) in enumerate(blocks(page)):
        if not is_tested:
            continue
        text = text.replace("8080", str(port))
        # On a line of its own, also after output that doesn't end with one.
        lines.append(f"printf '\\n::: block %s\\n' {number}")
        if language == "python":
            lines.append(f"python3 - <<'END OF PYTHON'\n{text}END OF PYTHON")
        else:
            lines.append(text)
    lines.append("printf '\\n::: the end\\n'")
    return "\n".join(lines) + "\n"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_untested_blocks_are_few():
    """Building and installing can't run here; everything else must."""
    every = [block for page in (README, TOUR) for block in blocks(page)]
    untested = [text for _, is_tested, text in every if not is_tested and text not in FIRST_CALL]
    assert len(every) - len(untested) >= 30, "the tour shows hardly anything"
    for text in untested:
        assert not re.search(r"^\s*(curl|latchkey (serve|admin))", text, re.MULTILINE), f"this could be tested:\n{text}"


@pytest.fixture(scope="module")
def output(homes):
    """What the tour's commands print, all of them."""
    home = homes / "tour"
    tools = home / "bin"
    tools.mkdir(parents=True)
    (tools / "latchkey").symlink_to(server.BINARY)
    for name in ("python", "python3"):
        wrapper = tools / name
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        wrapper.chmod(0o755)
    port = free_port()
    (home / "script.sh").write_text(script(TOUR, port))
    environment = server.environment({"LATCHKEY_LISTEN_PORT": port, "HOME": home, "NO_PROXY": "*"})
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    work = home / "work"
    work.mkdir()
    planted.watch_directory(work)
    with open(home / "output.txt", "wb") as out:
        # A session of its own, so that a server which the text leaves running is ended with it, and nothing else is.
        process = subprocess.Popen(
            ["bash", str(home / "script.sh")],
            cwd=work,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_for("the tour's commands", lambda: process.poll() is not None, deadline=120)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait(10)
    text = (home / "output.txt").read_text("utf-8", "replace")
    return process.returncode, text


def test_every_command_works(output):
    code, text = output
    last = re.findall(r"^::: (.*)$", text, re.MULTILINE)[-1]
    assert code == 0 and last == "the end", f"stopped in {last} with {code}:\n{text[-3000:]}"


def test_the_tour_shows_what_it_promises(output):
    """The newcomer has seen the cat answer, twice from Python, and two refusals."""
    _, text = output
    assert text.count("Meow! You said: Hello there. Purr.") >= 3
    assert "wrong_app" in text
    assert "Incorrect API key provided" in text
    assert '"admin":true' in text.replace(" ", "")


def test_a_first_call_takes_three_commands_and_less_than_a_minute(homes):
    """By the README alone: build, quickstart, and the line that quickstart prints. Then OpenAI's client."""
    start, call, program = FIRST_CALL
    build, quickstart = start.splitlines()
    assert build == "make release" and quickstart.startswith(".build/release/latchkey ") and call.count("\n") == 1
    home = homes / "first-call"
    home.mkdir()
    planted.watch_directory(home / "latchkey-data")
    port = free_port()
    # The port of the page may be taken on this machine; the setting is in the place of the default.
    environment = server.environment({"LATCHKEY_LISTEN_PORT": port, "HOME": home, "NO_PROXY": "*"})
    command = quickstart.replace(".build/release/latchkey", shlex.quote(str(server.BINARY)))
    began = time.monotonic()
    with open(home / "output.txt", "wb") as out:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        printed = r"^ *(curl .*)$"
        text = (home / "output.txt").read_text
        wait_for("the printed call", lambda: re.search(printed, text("utf-8"), re.MULTILINE), deadline=60)
        line = re.search(printed, text("utf-8"), re.MULTILINE).group(1)
        key = re.search(r"sk-\w{51}", line).group()
        planted.plant("the key of quickstart", key)
        assert line.replace(key, "sk-…").replace(str(port), "8080") == call.rstrip("\n"), "the README shows another"
        console = r"^Console .*$"
        wait_for("the console's address", lambda: re.search(console, text("utf-8"), re.MULTILINE))
        said_console = re.search(console, text("utf-8"), re.MULTILINE).group()
        assert said_console.replace(str(port), "8080") in README.read_text("utf-8"), "the README shows another"
        said = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=60)
        assert "Meow! You said: Hello. Purr." in said.stdout, said.stdout + said.stderr
        assert time.monotonic() - began < 60
        said = subprocess.run(
            [sys.executable, "-c", program.replace("8080", str(port))],
            env=environment | {"OPENAI_API_KEY": key},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert said.stdout == "Meow! You said: Hello. Purr.\n", said.stdout + said.stderr
    finally:
        process.terminate()
        assert process.wait(30) == 0
