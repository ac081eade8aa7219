"""Holds the ledger, as the API shows it, against what callers were answered. Knows no sockets but the ledger's pages.

What it finds is one of three things:

    lost        a call that was answered in full, or a grant that was acknowledged, and the ledger does not have it or
                not with that amount; a call that reached the upstream without a hold
    doubled     somebody pays for what they should not: a hold settled twice, a call charged again on a retry, a call
                answered as failed but charged, a charge without a call
    overspent   a key above its limit or its month, an account below zero, at any point of the ledger, or an amount shown
                that is not the ledger's sum; holds that stay open though nothing is under way; a ledger that changed

Amounts are integers of micro-credits throughout.
"""

import collections
import csv
import sys
from dataclasses import dataclass, field
from decimal import Decimal

MICRO = 1_000_000


def micro(number):
    """Micro-credits of an amount as the API writes it; a float would have lost digits, so none is taken."""
    scaled = Decimal(number) * MICRO
    assert not isinstance(number, float) and scaled == int(scaled), f"{number!r} is no amount of credits"
    return int(scaled)


def credits(amount):
    """An amount as a JSON number."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{amount // MICRO}.{amount % MICRO:06d}"


def cost(price, multiplier):
    """Price times multiplier, rounded up to a micro-credit."""
    return -(-micro(price) * micro(multiplier) // MICRO)


@dataclass
class Findings:
    """What was found wrong. `surprises` are answers that nobody promised; they fail the run, but lose nobody money."""

    lost: int = 0
    doubled: int = 0
    overspent: int = 0
    surprises: int = 0

    def add(self, kind, sentence):
        setattr(self, kind, getattr(self, kind) + 1)
        # A fault repeats itself; the first few sentences say it all.
        if self.total <= 40:
            print(f"{kind}: {sentence}", file=sys.stderr, flush=True)

    @property
    def total(self):
        return self.lost + self.doubled + self.overspent + self.surprises


@dataclass
class Key:
    """An application's key: what limits it, what the ledger says of it, and what its callers saw."""

    name: str
    id: str
    token: str
    limit: int | None = None
    monthly_limit: int | None = None
    is_idempotent: bool = False
    orders: int = 0  # idempotent calls so far
    used: int = 0
    held: int = 0
    used_in: dict = field(default_factory=collections.Counter)  # by month, as "2026-11"
    held_in: dict = field(default_factory=collections.Counter)
    charges: int = 0
    answered: int = 0  # calls answered in full
    unanswered: int = 0  # calls whose outcome the caller doesn't know
    excused: int = 0  # charges beyond the answered ones that were found and allowed in earlier rounds


@dataclass
class Account:
    """A tenant's account, as the ledger tells it."""

    name: str
    id: str
    token: str
    application: str
    keys: list
    balance: int = 0
    held: int = 0
    entries: list = field(default_factory=list)  # the ids, oldest first
    granted: dict = field(default_factory=dict)  # acknowledged grants and adjustments: id -> amount
    credited: dict = field(default_factory=dict)  # the same as the ledger has them
    unsure_credits: int = 0  # those that were sent and not answered

    @property
    def spent(self):
        return sum(key.used for key in self.keys)


@dataclass
class Hold:
    key: Key
    amount: int
    month: str


