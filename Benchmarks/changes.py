"""Two changes under load, which must bind at once however fast the rest goes: a key that is disabled, and one that runs
into its limit."""

import concurrent.futures
import time

import requests

from deployment import COST, Admin, Latchkey, furnish
from load import Load, body
from programs import Upstream

CALLERS = 4
LIMIT = 40  # calls


def measure(folder):
    data = f"{folder}/changes"
    with Upstream(folder) as upstream:
        app, key = furnish(data, upstream.base)
        with Latchkey(data) as server:
            admin = Admin(server)
            load = Load(folder, server.chat, [key], body(), 32, False, server)
            load.run(1)
            with load.start(seconds=6) as wrk:
                refused = disable(admin, admin.key(app))
                served = run_into_limit(admin, admin.key(app, limited_amount=LIMIT * COST))
                load.result(wrk)
    return {"calls_refused_after_disabling": refused, "calls_served_within_limit": served}


class Crowd:
    """Several callers with one key, who call one after the other until each was answered `end` three times in a row."""

    def __init__(self, server, key, end):
        self.server, self.end = server, end
        self.headers = {"Authorization": f"Bearer {key['token']}", "Content-Type": "application/json"}
        self.threads = concurrent.futures.ThreadPoolExecutor(CALLERS)
        self.callers = [self.threads.submit(self.call) for _ in range(CALLERS)]

    def call(self):
        answers = []
        with requests.Session() as session:
            while [status for _, status in answers[-3:]] != [self.end] * 3:
                began = time.monotonic()
                answer = session.post(self.server.chat, data=body(), headers=self.headers, timeout=60)
                answers.append((began, answer.status_code))
        return answers

    def answers(self):
        """When each call began, and what it was answered."""
        with self.threads:
            return [answer for caller in self.callers for answer in caller.result()]


def disable(admin, key):
    """Calls that began after the answer that the key is off; each must be refused, and before it each served."""
    crowd = Crowd(admin.server, key, end=401)
    time.sleep(1)
    asked = time.monotonic()
    admin.call("PATCH", f"/api/v1/credentials/{key['id']}", {"enabled": False})
    off = time.monotonic()
    answers = crowd.answers()
    before = {status for began, status in answers if began < asked - 0.5}
    after = [status for began, status in answers if began > off]
    if set(after) != {401} or 200 not in {status for _, status in answers} or before - {200}:
        raise SystemExit(f"a key was disabled under load: before {before}, after {set(after)}")
    return len(after)


def run_into_limit(admin, key):
    """Calls that were served of a key with a limit: just so many as it allows, and no micro-credit is left over."""
    answers = Crowd(admin.server, key, end=429).answers()
    served = sum(status == 200 for _, status in answers)
    used = admin.call("GET", f"/api/v1/credentials/{key['id']}").json()["used_amount"]
    if {status for _, status in answers} != {200, 429} or served != LIMIT or used != LIMIT * COST:
        raise SystemExit(f"a key of {LIMIT} calls was served {served} and charged {used / COST}")
    return served
