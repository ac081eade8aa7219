"""Many calls at one moment, over bare connections: what no client library does, and every race needs.

All connections are open before the first byte of the first request goes out; from then on each connection sends its
next request as soon as it has its answer. So as many calls are under way as there are connections, all the time.
"""

import asyncio
import json
import urllib.parse

import recorder
from raw_http import RawAnswer, request


def chat_request(key, application=None, headers=(), **fields):
    """The bytes of one chat call."""
    path = (f"/apps/{application}" if application else "") + "/v1/chat/completions"
    body = json.dumps({"messages": [{"role": "user", "content": "hello"}]} | fields).encode()
    given = [("Authorization", f"Bearer {key}"), ("Content-Type", "application/json"), *headers]
    return request("POST", path, given, body)


def burst(server, calls, connections=100, deadline=120.0, path="/v1/chat/completions", through_upstream=False):
    """Sends all `calls` (bytes of requests), dealt out over the connections; their answers in the order of the calls.
    What gets no answer, because the server closed the connection, is None."""
    answers = asyncio.run(asyncio.wait_for(_burst(server, list(calls), connections), deadline))
    for answer in answers:
        if answer is not None:
            recorder.record("POST", path, answer.status, answer.headers, answer.body, answer.is_whole, through_upstream)
    return answers


async def _burst(server, calls, connections):
    address = urllib.parse.urlsplit(server.url)
    connections = min(connections, len(calls))
    opened = await asyncio.gather(
        *(asyncio.open_connection(address.hostname, address.port) for _ in range(connections))
    )
    answers = [None] * len(calls)
    start = asyncio.Event()

    async def run(number):
        reader, writer = opened[number]
        await start.wait()
        try:
            for index in range(number, len(calls), connections):
                writer.write(calls[index])
                await writer.drain()
                answers[index] = await _answer(reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    running = [asyncio.create_task(run(number)) for number in range(connections)]
    start.set()
    await asyncio.gather(*running)
    return answers


async def _answer(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
    lower = {name.lower(): value for name, value in headers}
    if lower.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(lower.get("content-length", "0")))
    return RawAnswer(int(head[0].split(" ")[1]), headers, body, True)
