"""One of several pytest processes that share the suite file by file, each with servers of its own.

Every shard collects the whole suite, and takes a file when it is free for the next one: who makes the file's name in
the directory of claims runs it. So no table of durations has to be right. Tests marked `at_the_start` and `at_the_end`
run in every shard: each judges all that its own servers answered and wrote.
"""

import os
from itertools import chain
from pathlib import Path

import pytest

# Set by shards.py: a directory that all shards of one run share.
CLAIMS = os.environ.get("LATCHKEY_TEST_CLAIMS")

# These take longest. One that is begun last is waited for by a shard that has nothing left to do.
LONGEST_FIRST = ("test_authorization", "test_revocation", "test_rotation", "test_reveal", "test_chaos", "test_credits")


class Shard:
    def __init__(self, claims):
        self.claims = Path(claims)

    def takes(self, name):
        """Whether this shard is the first that asks for the file."""
        try:
            (self.claims / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def items(self, collected):
        """What this shard runs, in order. A file is claimed when the one before is at its last test."""

        def marked(name):
            return [item for item in collected if item.get_closest_marker(name)]

        first, last = marked("at_the_start"), marked("at_the_end")
        files = {}
        for item in collected:
            if item not in first and item not in last:
                files.setdefault(item.path.stem, []).append(item)
        yield from first
        for name in sorted(files, key=lambda name: (name not in LONGEST_FIRST, name)):
            if self.takes(name):
                yield from files[name]
        yield from last

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session):
        """pytest's own loop, but for where the items come from."""
        if session.testsfailed:
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        coming = self.items(session.items)
        item = next(coming, None)
        for following in chain(coming, [None]):
            if item is None:
                break
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
            item = following
        return True
