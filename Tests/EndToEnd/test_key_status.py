"""What a key's status says, and the way there and back: switched off and on, ended, used up.

Invariants 3 and 7 (ASVS 8.3.2, 2.1.3, 2.3.4): disabling binds the very next call, and every way back takes a place
under the cap. "This month" is safe in every test: none makes a call on one side of midnight and reads it on the
other.
"""

import threading
import time

import pytest

from client import absent_id, at, expect, in_parallel, seconds, unique
from deployment import PLENTY
from key_calls import audited, explain, refused, rotate, verify
from raw_http import converse, request
from receipts import STANDARD, away_from_midnight, books_are_right, charges, receipt
from shapes import problem, same_bytes
from waiting import wait_until


class Keyring:
    """A tenant with one app and some keys, some of which have ended."""

    def __init__(self, deployment, cap=None, **fields):
        self.deployment = deployment
        self.tenant = deployment.new_tenant(cap=cap)
        self.app = self.tenant.application(**fields)

    def new(self, **terms):
        return self.tenant.credential(self.app["id"], **terms)

    def ended(self, count):
        """So many keys whose expiry has come."""
        made = [self.new(expired_at=at(2)) for _ in range(count)]
        wait_until(seconds(made[-1]["expired_at"]) + 0.05)
        assert [self.status(key) for key in made] == ["expired"] * count
        return made

    def status(self, key):
        return self.tenant.read_credential(key["id"])["status"]

    def statuses(self):
        items = expect(self.tenant.call("GET", "/api/v1/credentials"), 200).json()["items"]
        return sorted(item["status"] for item in items)

    def edit(self, key, **fields):
        return self.tenant.edit_credential(key["id"], **fields)

    def try_edit(self, key, **fields):
        return self.tenant.try_edit_credential(key["id"], **fields)

    def chat(self, key, **keywords):
        return self.tenant.client.chat(key["token"], **keywords)


@pytest.fixture
def ring(deployment):
    return Keyring(deployment)


def test_the_first_thing_that_stops_a_key_is_its_status(ring):
    """expired before disabled before exhausted before suspended before active: one key that is all of them, mended step
    by step, and the same told in the list, of one, in explain and to a caller."""
    away_from_midnight()
    key = ring.new(expired_at=at(2), limited_amount=0, monthly_limit=0)
    ring.edit(key, enabled=False)
    wait_until(seconds(key["expired_at"]) + 0.05)

    def judge(status, code):
        assert ring.status(key) == status and ring.statuses() == [status]
        assert explain(ring.tenant, key["id"])["code"] == code
        assert verify(ring.tenant, key["token"], ring.app["id"])["code"] == code
        if code:
            refused(ring.chat(key), code)

    judge("expired", "key_expired")
    assert ring.edit(key, enabled=True)["status"] == "expired"
    ring.edit(key, enabled=False)
    judge("expired", "key_expired")
    assert ring.edit(key, expired_at=None)["status"] == "disabled"
    judge("disabled", "key_disabled")
    assert ring.edit(key, enabled=True)["status"] == "exhausted"
    judge("exhausted", "credit_limit_reached")
    assert ring.edit(key, limited_amount=100)["status"] == "suspended"
    judge("suspended", "monthly_limit_reached")
    assert ring.edit(key, monthly_limit=None)["status"] == "active"
    judge("active", None)
    # And back again, from the last to the first.
    assert ring.edit(key, monthly_limit=0)["status"] == "suspended"
    assert ring.edit(key, limited_amount=0)["status"] == "exhausted"
    assert ring.edit(key, enabled=False)["status"] == "disabled"
    ending = ring.edit(key, expired_at=at(2))
    assert ending["status"] == "disabled"
    wait_until(seconds(ending["expired_at"]) + 0.05)
    assert ring.status(key) == "expired"


def test_keys_are_listed_by_their_status(ring):
    """Also by what was used, from the call that used it on; and a page that is asked for again is the same."""
    away_from_midnight()
    keys = {name: ring.new(name=name, **terms) for name, terms in (("a", {}), ("b", {"monthly_limit": 20}), ("c", {}))}
    ring.edit(keys["c"], enabled=False)

    def listed(query):
        page = expect(ring.tenant.call("GET", f"/api/v1/credentials?sort=name&{query}"), 200).json()
        assert page["next_cursor"] is None
        return [item["name"] for item in page["items"]]

    assert listed("status=active") == ["a", "b"] and listed("status=suspended") == []
    expect(ring.chat(keys["b"]), 200)
    assert listed("status=suspended") == ["b"] and listed("status=active") == ["a"]
    assert listed("status=disabled,suspended") == ["b", "c"] == listed("status=disabled,suspended")
    assert listed(f"status=disabled&application_id={ring.app['id']}&search=C") == ["c"]
    assert listed(f"application_id={absent_id()}") == []


