"""Bad input gets a problem document or an OpenAI error that names field and rule; never a 5xx, a stack or SQL."""

import itertools
import json
import random
import socket

import pytest

from client import expect
from raw_http import converse, request
from shapes import INTERNALS, openai_error, problem, problem_body

NEW_APP = {"name": "A", "kind": "chat", "model": "echo"}
CHAT = {"messages": [{"role": "user", "content": "hi"}]}

# What makes a good body of both, an application and a call: then the one fault in it is the reason of the refusal. (A
# call doesn't mind the fields of an application, and the body is parsed before an application's fields are looked at.)
REST = b' "kind": "chat", "model": "echo", "messages": [{"role": "user", "content": "x"}]}'

# Bodies that are not one JSON object in strict UTF-8: for both sides of the server the same parser, the same answer.
NOT_JSON = {
    "nothing": b"",
    "blank": b" \n",
    "half": b'{"name": "A"',
    "no quotes": b"{name: 1}",
    "single quotes": b"{'name': 'A'}",
    "trailing comma": b'{"name": "A",}',
    "two values": b'{"name": "A"} {"name": "B"}',
    "comment": b'{"name": "A"} // b',
    "NaN": b'{"name": NaN}',
    "Infinity": b'{"name": -Infinity}',
    "leading zero": b'{"name": 01}',
    "plus": b'{"name": +1}',
    "hexadecimal": b'{"name": 0x1}',
    "duplicate key": b'{"name": "A", "name": "B",' + REST,
    "duplicate key by escape": b'{"name": "A", "n\\u0061me": "B",' + REST,
    "duplicate key inside": b'{"name": "A", "parameters": {"seed": 1, "seed": 2},' + REST,
    "byte order mark": b'\xef\xbb\xbf{"name": "A",' + REST,
    "UTF-16": '{"name": "A"}'.encode("utf-16"),
    "Latin-1": b'{"name": "\xe9"}',
    "overlong UTF-8": b'{"name": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
    "lone high surrogate": b'{"name": "\\ud800",' + REST,
    "lone low surrogate": b'{"name": "\\udc00x",' + REST,
    "swapped surrogates": b'{"name": "\\udc00\\ud800"}',
    "raw control character": b'{"name": "a\nb"}',
    "raw NUL": b'{"name": "a\x00b"}',
    "bad escape": b'{"name": "\\x41"}',
    "array": b'[{"name": "A"}]',
    "string": b'"A"',
    "number": b"1",
    "null": b"null",
    "true": b"true",
    "deep array": b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "unclosed depth": b'{"name": ' + b"[" * 200_000,
    "65 deep": b'{"x":' + b"[" * 65 + b"]" * 65 + b"}",
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_is_malformed(pets, body):
    problem(pets.call("POST", "/api/v1/applications", data=body), 400, "malformed_json")
    answer = pets.client.call("POST", "/v1/chat/completions", data=body, token=pets.cat_key)
    openai_error(answer, 400, "malformed_json", denial="malformed_json")


def test_an_edit_and_the_open_routes_parse_alike(pets):
    """The same strictness where nobody is signed in yet."""
    body = NOT_JSON["duplicate key"]
    problem(pets.call("PATCH", f"/api/v1/applications/{pets.cat['id']}", data=body), 400, "malformed_json")
    for path in (
        "/api/v1/sessions",
        "/api/v1/setup",
        "/api/v1/invitations/accept",
        "/api/v1/password-resets/accept",
    ):
        problem(pets.client.call("POST", path, data=body), 400, "malformed_json")


@pytest.mark.parametrize(
    "media_type",
    [
        None,
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonp",
        "",
    ],
)
def test_only_json_is_taken(pets, media_type):
    """None: no Content-Type at all, by bare socket, because libraries put one in."""
    for path, token, body in (
        ("/api/v1/applications", pets.token, NEW_APP),
        ("/v1/chat/completions", pets.cat_key, CHAT),
    ):
        head = [("Authorization", f"Bearer {token}")] + ([] if media_type is None else [("Content-Type", media_type)])
        answer = converse(
            pets.client.server, request("POST", path, head, json.dumps(body).encode()), method="POST", path=path
        ).first
        assert answer.status == 415, answer.body
        code = json.loads(answer.body)
        assert (code.get("code") or code["error"]["code"]) == "unsupported_media_type"


@pytest.mark.parametrize(
    "media_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/json; charset=utf8",
    ],
)
def test_json_by_its_other_names(pets, media_type):
    expect(
        pets.client.call(
            "POST", "/v1/chat/completions", json=CHAT, token=pets.cat_key, headers={"Content-Type": media_type}
        ),
        200,
    )


