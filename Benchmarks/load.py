"""Load by wrk: calls one after the other on each of so many connections, for some seconds."""

import json
import os
import pathlib
import re
import subprocess

import machine
from options import SECONDS, SOURCES


def body(size=120, model="bench", **more):
    """A chat call of about `size` bytes."""
    call = {"model": model, "messages": [{"role": "user", "content": ""}], "temperature": 0.7, **more}
    rest = size - len(json.dumps(call, separators=(",", ":")))
    call["messages"][0]["content"] = ("Hello, how are you today? " * (rest // 26 + 1))[: max(rest, 5)]
    return json.dumps(call, separators=(",", ":"))


class Load:
    """One kind of load, which can be run again and again.

    A call that was not answered with success voids a run: figures of failures would mean nothing. Where the upstream
    refuses on purpose, each must be refused.
    """

    def __init__(self, folder, url, keys, body=None, connections=32, is_refused=False, server=None):
        self.url, self.connections, self.is_refused, self.server = url, connections, is_refused, server
        folder = pathlib.Path(folder)
        self.environment = {"BENCH_KEYS": self.file(folder, "\n".join(keys))}
        if body is None:
            self.environment["BENCH_METHOD"] = "GET"
        else:
            self.environment["BENCH_BODY"] = self.file(folder, body)

    _files = 0

    def file(self, folder, text):
        Load._files += 1
        path = folder / f"load-{Load._files}"
        path.write_text(text)
        return str(path)

    def start(self, seconds=SECONDS, **environment):
        command = ["wrk", "-t1", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "30s"]
        return subprocess.Popen(
            [*command, "-s", SOURCES / "load.lua", self.url], stdout=subprocess.PIPE, text=True,
            env=os.environ | self.environment | environment,
        )  # fmt: skip

    def run(self, seconds=SECONDS):
        """Calls per second, latencies, and the server's processor time for each call."""
        before = self.server.processor_seconds if self.server else 0
        with self.start(seconds) as wrk:
            result = self.result(wrk)
        if self.server:
            result["cpu_us"] = (self.server.processor_seconds - before) / result["requests"] * 1e6
            result["rss_mib"] = machine.status_mib(self.server.process.pid, "VmRSS")
        return result

    def result(self, wrk):
        out = wrk.communicate(timeout=120)[0]
        result = json.loads(re.search(r"RESULT (.*)", out)[1])
        right = result["requests"] if self.is_refused else 0
        if result["broken"] or result["refused"] != right or not result["requests"]:
            raise SystemExit(f"calls to {self.url} failed: {result}")
        result["rps"] = result["requests"] / result["us"] * 1e6
        return result
