"""Idempotency-Key: trying again is safe (N3; checklist B4). The same call is answered once more and charged once."""

import json
import threading
import time

import openai
import pytest
import requests

import recorder
from client import expect, in_parallel, unique
from raw_http import converse, request
from receipts import (
    RECEIPT,
    STANDARD,
    books_are_right,
    charges,
    denied,
    header,
    not_charged,
    outcome,
    receipt,
)
from shapes import openai_error
from upstream import JSON_ANSWER, MEBIBYTE, as_told
from waiting import wait_for

# What a caller has of a mebibyte of the upstream's: the model's public name is shorter.
TOLD = MEBIBYTE - len(JSON_ANSWER) + len(as_told("script"))


class Caller:
    """One key of one application that the upstream answers, with little money, so that a second charge is seen."""

    def __init__(self, deployment, upstream, credits=100, **terms):
        self.deployment, self.upstream = deployment, upstream
        self.tenant = deployment.new_tenant(credits=credits)
        self.app = self.tenant.upstream_application(model="script")
        self.credential = self.tenant.credential(self.app["id"], **terms)
        self.key = self.credential["token"]
        self.account_id = self.tenant.account["id"]

    def call(self, name, *steps, marker, key=None, headers=None, **fields):
        """A call with an Idempotency-Key, which the upstream answers in these steps."""
        return self.tenant.client.chat(
            key or self.key,
            script=list(steps),
            marker=marker,
            headers={"Idempotency-Key": name} | dict(headers or {}),
            through_upstream=True,
            **fields,
        )

    def charges(self):
        return charges(books_are_right(self.deployment, self.account_id))


@pytest.fixture
def caller(deployment, upstream):
    return Caller(deployment, upstream)


def same_answer(first, again):
    """Asserts that an answer is the stored one of another: its status, its body, its receipt, and the sign of it."""
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in RECEIPT + ("Content-Type",):
        assert header(again, name) == header(first, name), name
    assert header(again, "Idempotency-Replayed") == "true"
    assert header(first, "Idempotency-Replayed") is None


def refused(response, status, code):
    """A repeated call that was neither answered nor charged."""
    openai_error(response, status, code, denial=code)
    assert header(response, "X-Latchkey-Cost") == "0"
    assert header(response, "Idempotency-Replayed") is None


# The same answer again


def test_the_stored_answer_comes_again(caller, upstream):
    """Byte for byte, from the same upstream call, under the same charge; as often as one likes."""
    name, marker = unique("key"), unique("replay")
    first = expect(caller.call(name, "json", marker=marker), 200)
    assert first.content == as_told("script") and receipt(first).remaining == 80
    for _ in range(3):
        same_answer(first, caller.call(name, "json", marker=marker))
    assert len(upstream.recorded(marker)) == 1
    assert [charge["id"] for charge in caller.charges()] == [receipt(first).charge]
    assert caller.tenant.balance() == 80
    # Without the header, or with another key, the same body is another call.
    assert header(caller.tenant.client.chat(caller.key, script=["json"], marker=marker), "Idempotency-Replayed") is None
    expect(caller.call(unique("key"), "json", marker=marker), 200)
    assert len(upstream.recorded(marker)) == 3 and len(caller.charges()) == 3


def test_an_answer_of_the_echo_provider_comes_again(deployment):
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.application()["id"])
    headers = {"Idempotency-Key": unique("key")}
    first = expect(tenant.client.chat(key, "hello", headers=headers), 200)
    same_answer(first, tenant.client.chat(key, "hello", headers=headers))
    assert tenant.balance() == 80


def test_an_addressed_call_is_the_same_call(caller, upstream):
    """One application, one key, one body: which of the two addresses was used makes no other call of it."""
    name, marker = unique("key"), unique("addressed")
    first = expect(caller.call(name, "json", marker=marker), 200)
    again = caller.call(name, "json", marker=marker, application=caller.app["id"])
    assert again.status_code in (200, 422), again.text
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1
    if again.status_code == 200:
        same_answer(first, again)


