"""Lets the disk fail under load, and holds the ledger against what callers were answered (invariants 5 and 11).

    python Tests/Chaos/faults.py fsync    fsync fails: the process stops with exit code 74 and says so
    python Tests/Chaos/faults.py write    writes fail, at times or always, or write less than they were given
    python Tests/Chaos/faults.py disk     the disk is full, then is not, then a start meets a full disk

In each, calls are refused and not served for nothing, nothing that was answered is lost, and after a start without
faults all is right again and `latchkey ledger check` agrees. The binary is .build/release/latchkey, or what LATCHKEY_BIN
names. The last line is that of chaos.py; exit code 77 means that this machine can't do it, and the last line says why.

`fsync` and `write` need libfiu (Debian: libfiu0, fiu-utils). It stands between the program and the C library; SQLite
flushes with fdatasync and writes with pwrite64, which libfiu calls posix/io/sync/fdatasync and posix/io/rw/pwrite. A
failed fsync is the cruel case: what it was to flush stands in the page cache and is found again by the next start.

`disk` mounts a small tmpfs in a mount namespace of its own, so that nothing stays mounted however this ends. It needs
root, or a kernel that gives users namespaces.
"""

import argparse
import asyncio
import contextlib
import errno
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from world import NOTHING_DONE, World, end_on_signals

from server import DidNotStart  # world.py has put its directory on the path

LIBRARIES = [Path("/usr/lib/fiu/fiu_run_preload.so"), Path("/usr/lib/fiu/fiu_posix_preload.so")]
SYNC, WRITE, SHORT_WRITE = "posix/io/sync/*", "posix/io/rw/pwrite", "posix/io/rw/pwrite/reduce"
DISK_SIZE = "24m"
EX_IOERR = 74
SKIPPED = 77
NAMESPACE = "--in-namespace"


class CannotTry(Exception):
    """This machine lacks something."""


