"""Proves that what was answered was on the disk: a kill in the middle of the load, after which only those bytes are
kept that were there when a flush began which came back. Then a server on what is left must know every charge that a
caller was told of.

And the other way round: without flushes the same load must be faster. If it were not, nobody waited for the disk.
"""

import pathlib
import shutil
import statistics
import struct
import time

from deployment import Admin, Latchkey, check_ledger, furnish
from load import Load, body
from options import ROUNDS
from programs import Upstream, compiled

HEAD = struct.Struct("=4q")  # kind, length of the file's name, place, count


def measure(folder):
    data = f"{folder}/durability"
    with Upstream(folder) as upstream:
        _, key = furnish(data, upstream.base)
        library = str(compiled(folder, "fsynced", "-shared", "-fPIC"))
        # Short answers and streams in turn.
        bodies = [body(), body(stream=True)]
        told = [kill_once(folder, data, key, bodies[number % 2], library) for number in range(ROUNDS)]
        ratios = [speed_without(folder, data, key, library) for _ in range(ROUNDS)]
    return {"durable_charges_told": sum(told), "without_fsync_vs_with": statistics.median(ratios)}


def kill_once(folder, data, key, text, library):
    """How many charges callers were told of, all of which were found."""
    charges, record, left = pathlib.Path(f"{folder}/charges"), pathlib.Path(f"{folder}/fsynced"), f"{folder}/left"
    for path in (charges, record):
        path.unlink(missing_ok=True)
    shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(data, left)
    with Latchkey(data, {"LD_PRELOAD": library, "BENCH_FSYNCED": str(record)}) as server:
        load = Load(folder, server.chat, [key], text)
        with load.start(seconds=2, BENCH_CHARGES=str(charges)) as wrk:
            time.sleep(1.3)
            server.kill()
            wrk.communicate(timeout=60)
    keep_what_was_flushed(record, left)
    told = charges.read_text().split()
    if len(told) < 10 or len(set(told)) != len(told):
        raise SystemExit(f"{len(told)} charges were told, {len(set(told))} of them once")
    with Latchkey(left) as server:
        known = set().union(*Admin(server).charges())
    if missing := set(told) - known:
        raise SystemExit(f"{len(missing)} of {len(told)} charges that were told are not on the disk")
    check_ledger(left)
    # The next one goes on from here.
    shutil.rmtree(data)
    shutil.move(left, data)
    return len(told)


def keep_what_was_flushed(record, folder):
    """Makes the database files in `folder` what they were at the last flush of each. They begin as they were at the
    start of the server, which had been stopped in order."""
    files, waiting, begun = {}, {}, {}
    with open(record, "rb") as log:
        while head := log.read(HEAD.size):
            if len(head) < HEAD.size:
                break  # the kill met it
            kind, length, place, count = HEAD.unpack(head)
            kind, name = chr(kind), pathlib.Path(log.read(length).decode()).name
            if name not in files:
                path = pathlib.Path(folder) / name
                files[name] = bytearray(path.read_bytes() if path.exists() else b"")
                waiting[name] = []
            if kind in "WT":
                waiting[name].append((kind, place, log.read(count) if kind == "W" else b""))
            elif kind == "B":
                begun[name] = len(waiting[name])
            elif kind == "S":
                # What was written while it flushed may have come too late for it.
                done, waiting[name] = waiting[name][: begun[name]], waiting[name][begun[name] :]
                begun[name] = 0
                for each in done:
                    apply(files[name], *each)
    for name, content in files.items():
        (pathlib.Path(folder) / name).write_bytes(content)
    if not files:
        raise SystemExit("no write of the database was seen")


def apply(content, kind, place, written):
    if kind == "T":
        del content[place:]
        return
    if len(content) < place:
        content.extend(bytes(place - len(content)))
    content[place : place + len(written)] = written


def speed_without(folder, data, key, library):
    """Calls per second with flushes that do nothing ÷ with flushes, one after the other."""
    rates = []
    for settings in ({"LD_PRELOAD": library, "BENCH_NO_FSYNC": "1"}, {"LD_PRELOAD": library}):
        with Latchkey(data, settings) as server:
            load = Load(folder, server.chat, [key], body(), 32, False, server)
            load.run(1)
            rates.append(load.run()["rps"])
    return rates[0] / rates[1]
