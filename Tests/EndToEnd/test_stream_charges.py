"""The disconnect rule (design §7): a call is charged once its answer has begun, and costs nothing when it hasn't.

The connection to the upstream and the one to the caller are cut at every stage of a stream, and the ledger is asked
what it made of it. Every way a stream can begin without content is here as well: silence, comments, a role and nothing
more, an error behind a friendly 200.
"""

import collections
import contextlib
import json
import socket
import struct
import threading

import pytest
import requests

from burst import chat_request
from client import expect, unique
from raw_http import parse
from receipts import (
    STANDARD,
    books_are_right,
    charges,
    header,
    not_charged,
    outcome,
    receipt,
)
from shapes import openai_error
from upstream import CHUNKS, INSIDE, STEPS
from waiting import wait_for

CONTENT = ("role", "content")
END = ("finish", "done", "end")


@pytest.fixture(scope="module")
def streamer(_deployment, upstream):
    """A tenant whose app does what the script in the body says."""
    made = _deployment.new_tenant("Streamer")
    made.app = made.upstream_application(model="script")
    made.app_key = made.key(made.app["id"])
    return made


def play(tenant, *steps, stream=True, **fields):
    """A call whose upstream takes these steps, read to wherever it ends: (the answer, the payloads of its events)."""
    answer = tenant.client.chat(
        tenant.app_key,
        model="script",
        script=list(steps),
        stream=stream,
        stream_to_caller=True,
        through_upstream=True,
        **fields,
    )
    body = b""
    with contextlib.suppress(requests.RequestException):
        for piece in answer.iter_content(None):
            body += piece
    answer._content = body  # what came is what `text` and `json` read, also when the end is missing
    return answer, [line[5:].lstrip() for line in answer.text.splitlines() if line.startswith("data:")]


def verdict(tenant, answer):
    """What the ledger says of an answered call, which must be what its receipt said: "charge", or "none"."""
    made = receipt(answer) if header(answer, "X-Latchkey-Charge") else not_charged(answer)
    tenant.settled()
    said = outcome(tenant.ledger(), made.charge)
    assert (said == "charge") == (made.cost > 0), f"the receipt says {made.cost}, the ledger says {said}"
    return said


# The upstream breaks off


NOTHING_BEGUN = {
    "before the head": ["cut"],
    "after the head": ["head", "cut"],
    "after a comment": ["head", "comment", "cut"],
    "after comments and no choices": ["head", "comment", "no-choices", "comment", "cut"],
    "after the role only": ["head", "role", "cut"],
    "in the middle of the first content": ["head", "content-start", "cut"],
    "an error first": ["head", "error", "end"],
    "an error first, then cut": ["head", "error", "cut"],
    "an error first, then content": ["head", "error", "content", "done", "end"],
    "an error without blanks": ["head", "error-tight", "end"],
    "an error with a name": ["head", "error-named", "end"],
    "an error on two lines": ["head", "error-spread", "end"],
    "an error in two packets": ["head", "error-start", "error-rest", "end"],
    "an error cut short": ["head", "error-start", "cut"],
    "an error after a comment": ["head", "comment", "error", "end"],
    "an error after the role": ["head", "role", "error", "end"],
    "an empty choice, then an error": ["head", "empty-choice", "error", "end"],
    "an empty finish_reason, then an error": ["head", "no-choice", "error", "end"],
    "code and message": ["head", "plain-error", "end"],
    "a detail": ["head", "detail-error", "end"],
    "a choice that is an error": ["head", "choice-error", "end"],
    "the operator's empty account": ["head", "quota-error", "end"],
    "[DONE] and nothing else": ["head", "done", "end"],
    "nothing": ["head", "end"],
    "a role and the end": ["head", "role", "done", "end"],
    "pings and no word": ["head", "ping", "comment", "done", "end"],
    "an error under the label JSON": ["head-json", "error", "end"],
    "an error without a label": ["head-bare", "error", "end"],
}