def test_a_body_is_the_same_byte_for_byte(caller, upstream):
    name, marker = unique("key"), unique("blanks")
    compact = '{"messages":[{"role":"user","content":"a  b"}],"script":["json"],"marker":"%s","n":1.0}' % marker

    def call(body):
        return caller.tenant.client.call(
            "POST",
            "/v1/chat/completions",
            data=body,
            token=caller.key,
            headers={"Idempotency-Key": name},
            through_upstream=True,
        )

    first = expect(call(compact), 200)
    same_answer(first, call(compact))
    for other in (compact + " ", compact.replace("a  b", "a b"), compact.replace("1.0", "1.00")):
        refused(call(other), 422, "idempotency_key_reused")
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


def test_another_body_is_refused(caller, upstream):
    """It would be another call under the name of the first; neither is harmed."""
    name, marker = unique("key"), unique("other-body")
    first = expect(caller.call(name, "json", marker=marker), 200)
    for fields in ({"temperature": 1}, {"stream": True}, {"text": "other"}, {"model": "json"}):
        answer = caller.call(name, "json", marker=marker, **fields)
        refused(answer, 422, "idempotency_key_reused")
    assert len(upstream.recorded(marker)) == 1 and caller.tenant.balance() == 80
    same_answer(first, caller.call(name, "json", marker=marker))


def test_a_repeated_call_needs_no_credits(deployment, upstream):
    """It costs nothing, so no limit stands in its way; a new call meets the limit."""
    caller = Caller(deployment, upstream, credits=20, limited_amount=20, monthly_limit=20)
    name, marker = unique("key"), unique("poor")
    first = expect(caller.call(name, "json", marker=marker), 200)
    same_answer(first, caller.call(name, "json", marker=marker))
    denied(caller.call(unique("key"), "json", marker=marker), "credit_limit_reached")


def test_policy_comes_before_the_stored_answer(caller, deployment, upstream):
    """A key that opens nothing any more opens no stored answer either."""
    name, marker = unique("key"), unique("policy")
    expect(caller.call(name, "json", marker=marker), 200)
    other = caller.tenant.application()
    openai_error(caller.call(name, "json", marker=marker, application=other["id"]), 403, "wrong_app")
    deployment.edit_account(caller.account_id, suspended=True)
    openai_error(caller.call(name, "json", marker=marker), 403, "account_suspended")
    deployment.edit_account(caller.account_id, suspended=False)
    caller.tenant.delete_credential(caller.credential["id"])
    openai_error(caller.call(name, "json", marker=marker), 401, "invalid_api_key", denial="invalid_key")


def test_two_credentials_have_nothing_in_common(caller, deployment, upstream):
    """Neither two keys of one application nor two tenants: the same name and body are two calls, each charged."""
    name, marker = unique("key"), unique("apart")
    first = expect(caller.call(name, "json", marker=marker), 200)
    sister = caller.tenant.key(caller.app["id"])
    stranger = Caller(deployment, upstream)
    other = expect(caller.call(name, "json", marker=marker, key=sister), 200)
    foreign = expect(stranger.call(name, "json", marker=marker), 200)
    assert header(other, "Idempotency-Replayed") is None and header(foreign, "Idempotency-Replayed") is None
    assert len({receipt(answer).charge for answer in (first, other, foreign)}) == 3
    assert len(upstream.recorded(marker)) == 3
    assert (len(caller.charges()), len(stranger.charges())) == (2, 1)
    # Nor does another body of theirs disturb.
    expect(stranger.call(name + "x", "json", marker=marker, temperature=1), 200)
    same_answer(first, caller.call(name, "json", marker=marker))


# While the first is under way


