"""A key that was found where it must not be: switched off or replaced at once, and written down (N8; ASVS 8.3.2,
B6)."""

import pytest

import planted
from client import absent_id, exact, expect, in_parallel, seconds
from key_calls import audited, refused, report, retire, reveal, rotate, try_report
from receipts import STANDARD
from shapes import TIME, forged, problem, same_bytes


@pytest.fixture
def app(tenant):
    return tenant.application()


@pytest.fixture
def key(tenant, app):
    return tenant.credential(app["id"])


def leak_of(tenant, key):
    return tenant.read_credential(key["id"])["leak_reported_at"]


@pytest.mark.parametrize("named_by", ["token", "credential_id"])
def test_a_reported_key_is_off_at_once(tenant, key, named_by):
    """From the very next call on; the answer is the key as it is now, and its secret is not repeated (ASVS 8.3.2)."""
    expect(tenant.client.chat(key["token"]), 200)
    named = {"token": key["token"]} if named_by == "token" else {"credential_id": key["id"]}
    answer = report(tenant, "disable", source="a public repository", **named)
    refused(tenant.client.chat(key["token"]), "key_disabled")
    assert (answer["id"], answer["enabled"], answer["status"]) == (key["id"], False, "disabled")
    assert "token" not in answer and TIME.match(answer["leak_reported_at"])
    now = tenant.read_credential(key["id"])
    assert now["leak_reported_at"] == answer["leak_reported_at"]
    assert (now["used_amount"], now["name"]) == (STANDARD, key["name"])


@pytest.mark.parametrize("named_by", ["token", "credential_id"])
def test_a_reported_key_is_replaced_at_once(tenant, key, named_by):
    """The same key with another secret; what leaked opens nothing, so there is no leak to be told of any more."""
    expect(tenant.client.chat(key["token"]), 200)
    named = {"token": key["token"]} if named_by == "token" else {"credential_id": key["id"]}
    answer = report(tenant, "rotate", **named)
    refused(tenant.client.chat(key["token"]), "invalid_key")
    expect(tenant.client.chat(answer["token"]), 200)
    assert (answer["id"], answer["enabled"], answer["status"]) == (key["id"], True, "active")
    assert answer["leak_reported_at"] is None and leak_of(tenant, key) is None
    assert len(answer["secrets"]) == 1 and answer["hint"] != key["hint"]
    again = try_report(tenant, "rotate", token=key["token"])
    problem(again, 404, "not_found")
    assert again.json()["detail"] and key["token"] not in again.text


def test_both_secrets_of_a_rotation_name_the_key(tenant, key):
    """While the old one still works, it matters when it is found; and replacing the key ends both."""
    new = rotate(tenant, key["id"], 3600)["token"]
    for found in (key["token"], new):
        assert report(tenant, "disable", token=found)["id"] == key["id"]
    tenant.edit_credential(key["id"], enabled=True)
    answer = report(tenant, "rotate", token=key["token"])
    for dead in (key["token"], new):
        refused(tenant.client.chat(dead), "invalid_key")
        problem(try_report(tenant, "disable", token=dead), 404, "not_found")
    expect(tenant.client.chat(answer["token"]), 200)


def test_the_report_stays_until_the_secret_is_dead(tenant, key):
    """Switching the key on again doesn't make the leak undone; nor does a rotation whose overlap still runs."""
    at = report(tenant, "disable", token=key["token"])["leak_reported_at"]
    assert tenant.edit_credential(key["id"], enabled=True)["leak_reported_at"] == at
    expect(tenant.client.chat(key["token"]), 200)
    assert rotate(tenant, key["id"], 3600)["leak_reported_at"] == at
    assert leak_of(tenant, key) == at
    assert retire(tenant, key["id"])["leak_reported_at"] is None
    assert leak_of(tenant, key) is None


