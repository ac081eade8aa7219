"""Headers that every answer has, whatever it answers (checklist 3.4, 4.1, 13.4.6; RFC 6750 §3)."""

import json
import re

import pytest

import recorder
from client import absent_id, expect
from raw_http import converse, request
from server import run_command

EVERY_ANSWER = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


# A page says what it may load, all of it from here, and its own forms where they come from.
EVERY_PAGE = EVERY_ANSWER | {
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
}


def faults(exchange):
    """What is wrong with the headers of one answer."""
    found = []
    for name, value in (EVERY_PAGE if exchange.media_type == "text/html" else EVERY_ANSWER).items():
        values = [v for k, v in exchange.headers if k.lower() == name]
        if values != [value]:
            found.append(f"{name}: {values}")
    ids = [v for k, v in exchange.headers if k.lower() == "x-request-id"]
    if len(ids) != 1 or not ids[0].strip():
        found.append(f"x-request-id: {ids}")
    path = exchange.path.split("?")[0]
    if path.startswith("/api/v1/") and exchange.header("cache-control") != "no-store":
        found.append(f"cache-control: {exchange.header('cache-control')}")
    if exchange.status == 401 and not (exchange.header("www-authenticate") or "").startswith('Bearer realm="latchkey"'):
        found.append(f"www-authenticate: {exchange.header('www-authenticate')}")
    if exchange.status == 405 and not exchange.header("allow"):
        found.append("no allow")
    # Where trying again is of no use there is no time after which it would be.
    is_final = exchange.status == 429 and exchange.header("x-should-retry") == "false"
    retry_after = exchange.header("retry-after")
    if exchange.status in (429, 503) and not is_final and not re.fullmatch(r"[1-9]\d*", retry_after or ""):
        found.append(f"retry-after: {retry_after}")
    if exchange.body and not exchange.media_type:
        found.append("a body without a content type")
    for name in ("server", "x-powered-by"):
        if re.search(r"\d|hummingbird|nio|swift", exchange.header(name) or "", re.IGNORECASE):
            found.append(f"{name} tells what runs here: {exchange.header(name)}")
    return found


ASKED = [
    ("GET", "/healthz", None),
    ("GET", "/readyz", None),
    ("GET", "/openapi.yaml", None),
    ("GET", "/nowhere", None),
    ("GET", "/", None),
    ("GET", "/console/sign-in", None),
    ("GET", "/console/nowhere", None),
    ("PUT", "/console", None),
    ("POST", "/console/sign-in", None),
    ("PUT", "/healthz", None),
    ("GET", "/api/v1/applications", "token"),
    ("GET", "/api/v1/applications", None),
    ("GET", f"/api/v1/applications/{absent_id()}", "token"),
    ("GET", "/api/v1/applications?x=1", "token"),
    ("GET", "/api/v1/applications?key=1", "token"),
    ("PUT", "/api/v1/applications", "token"),
    ("POST", "/api/v1/applications", "token"),
    ("GET", "/api/v1/nowhere", "token"),
    ("GET", "/v1/models", "key"),
    ("GET", "/v1/models", None),
    ("GET", "/v1/nowhere", "key"),
    ("PUT", "/v1/models", "key"),
    ("POST", "/v1/chat/completions", "key"),
    ("HEAD", "/healthz", None),
    ("HEAD", "/nowhere", None),
]


@pytest.mark.parametrize("method, path, who", ASKED)
def test_each_kind_of_answer_has_them(pets, method, path, who):
    token = {"token": pets.token, "key": pets.cat_key, None: None}[who]
    pets.client.call(method, path, token=token, **({"data": "{"} if method == "POST" else {}))
    assert faults(recorder.exchanges[-1]) == [], str(recorder.exchanges[-1])


def test_a_stream_has_them(pets):
    answer = expect(pets.client.chat(pets.cat_key, stream=True, stream_to_caller=True), 200)
    assert faults(recorder.exchanges[-1]) == []
    assert answer.headers["content-type"].split(";")[0] == "text/event-stream"
    answer.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"NOT HTTP AT ALL\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET /v1/models HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
    ],
    ids=["no HTTP", "a bad header", "too many headers"],
)
def test_an_answer_to_what_cannot_be_parsed_has_them(pets, raw):
    """Below every handler there is still somebody who answers; the same headers go for it."""
    answer = converse(pets.client.server, raw, method="GET", path="/unparsable").first
    assert 400 <= answer.status < 500
    assert faults(recorder.exchanges[-1]) == []
    # NOT could be a method that nobody knows.
    codes = ("malformed_request", "request_header_fields_too_large", "method_not_allowed")
    assert json.loads(answer.body)["code"] in codes


def test_request_ids_are_the_servers_own(pets):
    """Each answer has another one, and a caller's doesn't take its place: logs can't be confused from outside."""
    given = "caller-chosen-id"
    ids = {
        pets.client.call("GET", "/healthz", headers={"X-Request-Id": given}).headers["x-request-id"] for _ in range(5)
    }
    assert len(ids) == 5 and given not in ids


def test_a_challenge_says_whether_a_token_was_given(pets):
    """RFC 6750 §3.1: no error code when nothing was presented."""
    for path in ("/api/v1/applications", "/v1/models"):
        assert pets.client.call("GET", path).headers["www-authenticate"] == 'Bearer realm="latchkey"'
        for wrong in ("sk-nonsense", "lkp-nonsense"):
            assert (
                pets.client.call("GET", path, token=wrong).headers["www-authenticate"]
                == 'Bearer realm="latchkey", error="invalid_token"'
            )


def test_health_and_readiness(deployment, pets, home):
    assert expect(pets.client.call("GET", "/healthz"), 200).json() == {"status": "ok"}
    # Not for who asks with a token that is no admin's, or none at all.
    for token in (pets.token, pets.cat_key, "lkp-nonsense"):
        assert expect(pets.client.call("GET", "/healthz", token=token), 200).json() == {"status": "ok"}
    told = run_command(home, ["--version"]).stdout.split()[1]
    assert expect(deployment.call("GET", "/healthz"), 200).json() == {"status": "ok", "version": told}
    assert expect(pets.client.call("GET", "/readyz"), 200).json() == {"status": "ready"}


def test_a_header_cannot_be_injected_through_a_name(tenant):
    """CR and LF in anything that a caller names end up in no header (they are refused as control characters)."""
    answer = tenant.call(
        "POST", "/api/v1/applications", json={"name": "a\r\nX-Injected: 1", "kind": "chat", "model": "echo"}
    )
    assert answer.status_code == 400 and "x-injected" not in answer.headers


def test_a_log_line_cannot_be_forged(deployment, pets):
    """Checklist 16.4.2: what callers write in addresses and headers makes no line of its own in the log."""
    pets.client.call(
        "GET", "/nowhere%0A2026-01-01T00:00:00%20forged%20log%20line", headers={"User-Agent": "\x1b[31mred"}
    )
    converse(deployment.server, request("GET", "/x\x1b[2Jforged", [("X-A", "\x1b[31m")]), method="GET", path="/x")
    log = deployment.server.stderr
    assert not re.search(r"^2026-01-01T00:00:00 forged", log, re.MULTILINE)
    assert "\x1b" not in log


@pytest.mark.at_the_end
def test_every_answer_of_the_run_had_them(recorded):
    """Every answer that any test of this run got."""
    bad = {}
    for exchange in recorded:
        for fault in faults(exchange):
            bad.setdefault(fault, []).append(str(exchange))
    assert not bad, {fault: [len(where), *where[:3]] for fault, where in bad.items()}