# The data plane's own fields


@pytest.mark.parametrize(
    "fields, param",
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": 1}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [None]}, "messages[0]"),
        ({"messages": [[]]}, "messages[0]"),
        ({"messages": [{}]}, "messages[0].role"),
        ({"messages": [{"role": 1}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "a"}, {"content": "b"}]}, "messages[1].role"),
        ({"model": 1}, "model"),
        ({"model": ["echo"]}, "model"),
        ({"model": {}}, "model"),
        ({"model": True}, "model"),
        ({"stream": "true"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"stream": []}, "stream"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_bad_field_of_a_call_is_named(pets, fields, param):
    openai_error(
        pets.client.chat(pets.cat_key, **fields), 400, "invalid_request", denial="invalid_request", param=param
    )


def test_messages_are_required(pets):
    answer = pets.client.call("POST", "/v1/chat/completions", json={"model": "echo"}, token=pets.cat_key)
    openai_error(answer, 400, "invalid_request", param="messages")


def test_strange_but_legal_content_is_served(pets):
    """What only the upstream can judge is not refused here: no content, parts, emoji, NUL, 100,000 characters."""
    for content in (None, [], [{"type": "text", "text": "a"}], "🐈" * 1000, "\u0000", "x" * 100_000, {"odd": 1}):
        expect(pets.client.chat(pets.cat_key, messages=[{"role": "user", "content": content}]), 200)


# Lists


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=abc",
        "limit=1.5",
        "limit=",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "cursor=nonsense",
        "cursor=",
        "cursor=%00",
        "cursor=' OR 1=1 --",
        "cursor=%252e%252e",
        "offset=1",
        "sort=name",
        "application=x",
        "limit=10&x=1",
        "%00=1",
        "=1",
    ],
)
def test_a_bad_query_is_refused(pets, query):
    refusal = pets.call("GET", f"/api/v1/applications?{query}")
    problem(refusal, 400, {"invalid_request", "unknown_parameter"})
    if query.split("=")[0] in ("offset", "sort", "application"):
        problem(refusal, 400, "unknown_parameter")


# Credentials in the wrong place


@pytest.mark.parametrize("name", ["api_key", "apikey", "api-key", "key", "token", "access_token"])
def test_a_credential_in_the_address_is_refused(pets, name):
    """Refused with the reason, even when a right one is in the header as well; the value is never repeated."""
    for value in (pets.cat_key, "x", ""):
        for path in ("/v1/models", f"/apps/{pets.cat['id']}/v1/models"):
            answer = pets.client.call("GET", f"{path}?{name}={value}", token=pets.cat_key)
            openai_error(answer, 400, "credentials_in_url", denial="credentials_in_url")
            assert pets.cat_key not in answer.text
        for path in ("/api/v1/applications", "/healthz", "/openapi.yaml", "/nowhere"):
            problem(pets.call("GET", f"{path}?{name}={value}"), 400, "credentials_in_url")
    openai_error(
        pets.client.call("POST", f"/v1/chat/completions?{name}={pets.cat_key}", json=CHAT), 400, "credentials_in_url"
    )


def test_two_authorization_headers(pets):
    """Which of them counts would be anybody's guess, so none does; also when both are right, or folded into one."""

    def ask(path, values):
        head = [("Authorization", f"Bearer {value}") for value in values]
        return converse(pets.client.server, request("GET", path, head), method="GET", path=path).first

    for values in (
        (pets.cat_key, pets.dog_key),
        (pets.cat_key, pets.cat_key),
        (pets.cat_key, "x"),
        (f"{pets.cat_key}, Bearer {pets.dog_key}",),
    ):
        answer = ask("/v1/models", values)
        assert (answer.status, answer.header("X-Latchkey-Code")) == (400, "missing_key"), answer.body
        assert set(json.loads(answer.body)) == {"error"}
    for values in ((pets.token, pets.token), (pets.token, "x"), (pets.token, pets.cat_key)):
        answer = ask("/api/v1/applications", values)
        problem_body(answer.header("content-type"), json.loads(answer.body), 400, "ambiguous_credentials")


# Methods and paths


