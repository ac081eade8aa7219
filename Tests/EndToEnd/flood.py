"""Many connections that ask again as soon as they are answered, from one address. In a process of its own, so that what
is measured beside it in the test does not wait for the flood's Python.

    python flood.py SOURCE HOST PORT CONNECTIONS < scripts.json

A script is an array of requests `[method, path, headers, body]`, which a connection sends again and again in their
order, from the first one on after a refusal; the connections share the scripts out. `{id}` in a path becomes the `id`
of the last answer on the connection that had one. Who is told to come back later (429, 503) comes back after a
second: what is tested is the queue, not how many refusals a second the server can write. The flood ends with SIGTERM,
and says in one line of JSON how many answers had which status.
"""

import asyncio
import collections
import json
import signal
import subprocess
import sys
import urllib.parse
from pathlib import Path


class Flood:
    """A flood that runs for as long as the `with` it stands in; `answers` afterwards: how many had which status."""

    def __init__(self, server, source, scripts, connections=300):
        address = urllib.parse.urlsplit(server.url)
        self.command = [sys.executable, __file__, source, address.hostname, str(address.port), str(connections)]
        self.scripts, self.answers = scripts, None

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        )
        self.process.stdin.write(json.dumps(self.scripts))
        self.process.stdin.close()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        said = self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(10)
        self.answers = json.loads(said)


async def _answer(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length) if length else b""
    return int(head.split(b" ", 2)[1]), body


async def _ask_on(reader, writer, host, script, counts):
    last_id = "none"
    while True:
        for method, path, headers, body in script:
            lines = [f"{method} {path.replace('{id}', last_id)} HTTP/1.1", f"Host: {host}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            lines += [f"Content-Length: {len(body.encode())}"] if body else []
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode())
            status, answer = await _answer(reader)
            counts[str(status)] += 1
            if status in (429, 503):
                await asyncio.sleep(1)
            if status >= 400:
                break
            if status in (200, 201):
                last_id = json.loads(answer).get("id", last_id)


async def _connection(source, host, port, script, counts):
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
            try:
                await _ask_on(reader, writer, host, script, counts)
            finally:
                writer.close()
        except (OSError, asyncio.IncompleteReadError):
            counts["broken off"] += 1
            await asyncio.sleep(0.1)


async def _main(source, host, port, connections):
    scripts, counts = json.load(sys.stdin), collections.Counter()
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    tasks = [
        asyncio.create_task(_connection(source, host, int(port), scripts[number % len(scripts)], counts))
        for number in range(int(connections))
    ]
    await over.wait()
    for task in tasks:
        task.cancel()
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
