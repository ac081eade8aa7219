"""A deployment to be measured: a server on a data directory, furnished through the public interfaces."""

import base64
import os
import signal
import subprocess
import time

import requests

import machine
from options import BINARY
from programs import SECRET, Program

PASSWORD = "nine patient bronze clocks"
MODELS = ["bench", "slow", "wait", "refuse"]
PROMPT = "Be brief."
# Of a call of a model with the standard price.
COST = 20
# The same for all deployments of all runs, so that keys can be minted beside the server and kept; see minting.py.
PEPPER = b"a pepper for benchmarks, 32 byte"
SETTINGS = {
    "LATCHKEY_PEPPER": base64.b64encode(PEPPER).decode(),
    "LATCHKEY_MANAGEMENT_WRITES_PER_MINUTE": "1000000",
    # 4 MiB and what JSON adds.
    "LATCHKEY_GATEWAY_MAX_REQUEST_BYTES": str(8 << 20),
}


def environment(settings={}):
    """Ours without anything that would set the server up otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LATCHKEY_")}
    return kept | SETTINGS | settings


class Latchkey(Program):
    """A server on a data directory; ready when it says so."""

    def __init__(self, data, settings={}):
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", data, "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment(settings),
        )  # fmt: skip
        self.data = data
        for line in self.process.stdout:
            if line.startswith("latchkey is listening on "):
                self.address = line.split()[-1]
                break
        else:
            raise SystemExit(f"{BINARY} did not start")
        self.start_ms = (time.perf_counter() - started) * 1000
        self.chat = self.address + "/v1/chat/completions"

    @property
    def processor_seconds(self):
        return machine.processor_seconds(self.process.pid)

    @property
    def rss_mib(self):
        return machine.status_mib(self.process.pid, "VmRSS")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


def check_ledger(data):
    """`latchkey ledger check` on the data of a server that has ended; seconds that it took."""
    began = time.perf_counter()
    done = subprocess.run(
        [BINARY, "ledger", "check", "--data-dir", data], env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"latchkey ledger check: {done.stdout}{done.stderr}")
    return time.perf_counter() - began


class Admin:
    """The one who furnishes a deployment, signed in at its server."""

    def __init__(self, server):
        self.server = server
        body = {"email": "bench@example.com", "password": PASSWORD}
        session = requests.post(server.address + "/api/v1/sessions", json=body, timeout=60)
        session.raise_for_status()
        self.account = session.json()["user"]["account_id"]
        self.session = requests.Session()
        self.session.headers["X-CSRF-Token"] = session.json()["csrf_token"]
        self.session.headers["Cookie"] = session.headers["set-cookie"].split(";")[0]

    def call(self, method, path, body=None):
        answer = self.session.request(method, self.server.address + path, json=body, timeout=60)
        answer.raise_for_status()
        return answer

    def post(self, path, body):
        return self.call("POST", path, body).json()

    def grant(self, amount, account=None):
        self.post(f"/api/v1/accounts/{account or self.account}/grants", {"amount": amount})

    def key(self, application, **terms):
        return self.post("/api/v1/credentials/", {"application_id": application, **terms})

    def charges(self, account=None):
        """What the ledger knows every charge by."""
        query = "format=csv&kind=charge" + (f"&account_id={account}" if account else "")
        head, *rows = self.call("GET", f"/api/v1/ledger?{query}").text.splitlines()
        names = head.split(",")
        places = [names.index(name) for name in ("id", "hold_id") if name in names]
        return [{row.split(",")[place] for place in places} - {""} for row in rows]


def create(data):
    """A new data directory with its first admin."""
    subprocess.run(
        [BINARY, "admin", "create", "--data-dir", data, "--email", "bench@example.com", "--password-stdin"],
        input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL, env=environment(),
    )  # fmt: skip


def furnish(data, base):
    """An admin with credits, the models of the upstream at `base`, an app with a prompt and its key.

    The server is stopped afterwards, so that everything measured begins with a start.
    """
    create(data)
    with Latchkey(data) as server:
        admin = Admin(server)
        admin.grant(1_000_000_000_000)
        provider = {"name": "bench", "kind": "openai", "base_url": base, "secret": SECRET}
        provider = admin.post("/api/v1/providers", provider)["id"]
        for name in MODELS:
            admin.post("/api/v1/models", {"provider_id": provider, "name": name})
        app = {"name": "bench", "kind": "chat", "model": "bench", "allowed_models": MODELS, "system_prompt": PROMPT}
        app = admin.post("/api/v1/applications", app)["id"]
        return app, admin.key(app)["token"]