def test_the_same_call_in_flight_is_told_to_wait(caller, upstream):
    name, marker, answers = unique("key"), unique("flight"), []
    waiting = threading.Thread(target=lambda: answers.append(caller.call(name, "wait", "json", marker=marker)))
    waiting.start()
    upstream.wait_recorded(marker)
    for _ in range(3):
        again = caller.call(name, "wait", "json", marker=marker)
        refused(again, 409, "idempotency_in_flight")
        assert header(again, "Retry-After") == "1"
    other = caller.call(name, "wait", "json", marker=marker, temperature=1)
    refused(other, 422, "idempotency_key_reused")
    assert caller.tenant.account_now()["held"] == STANDARD
    upstream.release(marker)
    waiting.join(20)
    first = expect(answers[0], 200)
    same_answer(first, caller.call(name, "wait", "json", marker=marker))
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


@pytest.mark.race
def test_a_hundred_at_once_are_one_call(caller, upstream):
    """Whoever loses the race is told to wait or gets the stored answer; nobody pays twice."""
    name, marker = unique("key"), unique("crowd")
    answers = in_parallel(lambda _: caller.call(name, "json", marker=marker), range(100), threads=25)
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "idempotency_in_flight")
        else:
            assert expect(answer, 200).content == as_told("script")
    served = [answer for answer in answers if answer.status_code == 200]
    assert len([answer for answer in served if header(answer, "Idempotency-Replayed") is None]) == 1
    assert len({receipt(answer).charge for answer in served}) == 1
    assert len(upstream.recorded(marker)) == 1
    assert len(caller.charges()) == 1 and caller.tenant.balance() == 80


# What is not stored


def test_a_stream_is_not_replayable(caller, upstream):
    """Its answer was passed on and not kept; the caller learns under which charge."""
    name, marker = unique("key"), unique("stream")
    steps = ("head", "role", "content", "finish", "done", "end")
    first = expect(caller.call(name, *steps, marker=marker, stream=True), 200)
    assert first.text.endswith("data: [DONE]\n\n")
    made = receipt(first)
    for _ in range(2):
        again = caller.call(name, *steps, marker=marker, stream=True)
        refused(again, 409, "idempotency_not_replayable")
        assert header(again, "X-Latchkey-Charge") == made.charge
        assert header(again, "x-should-retry") == "false"
    refused(caller.call(name, *steps, marker=marker), 422, "idempotency_key_reused")
    assert len(upstream.recorded(marker)) == 1
    assert [charge["id"] for charge in caller.charges()] == [made.charge]


def test_a_stream_under_way_is_in_flight(caller, upstream):
    name, marker = unique("key"), unique("streaming")
    steps = ("head", "content", "wait", "done", "end")
    stream = expect(caller.call(name, *steps, marker=marker, stream=True, stream_to_caller=True), 200)
    lines = stream.iter_lines()
    assert next(lines).startswith(b"data: ")
    again = caller.call(name, *steps, marker=marker, stream=True)
    # Its charge may be down already while it flows; what it must never be is another call.
    assert header(again, "X-Latchkey-Code") in ("idempotency_in_flight", "idempotency_not_replayable")
    refused(again, 409, header(again, "X-Latchkey-Code"))
    upstream.release(marker)
    assert b"data: [DONE]" in list(lines)
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


def test_the_openai_client_does_not_repeat_a_stream(caller, upstream):
    """x-should-retry: the library gives up at once, as nothing would change."""
    name, marker = unique("key"), unique("library")
    ask = {
        "model": "script",
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "extra_body": {"script": ["head", "content", "done", "end"], "marker": marker},
        "extra_headers": {"Idempotency-Key": name},
    }
    client = openai.OpenAI(base_url=caller.tenant.client.server.url + "/v1", api_key=caller.key, max_retries=3)
    assert "".join(chunk.choices[0].delta.content for chunk in client.chat.completions.create(**ask)) == "word "
    with pytest.raises(openai.ConflictError) as caught:
        client.chat.completions.create(**ask)
    recorder.record_httpx(caught.value.response)
    assert caught.value.code == "idempotency_not_replayable"
    assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"
    assert len(upstream.recorded(marker)) == 1