BEGUN = {
    "after the first content": ["head", "content", "cut"],
    "after the role and content": ["head", *CONTENT, "cut"],
    "after much content": ["head", "role", *["content"] * 20, "cut"],
    "after content in two packets": ["head", "content-start", "content-rest", "cut"],
    "before the end of a text": ["head", *CONTENT, "finish", "cut"],
    "before [DONE]": ["head", *CONTENT, "finish", "end"],
    "after [DONE], before the end of the body": ["head", *CONTENT, "finish", "done", "cut"],
    "an error after content": ["head", *CONTENT, "error", "end"],
    "an error after content, then cut": ["head", *CONTENT, "error", "cut"],
    "a call of a tool": ["head", "tool", "cut"],
    "an error that is null": ["head", "null-error", "cut"],
    "errors that are none": ["head", "odd-errors", "finish", "done", "end"],
    "no [DONE] and no finish": ["head", *CONTENT, "end"],
    "code and message after content": ["head", *CONTENT, "plain-error", "end"],
    "labelled as JSON": ["head-json", *CONTENT, *END],
    "without a label": ["head-bare", *CONTENT, *END],
    "[DONE] without a blank line": ["head", *CONTENT, "finish", "done-bare", "end"],
    "content that talks of errors": ["head", "says-error", "cut"],
    "the whole": ["head", *CONTENT, *END],
    "the whole, with a comment first": ["head", "comment", "no-choices", *CONTENT, *END],
}


@pytest.mark.parametrize("steps", NOTHING_BEGUN.values(), ids=NOTHING_BEGUN)
def test_what_has_not_begun_costs_nothing(streamer, steps):
    """And since nothing has gone out yet, the caller gets a status that says so."""
    before = streamer.settled()["balance"]
    answer, _ = play(streamer, *steps)
    openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
    assert "fell over" not in answer.text, "the upstream's own words"
    not_charged(answer)
    assert verdict(streamer, answer) == "none"
    assert streamer.balance() == before


@pytest.mark.parametrize("steps", BEGUN.values(), ids=BEGUN)
def test_what_has_begun_is_charged(streamer, steps):
    before = streamer.settled()["balance"]
    answer, payloads = play(streamer, *steps)
    expect(answer, 200)
    assert receipt(answer).cost == STANDARD
    assert verdict(streamer, answer) == "charge"
    assert streamer.balance() == before - STANDARD
    assert answer.headers["content-type"].split(";")[0] == "text/event-stream"
    is_done = "done" in steps or "done-bare" in steps
    is_whole = is_done or steps[-2:] == ["finish", "end"]
    assert ("[DONE]" in payloads) == is_done
    if not is_whole:
        told = json.loads(payloads[-1])["error"]
        assert told["code"] == "upstream_failed", "a stream that broke must not look complete"
    assert "fell over" not in answer.text and INSIDE not in answer.text, "the upstream's own words"
    if is_whole:
        assert not [payload for payload in payloads if payload != "[DONE]" and json.loads(payload).get("error")]


def test_what_comes_before_the_content_is_passed_on_with_it(streamer):
    """Waiting for the first content loses nothing of what stood before it, not a byte."""
    answer = streamer.client.chat(
        streamer.app_key,
        model="script",
        script=["head", "comment", "no-choices", *CONTENT, *END],
        stream=True,
        through_upstream=True,
    )

    def data(step):
        return STEPS[step].split(b"\r\n", 1)[1][:-2]

    wanted = b"".join(data(step) for step in ("comment", "no-choices", *CONTENT, "finish", "done"))
    assert answer.content == wanted.replace(b'"upstream-script"', b'"script"')


@pytest.mark.parametrize("steps", [["cut"], ["failure"], ["refusal"], ["json-part", "cut"]], ids=" ".join)
def test_a_short_answer_that_fails_costs_nothing(streamer, steps):
    answer, _ = play(streamer, *steps, stream=False)
    assert answer.status_code == (400 if "refusal" in steps else 502)
    not_charged(answer)
    assert verdict(streamer, answer) == "none"


def test_a_short_answer_is_charged(streamer):
    answer, _ = play(streamer, "json", stream=False)
    assert verdict(streamer, expect(answer, 200)) == "charge"
    # Also when somebody asked for a stream and got none.
    answer, _ = play(streamer, "json", stream=True)
    assert verdict(streamer, expect(answer, 200)) == "charge"


def test_what_was_given_back_can_be_spent(deployment, upstream):
    """With the credits of one call: each failure gives them back, and in the end they buy one answer."""
    tenant = deployment.new_tenant(credits=STANDARD)
    tenant.app_key = tenant.key(tenant.upstream_application(model="script")["id"], limited_amount=STANDARD)
    for steps in list(NOTHING_BEGUN.values())[:8]:
        answer, _ = play(tenant, *steps)
        expect(answer, 502)
        tenant.settled()
    answer, _ = play(tenant, "head", *CONTENT, *END)
    assert verdict(tenant, expect(answer, 200)) == "charge"
    answer, _ = play(tenant, "head", *CONTENT, *END)
    assert answer.status_code == 429
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


# The upstream falls silent (0.8 s of silence, 3 s in all)


@pytest.fixture(scope="module")
def quick_streamer(_quick):
    made = _quick.new_tenant("Quick streamer")
    made.app = made.upstream_application(model="script")
    made.app_key = made.key(made.app["id"])
    return made


