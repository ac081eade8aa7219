"""Forged keys cost microseconds, though keys are Argon2id at rest, and nobody waits for them (N11, design §5)."""

import os
import threading
import time

from client import Client, Person, in_parallel, new_email, new_password
from shapes import forged, problem

FLOOD = 2000


def seconds_of_one_argon2(deployment, pets):
    """One wrong password costs one Argon2id. Taken from an address of its own, away from other tests' throttle."""
    # The process's clock ticks a hundred times a second, so several are taken together.
    tries = 10
    before = deployment.server.cpu_seconds
    for number in range(tries):
        visitor = Person(Client(deployment.server, source=f"127.77.0.{number + 1}"), pets.person.email, new_password())
        assert visitor.try_sign_in().status_code == 401
    return (deployment.server.cpu_seconds - before) / tries


def test_two_thousand_forged_keys_cost_no_argon2(deployment, pets):
    """Well-formed, with a right checksum, so that only the keyed tag can tell them: at less than a quarter of an
    Argon2id each, in the server's own processor time. (It is far less; the bound leaves room for a debug build.)"""
    one = seconds_of_one_argon2(deployment, pets)
    assert one > 0.005, f"one Argon2id took {one} s: it is not what the settings say"
    keys = [forged(pets.cat_key) for _ in range(FLOOD)]
    before, began = deployment.server.cpu_seconds, time.monotonic()
    statuses = in_parallel(lambda key: pets.client.call("GET", "/v1/models", token=key).status_code, keys, threads=4)
    spent, took = deployment.server.cpu_seconds - before, time.monotonic() - began
    assert statuses == [401] * FLOOD
    assert (
        spent < FLOOD * one / 4
    ), f"{spent:.1f} s of processor time for {FLOOD} forged keys; one Argon2id is {one:.3f} s"
    # All of them one after the other on all cores would take this long if each were hashed.
    assert took < FLOOD * one / (os.cpu_count() or 1), f"{took:.1f} s"


def test_a_flood_of_forged_keys_does_not_starve_others(deployment, pets):
    """While the flood runs, a known key's calls and a new key's first call are served in time."""
    keys = [forged(pets.cat_key) for _ in range(400)]
    stop = threading.Event()

    def flood(number):
        count = 0
        while not stop.is_set() and count < 5000:
            pets.client.call("GET", "/v1/models", token=keys[count % len(keys)])
            count += 1
        return count

    flooding = []
    threads = [threading.Thread(target=lambda n=n: flooding.append(flood(n)), daemon=True) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        tenant = deployment.new_tenant()
        app = tenant.application()
        times = []
        for _ in range(5):
            key = tenant.key(app["id"])
            for _ in range(10):
                began = time.monotonic()
                assert pets.client.chat(key).status_code == 200
                times.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert sum(flooding) > 50, "there was no flood"
    times.sort()
    assert (
        times[len(times) // 2] < 0.25 and times[-1] < 2
    ), f"median {times[len(times) // 2]:.3f} s, worst {times[-1]:.3f} s"


def test_a_flood_of_sign_ins_leaves_the_data_plane_alone(deployment, pets):
    """Checklist 15.1.3: Argon2id runs in a bounded pool of its own; calls with known keys don't queue behind it."""
    stop = threading.Event()
    refused = []

    def guess(number):
        for attempt in range(200):
            if stop.is_set():
                return
            visitor = Person(
                Client(deployment.server, source=f"127.78.{number}.{attempt + 1}"),
                f"nobody{number}-{attempt}@example.test",
                "x" * 16 + str(attempt),
            )
            refused.append(visitor.try_sign_in().status_code)

    threads = [threading.Thread(target=guess, args=(number,), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    try:
        times = []
        for _ in range(60):
            began = time.monotonic()
            assert pets.client.chat(pets.cat_key).status_code == 200
            times.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert refused and set(refused) <= {401, 503}
    times.sort()
    assert times[len(times) // 2] < 0.5, f"median {times[len(times) // 2]:.3f} s"


def test_many_first_uses_of_a_key_share_one_argon2(own_deployment):
    """After a restart nothing is in memory: forty calls at once with one key cost about one Argon2id, not forty."""
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    tenant.cat = tenant.application()
    key = tenant.key(tenant.cat["id"])
    deployment.server.stop()
    deployment.server.start()
    one = seconds_of_one_argon2(deployment, tenant)
    before = deployment.server.cpu_seconds
    statuses = in_parallel(lambda _: deployment.client.chat(key).status_code, range(40), threads=20)
    spent = deployment.server.cpu_seconds - before
    assert statuses == [200] * 40
    assert spent < 20 * one, f"{spent:.2f} s of processor time; one Argon2id is {one:.3f} s"


def test_a_full_queue_says_so_at_once(own_deployment):
    """A bounded pool: with one worker and one place to wait, a crowd of sign-ins is told to come back, not kept waiting."""
    deployment = own_deployment(settings={"LATCHKEY_ARGON2_WORKERS": 1, "LATCHKEY_ARGON2_QUEUE": 1})
    visitors = [Person(Client(deployment.server, f"127.79.0.{n + 1}"), new_email(), new_password()) for n in range(30)]
    answers = in_parallel(lambda visitor: visitor.try_sign_in(), visitors, threads=15)
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 503}, {status: statuses.count(status) for status in set(statuses)}
    for answer in answers:
        if answer.status_code == 503:
            problem(answer, 503, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
    # And it recovers by itself.
    deployment.admin.sign_in()
