"""The real binary as a real process: started, watched, stopped and killed by the process id that was started."""

import contextlib
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import planted
from waiting import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("LATCHKEY_BIN", REPOSITORY / ".build" / "debug" / "latchkey")).resolve()

# Generous, because a debug build on a busy machine is slow; a server that needs longer is broken.
START_DEADLINE = 30.0
STOP_DEADLINE = 20.0

READY_LINE = re.compile(r"^latchkey is listening on (http://\S+)$", re.MULTILINE)
SETUP_LINE = re.compile(r"^setup token: (\S+)$", re.MULTILINE)


def environment(settings=None):
    """Nothing of the caller's environment but what a process needs, so that no setting leaks into a test."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ
    }
    # The suite changes more in a minute than an account may; a test of the rate sets its own.
    plenty = {"LATCHKEY_MANAGEMENT_WRITES_PER_MINUTE": "1000000"}
    return kept | plenty | {name: str(value) for name, value in (settings or {}).items()}


class DidNotStart(AssertionError):
    """The server ended before its ready line."""

    def __init__(self, code, stdout, stderr):
        super().__init__(
            f"the server ended with {code} before it was ready\nstdout: {stdout[-2000:]}\nstderr: {stderr[-4000:]}"
        )
        self.code, self.stdout, self.stderr = code, stdout, stderr


class Server:
    """One data directory and the process that serves it. Not started by the initialiser."""

    def __init__(self, home, settings=None, arguments=()):
        self.home = Path(home)
        self.home.mkdir(parents=True, exist_ok=True)
        self.data = self.home / "data"
        self.settings = dict(settings or {})
        self.arguments = tuple(arguments)
        self.process = None
        self.url = None
        self.runs = 0
        self.ahead = 0.0  # by how many seconds its clock is put forward; see clock.py
        planted.watch_directory(self.data)

    # Every run writes to files of its own: the files are evidence, and a full pipe could stop the server.
    @property
    def stdout_path(self):
        return self.home / f"stdout-{self.runs}.txt"

    @property
    def stderr_path(self):
        return self.home / f"stderr-{self.runs}.txt"

    @property
    def stdout(self):
        return self.stdout_path.read_text("utf-8", "replace")

    @property
    def stderr(self):
        return self.stderr_path.read_text("utf-8", "replace")

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def now(self):
        """What its clock says, in seconds since 1970."""
        return time.time() + self.ahead

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    @property
    def setup_token(self):
        """The one-time token that this run printed, or None."""
        match = SETUP_LINE.search(self.stdout)
        return planted.plant("set-up token", match.group(1)) if match else None

    def start(self, settings=None, arguments=(), umask=-1):
        """Starts the server and returns when it has said that it is ready. Raises DidNotStart when it ends instead."""
        assert not self.is_running, "already running"
        self.runs += 1
        planted.watch_stdout(self.stdout_path)
        planted.watch_log(self.stderr_path)
        command = [BINARY, "serve", "--data-dir", self.data, "--port", "0", *self.arguments, *arguments]
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.home,
                umask=umask,
                env=environment(self.settings | dict(settings or {})),
            )

        def is_ready_or_over():
            return READY_LINE.search(self.stdout) or self.process.poll() is not None

        try:
            wait_for("the ready line", is_ready_or_over, START_DEADLINE)
        except AssertionError as error:
            told = f"{error}\nstderr: {self.stderr[-2000:]}\nthreads: {self._threads()}"
            self.kill()
            raise AssertionError(told) from error
        match = READY_LINE.search(self.stdout)
        if not match:
            raise DidNotStart(self.process.returncode, self.stdout, self.stderr)
        self.url = match.group(1)
        self.setup_token  # plants it, if there is one
        return self

    def stop(self):
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_DEADLINE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOP_DEADLINE} s of SIGTERM\n{self.stderr[-2000:]}")

    def kill(self):
        """SIGKILL: what a power cut looks like to the process."""
        if self.is_running:
            self.process.kill()
        self.process.wait(STOP_DEADLINE)

    def close(self):
        """For the end of a fixture: stops whatever is still running."""
        if self.is_running:
            self.stop()

    def _threads(self):
        """What each thread waits for, for whoever has to find out why it does nothing."""
        found = []
        for task in sorted(Path(f"/proc/{self.process.pid}/task").glob("*")):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                found.append(f"{(task / 'comm').read_text().strip()}: {(task / 'wchan').read_text()}")
        return found

    def _status(self, field):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field} in the process status")

    @property
    def resident_bytes(self):
        return self._status("VmRSS")

    @property
    def cpu_seconds(self):
        """User and system time that the process has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_command(home, arguments, stdin="", settings=None, deadline=30.0, name="command"):
    """Runs `latchkey …` to its end and returns the finished process; what it printed is watched for secrets."""
    home = Path(home)
    home.mkdir(parents=True, exist_ok=True)
    finished = subprocess.run(
        [BINARY, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=home,
        timeout=deadline,
        env=environment(settings),
    )
    number = len(list(home.glob(f"{name}-*.err")))
    (home / f"{name}-{number}.out").write_text(finished.stdout)
    (home / f"{name}-{number}.err").write_text(finished.stderr)
    planted.watch_log(home / f"{name}-{number}.out")
    planted.watch_log(home / f"{name}-{number}.err")
    return finished


def admin_create(data, email, password, account=None, home=None, settings=None):
    """`latchkey admin create`, the headless way to a first admin."""
    arguments = ["admin", "create", "--data-dir", data, "--email", email, "--password-stdin"]
    if account is not None:
        arguments += ["--account", account]
    planted.watch_directory(data)
    return run_command(
        home or Path(data).parent, arguments, stdin=password + "\n", settings=settings, name="admin-create"
    )
