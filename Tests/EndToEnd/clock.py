"""The wall clock of one server, put forward as a test likes, by a small library that is loaded before the C library.

Only the wall clock: what the server times by the monotonic clock, such as its time-outs, goes on as ever.
"""

import functools
import mmap
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


@functools.cache
def library():
    """clock.c, compiled once per run, and the directory that goes away with the run."""
    compiler = next(filter(None, map(shutil.which, ("clang", "cc"))), None)
    assert compiler, "there is no C compiler; the Swift toolchain has clang"
    folder = tempfile.TemporaryDirectory(prefix="latchkey-clock-")
    path = Path(folder.name) / "clock.so"
    command = [compiler, "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return path, folder


class Clock:
    """Made before the server, which is started with its `settings`, and then tied to it with `of`."""

    def __init__(self, home):
        home = Path(home)
        home.mkdir(parents=True, exist_ok=True)
        path = home / "clock"
        path.write_bytes(bytes(8))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 8)
        self.server = None
        self.settings = {"LD_PRELOAD": library()[0], "TEST_CLOCK": path}

    def of(self, server):
        self.server = server
        return self

    def forward(self, **units):
        """`forward(minutes=5)`, and the very next call is five minutes later."""
        factors = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.server.ahead += sum(factors[unit] * count for unit, count in units.items())
        # Eight bytes at once, so the server never sees half of them.
        self.memory[:] = struct.pack("=q", round(self.server.ahead * 1_000_000_000))

    def close(self):
        self.memory.close()
