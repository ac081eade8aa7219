"""Holds the ledger, as the API shows it, against what callers were answered. Knows no sockets but the ledger's pages.

What it finds is one of three things:

    lost        a call that was answered in full, or a grant that was acknowledged, and the ledger does not have it or
                not with that amount
    doubled     somebody pays for what they should not: a call charged twice, or again on a retry, a charge above its
                price, a charge without a call
    overspent   a key above its limit or its month, an account below zero, at any point of the ledger, or an amount shown
                that is not the ledger's sum; credits that stay held though nothing is under way; a ledger that changed

A charge stands in the ledger where its call was held. So in the order of the ledger, too, no sum may pass its bound.
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
    used_in: dict = field(default_factory=collections.Counter)  # by month, as "2026-11"
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
    entries: list = field(default_factory=list)  # the ids, oldest first
    granted: dict = field(default_factory=dict)  # acknowledged grants and adjustments: id -> amount
    credited: dict = field(default_factory=dict)  # the same as the ledger has them
    unsure_credits: int = 0  # those that were sent and not answered

    @property
    def spent(self):
        return sum(key.used for key in self.keys)


class Audit:
    def __init__(self, accounts, findings):
        self.accounts, self.findings = accounts, findings
        self.keys = {key.id: key for account in accounts for key in account.keys}
        self.charged = {}  # charge id -> amount
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
            elif kind == "charge":
                self.charge(account, entry, amount)
            else:
                self.findings.add("surprises", f"an entry of the kind {kind!r}")
            if account.balance < 0:
                left = credits(account.balance)
                self.findings.add("overspent", f"{account.name} has {left} after the {kind} {entry['id']}")

    def charge(self, account, entry, amount):
        id, key, month = entry["id"], self.keys[entry["credential_id"]], entry["created_at"][:7]
        if id in self.charged:
            self.findings.add("doubled", f"the charge {id} stands twice")
        if amount != cost(entry["price"], entry["multiplier"]):
            self.findings.add("doubled", f"the charge {id} of {credits(amount)} is not price × multiplier")
        self.charged[id] = amount
        self.charges += 1
        self.charged_for[entry["model"]] += 1
        account.balance -= amount
        key.used += amount
        key.used_in[month] += amount
        key.charges += 1
        if key.limit is not None and key.used > key.limit:
            self.findings.add("overspent", f"{key.name}: {credits(key.used)} of {credits(key.limit)} after {id}")
        if key.monthly_limit is not None and key.used_in[month] > key.monthly_limit:
            used, limit = credits(key.used_in[month]), credits(key.monthly_limit)
            self.findings.add("overspent", f"{key.name}: {used} of {limit} in {month} at {id}")

    def at_rest(self, seen):
        """Judges the sums while no call is under way, right after a start. `seen`: what the upstream saw, by model."""
        for account in self.accounts:
            for id, amount in account.granted.items():
                if account.credited.get(id) != amount:
                    self.findings.add("lost", f"the acknowledged grant {id} of {credits(amount)} to {account.name}")
            beyond = len(account.credited) - len(account.granted)
            if beyond > account.unsure_credits:
                self.findings.add("doubled", f"{account.name} has {beyond} grants that nobody asked for")
        for model, calls in seen.items():
            if self.charged_for[model] > calls:
                charged = self.charged_for[model]
                self.findings.add("doubled", f"the upstream saw {calls} calls of {model}, charged {charged}")

    def shown(self, account, balance, held, available, keys):
        """Judges the amounts that the API shows. `keys`: key id -> (used, used this month, the month)."""
        expected = (account.balance, 0, account.balance)
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
