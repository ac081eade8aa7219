"""The harness itself: a test that can't fail is worse than none, so what judges the others is judged here.

Needs no server.
"""

import base64
import json
import os
import random
import threading
from decimal import Decimal

import pytest
import requests

import planted
import recorder
from client import Literal, absent_id, as_json, at, seconds
from shapes import TIME, UUID7
from totp import code_at
from upstream import JSON_ANSWER, MEBIBYTE, STATUSES, STEPS

SECRET = "Zx81kLq0PpWm3Rt7Yv5Bn2"
TOKEN = "sk-" + "AbCdEfGhIjKl" + SECRET + "TagTagTagTa" + "Crc32x"


@pytest.fixture
def search(monkeypatch):
    """A search of its own: what is planted here must not be looked for in the real logs."""
    monkeypatch.setattr(planted, "_secrets", {})
    planted.plant("key", TOKEN)
    planted.plant("password", 'Käse "und" Brot')
    return planted.Search()


@pytest.mark.parametrize("length", [8, 9, 14, 15, 16, 17, 22, 40])
def test_a_planted_secret_is_found_wherever_it_lies(length):
    """At each distance from the beginning of a run, and up to its end; without one character it is not there."""
    secret = "".join(random.Random(length).choices("abcdefghij", k=length))
    search = planted.Search({secret: "password"})
    for before in range(20):
        run = "." * before + secret
        for data in (run, run + ".", run + "." * 20):
            leaks = search.leaks(b"\0" + data.encode() + b"\0")
            assert len(leaks) == 1 and f"at byte {before + 1}," in leaks[0]
            assert search.leaks(data.replace(secret, secret[:-1]).encode()) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda text: text.encode(),
        lambda text: text.encode().hex().encode(),
        lambda text: text.encode().hex().upper().encode(),
        lambda text: base64.b64encode(text.encode()),
        lambda text: base64.b64encode(b"x" + text.encode()),
        lambda text: base64.b64encode(b"xy" + text.encode() + b"z"),
        lambda text: base64.urlsafe_b64encode(text.encode() + b"zz"),
        lambda text: json.dumps(text).encode(),
    ],
    ids=["plain", "hex", "HEX", "base64", "base64+1", "base64+2", "base64url", "JSON"],
)
@pytest.mark.parametrize("secret, kind", [(TOKEN, "key"), (SECRET, "key"), ('Käse "und" Brot', "password")])
def test_a_planted_secret_is_found_in_every_form(search, write, secret, kind):
    data = os.urandom(5000) + b"\0\1" + write(secret) + b"\0" + os.urandom(5000)
    leaks = search.leaks(data)
    assert any(leak.startswith(f"a {kind} ") for leak in leaks)
    assert all(SECRET not in leak for leak in leaks), "the search repeats what it finds"


def test_what_may_be_shown_is_not_a_leak(search):
    """The id and the hint of a key, and parts too short to be a secret."""
    assert (
        search.leaks(TOKEN[:15].encode() + b" sk-AbC\xe2\x80\xa6Kl " + SECRET[:12].encode() + os.urandom(100_000)) == []
    )


def test_the_documented_line_alone_is_excused():
    line = b"setup token: lks-" + b"A" * 51
    assert planted.without_documented_line(b"one\n" + line + b"\ntwo\n") == b"one\n\ntwo\n"
    assert line in planted.without_documented_line(b"INFO " + line + b"\n")


def test_ids_and_times_are_well_formed():
    assert UUID7.match(absent_id()) and absent_id() != absent_id()
    assert TIME.match(at(0)) and at(-3600) < at(0) < at(3600)
    assert seconds("2026-11-21T10:00:00.250000Z") == 1795255200.25


def test_the_recorder_keeps_what_a_header_list_says():
    exchange = recorder.Exchange(
        "GET", "/x?y", 200, (("A", "1"), ("a", "2"), ("Content-Type", "Text/X; q=1")), b"", True
    )
    assert (exchange.header("a"), exchange.media_type, exchange.header("none")) == ("1", "text/x", None)


def test_amounts_are_sent_with_every_digit():
    """A float would lose the last ones, and with them the test of what happens to them."""
    body = {"most": Decimal("9223372036854.775807"), "least": Decimal("1e-6"), "odd": [Literal("1e2")], "text": "ü\n"}
    assert as_json(body) == '{"most": 9223372036854.775807, "least": 0.000001, "odd": [1e2], "text": "\\u00fc\\n"}'


