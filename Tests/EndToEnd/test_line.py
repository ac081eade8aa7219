"""The line to callers, with the software that people have: each of these was seen to fail with one of them.

HTTP/1.0 of health checks, benchmarks and proxies; clients that offer HTTP/2; clients that wait for 100; bodies of
photos; Node's fetch. What one caller may take from all others is in test_line_shares.py.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from client import Client, expect, unique
from deployment import CAT
from haproxy import HAProxy
from nginx import Nginx
from shapes import openai_error, problem
from talk import Talk
from waiting import wait_for

CALLERS = Path(__file__).parent / "callers"
CHAT, APPS = "/v1/chat/completions", "/api/v1/applications"
HELLO = json.dumps({"messages": [{"role": "user", "content": "hello"}]}).encode()
STREAM = json.dumps({"messages": [{"role": "user", "content": "hello"}], "stream": True}).encode()


def run(*command, timeout=60):
    """A program's output; it must end well, and in time."""
    assert shutil.which(command[0]), f"{command[0]} is missing: make install-test"
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=timeout)
    told = f"{done.stdout[-2000:]} {done.stderr[-2000:]}"
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {told}"
    return done.stdout


def raw(method, path, token, body=b"", *headers, version="1.1", host=True):
    """The bytes of a request, with nothing that wasn't asked for."""
    lines = [f"{method} {path} HTTP/{version}"]
    lines += ["Host: latchkey.test"] if host else []
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += [*headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


SERVED = {CHAT: 200, APPS: 201}


@pytest.fixture(scope="module")
def pets(_deployment):
    """A tenant of this module's own, since its calls make apps."""
    made = _deployment.new_tenant("Line")
    made.cat = made.application("Cat", system_prompt=CAT)
    made.cat_credential = made.credential(made.cat["id"])
    made.cat_key = made.cat_credential["token"]
    return made



def planes(pets):
    """A call of each plane: (method, path, token, body). They are answered with what `SERVED` says."""
    new_app = json.dumps({"name": unique("App"), "kind": "chat", "model": "echo"}).encode()
    return [("POST", CHAT, pets.cat_key, HELLO), ("POST", APPS, pets.token, new_app)]


# HTTP/1.0


@pytest.fixture
def haproxy(pets, home):
    made = HAProxy(home / "haproxy", pets.client.server.port)
    yield made
    made.close()


def test_haproxy_finds_the_server_well_and_passes_calls_on(pets, haproxy):
    """`option httpchk` asks in HTTP/1.0 and names no host."""
    wait_for("haproxy's checks", lambda: haproxy.checks()[0] == "UP" and haproxy.checks()[1] == "L7OK", 10)
    through = Client(haproxy)
    for _ in range(3):
        expect(through.chat(pets.cat_key), 200)
        expect(through.call("GET", APPS, token=pets.token), 200)
    assert "[DONE]" in expect(through.chat(pets.cat_key, stream=True), 200).text
    assert haproxy.checks() == ("UP", "L7OK")


@pytest.mark.parametrize("keeps", [False, True])
def test_ab_gets_every_answer(pets, home, keeps):
    """Apache's benchmark speaks HTTP/1.0; with -k it asks to keep the connection."""
    url, body = pets.client.server.url, home / "body.json"
    body.write_bytes(HELLO)
    options = ["-q", "-l", "-n", "60", "-c", "6", *(["-k"] if keeps else [])]
    call = ["-p", body, "-T", "application/json", "-H", f"Authorization: Bearer {pets.cat_key}"]
    for told in (run("ab", *options, *call, url + CHAT), run("ab", *options, url + "/healthz")):
        numbers = dict(re.findall(r"^([A-Z][\w -]+): +(\d+)", told, re.MULTILINE))
        assert numbers["Complete requests"] == "60" and numbers["Failed requests"] == "0", told
        assert "Non-2xx responses" not in numbers, told
        assert not keeps or numbers["Keep-Alive requests"] == "60", told


def test_nginx_as_it_comes_passes_calls_on(pets, home):
    """Without `proxy_http_version` it speaks HTTP/1.0 to its upstream."""
    nginx = Nginx(home / "nginx", pets.client.server.url)
    try:
        through = Client(nginx)
        for _ in range(3):
            expect(through.chat(pets.cat_key), 200)
            expect(through.call("GET", APPS, token=pets.token), 200)
        told = expect(through.chat(pets.cat_key, stream=True), 200)
        events = [line for line in told.text.split("\n") if line]
        assert events[-1] == "data: [DONE]" and all(event.startswith(("data: ", ":")) for event in events), told.text
        problem(through.call("GET", "/api/v1/nowhere", token=pets.token), 404, "not_found")
    finally:
        nginx.close()


@pytest.mark.parametrize("path", ["/healthz", "/openapi.yaml", "/v1/models", APPS])
def test_an_answer_to_http_1_0_is_one_that_it_can_read(pets, path):
    """No chunks; and the end of the connection, which is the end of the answer, unless it was asked to be kept."""
    token = {"/v1/models": pets.cat_key, APPS: pets.token}.get(path)
    with Talk(pets.client.server) as talk:
        answer = talk.say(raw("GET", path, token, version="1.0", host=False)).hear("GET", path)
        assert answer.status == 200 and answer.body
        assert answer.header("transfer-encoding") is None and answer.header("connection") == "close"
        assert talk.is_closed()


@pytest.mark.parametrize("path", ["/healthz", "/v1/models"])
def test_http_1_0_keeps_its_connection_when_it_asks(pets, path):
    asks = raw("GET", path, pets.cat_key, b"", "Connection: keep-alive", version="1.0", host=False)
    with Talk(pets.client.server) as talk:
        for _ in range(3):
            answer = talk.say(asks).hear("GET", path)
            assert answer.status == 200 and answer.header("connection").lower() == "keep-alive"
            assert answer.header("transfer-encoding") is None
        assert talk.is_silent(0.3) and not talk.was_closed


def test_a_stream_to_http_1_0_ends_with_its_connection(pets):
    """Its length is not known, so there is nothing else that it could end with, whatever was asked for."""
    for more in ([], ["Connection: keep-alive"]):
        with Talk(pets.client.server) as talk:
            talk.say(raw("POST", CHAT, pets.cat_key, STREAM, *more, version="1.0", host=False))
            answer = talk.hear("POST", CHAT)
            assert answer.status == 200 and answer.header("transfer-encoding") is None
            assert answer.header("connection") == "close"
            assert answer.body.startswith(b"data: ") and answer.body.rstrip().endswith(b"data: [DONE]")


# Offers to speak something else


def test_java_calls_again_and_again(pets):
    """Its client offers h2c with `Connection: Upgrade, HTTP2-Settings` and then uses the connection again."""
    told = run("java", CALLERS / "JavaCaller.java", pets.client.server.url, pets.cat_key, 5, timeout=120)
    assert told.split("\n")[:-1] == ["200 HTTP_1_1"] * 10, told


def test_curl_offers_http_2_and_goes_on(pets):
    url = pets.client.server.url
    chat = ["-H", f"Authorization: Bearer {pets.cat_key}", "-H", "Content-Type: application/json", "-d", HELLO.decode()]
    shown = "%{http_code} %{http_version} %{num_connects}\n"
    each = ["-sS", "--http2", "--max-time", "15", "-o", "/dev/null", "-w", shown]
    calls = [*each, *chat, url + CHAT, "--next", *each, url + "/healthz", "--next", *each, *chat, url + CHAT]
    told = run("curl", *calls)
    assert told.split("\n")[:-1] == ["200 1.1 1", "200 1.1 0", "200 1.1 0"], told


@pytest.mark.parametrize("upgrade", ["h2c", "websocket", "TLS/1.0, HTTP/1.1"])
def test_an_offer_is_not_taken_and_the_connection_is_as_good_as_before(pets, upgrade):
    offer = ["Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
    with Talk(pets.client.server) as talk:
        for method, path, token, body in planes(pets) + planes(pets):
            answer = talk.say(raw(method, path, token, body, *offer)).hear(method, path)
            assert answer.status == SERVED[path] and answer.header("upgrade") is None, answer.body


# Expect: 100-continue


def test_curl_sends_a_large_body_without_waiting(pets, home):
    """It asks first from 1 MiB on, and would wait here for 20 seconds if it got no answer."""
    body = home / "body.json"
    body.write_text(json.dumps({"messages": [{"role": "user", "content": "x" * 2_000_000}]}))
    written = ["-sS", "-v", "--max-time", "60", "--expect100-timeout", "20", "-o", "/dev/null"]
    headers = ["-H", "Content-Type: application/json", "-H", f"Authorization: Bearer {pets.cat_key}"]
    sent = ["--data-binary", f"@{body}", "--stderr", "-", "-w", "%{http_code} %{time_total}\n"]
    told = run("curl", *written, *headers, *sent, pets.client.server.url + CHAT)
    assert "> Expect: 100-continue" in told and "< HTTP/1.1 100 Continue" in told, told
    status, seconds = told.rstrip().split("\n")[-1].split()
    assert status == "200" and float(seconds) < 15, told


def test_a_caller_who_asks_first_is_told_to_go_on(pets):
    for method, path, token, body in planes(pets):
        with Talk(pets.client.server) as talk:
            talk.say(raw(method, path, token, body, "Expect: 100-continue")[: -len(body)])
            interim = talk.hear(interim=True)
            assert interim.status == 100 and not interim.headers
            assert talk.say(body).hear(method, path).status == SERVED[path]
            # And the next request of the connection is read as one.
            assert talk.say(raw("GET", "/healthz", None)).hear("GET", "/healthz").status == 200


def test_a_body_that_nobody_wants_is_not_asked_for(pets):
    """The refusal comes in place of 100: for the key, for the length, for the route."""
    long = [f"Content-Length: {1 << 40}", "Content-Type: application/json"]
    short = ["Content-Length: 10", "Content-Type: application/json"]
    for path, token, fields, status in [
        (CHAT, "sk-nonsense", short, 401),
        (CHAT, pets.cat_key, long, 413),
        (APPS, "lkp-nonsense", short, 401),
        (APPS, pets.token, long, 413),
        ("/v1/nowhere", pets.cat_key, short, 404),
        ("/nowhere", None, short, 404),
    ]:
        with Talk(pets.client.server) as talk:
            talk.say(raw("POST", path, token, b"", "Expect: 100-continue", *fields))
            answer = talk.hear("POST", path, interim=True)
            assert answer.status == status, (path, answer.status, answer.body)


def test_another_expectation_is_refused(pets):
    with Talk(pets.client.server) as talk:
        answer = talk.say(raw("POST", CHAT, pets.cat_key, HELLO, "Expect: 200-ok")).hear("POST", "/expectation")
        assert answer.status == 417 and talk.is_closed()


# Framing inside a body


@pytest.mark.parametrize("rest", [b"zz\r\n", b"5\r\nabcdefg\r\n", b"3\nabc\r\n", b"3 \r\nabc\r\n", b"3;\0\r\nabc\r\n"])
def test_bad_framing_in_a_body_is_told_and_what_came_before_is_answered(pets, rest):
    for method, path, token, body in planes(pets):
        good = raw(method, path, token, body)
        head = raw(method, path, token, b"", "Content-Type: application/json", "Transfer-Encoding: chunked")
        with Talk(pets.client.server) as talk:
            talk.say(good + head + b"1\r\n{\r\n" + rest)
            assert talk.hear(method, path).status == SERVED[path]
            assert talk.hear(method, "/bad-chunk").status == 400
            assert talk.is_closed()


def test_chunks_with_extensions_and_trailer_fields_are_a_body(pets):
    for method, path, token, body in planes(pets):
        head = raw(method, path, token, b"", "Content-Type: application/json", "Transfer-Encoding: chunked")
        pieces = b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in (body[:7], body[7:]))
        with Talk(pets.client.server) as talk:
            answer = talk.say(head + pieces + b"0\r\nX-Sum: 1\r\n\r\n").hear(method, path)
            assert answer.status == SERVED[path], answer.body


# What bodies may be


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body_is_refused_with_what_is_taken(pets, coding):
    for method, path, token, body in planes(pets):
        answer = pets.client.call(method, path, data=body, token=token, headers={"Content-Encoding": coding})
        assert answer.status_code == 415 and answer.headers["accept-encoding"] == "identity", answer.text
        plain = {"Content-Encoding": "identity"}
        expect(pets.client.call(method, path, data=body, token=token, headers=plain), SERVED[path])


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8", "UTF8", '"utf-8"'])
def test_utf_8_by_any_spelling(pets, charset):
    for method, path, token, body in planes(pets):
        headers = {"Content-Type": f"application/json; charset={charset}"}
        expect(pets.client.call(method, path, data=body, token=token, headers=headers), SERVED[path])


def test_a_photo_fits(pets):
    """One of 8 MB, as a client puts it into `image_url`."""
    photo = "data:image/jpeg;base64," + "A" * 11_000_000
    content = [{"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": photo}}]
    expect(pets.client.chat(pets.cat_key, messages=[{"role": "user", "content": content}], timeout=60), 200)


