"""Measures Latchkey on this machine, prints tables and writes .build/bench.json. `make bench` runs it.

All figures of one run come from the same minutes on the same machine, and what is compared is measured in turn, so
the ratios hold where single numbers of a shared machine don't. Load goes to loopback only and stops by itself. What a
run can be told stands in options.py; how to read it, in docs/benchmarks.md.
"""

import json
import os
import sys
import tempfile
import time

import calls
import changes
import durability
import goals
import many_charges
import many_keys
import memory
import options
import processes

PARTS = {
    "processes": processes.measure,
    "calls": calls.measure,
    "durability": durability.measure,
    "changes": changes.measure,
    "memory": memory.measure,
    "many_charges": many_charges.measure,
    "many_keys": many_keys.measure,
}


def main():
    if unknown := options.PARTS - PARTS.keys():
        raise SystemExit(f"BENCH_PARTS: there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    wanted = [name for name in PARTS if name in options.PARTS or not options.PARTS]
    if not options.PARTS:
        wanted = [n for n in wanted if not (n == "many_keys" and options.KEYS == 0)]
        wanted = [n for n in wanted if not (n == "many_charges" and options.CHARGES == 0)]
    figures, rows = {}, []
    for name in wanted:
        began = time.monotonic()
        # Each part has a folder of its own, and the disk back when it is over.
        with tempfile.TemporaryDirectory(prefix="latchkey-bench-") as folder:
            os.chmod(folder, 0o755)  # nginx's workers are another user
            made = PARTS[name](folder)
        if isinstance(made, tuple):
            made, rows = made
        figures |= made
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    if not figures:
        return
    build = options.ROOT / ".build"
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(json.dumps(figures | {"calls": rows}, indent=2, sort_keys=True) + "\n")
    goals.show(figures, rows)


if __name__ == "__main__":
    sys.exit(main())
