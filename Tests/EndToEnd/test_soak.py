"""A mixed day, in short: calls that are served, that fail in every way, that are given up, and people at work beside
them. Memory and descriptors stay where they are, and the ledger has each call once (N13, invariants 4 to 6)."""

import csv
import http.client
import io
import json
import os
import random
import statistics
import threading
import time
import urllib.parse
from decimal import Decimal

import pytest

from client import expect
from length import length
from waiting import wait_for

SECONDS, GROWTH = length((16, 1.5), (600, 1.2))
CALLERS = 8
# A part of memory is in use or not as it happens, whatever the length of the run.
SLACK = 24 << 20
FAULTY = [
    "broken", "broken-long", "broken-stream", "garbage", "hang-up", "redirect-302", "stream-error", "late-stream-error",
    "status-400", "status-429", "status-500", "gzip", "hop-headers", "early-hints",
]  # fmt: skip


class Caller(threading.Thread):
    """Makes one call after another, each of a random kind, and notes the charge of every answer that says one."""

    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.dice = soak, random.Random(number)
        self.charges, self.unheard, self.statuses, self.fault = {}, 0, {}, None
        self.connection = None

    def run(self):
        try:
            while time.monotonic() < self.soak.end:
                self.dice.choice(self.KINDS)(self)
        except Exception as error:
            self.fault = error
        finally:
            self.leave()

    def connect(self):
        if self.connection is None:
            address = urllib.parse.urlsplit(self.soak.url)
            self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        return self.connection

    def leave(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def ask(self, model, size=20, key=None, headers={}, **more):
        """Sends a call and gives the head of its answer."""
        body = {"model": model, "messages": [{"role": "user", "content": "x" * size}], **more}
        given = {"Authorization": f"Bearer {key or self.dice.choice(self.soak.keys)}", **headers}
        connection = self.connect()
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), given | {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        charge = answer.getheader("X-Latchkey-Charge")
        if charge:
            assert answer.status == 200, (answer.status, charge)
            self.charges[charge] = Decimal(answer.getheader("X-Latchkey-Cost"))
        return answer

    def whole(self, *arguments, **keywords):
        try:
            answer = self.ask(*arguments, **keywords)
            answer.read()
            if answer.getheader("Connection") == "close":
                self.leave()
        except (http.client.HTTPException, ConnectionError):
            # An answer that broke off looks so.
            self.leave()

    def plain(self):
        self.whole(self.dice.choice(["echo", "json"]))

    def repeated(self):
        key, name = self.dice.choice(self.soak.keys), f"{self.ident}-{self.dice.random()}"
        for _ in range(2):
            self.whole("json", key=key, headers={"Idempotency-Key": name})

    def large(self):
        self.whole("echo", size=self.dice.choice([5_000, 200_000, 1_000_000]))

    def stream(self):
        self.whole(self.dice.choice(["echo", "stream"]), size=200, stream=True)

    def faulty(self):
        self.whole(self.dice.choice(FAULTY), stream=self.dice.random() < 0.3)

    def refused(self):
        answer = self.ask("no-such-model")
        answer.read()
        assert answer.status == 404, answer.status
        wrong = self.ask("echo", key=self.soak.keys[0][:-4] + "AAAA")
        wrong.read()
        assert wrong.status == 401, wrong.status

    def left_in_a_stream(self):
        answer = self.ask("echo", size=20_000, stream=True)
        answer.read(100)
        answer.close()
        self.leave()

    def left_before_the_answer(self):
        """Whether it was served, nobody here will know."""
        body = json.dumps({"model": "json", "messages": [{"role": "user", "content": "hello"}]})
        given = {"Authorization": f"Bearer {self.soak.keys[0]}", "Content-Type": "application/json"}
        self.connect().request("POST", "/v1/chat/completions", body, given)
        self.unheard += 1
        self.leave()

    def broken_body(self):
        connection = self.connect()
        connection.putrequest("POST", "/v1/chat/completions")
        connection.putheader("Authorization", f"Bearer {self.soak.keys[0]}")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000")
        connection.endheaders(b'{"model": ')
        self.leave()

    KINDS = [plain] * 6 + [repeated, large, stream, stream, faulty, faulty, refused]
    KINDS += [left_in_a_stream, left_before_the_answer, broken_body]


class Soak:
    def __init__(self, deployment, tenants):
        self.deployment, self.tenants = deployment, tenants
        self.url = deployment.server.url
        self.apps = [tenant.upstream_application(allowed_models=["echo", "json", "stream", *FAULTY]) for tenant in tenants]
        self.keys = [tenant.key(app["id"]) for tenant, app in zip(tenants, self.apps)]
        self.end = time.monotonic() + SECONDS
        self.samples = []

    def people(self):
        """What is changed and looked at meanwhile, once a second."""
        for tenant, app in zip(self.tenants, self.apps):
            expect(tenant.call("PATCH", f"/api/v1/applications/{app['id']}", json={"name": f"App {time.time()}"}), 200)
            expect(tenant.call("GET", "/api/v1/credentials?limit=50"), 200)
            expect(tenant.call("GET", "/api/v1/ledger?limit=50"), 200)

    def sample(self):
        server = self.deployment.server
        descriptors = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        self.samples.append((server.resident_bytes, descriptors))

    def run(self):
        callers = [Caller(self, number) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        while time.monotonic() < self.end:
            self.people()
            self.sample()
            time.sleep(1)
        for caller in callers:
            caller.join(60)
            assert not caller.is_alive(), "a call has no end"
        faults = [caller.fault for caller in callers if caller.fault]
        assert not faults, faults
        return callers

    def middle(self, part, figure):
        """The median of a figure in one third of the run."""
        third = len(self.samples) // 3
        return statistics.median(sample[figure] for sample in self.samples[part * third : (part + 1) * third])


def charged(deployment, account):
    """Every charge of an account, by the ledger."""
    query = f"format=csv&kind=charge&account_id={account}"
    rows = csv.DictReader(io.StringIO(expect(deployment.call("GET", f"/api/v1/ledger?{query}"), 200).text))
    return {row["id"]: abs(Decimal(row["amount"])) for row in rows}


@pytest.mark.long
def test_memory_and_descriptors_stay_and_the_ledger_is_exact(own_deployment, upstream):
    deployment = own_deployment().add_upstream(upstream)
    soak = Soak(deployment, [deployment.new_tenant() for _ in range(3)])
    callers = soak.run()

    told, statuses = {}, {}
    for caller in callers:
        told |= caller.charges
        for status, count in caller.statuses.items():
            statuses[status] = statuses.get(status, 0) + count
    assert statuses.get(200, 0) > 5 * SECONDS and {401, 404, 502} <= set(statuses), statuses

    ledger = {}
    for tenant in soak.tenants:
        deployment.settled(tenant.account["id"], 30)
        ledger |= charged(deployment, tenant.account["id"])
    wrong = {charge: cost for charge, cost in told.items() if ledger.get(charge) != cost}
    assert not wrong, f"{len(wrong)} of {len(told)} answers name a charge that is not so: {list(wrong.items())[:3]}"
    # An answer whose head never reached its caller may have been charged, and no other.
    assert len(ledger) - len(told) <= sum(caller.unheard for caller in callers)

    print(f"{SECONDS} s, {statuses}, {len(ledger)} charges, memory and descriptors {soak.samples[:: max(1, SECONDS // 12)]}")
    assert soak.middle(2, 0) <= soak.middle(1, 0) * GROWTH + SLACK, soak.samples
    assert soak.middle(2, 1) <= soak.middle(1, 1) + 32, soak.samples
    before = soak.samples[0][1]

    def is_idle():
        soak.sample()
        return soak.samples[-1][1] <= before

    # Connections to providers are kept for half a minute.
    wait_for("the descriptors of connections to be closed", is_idle, 60, interval=1)
    deployment.server.stop()
    checked = deployment.check_ledger()
    assert checked.returncode == 0, checked.stdout + checked.stderr
