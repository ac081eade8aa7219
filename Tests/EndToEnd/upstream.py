"""A second real process: an upstream that behaves in every way an upstream can, good and bad.

    python upstream.py --port 0

The model of a chat call chooses the behaviour (`upstream-<mode>`): one process and one provider serve all tests.
The process notes every request and hands the notes out:

    GET /__recorded            all of them          GET /__recorded?marker=TEXT   those whose body contains TEXT

The mode `script` does what the body of the call says: its member `script` is a list of the steps below, and the step
`wait` goes on when the test says so with GET /__release?marker=TEXT.

Written on bare sockets (asyncio streams), because half of the modes are things that an HTTP library refuses to send.
"""

import argparse
import asyncio
import gzip
import json
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

# Odd spacing, a number no double holds, trailing zeros: an answer that was parsed and printed again is not these bytes.
JSON_ANSWER = (
    b'{ "id" : "chatcmpl-up", "object":"chat.completion","created":1700000000,"model":"upstream-json",\n'
    b'  "x_big":12345678901234567890123, "x_decimal":1.10, "x_text":"\\u00e9\\/",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"upstream says hello"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":1,"completion_tokens":3,"total_tokens":4}}\n'
)


def as_told(model):
    """The answer above as a caller gets it: byte for byte, with the public name of its model."""
    return JSON_ANSWER.replace(b'"upstream-json"', json.dumps(model).encode())


CHUNKS = 6
CHUNK_GAP = 0.1
# A text that must never come out of the gateway: it stands in the bodies of answers that the gateway has to replace.
INSIDE = "inside-information-of-the-upstream"
STATUSES = [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503]
MODES = [
    "json",
    "stream",
    "slow",
    "slow-body",
    "slow-stream",
    "trickle",
    "broken",
    "broken-long",
    "broken-stream",
    "garbage",
    "hang-up",
    "redirect-302",
    "redirect-307",
    "endless",
    "huge-length",
    "huge-chunked",
    "gzip",
    "hop-headers",
    "stream-error",
    "late-stream-error",
    "script",
    "early-hints",
    "body",
    "gateway-headers",
] + [f"status-{status}" for status in STATUSES]


class Noted:
    """One request, and how its answer went."""

    def __init__(self, number, method, target, headers, body):
        self.number, self.method, self.target, self.headers, self.body = number, method, target, headers, body
        self.state = "answering"  # then "done" or "peer gone"
        self.sent = 0

    def as_json(self):
        return {
            "number": self.number,
            "method": self.method,
            "target": self.target,
            "headers": self.headers,
            "body": self.body.decode("utf-8", "replace"),
            "state": self.state,
            "sent": self.sent,
        }


