"""A server, its catalog and two tenants with limited keys, under load, killed and started again.

One `World` is one data directory. `burst` makes load, `verify` holds the ledger against what the callers were answered,
`refill` gives credits back to who has run out, `finish` answers every idempotent call that is still without an answer,
stops the server and runs `latchkey ledger check`.
"""

import asyncio
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "Tests" / "EndToEnd"))
# A debug build is slower, so it is at other instructions when it is killed; what is shipped is what is tried.
os.environ.setdefault("LATCHKEY_BIN", str(REPOSITORY / ".build" / "release" / "latchkey"))

from audit import Account, Audit, Findings, Key, credits, micro
from deployment import Deployment
from flaky_upstream import UpstreamProcess
from load import Load, post
from notes import Notes
from server import BINARY, environment, run_command

MODELS = {"small": 700_000, "large": 3_333_333}
# A healthy log is checkpointed long before; one that no start takes over reaches this within some ten rounds.
LOG_BOUND = 64 << 20
# The last line when there was not even a server.
NOTHING_DONE = "rounds=0 served=0 charged=0 lost=0 doubled=0 overspent=0"
ODD = "odd"  # a group whose multiplier leaves a remainder in every cost


class Management:
    """Calls to the management API, one after the other on one connection. Amounts come as `Decimal`."""

    def __init__(self, server):
        self.server, self.port, self.connection = server, None, None

    def send(self, method, path, token, body=None):
        if self.port != self.server.port:
            self.port = self.server.port
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            self.connection.request(method, path, body, headers)
            return self.connection.getresponse()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next call opens it again
            raise

    def call(self, method, path, token, body=None, status=200):
        response = self.send(method, path, token, body)
        text = response.read()
        if response.status != status:
            raise AssertionError(f"{method} {path}: expected {status}, got {response.status} {text[:500]!r}")
        return json.loads(text, parse_float=Decimal, parse_int=Decimal) if text else None

    def export(self, path, token):
        """The lines of an answer that is too long to be held."""
        response = self.send("GET", path, token)
        assert response.status == 200, f"GET {path}: {response.status} {response.read()[:500]!r}"
        while line := response.readline():
            yield line.decode("utf-8")
        response.read()  # tells the connection that the answer is over


