"""`latchkey quickstart`: from nothing to a first call in two commands, and nothing that trips a later start."""

import re
import signal
import socket
import stat
import subprocess

import pytest
import requests

import planted
from client import Client, Person, exact, expect
from server import BINARY, READY_LINE, environment, run_command
from waiting import wait_for

FIELD = r"^ +{} +(\S+)"
CURL = re.compile(r"^  (curl .+)$", re.MULTILINE)


class Quickstart:
    """The command, running or over, and what it said."""

    def __init__(self, home, *arguments, data=None, settings=None):
        self.home, self.data = home, data or home / "data"
        home.mkdir(parents=True, exist_ok=True)
        planted.watch_directory(self.data)
        planted.watch_log(home / "stderr.txt")
        with open(home / "stdout.txt", "wb") as out, open(home / "stderr.txt", "wb") as err:
            self.process = subprocess.Popen(
                [BINARY, "quickstart", "--data-dir", self.data, *map(str, arguments)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=home, umask=0, env=environment(settings),
            )

    @property
    def stdout(self):
        return (self.home / "stdout.txt").read_text()

    @property
    def stderr(self):
        return (self.home / "stderr.txt").read_text()

    def ready(self):
        wait_for("the ready line", lambda: READY_LINE.search(self.stdout) or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.stderr
        self.url = READY_LINE.search(self.stdout).group(1)
        self.learn()
        return self

    def over(self):
        code = self.process.wait(60)
        if code == 0:
            self.learn()
        return code

    def learn(self):
        """The two secrets are noted, so that they are searched for in logs and files."""
        self.email = self.field("admin")
        self.password = planted.plant("password", self.field("password"))
        self.key = planted.plant("key", self.field("key"))

    def field(self, name):
        return re.search(FIELD.format(name), self.stdout, re.MULTILINE).group(1)

    def first_call(self):
        """What a newcomer copies from the terminal."""
        (line,) = CURL.findall(self.stdout)
        return subprocess.run(
            ["sh", "-c", line], capture_output=True, text=True, timeout=30, env=environment() | {"NO_PROXY": "*"}
        )

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


@pytest.fixture
def quickstart(home):
    started = []

    def start(*arguments, **keywords):
        started.append(Quickstart(home / f"quickstart-{len(started)}", *arguments, **keywords))
        return started[-1]

    yield start
    for each in started:
        each.stop()


def test_two_commands_make_a_first_call(quickstart):
    """The printed line is run as it stands; the answer is the cat's, and it was paid for."""
    started = quickstart("--port", 0).ready()
    assert started.url.startswith("http://127.0.0.1:")
    assert started.stdout.splitlines()[-1].startswith("latchkey is listening on "), "the ready line is not the last one"
    answer = started.first_call()
    assert answer.returncode == 0 and "Meow! You said: Hello" in answer.stdout, answer.stdout + answer.stderr
    # And people manage it in a browser, at the address that is said.
    console = started.url.replace("127.0.0.1", "localhost") + "/console"
    assert f"\nConsole     {console}, with the e-mail address and the password above\n" in started.stdout
    assert "<title>" in requests.get(started.url + "/console", timeout=10).text
    # Nothing is left that only a first start has.
    assert "setup token" not in started.stdout

    client = Client(started)
    admin = Person(client, started.email, started.password).sign_in()
    account = admin.session["user"]["account_id"]
    assert admin.session["user"]["admin"] is True
    balance = exact(expect(admin.call("GET", f"/api/v1/accounts/{account}"), 200))
    assert (balance["balance"], balance["held"]) == (980, 0)


def test_each_step_has_its_entry_in_the_audit_record(quickstart):
    started = quickstart("--port", 0).ready()
    admin = Person(Client(started), started.email, started.password).sign_in()
    entries = expect(admin.call("GET", "/api/v1/audit"), 200).json()["items"][::-1]
    made = [entry["action"] for entry in entries if entry["action"] != "session.create"]
    assert made == [
        "audit.begin", "account.create", "user.join", "application.create", "credential.create", "credits.grant"
    ]
    assert started.stop() == 0
    for check in ("ledger", "audit"):
        finished = run_command(started.home, [check, "check", "--data-dir", started.data])
        assert finished.returncode == 0 and " ok: " in finished.stdout, finished.stdout + finished.stderr


def test_files_are_private_and_hold_no_secret(quickstart):
    """The umask of the test is 0; the key and the password are searched for at the end of the run as well."""
    started = quickstart("--port", 0).ready()
    assert stat.S_IMODE(started.data.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in started.data.rglob("*")}
    assert {"latchkey.db", "master.key", "pepper.key", "lock"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes
    for path in [*started.data.rglob("*"), started.home / "stderr.txt"]:
        content = path.read_bytes()
        assert started.password.encode() not in content and started.key.encode() not in content, path


def test_set_up_now_and_serve_later(quickstart, own_server):
    """Without a server the line names the port of the settings; then `serve` serves what was set up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = quickstart("--no-serve", "--port", port)
    assert started.over() == 0, started.stderr
    assert "Console" not in started.stdout
    assert not READY_LINE.search(started.stdout) and f"http://127.0.0.1:{port}/v1" in started.stdout
    server = own_server(name="later")
    server.data = started.data
    server.start(arguments=["--port", str(port)])
    assert server.setup_token is None
    assert "Meow!" in started.first_call().stdout


def contents(directory):
    return {path: (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) for path in directory.rglob("*")}


def test_a_directory_that_is_set_up_is_left_as_it_is(quickstart, own_server):
    """After a quickstart, after any other start, and beside a running server."""
    first = quickstart("--no-serve")
    assert first.over() == 0
    before = contents(first.data)
    again = quickstart("--no-serve", data=first.data)
    assert again.over() == 1
    assert f"The data directory {first.data} is set up already; nothing was changed." in again.stderr
    assert "latchkey serve --data-dir" in again.stderr and again.stdout == ""
    assert contents(first.data) == before

    other = own_server(name="other").start()
    finished = run_command(other.home, ["quickstart", "--data-dir", other.data, "--port", "0"])
    assert finished.returncode == 1 and "set up already" in finished.stderr
    assert Client(other).call("GET", "/readyz").status_code == 200


def test_a_port_in_use_loses_nothing(quickstart, own_server):
    """The password is shown before the server starts, so that a port that is taken costs no second beginning."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        started = quickstart("--port", port)
        assert started.process.wait(60) == 1
    started.learn()
    assert f"can't listen on 127.0.0.1 port {port}" in started.stderr
    server = own_server(name="later")
    server.data = started.data
    server.start()
    Person(Client(server), started.email, started.password).sign_in()


def test_it_serves_on_this_machine_alone(quickstart):
    refused = quickstart("--port", 0, settings={"LATCHKEY_LISTEN_HOST": "0.0.0.0"})
    assert refused.over() == 78
    assert "listen.host" in refused.stderr and "--no-serve" in refused.stderr
    assert not refused.data.exists()


def test_a_malformed_address_is_refused_by_its_option(quickstart):
    refused = quickstart("--port", 0, "--email", "nobody")
    assert refused.over() == 1 and "--email must be an e-mail address" in refused.stderr
    assert not refused.data.exists(), "the next attempt would be refused"


def test_two_at_once_make_one(quickstart, home):
    both = [quickstart("--no-serve", data=home / "same") for _ in range(2)]
    assert sorted(each.over() for each in both) == [0, 1]
    assert sorted(len(CURL.findall(each.stdout)) for each in both) == [0, 1]
