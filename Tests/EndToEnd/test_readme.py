"""Every command of the README and of the tour works, in order, as a newcomer types them.

The convention, for whoever edits these pages:

- The ```sh blocks of a page run in one bash, in a temporary directory, stopping at the first command that fails.
  ```python blocks run where they stand, with the Python that has the suite's packages; they see the exported variables
  of the shell.
- Blocks marked ```sh no-test (or ```python no-test) are left out: building, installing.
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

import pytest

import planted
import server
from waiting import wait_for

README = server.REPOSITORY / "README.md"
TOUR = server.REPOSITORY / "docs" / "tour.md"
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """(language, whether it is tested, text) of each block of commands of a page, in order."""
    for language, rest, text in FENCE.findall(page.read_text("utf-8")):
        if language in ("sh", "bash", "shell", "console", "python"):
            assert language in ("sh", "python"), f"a ```{language} block would not be tested: write ```sh"
            assert rest.strip() in ("", "no-test"), f"```{language}{rest} means nothing"
            yield language, rest.strip() != "no-test", text


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
    untested = [text for _, is_tested, text in every if not is_tested]
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