def test_a_rotation_without_overlap_clears_the_report(tenant, key):
    report(tenant, "disable", credential_id=key["id"])
    answer = rotate(tenant, key["id"], 0)
    assert (answer["leak_reported_at"], answer["status"]) == (None, "disabled"), "on again is its owner's to say"
    tenant.edit_credential(key["id"], enabled=True)
    expect(tenant.client.chat(answer["token"]), 200)


def test_a_replacement_that_is_refused_leaves_no_report(tenant, app, key):
    """Done as a whole or not at all (ASVS 2.3.3)."""
    other = tenant.credential(app["id"])
    for _ in range(20):
        rotate(tenant, other["id"])
    before = tenant.read_credential(key["id"])
    problem(try_report(tenant, "rotate", token=key["token"]), 429, "daily_rotation_limit_reached")
    assert tenant.read_credential(key["id"]) == before
    assert audited(tenant, "credential.leak") == []
    report(tenant, "disable", token=key["token"])
    refused(tenant.client.chat(key["token"]), "key_disabled")


def test_a_key_that_is_off_can_be_replaced(tenant, key):
    tenant.edit_credential(key["id"], enabled=False)
    answer = report(tenant, "rotate", token=key["token"])
    assert (answer["enabled"], answer["leak_reported_at"]) == (False, None)
    refused(tenant.client.chat(answer["token"]), "key_disabled")


def test_a_revealable_key_is_sealed_anew(tenant, app):
    key = tenant.credential(app["id"], revealable=True)
    answer = report(tenant, "rotate", token=key["token"])
    assert reveal(tenant.person, key["id"]) == answer["token"]


def test_a_second_report_changes_nothing(tenant, key):
    first = report(tenant, "disable", token=key["token"])["leak_reported_at"]
    second = report(tenant, "disable", token=key["token"])["leak_reported_at"]
    assert second == first
    actions = [entry["action"] for entry in audited(tenant, "credential.leak", "credential.disable")]
    assert sorted(actions) == ["credential.disable", "credential.leak"]


@pytest.mark.race
def test_reports_at_once(tenant, key):
    """A scanner that finds a key in ten places reports it ten times; it stands in the record once."""
    for answer in in_parallel(lambda _: try_report(tenant, "disable", token=key["token"]), range(10), threads=10):
        expect(answer, 200)
    actions = [entry["action"] for entry in audited(tenant, "credential.leak", "credential.disable")]
    assert sorted(actions) == ["credential.disable", "credential.leak"]


def test_the_record_says_what_was_done_and_where_it_was_found(tenant, app):
    one, two = tenant.credential(app["id"]), tenant.credential(app["id"])
    report(tenant, "disable", token=one["token"], source="paste №1 <b>")
    report(tenant, "rotate", credential_id=two["id"])
    entries = audited(tenant, "credential.leak", "credential.disable", "credential.rotate")
    assert [(entry["action"], entry["object_id"]) for entry in entries] == [
        ("credential.leak", one["id"]),
        ("credential.disable", one["id"]),
        ("credential.leak", two["id"]),
        ("credential.rotate", two["id"]),
    ]
    assert entries[0]["detail"] == {"source": "paste №1 <b>"} and entries[2]["detail"] == {}
    assert one["token"][15:37] not in str(entries)


# What is no key of the account


def test_whatever_is_no_live_key_of_the_account_is_absent(deployment, tenant, key, strangers):
    """Invariant 8 (ASVS 8.2.2): another tenant's key, a deleted one, a forged one, another kind of token and a piece of
    text all get the same bytes, and nothing happens to any of them."""
    deleted = tenant.credential(tenant.application()["id"])
    tenant.delete_credential(deleted["id"])
    absent = try_report(tenant, "disable", credential_id=absent_id())
    problem(absent, 404, "not_found")
    typo = key["token"][:20] + ("A" if key["token"][20] != "A" else "B") + key["token"][21:]
    tokens = [
        strangers.app_key,
        deleted["token"],
        forged(key["token"]),
        typo,
        tenant.token,
        tenant.person.cookie,
        "sk-",
        "x",
        " " + key["token"],
        key["token"] + "\n",
        "x" * 512,
    ]
    for token in tokens:
        for action in ("disable", "rotate"):
            same_bytes(absent, try_report(tenant, action, token=token))
    for credential_id in (strangers.app_credential["id"], deleted["id"]):
        for action in ("disable", "rotate"):
            same_bytes(absent, try_report(tenant, action, credential_id=credential_id))
    problem(try_report(deployment, "disable", token=key["token"]), 404, "not_found")
    expect(tenant.client.chat(key["token"]), 200)
    expect(strangers.client.chat(strangers.app_key), 200)
    assert audited(tenant, "credential.leak") == []