def test_an_answer_of_a_mebibyte_is_stored(caller, upstream):
    """The bound itself still fits, though it is far more than the gateway takes in whole before it passes any on."""
    name, marker = unique("key"), unique("mebibyte")
    first = expect(caller.call(name, "mebibyte", marker=marker), 200)
    assert len(first.content) == TOLD
    same_answer(first, caller.call(name, "mebibyte", marker=marker))
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


def test_an_answer_beyond_a_mebibyte_is_not_stored(caller, upstream):
    name, marker = unique("key"), unique("beyond")
    first = expect(caller.call(name, "mebibyte-and-one", marker=marker), 200)
    assert len(first.content) == TOLD + 1
    again = caller.call(name, "mebibyte-and-one", marker=marker)
    refused(again, 409, "idempotency_not_replayable")
    assert header(again, "X-Latchkey-Charge") == receipt(first).charge
    assert header(again, "x-should-retry") == "false"
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


def test_a_caller_who_left_in_the_middle_of_a_long_answer_gets_all_or_nothing(caller, upstream):
    """What was begun is charged; a part of it must never come back as the whole."""
    name, marker = unique("key"), unique("middle")
    answer = caller.call(name, "mebibyte", marker=marker, stream_to_caller=True)
    made = receipt(expect(answer, 200))
    assert answer.raw.read(1000)
    answer.close()
    wait_for("the charge", lambda: outcome(caller.tenant.ledger(), made.charge) == "charge")

    def again():
        repeated = caller.call(name, "mebibyte", marker=marker)
        return repeated if header(repeated, "X-Latchkey-Code") != "idempotency_in_flight" else None

    repeated = wait_for("the first call to be over", again)
    if repeated.status_code == 200:
        assert len(repeated.content) == TOLD and header(repeated, "Idempotency-Replayed") == "true"
    else:
        refused(repeated, 409, "idempotency_not_replayable")
        assert header(repeated, "X-Latchkey-Charge") == made.charge
    assert len(upstream.recorded(marker)) == 1 and len(caller.charges()) == 1


# A call that failed


def test_a_failed_call_frees_its_key(caller, upstream):
    """It cost nothing and is not remembered: trying again is a new try, which may succeed."""
    name, marker = unique("key"), unique("failed")
    first = expect(caller.call(name, "fail-first", "json", marker=marker), 502)
    not_charged(first)
    second = expect(caller.call(name, "fail-first", "json", marker=marker), 200)
    assert header(second, "Idempotency-Replayed") is None
    same_answer(second, caller.call(name, "fail-first", "json", marker=marker))
    assert len(upstream.recorded(marker)) == 2
    assert [charge["id"] for charge in caller.charges()] == [receipt(second).charge]


@pytest.mark.parametrize(
    "steps, status",
    [(["refusal"], 400), (["failure"], 502), (["json-part", "cut"], 502), (["head", "error", "end"], 502)],
)
def test_no_failure_is_stored(caller, upstream, steps, status):
    name, marker = unique("key"), unique("no-failure")
    for _ in range(2):
        answer = caller.call(name, *steps, marker=marker, stream="head" in steps)
        not_charged(expect(answer, status))
        assert header(answer, "Idempotency-Replayed") is None
        caller.tenant.settled()
    assert len(upstream.recorded(marker)) == 2 and caller.charges() == []


def test_a_refused_call_takes_no_key(deployment, upstream):
    """Denied for credits, or for its body: the same name serves the call that follows."""
    caller = Caller(deployment, upstream, credits=None)
    name, marker = unique("key"), unique("denied")
    denied(caller.call(name, "json", marker=marker), "insufficient_credits")
    openai_error(caller.call(name, "json", marker=marker, messages=[]), 400, "invalid_request")
    deployment.grant(caller.account_id, 20)
    first = expect(caller.call(name, "json", marker=marker), 200)
    assert header(first, "Idempotency-Replayed") is None
    same_answer(first, caller.call(name, "json", marker=marker))


