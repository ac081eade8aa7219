"""The whole end-to-end suite in two shards at once, one for each core of a small machine:

    python Tests/EndToEnd/shards.py

What each shard prints is shown line by line behind its number; arguments go to both. What failed and how many tests
there were stands at the end, as pytest writes it, and it ends with 0 when both do.
"""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

SHARDS = 2
# One cache would have two writers; and a shard doesn't know how much of the suite will be its own.
OPTIONS = ["-p", "no:cacheprovider", "-o", "console_output_style=classic", "--color=no"]
HERE = Path(__file__).resolve().parent
# pytest's last line: "=== 2 failed, 1200 passed, 1 skipped in 350.12s (0:05:50) ===", or without the bars
SUMMARY = re.compile(r"^(?:=+ )?(.*) in [\d.]+s")
COUNT = re.compile(r"(\d+) (\w+)")


class Running:
    """One shard, and what its last line counted."""

    def __init__(self, number, claims, arguments):
        self.number = number
        self.counted = Counter()
        self.faults = []  # what it says failed, once more at the end
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", str(HERE), *OPTIONS, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"LATCHKEY_TEST_CLAIMS": claims, "PYTHONUNBUFFERED": "1"},
        )
        self.reader = threading.Thread(target=self._show, daemon=True)
        self.reader.start()

    def _show(self):
        for line in self.process.stdout:
            print(f"{self.number}| {line}", end="", flush=True)
            summary = SUMMARY.match(line)
            if line.startswith(("FAILED ", "ERROR ")):
                self.faults.append(line.rstrip())
            elif summary:
                self.counted = Counter({word: int(count) for count, word in COUNT.findall(summary.group(1))})

    def end(self):
        code = self.process.wait()
        # What a shard that had to be ended has left running may hold its output open.
        self.reader.join(10)
        return code


def main(arguments):
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="latchkey-shards-") as claims:
        running = [Running(number, claims, arguments) for number in range(1, SHARDS + 1)]
        codes = [shard.end() for shard in running]
    for line in [line for shard in running for line in shard.faults]:
        print(line)
    counted = sum((shard.counted for shard in running), Counter())
    total = ", ".join(f"{counted[word]} {word}" for word in sorted(counted)) or "no tests ran"
    print(f" {total} in {time.monotonic() - began:.2f}s ({SHARDS} shards) ".center(100, "="), flush=True)
    # A shard without a count has died, whatever it ended with.
    return 0 if codes == [0] * SHARDS and all(shard.counted["passed"] for shard in running) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
