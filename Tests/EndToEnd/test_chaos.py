"""Credits survive everything that a process and a disk can do: rounds of kill -9 under load, a disk whose flushes and
writes fail, a full disk (invariants 4, 5, 6 and 11).

The programs are in Tests/Chaos and can be run by hand. Here they run for a short while, or with `make test-long` for a
long one, and what they would find is found in ledgers that are wrong on purpose.
"""

import os
import re
import subprocess
import sys
from decimal import Decimal

import pytest

from length import length
from server import BINARY, REPOSITORY

CHAOS = REPOSITORY / "Tests" / "Chaos"
sys.path.append(str(CHAOS))

from audit import Account, Audit, Findings, Key
from notes import Answer, Call, Notes

ROUNDS, TIMES = length((8, 1), (200, 10))
DEADLINE = length(90.0, 900.0)
SKIPPED = 77
LAST_LINE = re.compile(r"rounds=(\d+) served=(\d+) charged=(\d+) lost=(\d+) doubled=(\d+) overspent=(\d+)")


def run(*arguments):
    """Runs one of the programs to its end: (exit code, last line, everything it printed)."""
    environment = os.environ | {"LATCHKEY_BIN": str(BINARY)}
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        stdout, stderr = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        # First asked, so that it ends its server and its mount; then made to.
        process.terminate()
        try:
            stdout, stderr = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
        raise AssertionError(f"not done within {DEADLINE} s\n{stdout[-3000:]}\n{stderr[-5000:]}")
    return process.returncode, (stdout.splitlines() or [""])[-1], f"{stdout[-3000:]}\n{stderr[-5000:]}"


def judge(code, line, output, rounds=None):
    counted = LAST_LINE.fullmatch(line)
    assert counted, f"the last line is {line!r}\n{output}"
    played, served, charged, *wrong = map(int, counted.groups())
    assert wrong == [0, 0, 0], output
    assert rounds in (None, played), output
    assert 0 < served <= charged, output
    assert code == 0, output


@pytest.mark.long
def test_kills_lose_and_double_nothing():
    judge(*run(CHAOS / "chaos.py", "--rounds", ROUNDS), rounds=ROUNDS)


@pytest.mark.long
@pytest.mark.parametrize("fault", ["fsync", "write", "disk"])
def test_a_failing_disk_loses_and_doubles_nothing(fault):
    code, line, output = run(CHAOS / "faults.py", fault, "--times", TIMES)
    if code == SKIPPED:
        pytest.skip(line)
    judge(code, line, output)


# What the programs would find. A judge that never finds anything is no judge.


class Books:
    """A ledger as the API shows it, written by hand: one account, one key, calls of two credits."""

    def __init__(self, limit=None, monthly_limit=None, is_idempotent=False, grant=10):
        self.findings = Findings()
        self.notes = Notes(self.findings)
        self.key = Key("the key", "key", "sk-", limit, monthly_limit, is_idempotent)
        self.account = Account("the account", "account", "token", "application", [self.key])
        self.audit = Audit([self.account], self.findings)
        self.upstream_saw = {}
        self.entry("grant", "grant", grant)

    def entry(self, kind, id, amount=2):
        terms = {"price": Decimal(2), "multiplier": Decimal(1), "model": "m", "credential_id": "key"}
        entry = {"id": id, "kind": kind, "amount": Decimal(amount), "created_at": "2026-11-21T10:00"}
        self.audit.take(self.account, [entry | terms])
        return self

    def call(self, number):
        """The charge of a call."""
        return self.entry("charge", f"charge-{number}")

    def new_call(self):
        made = Call(key=self.key, request=b"", may_fail=True, is_idempotent=self.key.is_idempotent)
        if made.is_idempotent:
            self.notes.pending.append(made)
        return made

    def answered(self, number, status=200, cost=2, call=None, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"x-latchkey-cost": str(cost), "x-latchkey-remaining": "0"}
        if cost:
            headers["x-latchkey-charge"] = f"charge-{number}"
        answer = Answer(status, headers, b"{}", is_whole=True)
        self.notes.note(call or self.new_call(), answer)
        return self

    def cut(self, call=None):
        self.notes.note(call or self.new_call(), Answer())
        return self

    def sent(self, calls):
        self.upstream_saw = {"m": calls}
        return self

    def acknowledged(self, id, amount):
        self.account.granted[id] = amount
        return self

    def found(self):
        self.audit.at_rest(self.upstream_saw)
        self.notes.at_rest(self.audit)
        return {kind for kind in ("lost", "doubled", "overspent", "surprises") if getattr(self.findings, kind)}


def retried(books, *answers):
    """One idempotent call with several answers, each as (number, headers)."""
    call = books.new_call()
    for number, headers in answers:
        books.answered(number, call=call, **headers)
    return books


REPLAY = {"idempotency_replayed": "true"}

RIGHT = {
    "a grant": lambda: Books().acknowledged("grant", 10_000_000),
    "a call": lambda: Books().call(1).answered(1),
    "a failed call": lambda: Books().answered(1, status=502, cost=0),
    "killed before the charge": lambda: Books().cut(),
    "killed between charge and answer": lambda: Books().call(1).cut(),
    "to the limit": lambda: Books(limit=4_000_000).call(1).call(2).answered(1).answered(2),
    "a replay": lambda: retried(Books(is_idempotent=True).call(1), (1, {}), (1, REPLAY)),
}

WRONG = {
    "answered and absent": ("lost", lambda: Books().answered(1)),
    "another amount than was said": ("lost", lambda: Books().call(1).answered(1, cost=3)),
    "charged twice": ("doubled", lambda: Books().call(1).call(1).answered(1)),
    "charged twice under two names": ("doubled", lambda: Books().call(1).call(2).answered(1)),
    "refused and charged": ("doubled", lambda: Books().call(1).answered(1, status=502, cost=0)),
    "refused with a charge": ("doubled", lambda: Books().call(1).answered(1, status=502)),
    "charged and never made": ("doubled", lambda: Books().call(1)),
    "more than the price": ("doubled", lambda: Books().entry("charge", "charge-1", 3).answered(1, cost=3)),
    "a retry charged again": ("doubled", lambda: retried(Books(is_idempotent=True).call(1).call(2), (1, {}), (2, {}))),
    "a lost answer charged again": ("doubled", lambda: retried(Books(is_idempotent=True).call(1).call(2), (2, {}))),
    "above the limit": ("overspent", lambda: Books(limit=3_000_000).call(1).call(2).answered(1).answered(2)),
    "above the month": ("overspent", lambda: Books(monthly_limit=3_000_000).call(1).call(2).answered(1).answered(2)),
    "below zero": ("overspent", lambda: Books(grant=3).call(1).call(2).answered(1).answered(2)),
    "charged without being sent": ("doubled", lambda: Books().call(1).answered(1).sent(0)),
    "a grant that is gone": ("lost", lambda: Books().acknowledged("another", 1)),
}


def books(make):
    made = make()
    # The one grant of these books was asked for, unless the case is about grants.
    made.account.granted or made.acknowledged("grant", made.account.credited["grant"])
    return made


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT.keys())
def test_right_books_are_found_right(make):
    assert books(make).found() == set()


@pytest.mark.parametrize("kinds, make", WRONG.values(), ids=WRONG.keys())
def test_wrong_books_are_found_wrong(kinds, make):
    assert books(make).found() == ({kinds} if isinstance(kinds, str) else kinds)