@pytest.mark.parametrize(
    "steps", [["wait"], ["head", "wait"], ["head", "comment", "wait"], ["head", "role", "wait"]], ids=" ".join
)
def test_silence_before_the_content_costs_nothing(quick_streamer, steps):
    answer, _ = play(quick_streamer, *steps, marker=unique("silent"))
    openai_error(answer, 504, "upstream_timeout", denial="upstream_timeout")
    assert verdict(quick_streamer, answer) == "none"


@pytest.mark.parametrize("steps", [["head", "content", "wait"], ["head", *CONTENT, "finish", "wait"]], ids=" ".join)
def test_silence_after_the_content_is_charged(quick_streamer, steps):
    answer, payloads = play(quick_streamer, *steps, marker=unique("silent"))
    expect(answer, 200)
    assert json.loads(payloads[-1])["error"]["code"] == "upstream_timeout"
    assert verdict(quick_streamer, answer) == "charge"


def test_comments_for_ever_are_no_answer(quick_streamer):
    """Never silent, and never a word: the time for a whole answer ends it, and it costs nothing."""
    answer, _ = play(quick_streamer, "head", *["comment"] * 1000, "wait", marker=unique("comments"))
    assert answer.status_code in (502, 504), answer.text
    not_charged(answer)
    assert verdict(quick_streamer, answer) == "none"


# The caller leaves


class Leaver:
    """A caller by bare socket, who leaves when told to, politely or with a reset."""

    def __init__(self, tenant, *steps, stream=True):
        self.marker = unique("leaver")
        raw = chat_request(tenant.app_key, model="script", script=list(steps), marker=self.marker, stream=stream)
        self.connection = socket.create_connection(("127.0.0.1", tenant.client.server.port), timeout=10)
        self.connection.sendall(raw)
        self.received = b""

    def read_until(self, text):
        while text not in self.received:
            data = self.connection.recv(65536)
            assert data, f"closed by the server after {self.received!r}"
            self.received += data
        return parse(self.received, False)[0]

    def leave(self, with_reset):
        if with_reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def counts_of(tenant):
    """How many calls were not served, by the reason."""
    counted = collections.Counter()
    for item in tenant.refused_calls()["items"]:
        counted[item["code"]] += item["calls"]
    return counted


@pytest.mark.parametrize("with_reset", [False, True], ids=["closing", "resetting"])
@pytest.mark.parametrize(
    "steps",
    [["wait"], ["head", "wait"], ["head", "comment", "wait"], ["head", "role", "wait"]],
    ids=["before the head", "after the head", "after a comment", "after the role only"],
)
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain"])
def test_who_leaves_before_the_answer_pays_nothing(streamer, upstream, steps, with_reset, stream):
    before, known = streamer.settled()["balance"], counts_of(streamer)
    leaver = Leaver(streamer, *steps, *CONTENT, *END, stream=stream)
    upstream.wait_recorded(leaver.marker)
    leaver.leave(with_reset)
    upstream.wait_recorded(leaver.marker, state="peer gone")
    upstream.release(leaver.marker)
    assert streamer.settled()["balance"] == before
    assert counts_of(streamer) - known == {"caller_left": 1}


@pytest.mark.parametrize("with_reset", [False, True], ids=["closing", "resetting"])
@pytest.mark.parametrize(
    "steps, seen",
    [
        (["head", "content", "wait", *END], b"word "),
        (["head", *CONTENT, "finish", "wait", "done", "end"], b'"stop"'),
        (["head", *CONTENT, "finish", "done", "wait", "end"], b"[DONE]"),
    ],
    ids=["after content", "before [DONE]", "after [DONE]"],
)
def test_who_leaves_in_the_middle_of_the_answer_pays(streamer, upstream, steps, seen, with_reset):
    """Whether or not the caller stays: the provider has worked, and is paid."""
    before = streamer.settled()["balance"]
    leaver = Leaver(streamer, *steps)
    answer = leaver.read_until(seen)
    made = answer.header("X-Latchkey-Charge")
    assert answer.status == 200 and answer.header("X-Latchkey-Cost") == "20"
    leaver.leave(with_reset)
    upstream.wait_recorded(leaver.marker, state="peer gone")
    upstream.release(leaver.marker)
    assert streamer.settled()["balance"] == before - STANDARD
    assert outcome(streamer.ledger(), made) == "charge"