def test_a_report_names_a_key(pets):
    for body in ({}, {"token": None, "credential_id": None}):
        refusal = pets.call("POST", "/api/v1/leaks", json={"action": "disable"} | body)
        problem(refusal, 400, "invalid_request", field="token")


def test_a_remark_can_t_hold_a_key(tenant, app, key):
    """Sources and names are shown and recorded: whoever pastes the find itself into them is stopped."""
    dead = forged(key["token"])
    for text in (key["token"], f"found {key['token']} in a log", dead, f"https://paste.example/{key['token']}"):
        refusal = try_report(tenant, "disable", credential_id=key["id"], source=text)
        problem(refusal, 400, "invalid_request", field="source")
        assert key["token"] not in refusal.text and dead not in refusal.text
        problem(tenant.try_edit_credential(key["id"], name=text), 400, "invalid_request", field="name")
        problem(tenant.try_credential(app["id"], name=text), 400, "invalid_request", field="name")
    expect(tenant.client.chat(key["token"]), 200)
    report(tenant, "disable", credential_id=key["id"], source=key["hint"])


def test_one_name_is_enough(tenant, key):
    """Two could be two keys."""
    refusal = try_report(tenant, "disable", token=key["token"], credential_id=key["id"])
    problem(refusal, 400, "invalid_request", field="credential_id")
    expect(tenant.client.chat(key["token"]), 200)


# Who may


def test_who_may_report(deployment, tenant, key):
    """To switch off takes the right to write keys, to replace one the right to rotate them (ASVS 8.2.1)."""
    member = tenant.member()
    for action in ("disable", "rotate"):
        problem(try_report(member, action, token=key["token"]), 403, "root_only")
        anonymous = deployment.client.call("POST", "/api/v1/leaks", json={"action": action, "token": key["token"]})
        problem(anonymous, 401, "unauthenticated")

    def with_token(scope, action):
        token = tenant.person.platform_token([scope])["token"]
        body = {"action": action, "credential_id": key["id"]}
        answer = deployment.client.call("POST", "/api/v1/leaks", token=token, json=body)
        if answer.status_code == 200 and "token" in answer.json():
            planted.plant("key", answer.json()["token"])
        return answer

    problem(with_token("credentials:rotate", "disable"), 403, "insufficient_scope")
    problem(with_token("credentials:write", "rotate"), 403, "insufficient_scope")
    problem(with_token("credentials:read", "disable"), 403, "insufficient_scope")
    expect(tenant.client.chat(key["token"]), 200)
    rotated = expect(with_token("credentials:rotate", "rotate"), 200).json()
    expect(tenant.client.chat(rotated["token"]), 200)
    expect(with_token("credentials:write", "disable"), 200)
    refused(tenant.client.chat(rotated["token"]), "key_disabled")


def test_a_stale_session_can_switch_off_and_not_replace(clocked):
    """What hurries and does no harm needs no proof; a new secret does (ASVS 7.5.3)."""
    tenant = clocked.new_tenant()
    key = tenant.credential(tenant.application()["id"])
    person = tenant.person.fresh()
    clocked.clock.forward(minutes=6)
    problem(try_report(person, "rotate", token=key["token"]), 403, "reauthentication_required")
    assert exact(expect(try_report(person, "disable", token=key["token"]), 200))["enabled"] is False
    person.reauthenticate()
    report(person, "rotate", token=key["token"])
