"""What a run can be told by its environment, and where things are."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "Benchmarks"
# Where the benchmarks of one process and the server were built.
BUILD = pathlib.Path(os.environ.get("BENCH_BUILD", ROOT / ".build" / "release"))
BINARY = pathlib.Path(os.environ.get("BENCH_BINARY", BUILD / "latchkey"))


def number(name, standard, least=1):
    value = int(os.environ.get(name, standard))
    if value < least:
        raise SystemExit(f"{name} must be at least {least}")
    return value


ROUNDS = number("BENCH_ROUNDS", 5)
SECONDS = number("BENCH_SECONDS", 2)
# Calls in the ledger whose reports are timed; keys of the large deployment; keys that call at once after a restart.
CHARGES = number("BENCH_CHARGES", 10_000_000, least=0)
KEYS = number("BENCH_KEYS", 1_000_000, least=0)
ACTIVE_KEYS = number("BENCH_ACTIVE_KEYS", 10_000)
# Only parts with one of these names, with commas between; all by default.
PARTS = set(filter(None, os.environ.get("BENCH_PARTS", "").split(",")))
