"""What one caller may take from all others: connections, places, memory and time. None of these needs a key that works.

Each was seen to stop a server, or to shut everybody out of it.
"""

import contextlib
import json
import socket
import time

import pytest

from client import elsewhere, expect
from length import IS_LONG, length
from shapes import openai_error
from talk import Talk
from test_line import APPS, CHAT, HELLO, planes, raw
from waiting import wait_for

MEBIBYTE = 1 << 20


def open_many(server, count, data, sources):
    """So many connections, each of which has sent these bytes, and an exit stack that closes them."""
    stack = contextlib.ExitStack()
    opened = []
    for number in range(count):
        try:
            connection = socket.create_connection(("127.0.0.1", server.port), 10, (sources[number % len(sources)], 0))
            stack.callback(connection.close)
            connection.setblocking(False)
            connection.send(data)
            opened.append(connection)
        except OSError:
            pass  # refused: that is what a share is for
    return opened, stack


def others_are_served(client, pets, times=5, deadline=10):
    """From another address, with another key, in time."""
    for _ in range(times):
        begun = time.monotonic()
        expect(client.chat(pets.dog_key, timeout=deadline), 200)
        expect(client.call("GET", APPS, token=pets.token, timeout=deadline), 200)
        assert time.monotonic() - begun < deadline


def half_of(kind, strangers):
    """What a caller sends who then says nothing more."""
    return {
        "no byte": b"",
        "half a head": b"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nX-",
        "half a body with a key": raw("POST", CHAT, strangers.app_key, HELLO)[:-1],
        "half a body for people": raw("POST", APPS, strangers.token, b'{"name":"x"}')[:-1],
        "half a sign-in": raw("POST", "/api/v1/sessions", None, b'{"email":"a@b.example"}')[:-1],
    }[kind]


@pytest.mark.parametrize(
    "kind", ["no byte", "half a head", "half a body with a key", "half a body for people", "half a sign-in"]
)
def test_who_begins_and_says_nothing_more_shuts_nobody_out(pets, strangers, kind):
    """1,030 connections with a good head and one byte of body did so for a minute."""
    server = pets.client.server
    _, stack = open_many(server, 1_100, half_of(kind, strangers), ["127.80.0.1"])
    with stack:
        others_are_served(elsewhere(server), pets)


@pytest.mark.parametrize("path", ["/openapi.yaml", "/healthz", "/v1/models"])
def test_who_asks_and_reads_nothing_costs_no_memory(pets, path):
    """150 connections × 60,000 requests for /openapi.yaml took 2.2 GB, without any credential."""
    server = pets.client.server
    token = pets.cat_key if path == "/v1/models" else None
    answer = expect(pets.client.call("GET", path, token=token), 200)
    before = server.resident_bytes
    asked = memoryview(raw("GET", path, token) * length(10_000, 60_000))
    connections, stack = open_many(server, length(40, 150), b"", [f"127.81.0.{n}" for n in range(1, 11)])
    with stack:
        unsent = {connection: asked for connection in connections}
        quiet_since = time.monotonic()
        while unsent and time.monotonic() - quiet_since < 2:
            for connection in list(unsent):
                try:
                    sent = connection.send(unsent[connection])
                    quiet_since = time.monotonic()
                    unsent[connection] = unsent[connection][sent:]
                    if not unsent[connection]:
                        del unsent[connection]
                except BlockingIOError:
                    continue
                except OSError:
                    del unsent[connection]
            time.sleep(0.01)
        grown = max(server.resident_bytes - before for _ in range(20) if time.sleep(0.1) is None)
        # One answer at a time is kept, and 64 KiB of what was asked besides.
        allowed = 32 * MEBIBYTE + len(connections) * (2 * len(answer.content) + 65_536)
        assert grown < allowed, f"{grown / MEBIBYTE:.0f} MiB, {allowed / MEBIBYTE:.0f} allowed"
        # Millions of short answers fit into the kernels' buffers, and are being made meanwhile.
        others_are_served(elsewhere(server), pets, times=2, deadline=length(10, 40))