def test_a_suspended_account_does_not_change_its_keys(ring):
    """Whose fault it is: the key's status is the key's own."""
    key = ring.new()
    ring.deployment.edit_account(ring.tenant.account["id"], suspended=True)
    assert ring.status(key) == "active"
    refused(ring.chat(key), "account_suspended")


# Off and on


def test_a_disabled_key_opens_nothing_from_the_very_next_call(ring):
    """Every address of the data plane, and another key of the same app goes on (ASVS 8.3.2)."""
    key, other = ring.new(), ring.new()
    expect(ring.chat(key), 200)
    shown = ring.edit(key, enabled=False)
    assert (shown["enabled"], shown["status"]) == (False, "disabled")
    client = ring.tenant.client
    for answer in (
        ring.chat(key),
        ring.chat(key, stream=True),
        ring.chat(key, application=ring.app["id"]),
        ring.chat(key, model="no-such-model"),
        client.call("GET", "/v1/models", token=key["token"]),
        client.call("GET", "/v1/usage", token=key["token"]),
        client.call("POST", "/v1/chat/completions", data="{", token=key["token"]),
    ):
        error = refused(answer, "key_disabled")
        assert "disabled" in error["message"]
        assert answer.headers["www-authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    expect(ring.chat(other), 200)
    assert ring.edit(key, enabled=True)["status"] == "active"
    expect(ring.chat(key), 200)
    assert len(charges(books_are_right(ring.deployment, ring.tenant.account["id"]))) == 3


def test_its_history_stays(ring):
    """What it has used, its terms, its name and its entries; and nothing is written for what was refused."""
    key = ring.new(name="kept", limited_amount=100, models=["echo"])
    for _ in range(2):
        expect(ring.chat(key), 200)
    before = ring.tenant.read_credential(key["id"])
    usage = ring.tenant.usage(credential_id=key["id"])

    def changed():
        """What of it is not as before."""
        now = ring.tenant.read_credential(key["id"])
        return {name for name in before if before[name] != now[name]}

    ring.edit(key, enabled=False)
    refused(ring.chat(key), "key_disabled")
    assert changed() == {"enabled", "status", "updated_at"}
    off = ring.tenant.read_credential(key["id"])
    assert (off["used_amount"], off["monthly_used"]) == (2 * STANDARD, 2 * STANDARD)
    assert ring.tenant.usage(credential_id=key["id"]) == usage
    ring.edit(key, enabled=True)
    assert changed() == {"updated_at"}
    assert receipt(expect(ring.chat(key), 200)).remaining == 100 - 3 * STANDARD


def test_it_stays_off_after_a_restart(own_deployment):
    ring = Keyring(own_deployment())
    key = ring.new()
    ring.edit(key, enabled=False)
    ring.deployment.server.kill()
    ring.deployment.server.start()
    refused(ring.chat(key), "key_disabled")
    assert ring.status(key) == "disabled"
    ring.edit(key, enabled=True)
    expect(ring.chat(key), 200)


def test_each_switch_is_one_entry(ring):
    """Off when it is off already is no deed; an edit of more than that is told apart."""
    key = ring.new()
    ring.edit(key, enabled=True)
    ring.edit(key, enabled=False)
    ring.edit(key, enabled=False)
    ring.edit(key, enabled=True, name="renamed")
    entries = audited(ring.tenant, "credential.enable", "credential.disable", "credential.edit")
    assert all(entry["object_id"] == key["id"] for entry in entries)
    assert sorted(entry["action"] for entry in entries) == [
        "credential.disable",
        "credential.edit",
        "credential.enable",
    ]


def test_who_may_switch(deployment, ring, strangers):
    """A root user of the account and their tokens; to anybody else there is no such key, or no such right
    (ASVS 8.2.1, 8.2.2)."""
    key = ring.new()
    member = ring.tenant.member()
    path = f"/api/v1/credentials/{key['id']}"
    problem(member.call("PATCH", path, json={"enabled": False}), 403, "root_only")
    foreign = strangers.call("PATCH", path, json={"enabled": False})
    problem(foreign, 404, "not_found")
    same_bytes(foreign, strangers.call("PATCH", f"/api/v1/credentials/{absent_id()}", json={"enabled": False}))
    problem(deployment.call("PATCH", path, json={"enabled": False}), 404, "not_found")
    expect(ring.chat(key), 200)
    expect(ring.tenant.person.call("PATCH", path, json={"enabled": False}), 200)
    refused(ring.chat(key), "key_disabled")


# Calls under way


def test_disabling_binds_the_next_call_while_others_are_under_way(deployment, upstream):
    """What was admitted is served and charged; what comes after is not."""
    ring = Keyring(deployment, model="script", allowed_models=["script"])
    key = ring.new()
    marker, answers = unique("under-way"), []

    def call():
        answers.append(ring.chat(key, script=["wait", "json"], marker=marker, through_upstream=True))

    waiting = [threading.Thread(target=call) for _ in range(3)]
    for thread in waiting:
        thread.start()
    upstream.wait_recorded(marker, count=3)
    ring.edit(key, enabled=False)
    refused(ring.chat(key, script=["json"], marker=marker), "key_disabled")
    upstream.release(marker)
    for thread in waiting:
        thread.join(20)
    assert [receipt(expect(answer, 200)).cost for answer in answers] == [STANDARD] * 3
    assert len(charges(books_are_right(deployment, ring.tenant.account["id"]))) == 3
    assert len(upstream.recorded(marker)) == 3


@pytest.mark.parametrize(
    "what, code",
    [
        (None, None),
        ({"enabled": False}, "key_disabled"),
        ({"ip_allowlist": ["203.0.113.7"]}, "ip_not_allowed"),
        ({"host": "app.example.com"}, "host_not_allowed"),
        ({"limited_amount": 0}, "credit_limit_reached"),
        ("rotate", "invalid_key"),
        ("delete", "invalid_key"),
        ("suspend", "account_suspended"),
    ],
    ids=str,
)
def test_a_long_upload_that_began_before_is_refused(ring, what, code):
    """The body is still on its way when the key is switched off, or something else comes: it binds this call too.
    (The first case shows that such an upload is otherwise served.)"""
    key = ring.new()
    body = b'{"messages":[{"role":"user","content":"' + b"x" * 100_000 + b'"}]}'
    headers = [("Authorization", f"Bearer {key['token']}"), ("Content-Type", "application/json")]
    whole = request("POST", "/v1/chat/completions", headers, body)

    def pieces():
        yield whole[:50_000]
        time.sleep(0.3)  # so that the server has seen the head, and let it in
        if what == "delete":
            ring.tenant.delete_credential(key["id"])
        elif what == "rotate":
            rotate(ring.tenant, key["id"])
        elif what == "suspend":
            ring.deployment.edit_account(ring.tenant.account["id"], suspended=True)
        elif what:
            ring.edit(key, **what)
        yield whole[50_000:]

    path = "/v1/chat/completions"
    answer = converse(ring.deployment.server, pieces(), method="POST", path=path).first
    assert answer.header("X-Latchkey-Code") == code, answer.body
    assert (answer.status == 200) == (code is None)
    assert ring.tenant.balance() == PLENTY - (0 if code else STANDARD)


@pytest.mark.race
def test_a_crowd_is_cut_off_at_once(ring):
    """Calls from many sides while the key is switched off: whatever begins after the answer to that is refused."""
    key = ring.new()
    off_at = []

    def run(number):
        if number == 20:
            ring.edit(key, enabled=False)
            off_at.append(time.monotonic())
            return None
        began = time.monotonic()
        return began, ring.chat(key)

    results = [result for result in in_parallel(run, range(120), threads=8) if result]
    late = [answer for began, answer in results if began > off_at[0]]
    assert late, "no call began after the key was off"
    for answer in late:
        refused(answer, "key_disabled")
    served = [answer for _, answer in results if answer.status_code == 200]
    assert served, "no call came before"
    assert len(charges(books_are_right(ring.deployment, ring.tenant.account["id"]))) == len(served)


# Ways back under the cap


def test_a_disabled_key_keeps_its_place(deployment):
    """Switching off makes no room for another, and needs none to come back."""
    ring = Keyring(deployment, cap=3)
    keys = [ring.new() for _ in range(3)]
    for key in keys:
        ring.edit(key, enabled=False)
    problem(ring.tenant.try_credential(ring.app["id"]), 409, "credential_cap_reached")
    for key in keys:
        assert ring.edit(key, enabled=True)["status"] == "active"


def test_switching_on_checks_a_cap_that_was_lowered(deployment):
    ring = Keyring(deployment, cap=5)
    keys = [ring.new() for _ in range(5)]
    off = keys[:2]
    for key in off:
        ring.edit(key, enabled=False)
    deployment.edit_account(ring.tenant.account["id"], credential_cap=3)
    for key in off:
        problem(ring.try_edit(key, enabled=True), 409, "credential_cap_reached")
        problem(ring.try_edit(key, enabled=True, name="and more"), 409, "credential_cap_reached")
        assert ring.tenant.read_credential(key["id"])["name"] == "", "refused as a whole"
        refused(ring.chat(key), "key_disabled")
    # A lowered cap takes nothing away from those that work, and any edit that brings nothing back is free.
    for key in keys[2:]:
        expect(ring.chat(key), 200)
        ring.edit(key, enabled=True, name="renamed")
    ring.edit(off[0], name="renamed", limited_amount=5)
    ring.tenant.delete_credential(keys[4]["id"])
    problem(ring.try_edit(off[0], enabled=True), 409, "credential_cap_reached")
    ring.tenant.delete_credential(off[1]["id"])
    assert ring.edit(off[0], enabled=True)["status"] == "active"
    problem(ring.tenant.try_credential(ring.app["id"]), 409, "credential_cap_reached")
    deployment.edit_account(ring.tenant.account["id"], credential_cap=4)
    ring.new()


def test_a_new_expiry_checks_the_cap_whatever_else_it_says(deployment):
    """An ended key holds no place. It takes one when it gets a new end, also while it is switched off."""
    ring = Keyring(deployment, cap=3)
    ended = ring.ended(2)
    keys = [ring.new() for _ in range(3)]
    for fields in ({"expired_at": None}, {"expired_at": at(3600)}, {"expired_at": None, "enabled": False}):
        problem(ring.try_edit(ended[0], **fields), 409, "credential_cap_reached")
    assert ring.status(ended[0]) == "expired"
    # To switch an ended key off and on brings nothing back.
    ring.edit(ended[0], enabled=False)
    assert ring.edit(ended[0], enabled=True)["status"] == "expired"
    ring.edit(ended[0], enabled=False)
    problem(ring.try_edit(ended[0], expired_at=None), 409, "credential_cap_reached")
    ring.tenant.delete_credential(keys[0]["id"])
    assert ring.edit(ended[0], expired_at=None)["status"] == "disabled"
    problem(ring.try_edit(ended[1], expired_at=None), 409, "credential_cap_reached")
    problem(ring.tenant.try_credential(ring.app["id"]), 409, "credential_cap_reached")
    assert ring.edit(ended[0], enabled=True)["status"] == "active"


@pytest.mark.race
def test_many_ways_back_at_once_take_the_one_place(deployment):
    """Invariant 3, whatever races: ended keys that get a new end, and a creation, for one place that is left
    (ASVS 2.1.3, 2.3.4)."""
    ring = Keyring(deployment, cap=10)
    ended = ring.ended(5)
    deployment.edit_account(ring.tenant.account["id"], credential_cap=3)
    for _ in range(2):
        ring.new()

    def come_back(key):
        if key is None:
            return ring.tenant.try_credential(ring.app["id"])
        return ring.try_edit(key, expired_at=None)

    answers = in_parallel(come_back, [*ended, None, None])
    assert sum(answer.status_code < 300 for answer in answers) == 1
    for answer in answers:
        if answer.status_code >= 300:
            problem(answer, 409, "credential_cap_reached")
    assert ring.statuses().count("active") == 3


@pytest.mark.race
def test_many_switches_at_once_stay_under_a_lowered_cap(deployment):
    ring = Keyring(deployment, cap=6)
    keys = [ring.new() for _ in range(6)]
    for key in keys:
        ring.edit(key, enabled=False)
    deployment.edit_account(ring.tenant.account["id"], credential_cap=3)
    answers = in_parallel(lambda key: ring.try_edit(key, enabled=True), keys)
    for answer in answers:
        problem(answer, 409, "credential_cap_reached")
    for key in keys[:3]:
        ring.tenant.delete_credential(key["id"])
    for answer in in_parallel(lambda key: ring.try_edit(key, enabled=True), keys[3:]):
        expect(answer, 200)
    assert ring.statuses() == ["active"] * 3


def test_a_disabled_key_may_be_deleted_and_rotated(ring):
    """Off is no lock: what its owner may do to a key, they still may, and it stays off."""
    key = ring.new()
    ring.edit(key, enabled=False)
    rotated = rotate(ring.tenant, key["id"])
    assert (rotated["status"], rotated["enabled"]) == ("disabled", False)
    refused(ring.chat(rotated), "key_disabled")
    refused(ring.chat(key), "invalid_key")
    ring.edit(key, enabled=True)
    expect(ring.chat(rotated), 200)
    ring.edit(key, enabled=False)
    ring.tenant.delete_credential(key["id"])
    refused(ring.chat(rotated), "invalid_key")