def test_a_caller_who_left_before_the_answer_frees_the_key(caller, upstream):
    """Not charged, so the try that follows is a new one."""
    name, marker = unique("key"), unique("left")
    with pytest.raises(requests.Timeout):
        caller.call(name, "wait", "json", marker=marker, timeout=0.5)
    upstream.wait_recorded(marker, state="peer gone")
    caller.tenant.settled()
    upstream.release(marker)
    second = expect(caller.call(name, "wait", "json", marker=marker), 200)
    assert header(second, "Idempotency-Replayed") is None
    assert len(caller.charges()) == 1
    assert [item["code"] for item in caller.tenant.refused_calls()["items"]] == ["caller_left"]


def test_a_time_out_frees_the_key(quick, upstream):
    tenant = quick.new_tenant(credits=100)
    key = tenant.key(tenant.upstream_application()["id"])
    headers, marker = {"Idempotency-Key": unique("key")}, unique("late")
    call = lambda: tenant.client.chat(  # noqa: E731
        key, model="script", script=["wait", "json"], marker=marker, headers=headers, through_upstream=True
    )
    openai_error(call(), 504, "upstream_timeout", denial="upstream_timeout")
    tenant.settled()
    upstream.release(marker)
    assert header(expect(call(), 200), "Idempotency-Replayed") is None
    assert tenant.settled()["balance"] == 80


# The header itself


@pytest.mark.parametrize(
    "name",
    ["x", "x" * 255, "8f14e45f-ceea-467f-a9f7-ab8e5d0b3c1a", '"quoted"', "!#$%&'()*+,-./:;<=>?@[]^_`{|}~", "a b"],
)
def test_any_printable_text_is_a_name(caller, name):
    first = expect(caller.call(name, "json", marker="any-name"), 200)
    same_answer(first, caller.call(name, "json", marker="any-name"))


@pytest.mark.parametrize(
    "value",
    [b"x" * 256, b"x" * 10_000, "schlüssel".encode(), "schlüssel".encode("latin-1"), b"a\tb", b"\x7f", b"\xff"],
)
def test_a_bad_name_is_refused(caller, deployment, upstream, value):
    """By bare socket: libraries would not send half of these."""
    marker = unique("bad-name")
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "marker": marker, "script": ["json"]}).encode()
    raw = request(
        "POST",
        "/v1/chat/completions",
        [("Authorization", f"Bearer {caller.key}"), ("Content-Type", "application/json")],
        body,
    ).replace(b"\r\n\r\n", b"\r\nIdempotency-Key: " + value + b"\r\n\r\n", 1)
    answer = converse(deployment.server, raw, method="POST", path="/v1/chat/completions").first
    assert answer.status == 400, answer
    error = json.loads(answer.body)["error"]
    if value != b"\x7f":  # a control character may be refused by the parser of the head already
        assert (error["code"], error["param"]) == ("invalid_request", "Idempotency-Key")
    assert upstream.recorded(marker) == [] and caller.tenant.ledger(kind="charge") == []


def test_the_name_stays_here(caller, upstream):
    """Two tenants' equal names must not meet at a provider that takes the header, too."""
    marker = unique("stays")
    name = unique("a-name-that-stays")
    expect(caller.call(name, "json", marker=marker), 200)
    noted = upstream.wait_recorded(marker)[0]
    assert "idempotency-key" not in {header_name.lower() for header_name, _ in noted["headers"]}
    assert name not in json.dumps(noted)


def test_other_routes_do_not_mind_it(caller):
    for path in ("/v1/models", "/v1/usage"):
        for _ in range(2):
            answer = caller.tenant.client.call(
                "GET", path, token=caller.key, headers={"Idempotency-Key": "one name for all"}
            )
            assert header(expect(answer, 200), "Idempotency-Replayed") is None


# Restarts