def test_the_authenticator_app_has_the_codes_of_the_standard():
    """RFC 6238, appendix B, for SHA-1: the last six of its eight digits."""
    secret = base64.b32encode(b"12345678901234567890").decode()
    codes = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}
    assert {moment: code_at(secret, moment) for moment in codes} == codes


# The upstream has to misbehave as it promises, or the gateway's tests prove nothing.


def call(upstream, mode, **keywords):
    body = {"model": f"upstream-{mode}", "marker": f"harness-{mode}"}
    return requests.post(upstream.url + "/v1/chat/completions", json=body, timeout=2, allow_redirects=False, **keywords)


def test_the_upstream_answers(upstream):
    assert call(upstream, "json").content == JSON_ANSWER
    assert call(upstream, "gzip").content == JSON_ANSWER
    assert [call(upstream, f"status-{status}").status_code for status in STATUSES] == STATUSES
    assert call(upstream, "redirect-302").headers["location"].startswith("/__elsewhere")
    assert call(upstream, "stream").text.count("data: ") == 7
    noted = upstream.recorded("harness-json")[0]
    assert noted["state"] == "done" and json.loads(noted["body"])["marker"] == "harness-json"


@pytest.mark.parametrize(
    "mode, error",
    [
        ("slow", requests.ReadTimeout),
        ("slow-body", requests.ConnectionError),
        ("broken", requests.exceptions.ChunkedEncodingError),
        ("broken-stream", requests.exceptions.ChunkedEncodingError),
        ("garbage", requests.ConnectionError),
        ("hang-up", requests.ConnectionError),
    ],
)
def test_the_upstream_misbehaves(upstream, mode, error):
    with pytest.raises(error):
        call(upstream, mode)


@pytest.mark.parametrize("mode", ["endless", "huge-length", "huge-chunked", "trickle", "slow-stream"])
def test_the_upstream_goes_on_until_the_caller_leaves(upstream, mode):
    answer = call(upstream, mode, stream=True)
    content = answer.iter_content(10)  # kept in a variable: requests closes the connection with the iterator
    assert next(content)
    assert upstream.recorded(f"harness-{mode}")[0]["state"] == "answering"
    answer.close()
    upstream.wait_recorded(f"harness-{mode}", state="peer gone")


def script(upstream, steps, marker="harness-script", **keywords):
    body = {"model": "upstream-script", "marker": marker, "script": steps}
    return requests.post(upstream.url + "/v1/chat/completions", json=body, timeout=10, **keywords)


def test_the_upstream_follows_a_script(upstream):
    whole = script(upstream, ["head", "role", "content", "finish", "done", "end"]).text
    assert [line[:6] for line in whole.splitlines() if line] == ["data: "] * 4 and whole.endswith("data: [DONE]\n\n")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        script(upstream, ["head", "content", "cut"])
    with pytest.raises(requests.ConnectionError):
        script(upstream, ["cut"])
    assert (
        script(upstream, ["head", "error-start", "error-rest", "end"]).text
        == script(upstream, ["head", "error", "end"]).text
    )
    assert len(script(upstream, ["mebibyte"]).content) == MEBIBYTE
    assert len(script(upstream, ["mebibyte-and-one"]).content) == MEBIBYTE + 1
    first = [script(upstream, ["fail-first", "json"], marker="harness-fail").status_code for _ in range(3)]
    assert first == [500, 200, 200]


def test_the_upstream_waits_for_its_release(upstream):
    answers = []
    call = threading.Thread(target=lambda: answers.append(script(upstream, ["wait", "json"], marker="harness-wait")))
    call.start()
    assert upstream.wait_recorded("harness-wait")[0]["state"] == "answering"
    assert answers == []
    upstream.release("harness-wait")
    call.join(10)
    assert answers[0].content == JSON_ANSWER


def test_every_error_event_of_the_scripts_is_one(upstream):
    """As an event stream is read by its specification: lines `data`, joined by line feeds."""
    for step in STEPS:
        if step.startswith("error") and step not in ("error-start", "error-rest"):
            text = script(upstream, ["head", step, "end"]).text
            data = "\n".join(line[5:].removeprefix(" ") for line in text.splitlines() if line.startswith("data:"))
            assert json.loads(data)["error"]["message"] == "the model fell over", step