def test_a_connection_between_two_requests_costs_little(pets):
    """At most 32 KiB, whatever was asked on it before: one with a long head, and one with a body."""
    server = pets.client.server
    long_head = raw("GET", "/healthz", None, b"", *(f"X-{n}: {'y' * 60}" for n in range(500)))
    for asked in (long_head, raw("POST", CHAT, pets.cat_key, json.dumps({"x": "y" * 60_000}).encode())):
        before = server.resident_bytes
        connections, stack = open_many(server, 800, b"", [f"127.82.0.{n}" for n in range(1, 21)])
        with stack:
            assert len(connections) == 800
            for connection in connections:
                connection.settimeout(20)
                connection.sendall(asked)
                assert connection.recv(65536).startswith(b"HTTP/1.1 ")
            grown = server.resident_bytes - before
            assert grown < 800 * 32 * 1024, f"{grown / 800 / 1024:.0f} KiB a connection"


def test_a_slow_but_steady_body_is_taken(pets):
    """3 MB at 40 kB/s were cut without a word after 61 s."""
    seconds = length(4, 75)
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 40_000 * seconds}]}).encode()
    with Talk(pets.client.server, timeout=60) as talk:
        talk.say(raw("POST", CHAT, pets.cat_key, body)[: -len(body)])
        for place in range(0, len(body), 10_000):
            talk.say(body[place : place + 10_000])
            time.sleep(0.25)
        assert talk.hear("POST", CHAT).status == 200


@pytest.mark.long
@pytest.mark.parametrize("drip", [b"", b"x"])
def test_who_is_too_slow_is_told_so(pets, drip):
    """408, and the end. (In the short run it is only seen that the connection waits for a while.)"""
    for method, path, token, body in planes(pets):
        with Talk(pets.client.server, timeout=180) as talk:
            talk.say(raw(method, path, token, b"", "Content-Type: application/json", "Content-Length: 100000") + b'{"')
            end = time.monotonic() + length(2, 150)
            while time.monotonic() < end and not talk.received:
                with contextlib.suppress(OSError):
                    talk.say(drip)
                talk._more(time.monotonic() + 1)
            if IS_LONG:
                assert talk.hear(method, "/too-slow").status == 408 and talk.is_closed()
            else:
                assert not talk.received and not talk.was_closed


def test_the_answer_of_a_refused_upload_is_seen(pets):
    """The caller goes on sending for a while, as most clients do, and finds the refusal when it is done."""
    head = raw("POST", CHAT, "sk-nonsense", b"", "Content-Type: application/json", f"Content-Length: {8 * MEBIBYTE}")
    with Talk(pets.client.server, timeout=30) as talk:
        talk.say(head)
        for _ in range(128):
            talk.say(b"x" * 65536)
        assert talk.hear("POST", CHAT).status == 401


def test_a_caller_who_reads_nothing_of_a_stream_holds_up_nobody(pets):
    """The server stops, and goes on when they read; meanwhile others are served."""
    # Each word is an event, so that it is more than what the kernels keep.
    body = json.dumps({"messages": [{"role": "user", "content": "word " * 40_000}], "stream": True}).encode()
    before = pets.client.server.resident_bytes
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(pets.client.server, timeout=60)) for _ in range(3)]
        for talk in talks:
            talk.say(raw("POST", CHAT, pets.cat_key, body))
        others_are_served(elsewhere(pets.client.server), pets, times=3)
        assert pets.client.server.resident_bytes - before < 64 * MEBIBYTE
        for talk in talks:
            told = talk.hear_until(b"\r\n0\r\n\r\n")
            assert told.startswith(b"HTTP/1.1 200 ") and b"data: [DONE]" in told[-100:]
            assert told.count(b"word ") > 30_000


# Fair shares


def test_one_address_may_not_have_all_connections(own_server):
    """Of ten it gets six, and is told so for the seventh; another address is served."""
    server = own_server(settings={"LATCHKEY_LISTEN_MAX_CONNECTIONS": 10}).start()
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(server, source="127.90.0.1")) for _ in range(6)]
        for talk in talks:
            assert talk.say(raw("GET", "/healthz", None)).hear("GET", "/healthz").status == 200
        with Talk(server, source="127.90.0.1") as more:
            answer = more.hear("GET", "/healthz")
            assert answer.status == 503 and answer.header("retry-after") == "1" and more.is_closed()
        with Talk(server, source="127.90.0.2") as other:
            assert other.say(raw("GET", "/healthz", None)).hear("GET", "/healthz").status == 200
    wait_for("a place", lambda: elsewhere(server).call("GET", "/healthz").status_code == 200)
    with Talk(server, source="127.90.0.1") as again:
        assert again.say(raw("GET", "/healthz", None)).hear("GET", "/healthz").status == 200


