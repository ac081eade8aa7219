"""A second real process: an upstream that does what each call tells it to, well or badly, and counts the calls.

    python flaky_upstream.py

The last user message of a call is `chaos <marker> <step>+<step>…`; the first attempt with a marker gets the first
step, the next the second, and so on, the last step again and again. Steps:

    ok          a whole answer               slow-120    the same after 120 ms
    status-500  that status                  hang-up     the connection ends without an answer
    cut         breaks off in the body, or, asked for a stream, after its head and before its first content
    error-first a 200 stream whose first content is an error (not asked for a stream: a 500)
    late        a stream that breaks off after its first content (not asked for a stream: as `cut`)

`GET /seen` answers how many calls were received whole, by model: no call may be charged that did not reach it.
"""

import asyncio
import collections
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "EndToEnd"))

from upstream import chunk, delta, event, head, read_request, stream_head

ANSWER = json.dumps(
    {
        "id": "chatcmpl-chaos",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "chaos",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "As you say."}, "finish_reason": "stop"}
        ],
    }
).encode()
REFUSAL = json.dumps({"error": {"message": "Not now.", "type": "server_error", "param": None, "code": "no"}}).encode()


class Upstream:
    def __init__(self):
        self.seen = collections.Counter()
        self.attempts = collections.Counter()

    async def connection(self, reader, writer):
        try:
            while request := await read_request(reader):
                _, target, _, body = request
                if target == "/seen":
                    self.send_whole(writer, 200, json.dumps(self.seen).encode())
                elif not await self.answer(writer, json.loads(body)):
                    break
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the server was killed, which is what this is all about
        finally:
            writer.close()

    @staticmethod
    def send_whole(writer, status, body):
        writer.write(head(status, "application/json", len(body)) + body)

    async def answer(self, writer, call):
        """Answers one call; true when the connection may be used again."""
        self.seen[call["model"]] += 1
        _, marker, plan = call["messages"][-1]["content"].split()
        steps = plan.split("+")
        step = steps[min(self.attempts[marker], len(steps) - 1)]
        if len(steps) > 1:
            self.attempts[marker] += 1
        streams = call.get("stream") is True
        if step.startswith("slow-"):
            await asyncio.sleep(int(step.removeprefix("slow-")) / 1000)
        if step == "hang-up":
            return False
        if step.startswith("status-") or (step == "error-first" and not streams):
            self.send_whole(writer, int(step[7:]) if step.startswith("status-") else 500, REFUSAL)
        elif not streams:
            broken = step in ("cut", "late")
            body = ANSWER[: len(ANSWER) // 2] if broken else ANSWER
            writer.write(head(200, "application/json", len(ANSWER)) + body)
            return not broken
        else:
            return self.stream(writer, step)
        return True

    @staticmethod
    def stream(writer, step):
        writer.write(stream_head())
        if step == "cut":
            return False
        if step == "error-first":
            writer.write(chunk(b"data: " + REFUSAL + b"\n\n") + chunk(b""))
            return True
        writer.write(chunk(event({"id": "chatcmpl-chaos", "choices": [delta("As ")]})))
        if step == "late":
            return False
        writer.write(chunk(event({"id": "chatcmpl-chaos", "choices": [delta("you say.")]})))
        writer.write(chunk(b"data: [DONE]\n\n") + chunk(b""))
        return True


class UpstreamProcess:
    """The other side: starts the process above."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = self.process.stdout.readline()  # ends with the process if that cannot start
        assert line.startswith("listening on "), f"the upstream said {line!r}"
        self.port = int(line.split()[-1])

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


def end_with_parent():
    """Standard input ends when whoever started this is gone, in whatever way."""
    sys.stdin.read()
    os._exit(0)


async def serve():
    threading.Thread(target=end_with_parent, daemon=True).start()
    upstream = Upstream()
    server = await asyncio.start_server(upstream.connection, "127.0.0.1", 0, limit=1 << 20)
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        pass
