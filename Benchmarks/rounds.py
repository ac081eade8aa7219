"""Rounds in which everything that is compared is measured in turn, and the rule by which a round counts.

A round is dropped when other processes of the machine used more than 0.3 of a core during it, and for nothing else. A
dropped round is made again, up to as many as were wanted. If fewer than half of those wanted were quiet, all rounds
count, and the figures say so: `is_quiet` is false.
"""

import statistics
import time

import machine
from options import ROUNDS

OTHERS = 0.3  # cores
# A flush that takes longer makes the disk what is measured.
DISK_BOUND_US = 200


class Rounds:
    """What came of all rounds: for each name a list of results, one of each round that counts."""

    def __init__(self, folder, targets, count=None):
        """
        - targets: by name, what is run in each round and gives a result.
        """
        self.results = {name: [] for name in targets}
        self.flushes, self.others, count = [], [], count or ROUNDS
        made, names = [], list(targets)
        for number in range(2 * count):
            if sum(others <= OTHERS for others, _, _ in made) == count:
                break
            # Each second round the other way round, so that what comes first is not always the same.
            order = names if number % 2 == 0 else names[::-1]
            busy, own, began = machine.busy_seconds(), machine.own_seconds(), time.monotonic()
            flush = machine.flush_times(folder)
            results = {name: targets[name]() for name in order}
            others = machine.busy_seconds() - busy - (machine.own_seconds() - own)
            made.append((max(0, others) / (time.monotonic() - began), flush, results))
        quiet = [round for round in made if round[0] <= OTHERS]
        self.is_quiet = 2 * len(quiet) >= count
        for others, flush, results in quiet if self.is_quiet else made:
            self.others.append(others)
            self.flushes.append(flush)
            for name, result in results.items():
                self.results[name].append(result)

    @property
    def count(self):
        return len(self.others)

    def median(self, name, figure):
        return statistics.median(result[figure] for result in self.results[name])

    def ratios(self, name, rival, figure="rps"):
        """Of one round each, since both of it met the same machine."""
        return [a[figure] / b[figure] for a, b in zip(self.results[name], self.results[rival])]

    @property
    def flush_us(self):
        """p50 and p99 of a flush, the medians of the rounds."""
        return statistics.median(f[0] for f in self.flushes), statistics.median(f[1] for f in self.flushes)

    @property
    def is_disk_bound(self):
        return self.flush_us[0] > DISK_BOUND_US