def test_who_leaves_while_the_charge_is_made_pays_or_does_not(streamer, upstream):
    """A crowd that leaves at the moment in which the content comes: each call is one or the other, none stays open."""
    before, known = streamer.settled()["balance"], (len(charges(streamer.ledger())), counts_of(streamer).total())
    leavers = [Leaver(streamer, "head", "wait", *CONTENT, *END) for _ in range(20)]
    for leaver in leavers:
        upstream.wait_recorded(leaver.marker)

    def release_all():
        for leaver in leavers:
            upstream.release(leaver.marker)

    releasing = threading.Thread(target=release_all)
    releasing.start()
    for number, leaver in enumerate(leavers):
        leaver.leave(with_reset=number % 2 == 0)
    releasing.join(20)
    after = streamer.settled()["balance"]
    charged = len(charges(streamer.ledger())) - known[0]
    assert charged + counts_of(streamer).total() - known[1] == 20
    assert before - after == charged * STANDARD


@pytest.mark.race
def test_who_asks_and_leaves_at_once_leaves_nothing_open(streamer):
    """Before the server has even read the request, or in the middle of it."""
    before = streamer.settled()["balance"]
    raw = chat_request(streamer.app_key, model="json")
    for cut in [len(raw)] * 10 + [len(raw) - 1, len(raw) // 2, 40]:
        with socket.create_connection(("127.0.0.1", streamer.client.server.port), timeout=10) as connection:
            connection.sendall(raw[:cut])
    # Calls that are served meanwhile are not disturbed.
    for _ in range(3):
        answer, _ = play(streamer, "head", *CONTENT, *END)
        expect(answer, 200)
    wait_for("the last of them", lambda: streamer.account_now()["held"] == 0)
    entries = books_are_right(streamer.deployment, streamer.account["id"])
    spent = before - streamer.balance()
    assert spent % STANDARD == 0 and 3 * STANDARD <= spent <= 13 * STANDARD
    assert charges(entries)[0]["amount"] == STANDARD


# The echo provider, and the end of an answer


def test_an_echo_that_nobody_reads_to_its_end_is_charged(deployment):
    tenant = deployment.new_tenant(credits=1000)
    key = tenant.key(tenant.application()["id"])
    raw = chat_request(key, stream=True)
    for _ in range(10):
        with socket.create_connection(("127.0.0.1", deployment.server.port), timeout=10) as connection:
            connection.sendall(raw)
            assert connection.recv(1) == b"H"
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 10
    assert tenant.balance() == 800


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_an_answer_that_has_ended_is_charged_for_good(own_deployment, upstream, stream):
    """Invariant 5: the charge is on disk before the answer ends. kill -9 right after the last byte loses none."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(credits=1000)
    tenant.app_key = tenant.key(tenant.upstream_application(model="script")["id"])
    made = []
    for number in range(4):
        answer, payloads = play(tenant, *(("head", *CONTENT, *END) if stream else ("json",)), stream=stream)
        deployment.server.kill()
        made.append(receipt(expect(answer, 200)).charge)
        assert not stream or payloads[-1] == "[DONE]"
        deployment.server.start()
        entries = books_are_right(deployment, tenant.account["id"])
        assert [outcome(entries, charge) for charge in made] == ["charge"] * (number + 1)
    assert tenant.balance() == 1000 - 4 * STANDARD


def test_a_crash_in_the_middle_of_a_stream_leaves_nothing_open(own_deployment, upstream):
    """It may be charged, or not, in the customer's favour; the books are right either way."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(credits=100)
    tenant.app_key = tenant.key(tenant.upstream_application(model="script")["id"])
    leaver = Leaver(tenant, "head", "content", "wait", *END)
    made = leaver.read_until(b"word ").header("X-Latchkey-Charge")
    deployment.server.kill()
    leaver.leave(with_reset=False)
    deployment.server.start()
    entries = books_are_right(deployment, tenant.account["id"])
    said = outcome(entries, made)
    assert tenant.balance() == (80 if said == "charge" else 100)


def test_a_stop_settles_what_is_under_way(own_deployment, upstream):
    """SIGTERM in the middle of a stream: it ends, its charge is made, and the next start finds nothing open."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.upstream_application()["id"])
    stream = tenant.client.chat(key, model="stream", stream=True, stream_to_caller=True, through_upstream=True)
    lines = stream.iter_lines()
    assert next(lines).startswith(b"data: ")
    ended = []
    stopping = threading.Thread(target=lambda: ended.append(deployment.server.stop()))
    stopping.start()
    rest = [line for line in lines if line]
    stopping.join(30)
    assert ended == [0] and rest[-1] == b"data: [DONE]" and len(rest) == CHUNKS
    deployment.server.start()
    entries = books_are_right(deployment, tenant.account["id"])
    assert outcome(entries, header(stream, "X-Latchkey-Charge")) == "charge"
    assert tenant.balance() == 80
