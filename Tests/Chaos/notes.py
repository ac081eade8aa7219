"""What callers were answered: every call is noted here when its answer, or the want of one, is known, and held against
the ledger when the server is at rest again."""

import collections
import json
from dataclasses import dataclass, field

from audit import Key, credits, micro

# The answers that say that somebody's credits are used up.
USED_UP = {"credit_limit_reached", "monthly_limit_reached", "insufficient_credits"}


@dataclass
class Answer:
    """As much of an answer as came. `status` is None when not even the head did."""

    status: int | None = None
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    is_whole: bool = False

    @property
    def charge(self):
        return self.headers.get("x-latchkey-charge")

    @property
    def code(self):
        """The reason of a refusal."""
        try:
            return self.headers.get("x-latchkey-code") or json.loads(self.body)["error"]["code"]
        except (ValueError, KeyError, TypeError):
            return None


@dataclass
class Call:
    """One call as its caller means it. One with an Idempotency-Key may be sent many times and is still one call."""

    key: Key
    request: bytes
    streams: bool = False
    may_fail: bool = False  # the upstream is asked to fail, at least at first
    can_serve: bool = True  # the upstream is asked to answer well, at least in the end
    is_idempotent: bool = False
    leave_after: float | None = None  # the caller goes away after so many seconds
    # Of an idempotent call: what is known of it so far.
    charge: str | None = None
    cost: int | None = None
    body: bytes | None = None
    was_first: bool = False  # an answer came that was no replay
    unsure_since: int | None = None  # the round of the last attempt without an answer


class Notes:
    def __init__(self, findings):
        self.findings = findings
        self.round = 0
        self.served = 0
        self.replayed = 0
        self.broken_off = 0
        self.codes = collections.Counter()  # refusals and failures, by code
        self.is_tolerant = False  # faults are injected: any call may be refused with a 5xx
        self.refused_by_fault = 0
        self.pending = []  # idempotent calls without an answer
        self.done = collections.deque(maxlen=64)  # the last idempotent calls that have theirs
        self.answered = {}  # charge id -> cost, or None when the answer didn't say

    def note(self, call, answer, is_again=False):
        """`is_again`: the call was known to be answered before this attempt began."""
        status, is_served = answer.status, answer.status == 200 and answer.is_whole
        if is_served and call.streams and not self.ends_well(answer):
            self.note_broken_off(call, answer)
        elif is_served:
            self.note_served(call, answer)
        elif status is None or status == 200:
            self.note_unsure(call)
        elif status == 409 and call.is_idempotent and answer.code == "idempotency_in_flight":
            self.codes[answer.code] += 1
        elif status == 409 and call.is_idempotent and answer.code == "idempotency_not_replayable":
            self.codes[answer.code] += 1
            # A plain answer is stored with its charge, unless the server was killed between the two.
            if not call.streams and call.unsure_since is None:
                self.findings.add("surprises", "a short answer could not be replayed")
            self.settle(call, answer.charge, None)
        else:
            self.note_failed(call, answer, is_again)

    @staticmethod
    def ends_well(answer):
        return answer.body.rstrip().endswith(b"data: [DONE]") or answer.headers.get("idempotency-replayed") == "true"

    def note_served(self, call, answer):
        charge, cost = answer.charge, answer.headers.get("x-latchkey-cost")
        if charge is None or cost is None:
            self.findings.add("lost", f"an answer to {call.key.name} names no charge or no cost")
            call.key.unanswered += 1
            return
        if not call.can_serve:
            self.findings.add("surprises", "a call that its upstream fails was answered with success")
        remaining = answer.headers.get("x-latchkey-remaining")
        if remaining is not None and micro(remaining) < 0:
            self.findings.add("overspent", f"{call.key.name} is told that {remaining} remains")
        if not call.is_idempotent:
            self.served += 1
            call.key.answered += 1
            self.answered[charge] = micro(cost)
            return
        if answer.headers.get("idempotency-replayed") == "true":
            self.replayed += 1
        elif call.was_first:
            self.findings.add("doubled", f"an idempotent call of {call.key.name} was served again, under {charge}")
        else:
            call.was_first = True
        if call.body not in (None, answer.body) and not call.streams:
            self.findings.add("surprises", f"a replay of {charge} is another answer")
        call.body = answer.body
        self.settle(call, charge, micro(cost))

    def note_broken_off(self, call, answer):
        """A stream that its upstream left after the first content: not served whole, and charged when it ends."""
        self.broken_off += 1
        if call.is_idempotent:
            self.settle(call, answer.charge, None)
        else:
            call.key.answered += 1
            self.answered[answer.charge] = None

    def settle(self, call, charge, cost):
        """An idempotent call is known to have been served."""
        if call.charge is None:
            call.charge, call.cost = charge, cost
            self.served += cost is not None
            call.key.answered += 1
            self.pending.remove(call)
            self.done.append(call)
        elif charge != call.charge:
            self.findings.add("doubled", f"an idempotent call of {call.key.name} is under {call.charge} and {charge}")
        elif None not in (cost, call.cost) and cost != call.cost:
            self.findings.add("doubled", f"a replay of {charge} costs {credits(cost)} instead of {credits(call.cost)}")
        self.answered[charge] = cost if call.cost is None else call.cost

    def note_unsure(self, call):
        if not call.is_idempotent:
            call.key.unanswered += 1
        elif call.charge is None:
            call.unsure_since = self.round

    def note_failed(self, call, answer, is_again):
        cost = answer.headers.get("x-latchkey-cost")
        self.codes[answer.code or answer.status] += 1
        if cost is not None and micro(cost) != 0:
            self.findings.add("doubled", f"an answer with the status {answer.status} says that it costs {cost}")
        if answer.charge is not None:
            self.findings.add("doubled", f"an answer with the status {answer.status} names the charge {answer.charge}")
        # An attempt that was held itself, in a later round, says that of the earlier ones nothing is left.
        if "x-latchkey-remaining" in answer.headers and call.unsure_since is not None and call.unsure_since < self.round:
            call.unsure_since = None
        if self.is_tolerant and answer.status >= 500:
            self.refused_by_fault += not call.may_fail
        elif is_again:
            self.findings.add("surprises", f"{call.charge} was answered, and its replay is a {answer.status}")
        elif answer.code in USED_UP and answer.status == 429:
            pass
        elif not call.may_fail:
            text = answer.body[:200].decode("utf-8", "replace")
            self.findings.add("surprises", f"{call.key.name} was answered {answer.status} {text}")

    def at_rest(self, audit):
        """Holds the notes since the last time against the ledger. No call may be under way."""
        for charge, cost in self.answered.items():
            charged = audit.charged.get(charge)
            if charged is None:
                self.findings.add("lost", f"a call was answered in full and its charge {charge} is not there")
            elif cost not in (None, charged):
                self.findings.add("lost", f"{charge} was said to cost {credits(cost)}, and {credits(charged)} is charged")
        self.answered.clear()
        unsure = collections.Counter(call.key.id for call in self.pending if call.unsure_since is not None)
        for key in audit.keys.values():
            # Some charges are of calls whose answer nobody saw; more than those were never made, or refused.
            beyond = key.charges - key.answered
            allowed = unsure[key.id] if key.is_idempotent else key.unanswered
            if beyond - key.excused > allowed:
                self.findings.add(
                    "doubled", f"{key.name} has {beyond - key.excused} charges more than answers, and {allowed} unsure"
                )
                key.excused = beyond - (allowed if key.is_idempotent else 0)
            elif not key.is_idempotent:
                key.excused = beyond
            key.unanswered = 0
