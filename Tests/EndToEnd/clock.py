"""The wall clock of one server, put forward as a test likes, by libfaketime. (`make install-test` installs it.)

Only the wall clock: what the server times by the monotonic clock, such as its time-outs, goes on as ever.
"""

import os
import subprocess
from pathlib import Path

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
SHARED_MEMORY = Path("/dev/shm")


class Clock:
    """Made before the server, which is started with its `settings`, and then tied to it with `of`."""

    def __init__(self, home):
        assert LIBRARIES, "libfaketime is missing: make install-test"
        home = Path(home)
        home.mkdir(parents=True, exist_ok=True)
        self.file = home / "clock"
        self.server = None
        self._write(0)
        preload = {"LD_PRELOAD": str(LIBRARIES[0])}
        # The first process under libfaketime makes some shared memory and adds its name to the environment, which moves
        # the environment away from the arguments; Swift looks for its arguments beside it. So that first process is not
        # the server.
        self.shared = subprocess.run(
            ["env", "printenv", "FAKETIME_SHARED"],
            env={"PATH": os.environ["PATH"]} | preload,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        self.settings = preload | {
            "FAKETIME_SHARED": self.shared,
            "FAKETIME_TIMESTAMP_FILE": self.file,
            "FAKETIME_NO_CACHE": 1,
            "FAKETIME_DONT_FAKE_MONOTONIC": 1,
        }

    def of(self, server):
        self.server = server
        return self

    def forward(self, **units):
        """`forward(minutes=5)`, and the very next call is five minutes later."""
        factors = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.server.ahead += sum(factors[unit] * count for unit, count in units.items())
        self._write(self.server.ahead)

    def close(self):
        semaphore, memory = (name.lstrip("/") for name in self.shared.split())
        (SHARED_MEMORY / f"sem.{semaphore}").unlink(missing_ok=True)
        (SHARED_MEMORY / memory).unlink(missing_ok=True)

    def _write(self, seconds):
        # The server reads the file at any time, so it must never be seen half written.
        half = self.file.with_suffix(".new")
        half.write_text(f"{seconds:+.6f}s\n")
        os.replace(half, self.file)