@pytest.mark.parametrize(
    "path, allowed",
    [
        ("/api/v1/applications", {"GET", "POST"}),
        ("/api/v1/applications/{id}", {"GET", "PATCH", "DELETE"}),
        ("/api/v1/credentials", {"GET", "POST"}),
        ("/api/v1/credentials/{id}", {"GET", "PATCH", "DELETE"}),
        ("/api/v1/credentials/{id}/reveal", {"POST"}),
        ("/api/v1/credentials/{id}/rotate", {"POST"}),
        ("/api/v1/credentials/{id}/retire", {"POST"}),
        ("/api/v1/credentials/{id}/explain", {"POST"}),
        ("/api/v1/leaks", {"POST"}),
        ("/api/v1/verify", {"POST"}),
        ("/api/v1/users/current", {"GET"}),
        ("/api/v1/users/current/password", {"POST"}),
        ("/api/v1/users/current/totp", {"POST", "DELETE"}),
        ("/api/v1/users/current/totp/confirmation", {"POST"}),
        ("/api/v1/users/current/recovery-codes", {"POST"}),
        ("/api/v1/password-resets/accept", {"POST"}),
        ("/api/v1/accounts/{id}/users", {"GET"}),
        ("/api/v1/accounts/{id}/users/{id}", {"PATCH", "DELETE"}),
        ("/api/v1/accounts/{id}/users/{id}/password-resets", {"POST"}),
        ("/api/v1/accounts/{id}/users/{id}/second-factor", {"DELETE"}),
        ("/api/v1/accounts/{id}/key-policy", {"PATCH"}),
        ("/api/v1/groups", {"GET", "POST"}),
        ("/api/v1/groups/{id}", {"GET", "PATCH"}),
        ("/api/v1/ledger", {"GET"}),
        ("/api/v1/usage", {"GET"}),
        ("/api/v1/audit", {"GET"}),
        ("/api/v1/accounts/{id}/grants", {"POST"}),
        ("/api/v1/sessions", {"GET", "POST"}),
        ("/api/v1/sessions/{id}", {"DELETE"}),
        ("/api/v1/accounts/{id}/invitations", {"GET", "POST"}),
        ("/api/v1/accounts/{id}/invitations/{id}", {"DELETE"}),
        ("/api/v1/sessions/current", {"GET", "DELETE"}),
        ("/api/v1/sessions/current/reauthentication", {"POST"}),
        ("/api/v1/setup", {"POST"}),
        ("/api/v1/platform-tokens", {"GET", "POST"}),
        ("/api/v1/models", {"GET", "POST"}),
        ("/healthz", {"GET"}),
        ("/openapi.yaml", {"GET"}),
        ("/v1/chat/completions", {"POST"}),
        ("/v1/models", {"GET"}),
        ("/v1/usage", {"GET"}),
        ("/apps/{id}/v1/models", {"GET"}),
        ("/apps/{id}/v1/usage", {"GET"}),
    ],
)
def test_a_wrong_method_is_a_405(pets, path, allowed):
    target = path.replace("{id}", pets.cat["id"])
    token = pets.cat_key if path.startswith(("/v1", "/apps")) else pets.token
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        if method in allowed:
            continue
        for with_token in (token, None):
            answer = pets.client.call(
                method, target, token=with_token, **({"json": {}} if method in ("POST", "PUT", "PATCH") else {})
            )
            if path.startswith(("/v1", "/apps")):
                openai_error(answer, 405, "method_not_allowed", denial="method_not_allowed")
            else:
                problem(answer, 405, "method_not_allowed")
            assert {name.strip() for name in answer.headers["allow"].split(",")} - {"HEAD"} == allowed


def test_trace_is_off(pets):
    """TRACE would echo the headers, the key among them."""
    for path in ("/v1/models", "/api/v1/applications", "/healthz"):
        head = [("Authorization", f"Bearer {pets.token}"), ("X-Echo-Me", "echo-me-please")]
        answer = converse(pets.client.server, request("TRACE", path, head), method="TRACE", path=path).first
        assert answer.status == 405
        assert b"echo-me-please" not in answer.body and pets.token.encode() not in answer.body