@pytest.mark.parametrize("way", ["SIGTERM", "kill -9"])
def test_the_stored_answer_survives_a_restart(own_deployment, upstream, way):
    """An answer that somebody has seen is there after the power went, too."""
    deployment = own_deployment().add_upstream(upstream)
    caller = Caller(deployment, upstream)
    name, marker = unique("key"), unique("restart")
    first = expect(caller.call(name, "json", marker=marker), 200)
    stream_name, steps = unique("key"), ("head", "content", "done", "end")
    streamed = expect(caller.call(stream_name, *steps, marker=marker, stream=True), 200)
    if way == "SIGTERM":
        assert deployment.server.stop() == 0
    else:
        deployment.server.kill()
    deployment.server.start()
    same_answer(first, caller.call(name, "json", marker=marker))
    refused(caller.call(name, "json", marker=marker, temperature=1), 422, "idempotency_key_reused")
    again = caller.call(stream_name, *steps, marker=marker, stream=True)
    refused(again, 409, "idempotency_not_replayable")
    assert header(again, "X-Latchkey-Charge") == receipt(streamed).charge
    assert len(upstream.recorded(marker)) == 2 and len(caller.charges()) == 2


def test_a_call_that_a_crash_cut_short_can_be_tried_again(own_deployment, upstream):
    """Its hold went with the server, and with it the name."""
    deployment = own_deployment().add_upstream(upstream)
    caller = Caller(deployment, upstream)
    name, marker, errors = unique("key"), unique("cut-short"), []

    def call():
        try:
            caller.call(name, "wait", "json", marker=marker)
        except OSError as error:
            errors.append(error)

    waiting = threading.Thread(target=call)
    waiting.start()
    upstream.wait_recorded(marker)
    deployment.server.kill()
    waiting.join(20)
    assert errors, "the call was answered by a server that was killed"
    deployment.server.start()
    upstream.release(marker)
    second = expect(caller.call(name, "wait", "json", marker=marker), 200)
    assert header(second, "Idempotency-Replayed") is None
    entries = books_are_right(deployment, caller.account_id)
    assert len(charges(entries)) == 1


@pytest.mark.race
def test_killed_at_any_moment_it_is_charged_once(own_deployment, upstream):
    """kill -9 while the answer is on its way: before the charge, after the charge and before the answer, after both.

    Nobody can hit the moment between the two on purpose from outside, so the server is killed again and again at a
    slightly later moment. Whichever it was, the caller tries again, has the answer, and has paid for it once.
    """
    deployment = own_deployment().add_upstream(upstream)
    caller = Caller(deployment, upstream, credits=1000)
    replayed = anew = 0
    moments = [0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.008, 0.010, 0.013, 0.017, 0.022, 0.030, 0.050, None]
    for number, moment in enumerate(moments):
        name, marker = unique("key"), unique(f"any-moment-{number}")
        answers = []

        def call():
            try:
                answers.append(caller.call(name, "wait", "json", marker=marker))
            except OSError:  # the connection went with the server
                pass

        waiting = threading.Thread(target=call)
        waiting.start()
        upstream.wait_recorded(marker)
        upstream.release(marker)
        if moment is None:
            waiting.join(20)  # the last one has its answer for certain
        else:
            time.sleep(moment)  # the moment is what is tried here
        deployment.server.kill()
        waiting.join(20)
        deployment.server.start()
        again = expect(caller.call(name, "wait", "json", marker=marker), 200)
        assert again.content == as_told("script")
        is_replay = header(again, "Idempotency-Replayed") == "true"
        replayed, anew = replayed + is_replay, anew + (not is_replay)
        if answers and answers[0].status_code == 200:
            same_answer(answers[0], again)
        assert len(upstream.recorded(marker)) == (1 if is_replay else 2)
        entries = books_are_right(deployment, caller.account_id)
        assert len(charges(entries)) == number + 1, f"charged {len(charges(entries))} times for {number + 1} calls"
        assert caller.tenant.balance() == 1000 - (number + 1) * STANDARD
    assert anew and replayed, f"{anew} before and {replayed} after the charge: the moments were not tried"