def test_a_body_that_is_too_long_is_told_which_setting_that_is(quick, quick_relay):
    answer = quick.client.chat(quick_relay.app_key, "x" * 300_000)
    error = openai_error(answer, 413, "body_too_large")
    assert "gateway.max_request_bytes" in error["message"] or "LATCHKEY_GATEWAY_MAX_REQUEST_BYTES" in error["message"]


# Headers of strangers


def test_nodes_own_fetch_is_no_browser(pets):
    """It sends `Sec-Fetch-Mode: cors` and no `Origin`."""
    told = run("node", CALLERS / "node_caller.mjs", pets.client.server.url, pets.cat_key).split("\n")
    assert [line[:3] for line in told[:-1]] == ["200", "200", "200"], told
    assert "[DONE]" in told[1]


@pytest.mark.parametrize("headers", [{"Origin": "https://a.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_a_browser_is_one(pets, headers):
    answer = pets.client.chat(pets.cat_key, headers=headers | {"Sec-Fetch-Mode": "cors"})
    openai_error(answer, 403, "browser_not_allowed", denial="browser_not_allowed")


def test_an_optional_header_that_is_empty_is_none(pets):
    """Dify's tools send every parameter of an operation, with nothing in those that were left out."""
    before = pets.read_credential(pets.cat_credential["id"])["used_amount"]
    for _ in range(2):
        with Talk(pets.client.server) as talk:
            answer = talk.say(raw("POST", CHAT, pets.cat_key, HELLO, "Idempotency-Key:")).hear("POST", CHAT)
            assert answer.status == 200, answer.body
    # Each was a call of its own.
    assert pets.read_credential(pets.cat_credential["id"])["used_amount"] == before + 40


@pytest.mark.parametrize(
    "said, address",
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("198.51.100.9:1, 203.0.113.7:65535, 10.1.2.3:80", "203.0.113.7"),
    ],
)
def test_an_address_may_come_with_a_port(proxied, said, address):
    """Azure's gateway writes them so."""
    tenant = proxied.new_tenant()
    app = tenant.application()
    key = tenant.key(app["id"], ip_allowlist=[address])
    expect(proxied.client.chat(key, headers={"X-Forwarded-For": said}), 200)
    for bad in ("203.0.113.7:", "203.0.113.7:99999", "203.0.113.7:x", "[2001:db8::7]x", "2001:db8::7:443:1:2:3:4:5:6"):
        expect(proxied.client.chat(key, headers={"X-Forwarded-For": bad}), 403)