def test_one_tenant_leaves_places_for_others(own_deployment, upstream):
    """Of eight places its calls get five, wherever they come from; others are served beside them."""
    deployment = own_deployment(settings={"LATCHKEY_GATEWAY_UPSTREAM_CONNECTIONS": 8})
    deployment.add_upstream(upstream)
    busy, other = deployment.new_tenant(), deployment.new_tenant()
    keys = [busy.key(busy.upstream_application()["id"]) for _ in range(2)]
    other_key = other.key(other.upstream_application()["id"])
    callers, streams = [], []
    try:
        for number in range(5):
            callers.append(elsewhere(deployment.server))
            stream = callers[-1].chat(
                keys[number % 2], model="endless", stream=True, stream_to_caller=True, through_upstream=True
            )
            lines = expect(stream, 200).iter_lines()
            assert next(lines)
            # Whoever is not kept closes its connection.
            streams.append((stream, lines))
        for key in keys:
            openai_error(elsewhere(deployment.server).chat(key), 503, "overloaded", denial="overloaded")
        for _ in range(3):
            expect(elsewhere(deployment.server).chat(other_key, through_upstream=True), 200)
    finally:
        for stream, _ in streams:
            stream.close()


def test_an_upload_may_not_have_all_that_can_be_received(own_deployment):
    """One address gets 503 in the middle of what is too much at once, and another one uploads beside it."""
    deployment = own_deployment(settings={"LATCHKEY_LISTEN_MAX_RECEIVING_BYTES": 2 * MEBIBYTE})
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application()["id"])
    body = json.dumps({"messages": [{"role": "user", "content": "x" * 600_000}]}).encode()
    whole = raw("POST", CHAT, key, body)
    with contextlib.ExitStack() as stack:
        talks = [stack.enter_context(Talk(deployment.server, source="127.91.0.1")) for _ in range(4)]
        for talk in talks:
            with contextlib.suppress(OSError):
                talk.say(whole[:-1])
        wait_for("a refusal", lambda: any(talk.received or not talk.is_silent(0.1) for talk in talks))
        refused = [talk for talk in talks if not talk.is_silent(0.2)]
        assert 1 <= len(refused) <= 3
        for talk in refused:
            answer = talk.hear("POST", "/overloaded")
            assert answer.status == 503 and answer.header("retry-after") == "1"
        with Talk(deployment.server, source="127.91.0.2") as other:
            assert other.say(raw("POST", CHAT, key, HELLO)).hear("POST", CHAT).status == 200
        for talk in talks:
            if talk not in refused:
                assert talk.say(whole[-1:]).hear("POST", CHAT).status == 200
    # All of it is free again.
    with Talk(deployment.server, source="127.91.0.1") as again:
        assert again.say(whole).hear("POST", CHAT).status == 200


@pytest.mark.parametrize("operation", ["calls", "asks for models"])
def test_one_key_on_many_addresses_leaves_connections_for_others(own_deployment, operation):
    """An address has its share of connections, and whoever has many addresses would have all. So has a key its share: who
    calls with it on more is told so, and that connection ends."""
    deployment = own_deployment(settings={"LATCHKEY_LISTEN_MAX_CONNECTIONS": 60})
    greedy, other = deployment.new_tenant(), deployment.new_tenant()
    key = greedy.key(greedy.application()["id"])
    method, path = ("POST", CHAT) if operation == "calls" else ("GET", "/v1/models")
    asked = raw(method, path, key, HELLO if operation == "calls" else b"")
    with contextlib.ExitStack() as stack:
        answers = []
        for number in range(1, 49):
            talk = stack.enter_context(Talk(deployment.server, source=f"127.87.0.{number}"))
            answers.append((talk, talk.say(asked).hear(method, path)))
        statuses = [answer.status for _, answer in answers]
        assert statuses == sorted(statuses) and set(statuses) == {200, 503}, statuses
        assert 20 <= statuses.count(200) <= 31, statuses
        refused, answer = answers[-1]
        assert answer.header("X-Latchkey-Code") == "overloaded" and answer.header("Connection") == "close"
        assert refused.is_closed()
        with Talk(deployment.server, source="127.87.1.1") as talk:
            fine = raw("POST", CHAT, other.key(other.application()["id"]), HELLO)
            assert talk.say(fine).hear("POST", CHAT).status == 200
        # With one of its connections gone there is room for another, once those that were refused are gone too.
        for talk in [answers[0][0], *(talk for talk, answer in answers if answer.status == 503)]:
            talk.connection.close()
        time.sleep(0.5)
        with Talk(deployment.server, source="127.87.1.2") as talk:
            assert talk.say(asked).hear(method, path).status == 200