class Audit:
    def __init__(self, accounts, findings):
        self.accounts, self.findings = accounts, findings
        self.keys = {key.id: key for account in accounts for key in account.keys}
        self.open = {}  # hold id -> Hold
        self.settled = {}  # hold id -> the charge's amount, or None for a void
        self.held_for = collections.Counter()  # holds by model
        self.charged_for = collections.Counter()  # charges by model
        self.charges = 0

    def take(self, account, entries):
        """New entries of an account, oldest first."""
        for entry in entries:
            account.entries.append(entry["id"])
            kind, amount = entry["kind"], micro(entry["amount"])
            if kind in ("grant", "adjustment"):
                account.balance += amount
                account.credited[entry["id"]] = amount
            elif kind == "hold":
                self.hold(account, entry, amount)
            elif kind in ("charge", "void"):
                self.settle(account, entry, kind, amount)
            else:
                self.findings.add("surprises", f"an entry of the kind {kind!r}")
            if account.balance - account.held < 0:
                left = credits(account.balance - account.held)
                self.findings.add("overspent", f"{account.name} has {left} after the {kind} {entry['id']}")

    def hold(self, account, entry, amount):
        key = self.keys[entry["credential_id"]]
        month = entry["created_at"][:7]
        if entry["id"] in self.open or entry["id"] in self.settled:
            self.findings.add("doubled", f"the hold {entry['id']} stands twice")
        if amount != cost(entry["price"], entry["multiplier"]):
            self.findings.add("doubled", f"the hold {entry['id']} of {credits(amount)} is not price × multiplier")
        self.open[entry["id"]] = Hold(key, amount, month)
        self.held_for[entry["model"]] += 1
        account.held += amount
        key.held += amount
        key.held_in[month] += amount
        if key.limit is not None and key.used + key.held > key.limit:
            self.findings.add(
                "overspent", f"{key.name}: {credits(key.used + key.held)} of {credits(key.limit)} after {entry['id']}"
            )
        month_sum = key.used_in[month] + key.held_in[month]
        if key.monthly_limit is not None and month_sum > key.monthly_limit:
            limit = credits(key.monthly_limit)
            self.findings.add("overspent", f"{key.name}: {credits(month_sum)} of {limit} in {month} at {entry['id']}")

    def settle(self, account, entry, kind, amount):
        id = entry["hold_id"]
        if id in self.settled:
            self.findings.add("doubled", f"the hold {id} is settled again, with the {kind} {entry['id']}")
        hold = self.open.pop(id, None)
        if hold is None:
            if id not in self.settled:
                self.findings.add("doubled", f"the {kind} {entry['id']} is of no hold of this account")
        else:
            account.held -= hold.amount
            hold.key.held -= hold.amount
            hold.key.held_in[hold.month] -= hold.amount
        if kind == "void":
            self.settled.setdefault(id, None)
            return
        key = hold.key if hold else self.keys[entry["credential_id"]]
        month = hold.month if hold else entry["created_at"][:7]
        if hold and amount != hold.amount:
            sentence = f"{credits(amount)} was charged on the hold {id} of {credits(hold.amount)}"
            self.findings.add("doubled" if amount > hold.amount else "lost", sentence)
        self.settled[id] = amount
        self.charges += 1
        self.charged_for[entry["model"]] += 1
        account.balance -= amount
        key.used += amount
        key.used_in[month] += amount
        key.charges += 1

    def at_rest(self, seen):
        """Judges the sums while no call is under way, right after a start. `seen`: what the upstream saw, by model."""
        for id, hold in list(self.open.items()):
            self.findings.add("overspent", f"the hold {id} of {hold.key.name} is still open after the start")
        for account in self.accounts:
            for id, amount in account.granted.items():
                if account.credited.get(id) != amount:
                    self.findings.add("lost", f"the acknowledged grant {id} of {credits(amount)} to {account.name}")
            beyond = len(account.credited) - len(account.granted)
            if beyond > account.unsure_credits:
                self.findings.add("doubled", f"{account.name} has {beyond} grants that nobody asked for")
        for model, calls in seen.items():
            if calls > self.held_for[model]:
                self.findings.add("lost", f"the upstream saw {calls} calls of {model}, held {self.held_for[model]}")
            if self.charged_for[model] > calls:
                charged = self.charged_for[model]
                self.findings.add("doubled", f"the upstream saw {calls} calls of {model}, charged {charged}")

    def shown(self, account, balance, held, available, keys):
        """Judges the amounts that the API shows. `keys`: key id -> (used, used this month, the month)."""
        expected = (account.balance, account.held, account.balance - account.held)
        if (balance, held, available) != expected:
            self.findings.add(
                "overspent",
                f"{account.name} is shown {credits(balance)}, {credits(held)}, {credits(available)}; "
                f"the ledger says {', '.join(map(credits, expected))}",
            )
        for key in account.keys:
            used, used_this_month, month = keys[key.id]
            if (used, used_this_month) != (key.used, key.used_in[month]):
                self.findings.add(
                    "overspent",
                    f"{key.name} is shown {credits(used)} and {credits(used_this_month)} in {month}; "
                    f"the ledger says {credits(key.used)} and {credits(key.used_in[month])}",
                )

    def usage(self, account, usage):
        """Judges what `/api/v1/usage` says. `usage`: key id -> (calls, amount)."""
        for key in account.keys:
            if usage.get(key.id, (0, 0)) != (key.charges, key.used):
                calls, amount = usage.get(key.id, (0, 0))
                self.findings.add(
                    "overspent",
                    f"{key.name}'s usage is {calls} calls of {credits(amount)}; "
                    f"the ledger says {key.charges} of {credits(key.used)}",
                )

    def export(self, account, lines):
        """Holds the whole ledger, as CSV, against what was read page by page as it grew: nothing may have changed."""
        ids, balance = [], 0
        for row in csv.DictReader(lines):
            ids.append(row["id"])
            if row["kind"] in ("grant", "adjustment"):
                balance += micro(row["amount"])
            elif row["kind"] == "charge":
                balance -= micro(row["amount"])
        if ids[::-1] != account.entries:
            self.findings.add("overspent", f"{account.name}'s ledger is not the one that was read as it grew")
        if balance != account.balance:
            self.findings.add("overspent", f"{account.name}'s export sums up to {credits(balance)}")