@pytest.mark.parametrize("method", ["BREW", "PROPFIND", "get", "CONNECT", "X" * 300])
def test_an_unknown_method_is_refused(pets, method):
    target = "example.com:443" if method == "CONNECT" else "/v1/models"
    conversation = converse(
        pets.client.server,
        request(method, target, [("Authorization", f"Bearer {pets.cat_key}")]),
        method=method[:10],
        path=target,
    )
    if conversation.answers:
        assert 400 <= conversation.first.status < 500 or conversation.first.status == 501
    else:
        assert conversation.was_closed
    expect(pets.client.call("GET", "/healthz"), 200)


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v2/applications",
        "/api/v1/nowhere",
        "/metrics",
        "/admin",
        "/.env",
        "/debug/pprof",
        "/api/v1/applications/x/y",
        "/healthz/x",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/api/v1/%00",
    ],
)
def test_an_unknown_path_is_a_problem(pets, path):
    problem(pets.call("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/",
        "/v1/nowhere",
        "/v1/embeddings",
        "/v1/chat",
        "/v1/models/echo",
        "/apps",
        "/apps/x",
        "/apps/x/v1/nowhere",
        "/v1/chat/completions/x",
    ],
)
def test_an_unknown_path_of_the_data_plane_is_an_openai_error(pets, path):
    for token in (pets.cat_key, None):
        openai_error(pets.client.call("GET", path, token=token), 404, "not_found", denial="not_found")


# Sizes


def test_a_large_management_body_is_a_413(pets):
    body = json.dumps(NEW_APP | {"system_prompt": "x" * (1 << 20)})
    problem(pets.call("POST", "/api/v1/applications", data=body), 413, "body_too_large")
    # Also from somebody whom nobody knows, without an Argon2 for it.
    problem(
        pets.client.call(
            "POST", "/api/v1/sessions", data=json.dumps({"email": "a@b.test", "password": "x" * (1 << 20)})
        ),
        413,
        "body_too_large",
    )


def test_the_longest_prompt_fits(tenant):
    """The bound on bodies must not be smaller than the bound on a field, also when each character takes more bytes."""
    assert len(tenant.application(system_prompt="x" * 32768)["system_prompt"]) == 32768
    assert len(tenant.application(system_prompt="я" * 32768)["system_prompt"]) == 32768


TARGETS = [
    ("/api/v1/applications", "token"),
    ("/v1/chat/completions", "key"),
    ("/api/v1/sessions", None),
    ("/v1/chat/completions", None),
    ("/nowhere", None),
]


def sized(pets, path, who, extra):
    token = {"token": pets.token, "key": pets.cat_key, None: None}[who]
    head = [("Content-Type", "application/json")] + ([("Authorization", f"Bearer {token}")] if token else []) + extra
    return request("POST", path, head)