class Faults:
    """libfiu in the running server: nothing fails until it is told to."""

    def __init__(self, world):
        if not all(library.exists() for library in LIBRARIES) or shutil.which("fiu-ctrl") is None:
            raise CannotTry("libfiu is not installed (Debian packages libfiu0 and fiu-utils)")
        self.world = world
        self.prefix = world.server.home / "fiu"

    def start(self):
        settings = {"LD_PRELOAD": " ".join(map(str, LIBRARIES)), "FIU_CTRL_FIFO": self.prefix}
        try:
            self.world.start(settings)
        except DidNotStart:
            raise
        except AssertionError as error:
            # Under libfiu, one start in some hundreds was seen to hang before the server's first line. Without it there
            # was none in thousands.
            print(f"under libfiu, once more after: {error}", flush=True)
            self.world.start(settings)

    async def tell(self, command):
        pid = str(self.world.server.process.pid)
        told = await asyncio.create_subprocess_exec(
            "fiu-ctrl", "-f", self.prefix, "-c", command, pid, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            output, _ = await asyncio.wait_for(told.communicate(), 10)
        except asyncio.TimeoutError:
            # The answer doesn't come when the process stops at once, which one of these faults is about.
            told.kill()
            await told.wait()
            return
        if self.world.server.is_running:
            assert told.returncode == 0 and not output, f"fiu-ctrl: {output.decode()}"


async def until(condition, deadline):
    """True when the condition came true in time."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.01)
    return True


def clean_round(world):
    """After the fault: a start without it, the judgement, and a round as in chaos.py to see that all works."""
    world.server.kill()
    world.start()
    world.verify()
    for account in world.accounts:
        world.grant(account, 1_000_000_000)
    world.notes.is_tolerant = False

    async def script():
        await serves_again(world)
        await world.kill_after(0.3)

    world.burst(script)
    world.start()
    world.verify()
    world.refill()


def fsync_errors(world, times):
    faults = Faults(world)
    # The first several times: whether the last commit that failed was of a charge, and was answered, is a matter of luck.
    for fault in (
        *[f"enable name={SYNC},failinfo={errno.EIO}"] * times,
        f"enable name={SYNC},failinfo={errno.EIO},onetime",
        f"enable_random name={SYNC},failinfo={errno.ENOSPC},probability=0.1",
    ):
        world.server.stop()
        faults.start()
        world.notes.is_tolerant = True

        async def script():
            await asyncio.sleep(0.4)
            await faults.tell(fault)
            await until(lambda: not world.server.is_running, 10)

        world.burst(script)
        code, stderr = world.server.process.poll(), world.server.stderr
        print(f"{fault}: exit code {code}: {stderr.strip().splitlines()[-1:]}", flush=True)
        if code != EX_IOERR:
            world.findings.add("surprises", f"after an fsync error the server ended with {code}, not {EX_IOERR}")
        if not re.search(r"f(data)?sync", stderr):
            world.findings.add("surprises", "after an fsync error standard error doesn't name it")
        clean_round(world)


def write_errors(world, times):
    faults = Faults(world)
    for name, fault in (
        *[(WRITE, f"enable name={WRITE},failinfo={errno.ENOSPC}")] * times,
        (WRITE, f"enable_random name={WRITE},failinfo={errno.EIO},probability=0.05"),
        (WRITE, f"enable_random name={WRITE},failinfo={errno.ENOSPC},probability=0.3"),
        (SHORT_WRITE, f"enable_random name={SHORT_WRITE},probability=0.5"),
    ):
        world.server.stop()
        faults.start()
        notes = world.notes
        # A short write is no error: the rest is written by the next, and nothing may be refused.
        notes.is_tolerant = name == WRITE
        refused = notes.refused_by_fault

        async def script():
            await asyncio.sleep(0.3)
            await faults.tell(fault)
            await asyncio.sleep(1.0)
            if world.server.is_running:
                await faults.tell(f"disable name={name}")
                await serves_again(world)

        world.burst(script)
        print(f"{fault}: {notes.refused_by_fault - refused} refused", flush=True)
        if name == WRITE and notes.refused_by_fault == refused:
            world.findings.add("surprises", f"{fault}: nothing was refused, so nothing was tried")
        has_ended(world)
        clean_round(world)


async def serves_again(world):
    served = world.notes.served
    if not await until(lambda: world.notes.served > served + 5 or not world.server.is_running, 10):
        world.findings.add("surprises", "nothing is served though the fault is over")


def has_ended(world):
    """A server that stopped by itself has to say why; going on is as good."""
    code = world.server.process.poll()
    if code is not None:
        print(f"the server ended with {code}: {world.server.stderr.strip().splitlines()[-1:]}", flush=True)
        if code <= 0 or not world.server.stderr.strip():
            world.findings.add("surprises", f"the server ended with {code} and doesn't say why")


class Filler:
    """A file that takes all the room there is."""

    def __init__(self, path):
        self.path = path

    def fill(self):
        with open(self.path, "ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\xff" * size)

    def remove(self):
        self.path.unlink(missing_ok=True)


def full_disk(world, times):
    for _ in range(times):
        fill_the_disk(world)


def fill_the_disk(world):
    filler = Filler(world.server.data / "filler")
    notes = world.notes
    notes.is_tolerant = True

    async def fill_until_refused():
        await asyncio.sleep(0.3)
        refused = notes.refused_by_fault

        def is_refused():
            filler.fill()  # again and again, because a checkpoint may give room back
            return notes.refused_by_fault > refused + 20 or not world.server.is_running

        # The log is written over from its beginning, so it takes a while until more room is needed.
        if not await until(is_refused, 20):
            world.findings.add("surprises", "the disk is full, and every call is served")
        print(f"full disk: {notes.refused_by_fault - refused} refused", flush=True)

    async def room_again():
        await fill_until_refused()
        await asyncio.sleep(0.3)
        filler.remove()
        await serves_again(world)

    world.burst(room_again)
    has_ended(world)
    clean_round(world)
    notes.is_tolerant = True

    async def killed_while_full():
        await fill_until_refused()
        world.server.kill()

    world.burst(killed_while_full)
    start_on_full_disk(world)
    filler.remove()
    clean_round(world)


def start_on_full_disk(world):
    """It may start or refuse to, but not without a word."""
    try:
        world.start()
        print("it starts on a full disk", flush=True)
    except AssertionError as error:
        code = getattr(error, "code", None)
        said = world.server.stderr.strip()
        print(f"on a full disk it ends with {code}: {said.splitlines()[-1:]}", flush=True)
        if code is None or code <= 0 or not said:
            world.findings.add("surprises", f"on a full disk the start ends with {code} and {said[-300:]!r}")


MODES = {"fsync": fsync_errors, "write": write_errors, "disk": full_disk}


@contextlib.contextmanager
def small_disk(directory):
    """A tmpfs on the data directory. The namespace takes it away in any case; this is for good measure."""
    directory.mkdir(mode=0o700)
    options = f"size={DISK_SIZE},mode=0700"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "latchkey-chaos", directory], capture_output=True)
    if mounted.returncode != 0:
        raise CannotTry(f"a tmpfs can't be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def enter_namespace():
    """Runs this program again in a mount namespace of its own, which takes its mounts with it when it ends."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        raise CannotTry("unshare and mount are not installed (Debian packages util-linux and mount)")
    probe = subprocess.run([*unshare, "true"], capture_output=True)
    if probe.returncode != 0:
        raise CannotTry(f"no mount namespace can be made here: {probe.stderr.decode().strip()}")
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv, NAMESPACE])


def run(mode, seed, times):
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latchkey-faults-")))
        if mode == "disk":
            stack.enter_context(small_disk(home / "data"))
        world = None
        try:
            world = World(home, seed)
            stack.callback(world.close)
            MODES[mode](world, times)
            world.notes.is_tolerant = False
            world.finish()
        except CannotTry:
            raise
        except Exception:  # a server that doesn't start again, for one; the line below is printed all the same
            traceback.print_exc()
            if world is None:
                print(NOTHING_DONE)
                return 1
            world.findings.add("surprises", "it did not come to its end")
        print(f"refused: {dict(world.notes.codes)}")
        print(world.line(world.bursts))
        return 0 if world.notes.served > 0 and world.findings.total == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--times", type=int, default=1, help="how often what depends on luck is tried")
    parser.add_argument(NAMESPACE, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    end_on_signals()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    try:
        if options.mode == "disk" and not options.in_namespace:
            enter_namespace()
        print(f"seed={seed}", flush=True)
        return run(options.mode, seed, options.times)
    except CannotTry as reason:
        print(f"skipped: {reason}")
        return SKIPPED


if __name__ == "__main__":
    sys.exit(main())
