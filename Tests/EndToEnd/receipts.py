"""What a call cost, from both sides: the receipt in the headers of its answer, and the entries of the ledger.

The rules of the ledger are written down here once more, in the plainest way: a list of entries is read from the oldest
to the newest and added up. The server's own sums have to agree with that after everything that any test does.
"""

import re
import time
from dataclasses import dataclass
from decimal import Decimal

from shapes import UUID7, openai_error
from waiting import wait_until

STANDARD = 20  # what a call costs where nobody has said otherwise
MOST = Decimal("9223372036854.775807")  # Int64.max millionths
LEAST = Decimal("0.000001")

PLAIN = re.compile(r"(0|[1-9]\d*)(\.\d{0,5}[1-9])?\Z")
RECEIPT = ("X-Latchkey-Cost", "X-Latchkey-Charge", "X-Latchkey-Remaining")

OF_THE_PRICE = ("price_id", "price", "price_effective_at", "group", "multiplier_id", "multiplier", "multiplier_effective_at")
OF_THE_CALL = ("credential_id", "application_id", "model", *OF_THE_PRICE)
ENTRY = {"id", "account_id", "kind", "amount", *OF_THE_CALL, "reason", "actor_id", "created_at"}


@dataclass(frozen=True)
class Receipt:
    cost: Decimal
    charge: str | None
    remaining: Decimal


def headers_of(response):
    """(name, value) of all headers, a header that was sent twice twice; of `requests`, or of a raw answer."""
    return list(response.raw.headers.items()) if hasattr(response, "raw") else list(response.headers)


def header(response, name):
    """The value of a header that must be there no more than once; None when it isn't."""
    values = [value for key, value in headers_of(response) if key.lower() == name.lower()]
    assert len(values) <= 1, f"{name} was sent {len(values)} times"
    return values[0] if values else None


def amount(response, name):
    value = header(response, name)
    assert value is not None and PLAIN.match(value), f"{name}: {value!r} is no plain amount"
    return Decimal(value)


def receipt(response):
    """The receipt of a call that was served: all three headers, well-formed."""
    charge = header(response, "X-Latchkey-Charge")
    assert charge and UUID7.match(charge), f"X-Latchkey-Charge: {charge}"
    return Receipt(amount(response, "X-Latchkey-Cost"), charge, amount(response, "X-Latchkey-Remaining"))


def not_charged(response):
    """Asserts the receipt of a call that was admitted and not served."""
    made = Receipt(
        amount(response, "X-Latchkey-Cost"), header(response, "X-Latchkey-Charge"), amount(response, "X-Latchkey-Remaining")
    )
    assert made.cost == 0, f"a call that was not served cost {made.cost}"
    assert made.charge is None, "a call that was not served names a charge"
    return made


def refused(response):
    """Asserts what a call with a good key says that was never admitted: it cost nothing, and there is no charge."""
    assert header(response, "X-Latchkey-Cost") == "0", f"X-Latchkey-Cost: {header(response, 'X-Latchkey-Cost')}"
    assert header(response, "X-Latchkey-Charge") is None and header(response, "X-Latchkey-Remaining") is None


def denied(response, code):
    """Asserts the one answer of all three limits: OpenAI's own words, Latchkey's own code, and no use in a retry."""
    openai_error(response, 429, "insufficient_quota", denial=code)
    assert header(response, "x-should-retry") == "false"
    refused(response)


# The ledger


def charges(entries):
    return [entry for entry in entries if entry["kind"] == "charge"]


def outcome(entries, charge):
    """What the ledger has under the name of a charge: "charge", or "none"."""
    found = [entry["kind"] for entry in entries if entry["id"] == charge]
    assert found in ([], ["charge"]), f"{charge} names {found}"
    return found[0] if found else "none"


def add_up(entries):
    """The balance as the entries say, oldest first; asserts that no rule of the ledger is broken on the way."""
    balance = Decimal(0)
    ids = set()
    for entry in reversed(entries):
        assert set(entry) == ENTRY, f"members differ by {set(entry) ^ ENTRY}"
        assert entry["id"] not in ids, "an entry is there twice"
        ids.add(entry["id"])
        value = entry["amount"]
        match entry["kind"]:
            case "grant":
                assert value > 0
                balance += value
            case "adjustment":
                assert value != 0
                balance += value
            case "charge":
                assert value >= 0
                balance -= value
            case kind:
                raise AssertionError(f"there is no kind {kind}")
        # Invariant 4, at every moment of the history: a charge stands where its call was held, and was there then.
        assert balance >= 0, f"{balance} after a {entry['kind']}"
    return balance


def books_are_right(deployment, account_id):
    """Invariant 6: the balance shown is the sum of the ledger, once no call is under way. Returns the entries."""
    account = deployment.settled(account_id)
    entries = deployment.ledger(account_id)
    assert add_up(entries) == account["balance"]
    assert account["available"] == account["balance"] - account["held"]
    return entries


# Days and months


def away_from_midnight(seconds=90):
    """Waits until tomorrow when the UTC day is about to end: what is counted by day or month would be on both sides."""
    left = 86400 - time.time() % 86400
    if left < seconds:
        wait_until(time.time() + left + 1)


def day(moment=None):
    """The UTC day, as the contract writes it."""
    return time.strftime("%Y-%m-%d", time.gmtime(moment))