@pytest.mark.parametrize("path, who", TARGETS)
def test_a_gigabyte_is_refused_in_bounded_memory(pets, path, who):
    """Declares 1 GB and sends as much as the server takes. The answer comes without waiting for the rest."""
    server = pets.client.server
    before = server.resident_bytes
    block = b" " * 65536
    pieces = itertools.chain(
        [sized(pets, path, who, [("Content-Length", str(1 << 30))])], itertools.repeat(block, (1 << 30) // len(block))
    )
    conversation = converse(server, pieces, deadline=30, method="POST", path=path)
    expected = {413} if who or path == "/api/v1/sessions" else {401, 404, 413}
    assert conversation.first.status in expected, conversation.first
    if conversation.first.status == 413:
        assert b"body_too_large" in conversation.first.body
    assert conversation.sent < 64 << 20, f"{conversation.sent} bytes were taken"
    assert server.resident_bytes - before < 64 << 20
    expect(pets.client.call("GET", "/healthz"), 200)


@pytest.mark.parametrize("path, who", TARGETS)
def test_an_endless_chunked_body_is_refused(pets, path, who):
    """Nothing is declared, so it is counted: refused at the bound, and not read for ever after that."""
    server = pets.client.server
    before = server.resident_bytes
    block = b"10000\r\n" + b" " * 65536 + b"\r\n"
    pieces = itertools.chain([sized(pets, path, who, [("Transfer-Encoding", "chunked")])], itertools.repeat(block))
    conversation = converse(server, pieces, deadline=30, method="POST", path=path)
    assert conversation.first.status in (
        {413} if who or path == "/api/v1/sessions" else {401, 404, 413}
    ), conversation.first
    assert conversation.sent < 64 << 20
    assert server.resident_bytes - before < 64 << 20


def test_one_hundred_thousand_headers(pets):
    """431, not a crash: the known class of defects in parsers that count headers."""
    for path, token in (("/v1/models", pets.cat_key), ("/api/v1/applications", pets.token)):
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode()
        pieces = itertools.chain(
            [head],
            (b"".join(b"X-%d: y\r\n" % (block * 1000 + n) for n in range(1000)) for block in range(100)),
            [b"\r\n"],
        )
        answer = converse(pets.client.server, pieces, deadline=30, method="GET", path=path).first
        assert answer.status == 431, answer
        assert b"request_header_fields_too_large" in answer.body
    expect(pets.client.call("GET", "/healthz"), 200)


def test_more_than_a_thousand_small_headers(pets):
    """Inside 80 KiB, so that the number alone is the reason."""
    head = [("Authorization", f"Bearer {pets.cat_key}")] + [(f"A{number}", "") for number in range(3000)]
    answer = converse(pets.client.server, request("GET", "/v1/models", head), method="GET", path="/v1/models").first
    assert answer.status == 431, answer
    some = [("Authorization", f"Bearer {pets.cat_key}")] + [(f"A{number}", "") for number in range(500)]
    assert (
        converse(pets.client.server, request("GET", "/v1/models", some), method="GET", path="/v1/models").first.status
        == 200
    )


@pytest.mark.parametrize("size", [100_000, 10_000_000])
def test_one_huge_header(pets, size):
    for name in ("X-Huge", "Authorization", "Cookie"):
        head = [(name, "Bearer sk-" + "x" * size)]
        conversation = converse(pets.client.server, request("GET", "/v1/models", head), method="GET", path="/v1/models")
        assert [answer.status for answer in conversation.answers] == [431], conversation.answers


def test_a_long_address_is_refused(pets):
    for target in ("/v1/models/" + "x" * 200_000, "/api/v1/applications?cursor=" + "x" * 200_000):
        conversation = converse(pets.client.server, request("GET", target), method="GET", path="/long")
        assert conversation.first.status in (400, 404, 414, 431), conversation.first


def test_a_long_key_is_refused_quickly(pets):
    openai_error(
        pets.client.call("GET", "/v1/models", token="sk-" + "A" * 60_000), 401, "invalid_api_key", denial="invalid_key"
    )
    openai_error(
        pets.client.call("GET", "/v1/models", token="sk-" + "A" * 51), 401, "invalid_api_key", denial="invalid_key"
    )


# Framing


BODY = b'{"messages":[{"role":"user","content":"hi"}]}'
SMUGGLED = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"


def framed(key, *lines):
    head = [
        "POST /v1/chat/completions HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        *lines,
    ]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")


@pytest.mark.parametrize(
    "case",
    [
        "both lengths",
        "two lengths",
        "negative length",
        "signed length",
        "comma length",
        "hex length",
        "unknown coding",
        "chunked not last",
        "folded header",
        "bare CR",
        "NUL in a header",
        "space before the colon",
        "no Host",
        "two Hosts",
        "bad chunk size",
        "huge chunk size",
        "HTTP/9.9",
        "no version",
        "TLS hello",
        "noise",
    ],
)
def test_bad_framing_is_refused_and_ends_the_connection(pets, case):
    """A server behind a proxy must never read a request otherwise than the proxy does (checklist 4.2)."""
    key, length = pets.cat_key, f"Content-Length: {len(BODY)}"
    raw = {
        "both lengths": framed(key, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + SMUGGLED,
        "two lengths": framed(key, length, "Content-Length: 1") + BODY + SMUGGLED,
        "negative length": framed(key, "Content-Length: -1") + BODY,
        "signed length": framed(key, f"Content-Length: +{len(BODY)}") + BODY,
        "comma length": framed(key, f"Content-Length: {len(BODY)}, 1") + BODY,
        "hex length": framed(key, "Content-Length: 0x2d") + BODY,
        "unknown coding": framed(key, "Transfer-Encoding: gzip") + BODY,
        "chunked not last": framed(key, "Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n",
        "folded header": framed(key, "X-A: b\r\n c", length) + BODY,
        "bare CR": framed(key, "X-A: b\rX-C: d", length) + BODY,
        "NUL in a header": framed(key, "X-A: b\0c", length) + BODY,
        "space before the colon": framed(key, f"Content-Length : {len(BODY)}") + BODY,
        "no Host": f"GET /v1/models HTTP/1.1\r\nAuthorization: Bearer {key}\r\n\r\n".encode(),
        "two Hosts": f"GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\nAuthorization: Bearer {key}\r\n\r\n".encode(),
        "bad chunk size": framed(key, "Transfer-Encoding: chunked") + b"zz\r\n",
        "huge chunk size": framed(key, "Transfer-Encoding: chunked") + b"fffffffffffffffff\r\n",
        "HTTP/9.9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        "no version": b"GET /healthz\r\n\r\n",
        "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
        "noise": bytes(random.Random(7).randrange(256) for _ in range(2000)) + b"\r\n\r\n",
    }[case]
    conversation = converse(pets.client.server, raw, deadline=10, until_closed=True, method="RAW", path=f"/{case}")
    assert len(conversation.answers) <= 1, f"two answers: {[a.status for a in conversation.answers]}"
    if conversation.answers:
        # RFC 9112 §6.1 and RFC 9110 §15.6.6: a coding or a version that is not spoken here.
        own = {"unknown coding": 501, "chunked not last": 501, "HTTP/9.9": 505}
        status = conversation.first.status
        assert 400 <= status < 500 or status == own.get(case), conversation.first
    assert conversation.was_closed, "the connection stays open after a request that can't be trusted"
    expect(pets.client.call("GET", "/healthz"), 200)


def test_two_requests_in_one_packet_get_two_answers(pets):
    """Pipelining is legal; each request is judged by its own key."""
    one = request("GET", "/v1/models", [("Authorization", f"Bearer {pets.cat_key}")])
    other = request("GET", "/v1/models", [("Authorization", "Bearer sk-nonsense")])
    conversation = converse(pets.client.server, one + other + one, until_closed=True, method="GET", path="/v1/models")
    assert [answer.status for answer in conversation.answers] == [200, 401, 200]


def test_a_request_that_stops_half_way_costs_only_itself(pets):
    """A head, and half a body, and then nothing: the connection waits, others are served meanwhile."""
    with socket.create_connection(("127.0.0.1", pets.client.server.port), timeout=10) as half:
        half.sendall(framed(pets.cat_key, "Content-Length: 1000") + BODY)
        for _ in range(5):
            expect(pets.client.chat(pets.cat_key), 200)


# Noise


def test_no_random_body_is_a_5xx(pets, tenant):
    """Mutations of good bodies by a seeded generator: reproducible, and different in every place."""
    chance = random.Random(20261121)
    seeds = [
        json.dumps(NEW_APP).encode(),
        json.dumps(CHAT).encode(),
        json.dumps({"application_id": pets.cat["id"], "name": "x"}).encode(),
    ]
    for number in range(300):
        body = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(body))
            match chance.randrange(3):
                case 0:
                    body[place] = chance.randrange(256)
                case 1:
                    del body[place : place + chance.randrange(1, 5)]
                case 2:
                    body[place:place] = bytes([chance.randrange(256)]) * chance.randrange(1, 5)
            if not body:
                break
        for path, token in (("/api/v1/applications", tenant.token), ("/v1/chat/completions", pets.cat_key)):
            answer = pets.client.call("POST", path, data=bytes(body), token=token)
            assert answer.status_code < 500, f"#{number} {bytes(body)!r}: {answer.status_code}"


@pytest.mark.at_the_end
def test_no_answer_of_the_run_tells_about_the_inside(recorded):
    """Every refusal that any test got: the right content type and shape, and not a word of SQL, stack or path."""
    judged = 0
    for exchange in recorded:
        is_own = (
            exchange.header("x-latchkey-code")
            or exchange.media_type == "application/problem+json"
            or exchange.status >= 500
        )
        if exchange.status < 400 or not exchange.is_whole or not is_own or exchange.method == "HEAD":
            continue
        judged += 1
        assert exchange.media_type in ("application/problem+json", "application/json"), str(exchange)
        document = json.loads(exchange.body)
        if exchange.media_type == "application/json":
            assert set(document) == {"error"}, str(exchange)
        else:
            assert document["code"] and document["detail"], str(exchange)
        found = INTERNALS.search(exchange.body.decode("utf-8"))
        assert not found, f"{exchange} says {found.group()!r}: {exchange.body[:500]}"
    assert judged, "no refusal was recorded at all"


@pytest.mark.at_the_end
def test_no_answer_of_the_run_is_an_internal_error(recorded):
    """5xx is for the upstream's failures (502, 504), a full queue (503), and a transfer coding or version that is not
    spoken here (501, 505); a 500 is a defect wherever it came from."""
    expected = {501, 502, 503, 504, 505}
    assert [str(exchange) for exchange in recorded if exchange.status >= 500 and exchange.status not in expected] == []