class Upstream:
    def __init__(self):
        self.noted = []
        self.gates = {}  # marker -> event

    async def connection(self, reader, writer):
        try:
            while True:
                request = await read_request(reader)
                if request is None:
                    break
                method, target, headers, body = request
                if target.startswith("/__recorded"):
                    await self.hand_out(writer, target)
                    continue
                if target.startswith("/__release"):
                    self.gate(urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["marker"][0]).set()
                    await self.hand_out(writer, target)
                    continue
                noted = Noted(len(self.noted), method, target, headers, body)
                self.noted.append(noted)
                if not await self.answer(noted, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for noted in self.noted:
                if getattr(noted, "writer", None) is writer and noted.state == "answering":
                    noted.state = "peer gone"
            writer.close()

    async def hand_out(self, writer, target):
        marker = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query).get("marker", [""])[0]
        body = json.dumps([n.as_json() for n in self.noted if marker.encode() in n.body or marker in n.target]).encode()
        writer.write(head(200, "application/json", len(body)) + body)
        await writer.drain()

    def gate(self, marker):
        return self.gates.setdefault(marker, asyncio.Event())

    async def answer(self, noted, reader, writer):
        """Answers one request; true when the connection may be used again."""
        noted.writer = writer
        mode = mode_of(noted)
        if mode in LONG_MODES:
            return await self.until_peer_goes(noted, reader, writer, getattr(self, mode.replace("-", "_")))
        keep = True
        if mode == "json":
            await send(noted, writer, head(200, "application/json", len(JSON_ANSWER)) + JSON_ANSWER)
        elif mode == "gzip":
            body = gzip.compress(JSON_ANSWER)
            await send(noted, writer, head(200, "application/json", len(body), "Content-Encoding: gzip") + body)
        elif mode == "hop-headers":
            extra = (
                "Connection: X-Hop-By-Name, keep-alive",
                "X-Hop-By-Name: 1",
                "Keep-Alive: timeout=9",
                "Proxy-Authenticate: x",
                "Upgrade: h2c",
                "Set-Cookie: upstream=1; Path=/",
                "X-Request-Id: of-the-upstream",
                "Content-Security-Policy: default-src *",
                "Server: upstream/1.0",
            )
            await send(noted, writer, head(200, "application/json", len(JSON_ANSWER), *extra) + JSON_ANSWER)
        elif mode == "body":
            # What the caller wrote down in its member `answer`: {"status", "type", "body", "headers"}.
            given = json.loads(noted.body)["answer"]
            body = given["body"].encode()
            extra = [f"{name}: {value}" for name, value in given.get("headers", {}).items()]
            kind = given.get("type", "application/json")
            await send(noted, writer, head(given.get("status", 200), kind, len(body), *extra) + body)
        elif mode == "gateway-headers":
            # What a proxy between the operator and a provider adds, in the manner of LiteLLM, and the provider's own.
            extra = [f"{name}: {INSIDE}" for name in OPERATORS_HEADERS] + ["openai-processing-ms: 12"]
            await send(noted, writer, head(200, "application/json", len(JSON_ANSWER), *extra) + JSON_ANSWER)
        elif mode == "early-hints":
            hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
            await send(noted, writer, hints + head(200, "application/json", len(JSON_ANSWER)) + JSON_ANSWER)
        elif mode == "broken":
            await send(noted, writer, head(200, "application/json", 1000) + JSON_ANSWER[:100])
            keep = False
        elif mode == "broken-long":
            # Longer than what the gateway takes in whole before it passes anything on; its content stands in the part.
            await send(noted, writer, head(200, "application/json", 200_000) + JSON_ANSWER + b" " * 100_000)
            keep = False
        elif mode == "broken-stream":
            await send(noted, writer, stream_head() + chunk(event({"choices": [delta("only ")]})))
            keep = False
        elif mode == "stream-error":
            await send(noted, writer, stream_head() + chunk(event(ERROR)) + chunk(b""))
        elif mode == "late-stream-error":
            content = event({"choices": [delta("only ")]})
            await send(noted, writer, stream_head() + chunk(content) + chunk(event(ERROR)) + chunk(b""))
        elif mode == "garbage":
            await send(noted, writer, b"SSH-2.0-OpenSSH_9.2p1 " + INSIDE.encode() + b"\r\n\0\1\2\3\r\n\r\n")
            keep = False
        elif mode == "hang-up":
            keep = False
        elif mode.startswith("redirect-"):
            location = "Location: /__elsewhere/v1/chat/completions?" + urllib.parse.urlencode(
                {"marker": marker_of(noted)}
            )
            await send(noted, writer, head(int(mode[-3:]), "text/plain", 0, location))
        elif mode.startswith("status-"):
            status = int(mode[-3:])
            error = {
                "error": {
                    "message": f"upstream says {status} {INSIDE}",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": f"upstream_{status}",
                }
            }
            body = json.dumps(error).encode()
            extra = ("Retry-After: 7",) if status in (429, 503) else ()
            extra += ('WWW-Authenticate: Basic realm="upstream"',) if status == 401 else ()
            await send(noted, writer, head(status, "application/json", len(body), *extra) + body)
        else:
            # Also what follows a redirect, and any mode that a test misspelt.
            await send(noted, writer, head(200, "application/json", len(JSON_ANSWER)) + JSON_ANSWER)
        noted.state = "done"
        return keep

    async def until_peer_goes(self, noted, reader, writer, mode):
        """Runs a long answer, and stops at once when the gateway closes the connection."""
        answering = asyncio.create_task(mode(noted, writer))
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        # An answer that ended in a connection error did not end by itself.
        whole = answering.done() and answering.exception() is None
        noted.state = "done" if whole else "peer gone"
        for task in (answering, gone):
            task.cancel()
        await asyncio.gather(answering, gone, return_exceptions=True)
        return False

    async def stream(self, noted, writer):
        await send(noted, writer, stream_head("Connection: close"))
        for number in range(CHUNKS):
            if number:
                await asyncio.sleep(CHUNK_GAP)
            # The reader of the stream compares this time with the one of arrival: both are clocks of one machine.
            payload = {
                "id": "chatcmpl-up",
                "object": "chat.completion.chunk",
                "created": 1700000000,
                "model": "upstream-stream",
                "x_sent_at": time.time(),
                "choices": [delta(f"word{number} ")],
            }
            await send(noted, writer, chunk(event(payload)))
        await send(noted, writer, chunk(b"data: [DONE]\n\n") + chunk(b""))

    async def script(self, noted, writer):
        """The steps that the caller wrote into the body, each in a packet of its own."""
        for step in json.loads(noted.body)["script"]:
            if step == "wait":
                await self.gate(marker_of(noted)).wait()
            elif step == "cut":
                return
            elif step == "fail-first":
                if sum(marker_of(other) == marker_of(noted) for other in self.noted) == 1:
                    await send(noted, writer, head(500, "application/json", 2, "Connection: close") + b"{}")
                    return
            else:
                await send(noted, writer, STEPS[step])
                await asyncio.sleep(0.01)

    async def slow(self, noted, writer):
        await asyncio.sleep(3600)

    async def slow_body(self, noted, writer):
        await send(noted, writer, head(200, "application/json", 1000) + JSON_ANSWER[:100])
        await asyncio.sleep(3600)

    async def slow_stream(self, noted, writer):
        await send(noted, writer, stream_head() + chunk(event({"choices": [delta("first ")]})))
        await asyncio.sleep(3600)

    async def trickle(self, noted, writer):
        # Never silent for long, and never done: only a limit on the whole time ends it.
        await send(noted, writer, head(200, "application/json", 1_000_000))
        while True:
            await send(noted, writer, b" ")
            await asyncio.sleep(0.1)

    async def endless(self, noted, writer):
        await send(noted, writer, stream_head())
        number = 0
        while True:
            await send(noted, writer, chunk(event({"choices": [delta(f"word{number} ")]})))
            number += 1
            await asyncio.sleep(0.02)

    async def huge_length(self, noted, writer):
        await send(noted, writer, head(200, "application/json", 1 << 30))
        block = b" " * 65536
        while noted.sent < 1 << 30:
            await send(noted, writer, block)

    async def huge_chunked(self, noted, writer):
        await send(
            noted, writer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await send(noted, writer, chunk(b'{"choices":[{"message":{"content":"'))
        block = chunk(b"x" * 65536)
        while noted.sent < 1 << 33:
            await send(noted, writer, block)


def mode_of(noted):
    if noted.target.startswith("/__elsewhere"):
        return "elsewhere"
    try:
        return json.loads(noted.body)["model"].removeprefix("upstream-")
    except (ValueError, KeyError, TypeError, AttributeError):
        return "no model"


def marker_of(noted):
    try:
        return str(json.loads(noted.body).get("marker", ""))
    except ValueError:
        return ""


def head(status, media_type, length, *extra):
    lines = [f"HTTP/1.1 {status} Status", f"Content-Type: {media_type}", f"Content-Length: {length}", *extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def stream_head(*extra):
    lines = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream", "Transfer-Encoding: chunked", *extra]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(payload):
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def delta(text):
    return {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}


def spoken(choice, **more):
    """One event of a stream, as OpenAI writes it."""
    fixed = {"id": "chatcmpl-up", "object": "chat.completion.chunk", "created": 1700000000, "model": "upstream-script"}
    return event(fixed | {"choices": [] if choice is None else [{"index": 0, "finish_reason": None} | choice]} | more)


def json_of(size):
    """A whole answer whose body has exactly so many bytes."""
    return head(200, "application/json", size, "Connection: close") + JSON_ANSWER + b" " * (size - len(JSON_ANSWER))


OPERATORS_HEADERS = [
    "x-litellm-model-api-base",
    "x-litellm-response-cost",
    "x-litellm-key-spend",
    "llm_provider-openai-organization",
    "openai-organization",
    "openai-version",
    "x-ratelimit-limit-requests",
    "x-envoy-upstream-service-time",
    "apim-request-id",
    "via",
    "cf-ray",
    "etag",
    "x-anything",
]
ERROR = {"error": {"message": "the model fell over", "type": "server_error", "param": None, "code": None}}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MEBIBYTE = 1 << 20
LONG_MODES = (
    "slow",
    "slow-body",
    "slow-stream",
    "trickle",
    "endless",
    "huge-length",
    "huge-chunked",
    "stream",
    "script",
)

STEPS = {
    # A stream, event by event.
    "head": stream_head("Connection: close"),
    "comment": chunk(b": still thinking\n\n"),
    "role": chunk(spoken({"delta": {"role": "assistant", "content": ""}})),
    "no-choices": chunk(spoken(None, prompt_filter_results=[])),
    "content": chunk(spoken({"delta": {"content": "word "}})),
    "content-start": chunk(spoken({"delta": {"content": "word "}})[:60]),
    "content-rest": chunk(spoken({"delta": {"content": "word "}})[60:]),
    "null-error": chunk(spoken({"delta": {"content": "word "}}, error=None)),
    "says-error": chunk(spoken({"delta": {"content": '{"error": {"message": "only a text"}}'}})),
    "tool": chunk(spoken({"delta": {"role": "assistant", "content": None, "tool_calls": [CALL]}})),
    "finish": chunk(spoken({"delta": {}, "finish_reason": "stop"})),
    "done": chunk(b"data: [DONE]\n\n"),
    "end": chunk(b""),
    # The same error in the ways in which an event may be written.
    "error": chunk(event(ERROR)),
    "error-tight": chunk(b"data:" + json.dumps(ERROR).encode() + b"\r\n\r\n"),
    "error-named": chunk(b"event: error\n" + event(ERROR)),
    "error-spread": chunk(b'data: {"error":\ndata: {"message": "the model fell over", "type": "server_error"}}\n\n'),
    "error-start": chunk(event(ERROR)[:9]),
    "error-rest": chunk(event(ERROR)[9:]),
    # Whole answers.
    "json": head(200, "application/json", len(JSON_ANSWER), "Connection: close") + JSON_ANSWER,
    "json-part": head(200, "application/json", len(JSON_ANSWER), "Connection: close") + JSON_ANSWER[:100],
    "mebibyte": json_of(MEBIBYTE),
    "mebibyte-and-one": json_of(MEBIBYTE + 1),
    "refusal": head(400, "application/json", len(json.dumps(ERROR)), "Connection: close") + json.dumps(ERROR).encode(),
    "failure": head(500, "application/json", 2, "Connection: close") + b"{}",
    # Heads of streams that are labelled wrongly, and half of an event that no blank line ends.
    "head-json": stream_head("Connection: close").replace(b"text/event-stream", b"application/json"),
    "head-bare": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
    "ping": chunk(b"event: ping\n\n"),
    "no-choice": chunk(spoken({"delta": {"content": ""}, "finish_reason": ""})),
    "empty-choice": chunk(event({"choices": [{}]})),
    "plain-error": chunk(event({"code": "InternalError", "message": INSIDE})),
    "detail-error": chunk(event({"detail": INSIDE})),
    "choice-error": chunk(event({"choices": [{"index": 0, "error": {"message": INSIDE}}]})),
    "quota-error": chunk(event({"error": {"message": INSIDE, "code": "insufficient_quota"}})),
    "odd-errors": chunk(
        b"".join(spoken({"delta": {"content": "word "}}, error=odd) for odd in ("", {}, False, 0, None))
    ),
    "done-bare": chunk(b"data: [DONE]"),
}


async def send(noted, writer, data):
    noted.sent += len(data)
    writer.write(data)
    await writer.drain()


async def read_request(reader):
    """(method, target, headers, body), or None when the peer has closed between two requests."""
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers = []
    while True:
        line = (await reader.readline()).decode("latin-1").rstrip("\r\n")
        if not line:
            break
        name, _, value = line.partition(":")
        headers.append([name, value.strip()])
    lower = {name.lower(): value for name, value in headers}
    if lower.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            piece = await reader.readexactly(size + 2)
            if size == 0:
                break
            body += piece[:-2]
    else:
        body = await reader.readexactly(int(lower.get("content-length", "0")))
    return method, target, headers, body


async def serve(port):
    upstream = Upstream()
    # A line limit above anything the gateway may send: the upstream must note an absurd request, not drop it.
    server = await asyncio.start_server(upstream.connection, "127.0.0.1", port, limit=1 << 20)
    print(f"upstream is listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


class UpstreamProcess:
    """The test's side: starts the process above and asks it what reached it."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()  # ends with the process if that cannot start
        assert line.startswith("upstream is listening on "), f"the upstream said {line!r}"
        self.url = line.split()[-1]

    def recorded(self, marker=""):
        import requests

        session = requests.Session()
        session.trust_env = False
        with session:
            answer = session.get(self.url + "/__recorded", params={"marker": marker}, timeout=10)
            return answer.json()

    def release(self, marker):
        """Lets the scripts with this marker go on from their `wait`, now and later."""
        import requests

        session = requests.Session()
        session.trust_env = False
        with session:
            session.get(self.url + "/__release", params={"marker": marker}, timeout=10).raise_for_status()

    def wait_recorded(self, marker, count=1, state=None, deadline=10.0):
        """The requests with this marker, once there are `count` of them and each is in `state`."""
        from waiting import wait_for

        def enough():
            found = self.recorded(marker)
            return found if len(found) >= count and all(state in (None, n["state"]) for n in found) else None

        return wait_for(f"{count} request(s) at the upstream in state {state}", enough, deadline, interval=0.05)

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    try:
        asyncio.run(serve(parser.parse_args().port))
    except KeyboardInterrupt:
        pass