class World:
    def __init__(self, home, seed, settings=None):
        if not BINARY.exists():
            raise FileNotFoundError(f"no binary at {BINARY}: build it first, or set LATCHKEY_BIN")
        self.seed, self.chance = seed, random.Random(f"{seed}/world")
        self.findings = Findings()
        self.notes = Notes(self.findings)
        self.round = 0
        self.bursts = 0
        self.spent_before = {}
        self.first_day = time.strftime("%Y-%m-%d", time.gmtime())
        self.upstream = UpstreamProcess()
        # Made in two steps, because a deployment that fails half-way has started a server that must be ended.
        self.deployment = Deployment.__new__(Deployment)
        try:
            # A quiet log, because thousands of calls that fail on purpose would fill it.
            self.deployment.__init__(home, {"LATCHKEY_LOG_LEVEL": "notice"} | (settings or {}))
            self.server = self.deployment.server
            self.management = Management(self.server)
            self.furnish()
        except BaseException:
            self.close()
            raise

    def furnish(self):
        self.admin_token = self.deployment.admin_token
        self.admin("POST", "/api/v1/groups", f'{{"name": "{ODD}", "multiplier": 0.333333}}', 201)
        provider = {"name": "Flaky", "kind": "openai", "base_url": f"http://127.0.0.1:{self.upstream.port}/v1"}
        provider_id = self.admin("POST", "/api/v1/providers", json.dumps(provider), 201)["id"]
        self.model_ids = {}
        for name, price in MODELS.items():
            body = f'{{"provider_id": "{provider_id}", "name": "{name}", "price": {credits(price)}}}'
            self.model_ids[name] = self.admin("POST", "/api/v1/models", body, 201)["id"]
        self.accounts = [self.new_account("Cats", groups=[ODD]), self.new_account("Dogs", default_group=ODD)]
        self.audit = Audit(self.accounts, self.findings)
        for account in self.accounts:
            self.grant(account, 1_500_000_000)

    def new_account(self, name, **terms):
        tenant = self.deployment.new_tenant(name, credits=0, **terms)
        application = tenant.application(name, allowed_models=["echo", *MODELS])["id"]
        keys = []
        for purpose, limits in {
            "free": {},
            "limited": {"limited_amount": Decimal("300.000001"), "group": ODD},
            "monthly": {"monthly_limit": Decimal("300.000001")},
            "retrying": {},
            "retrying, limited": {"limited_amount": 200, "monthly_limit": 150},
        }.items():
            made = tenant.credential(application, name=purpose, **limits)
            key = Key(f"{name}' key '{purpose}'", made["id"], made["token"])
            key.limit, key.monthly_limit = (
                None if limits.get(field) is None else micro(limits[field])
                for field in ("limited_amount", "monthly_limit")
            )
            key.is_idempotent = purpose.startswith("retrying")
            keys.append(key)
        return Account(name, tenant.account["id"], tenant.token, application, keys)

    def admin(self, method, path, body=None, status=200):
        return self.management.call(method, path, self.admin_token, body, status)

    # Load

    def burst(self, script):
        """Load while `script()`, a coroutine, runs; what it does to the server happens in the middle of it all."""
        self.bursts += 1
        load = Load(self.server.port, self.accounts, self.notes, f"{self.seed}/{self.bursts}", self.grant_request)
        asyncio.run(load.run(script))

    async def kill_after(self, seconds):
        await asyncio.sleep(seconds)
        self.server.kill()

    def grant_request(self, account, amount):
        return post(
            f"/api/v1/accounts/{account.id}/grants", self.admin_token, f'{{"amount": {credits(amount)}}}'.encode()
        )

    def start_and_kill(self, seconds):
        """A start that is cut short leaves its work half done, and the next has to cope."""
        with open(self.server.home / "cut-short.txt", "ab") as output:
            process = subprocess.Popen(
                [BINARY, "serve", "--data-dir", self.server.data, "--port", "0"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.server.home,
                env=environment(self.server.settings),
            )
        try:
            time.sleep(seconds)
        finally:
            process.kill()
            process.wait(10)

    def start(self, settings=None):
        self.server.start(settings)
        self.round += 1
        self.notes.round = self.round

    # Money

    def grant(self, account, amount, kind="grants", reason="chaos"):
        body = f'{{"amount": {credits(amount)}, "reason": "{reason}"}}'
        entry = self.admin("POST", f"/api/v1/accounts/{account.id}/{kind}", body, 201)
        account.granted[entry["id"]] = amount

    def refill(self):
        """Between two bursts: who has run out mostly gets something, and now and then terms change."""
        chance = self.chance
        for account in self.accounts:
            spent = account.spent - self.spent_before.get(account.id, 0)
            self.spent_before[account.id] = account.spent
            usual = max(spent, 400_000_000)
            if account.balance < usual and chance.random() < 0.8:
                self.grant(account, int(usual * chance.uniform(0.2, 1.6)))
            elif account.balance > 1_000_000 and chance.random() < 0.1:
                self.grant(account, -chance.randrange(1, account.balance // 2), "adjustments", "=taken back")
            for key in account.keys:
                self.raise_limits(account, key)
        if chance.random() < 0.2:
            name = chance.choice(list(MODELS))
            price = chance.randrange(1, 2 * MODELS[name])
            self.admin("POST", f"/api/v1/models/{self.model_ids[name]}/prices", f'{{"price": {credits(price)}}}', 201)

    def raise_limits(self, account, key):
        """Only ever up, so that the limit of today is the highest that any older hold was admitted under."""
        month = time.strftime("%Y-%m", time.gmtime())
        fields = []
        for field, limit, used in (
            ("limited_amount", key.limit, key.used),
            ("monthly_limit", key.monthly_limit, key.used_in[month]),
        ):
            if limit is not None and limit - used < 30_000_000 and self.chance.random() < 0.6:
                raised = max(limit, used) + self.chance.randrange(1, 400_000_000)
                fields.append(f'"{field}": {credits(raised)}')
                setattr(key, "limit" if field == "limited_amount" else field, raised)
        if fields:
            path = f"/api/v1/credentials/{key.id}"
            self.management.call("PATCH", path, account.token, "{" + ", ".join(fields) + "}")

    # Judgement

    def verify(self):
        """Right after a start, with nothing under way: reads what is new in the ledger and judges everything."""
        for account in self.accounts:
            self.audit.take(account, self.new_entries(account))
        self.audit.at_rest(self.upstream_saw())
        self.notes.at_rest(self.audit)
        month = time.strftime("%Y-%m", time.gmtime())
        for account in self.accounts:
            shown = self.admin("GET", f"/api/v1/accounts/{account.id}")
            items = self.management.call("GET", "/api/v1/credentials?limit=100", account.token)["items"]
            keys = {i["id"]: (micro(i["used_amount"]), micro(i["monthly_used"]), month) for i in items}
            self.audit.shown(account, *(micro(shown[name]) for name in ("balance", "held", "available")), keys)

    def new_entries(self, account):
        """What the ledger has beyond the newest entry that is known, oldest first."""
        known = account.entries[-1] if account.entries else None
        path = f"/api/v1/ledger?account_id={account.id}&limit=100"
        new, cursor = [], None
        while True:
            page = self.admin("GET", path + (f"&cursor={cursor}" if cursor else ""))
            for entry in page["items"]:
                if entry["id"] == known:
                    return new[::-1]
                new.append(entry)
            cursor = page["next_cursor"]
            if cursor is None:
                if known is not None:
                    self.findings.add("overspent", f"the entry {known} is no longer in the ledger")
                return new[::-1]

    def upstream_saw(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream.port, timeout=10)
        connection.request("GET", "/seen")
        seen = json.loads(connection.getresponse().read())
        connection.close()
        return seen

    def answer_pending(self, deadline=60.0):
        """Every idempotent call gets its answer now: there are credits for all, and nobody kills the server."""
        for account in self.accounts:
            self.grant(account, 1_000_000_000_000)
            for key in account.keys:
                key.limit = key.monthly_limit = None
                body = '{"limited_amount": null, "monthly_limit": null}'
                self.management.call("PATCH", f"/api/v1/credentials/{key.id}", account.token, body)
        end = time.monotonic() + deadline
        load = Load(self.server.port, self.accounts, self.notes, f"{self.seed}/pending", self.grant_request)

        async def retry():
            while self.notes.pending and time.monotonic() < end:
                link = await load.connect()
                for call in list(self.notes.pending):
                    if not link or not await load.attempt(link, call):
                        link = await load.connect()

        asyncio.run(retry())
        for call in self.notes.pending:
            self.findings.add("surprises", f"an idempotent call of {call.key.name} got no answer in {deadline} s")

    def judge_export(self):
        for account in self.accounts:
            path = f"/api/v1/ledger?account_id={account.id}&format=csv"
            self.audit.export(account, self.management.export(path, self.admin_token))

    def judge_usage(self):
        today = time.strftime("%Y-%m-%d", time.gmtime())
        for account in self.accounts:
            path = f"/api/v1/usage?from={self.first_day}&to={today}&by=credential"
            items = self.management.call("GET", path, account.token)["items"]
            self.audit.usage(account, {i["credential_id"]: (int(i["calls"]), micro(i["amount"])) for i in items})

    def judge_log(self):
        """A server that is killed before it thinks of a checkpoint must not leave more and more to read at each start."""
        size = sum(log.stat().st_size for log in self.server.data.glob("*-wal"))
        if size > LOG_BOUND:
            self.findings.add("surprises", f"the write-ahead log has grown to {size >> 20} MiB")

    def check_ledger(self):
        checked = run_command(
            self.server.home, ["ledger", "check", "--data-dir", self.server.data], deadline=300.0, name="ledger-check"
        )
        print(checked.stdout.strip() or checked.stderr.strip(), flush=True)
        if checked.returncode != 0 or not checked.stdout.startswith("ledger ok: "):
            self.findings.add("overspent", f"ledger check ended with {checked.returncode}: {checked.stderr.strip()}")

    def finish(self):
        """The last judgement, on a server that was started after the last kill."""
        self.answer_pending()
        # A clean stop and a start, so that also the answers of just now are judged at rest.
        code = self.server.stop()
        if code != 0:
            self.findings.add("surprises", f"the server ended with {code} after SIGTERM")
        self.start()
        self.verify()
        self.judge_export()
        self.judge_usage()
        self.judge_log()
        self.check_ledger()  # beside the running server
        self.server.stop()
        self.check_ledger()

    def close(self):
        server = getattr(self.deployment, "server", None)
        if server is not None and server.process is not None:
            server.kill()
        self.upstream.close()

    def line(self, rounds):
        found = self.findings
        charged = self.audit.charges
        return (
            f"rounds={rounds} served={self.notes.served} charged={charged} "
            f"lost={found.lost} doubled={found.doubled} overspent={found.overspent}"
        )


def end_on_signals():
    """SIGTERM ends the program as an exception does, so that the server it started ends too."""

    def leave(number, _frame):
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
