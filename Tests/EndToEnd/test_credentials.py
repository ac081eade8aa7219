"""Credentials: Ace's fields to the letter, caps that no race exceeds, an end that binds the next call.

Rows A1, A6, D4, D6, E1, E5, E6 of the mission; invariants 3, 7 and 9.
"""

import time

import pytest

import planted
from client import at, expect, in_parallel
from deployment import all_items
from shapes import HINT, KEY, TIME, UUID7, alphabet_of, crc32_base62, forged, openai_error, problem, rule, same_bytes
from waiting import wait_for

# Seed 004's answer, member by member, with the types that its example shows.
ACE = {
    "id": str,
    "user_id": str,
    "application_id": str,
    "type": str,
    "token": str,
    "username": type(None),
    "password": type(None),
    "host": type(None),
    "limited_amount": type(None),
    "used_amount": int,
    "expired_at": type(None),
    "created_at": str,
    "updated_at": str,
}
OURS = {
    "name": str,
    "hint": str,
    "status": str,
    "monthly_limit": type(None),
    "monthly_used": int,
    "group": type(None),
    "models": type(None),
    "ip_allowlist": type(None),
    "enabled": bool,
    "reveal": str,
    "reveals": int,
    "revealed_at": type(None),
    "leak_reported_at": type(None),
    "labels": list,
    "environment": type(None),
    "last_used_at": type(None),
    "rotation_due_at": str,
    "secrets": list,
}


def test_a_key_with_aces_fields_to_the_letter(tenant):
    """E1, E2: seed 004's own request (headers, trailing slash and all), and exactly its answer, plus ours."""
    app = tenant.application()
    headers = {
        "accept": "application/json",
        "content-type": "application/json",
        "authorization": f"Bearer {tenant.token}",
    }
    response = expect(
        tenant.client.call("POST", "/api/v1/credentials/", json={"application_id": app["id"]}, headers=headers), 201
    )
    key = response.json()
    planted.plant("key", key["token"])
    assert {name: type(value) for name, value in key.items()} == ACE | OURS
    assert UUID7.match(key["id"]) and KEY.match(key["token"])
    assert TIME.match(key["created_at"]) and key["created_at"] == key["updated_at"]
    assert key["user_id"] == tenant.user["id"] and key["application_id"] == app["id"]
    assert (key["type"], key["used_amount"], key["name"], key["status"]) == ("Token", 0, "", "active")
    assert (key["enabled"], key["reveal"], key["reveals"]) == (True, "show_once", 0)
    secret = {"hint": key["hint"], "created_at": key["created_at"], "last_used_at": None, "ends_at": None}
    assert key["secrets"] == [secret | {"safe_to_retire": False}]
    assert HINT.match(key["hint"])
    assert key["hint"] == f"sk-{key['token'][3:6]}…{key['token'][13:15]}", "a hint shows id characters only"
    assert response.headers["cache-control"] == "no-store"
    assert "set-cookie" not in response.headers


def test_the_secret_is_in_the_creation_answer_only(tenant):
    """O3: shown once. No list, no reading and no other answer has it again."""
    app = tenant.application()
    made = tenant.credential(app["id"], name="once")
    shown = {name: value for name, value in made.items() if name != "token"}
    one = expect(tenant.call("GET", f"/api/v1/credentials/{made['id']}"), 200)
    assert one.json() == shown
    listed = expect(tenant.call("GET", "/api/v1/credentials"), 200)
    assert listed.json()["items"] == [shown]
    assert made["token"][15:37] not in one.text + listed.text


def test_the_checksum_can_be_checked_offline(pets):
    """N8's base: the last six characters are a CRC-32 of all before them, so a leak scanner needs no server."""
    alphabet = alphabet_of(pets.cat_key)
    for key in (pets.cat_key, pets.dog_key, pets.token):
        assert crc32_base62(key[:-6], alphabet) == key[-6:]


@pytest.mark.parametrize("name", ["", "production", "x" * 100, "ключ", "a/b <c> 'd' \"e\""])
def test_a_name_is_kept(deployment, name):
    tenant = deployment.new_tenant()
    assert tenant.credential(tenant.application()["id"], name=name)["name"] == name


def test_null_is_no_restriction(tenant):
    fields = ("host", "limited_amount", "monthly_limit", "group", "expired_at", "models", "ip_allowlist", "environment")
    nothing = {name: None for name in fields}
    made = tenant.credential(tenant.application()["id"], **nothing)
    assert {name: made[name] for name in nothing} == nothing


@pytest.mark.parametrize("field", ["allowed_ips", "limit", "credits", "model", "aplication_id", "__proto__"])
def test_unknown_fields_are_refused_by_name(pets, field):
    refusal = pets.call("POST", "/api/v1/credentials", json={"application_id": pets.cat["id"], field: "x"})
    problem(refusal, 400, "invalid_request", field=field)
    assert rule(refusal, field) == "is not a known field"


@pytest.mark.parametrize(
    "given, shown",
    [
        ("2099-08-01T10:00:00Z", "2099-08-01T10:00:00.000000Z"),
        ("2099-08-01T10:00:00.5Z", "2099-08-01T10:00:00.500000Z"),
        ("2099-08-01T12:00:00+02:00", "2099-08-01T10:00:00.000000Z"),
        ("2099-08-01T04:30:00.123456789-05:30", "2099-08-01T10:00:00.123456Z"),
        ("2096-02-29T23:59:59.999999Z", "2096-02-29T23:59:59.999999Z"),
    ],
)
def test_expiry_is_taken_in_any_offset_and_shown_in_utc(deployment, given, shown):
    """E5: ISO 8601."""
    tenant = deployment.new_tenant()
    assert tenant.credential(tenant.application()["id"], expired_at=given)["expired_at"] == shown


def test_expiry_is_enforced(tenant, client):
    """A6, E5: the key works until its time and never after it; the same application's other key goes on."""
    app = tenant.application()
    permanent = tenant.key(app["id"])
    ending = tenant.credential(app["id"], expired_at=at(2))
    expect(client.chat(ending["token"]), 200)
    assert tenant.call("GET", f"/api/v1/credentials/{ending['id']}").json()["status"] == "active"
    refusal = wait_for(
        "the key to expire", lambda: (answer := client.chat(ending["token"])).status_code != 200 and answer, deadline=6
    )
    error = openai_error(refusal, 401, "invalid_api_key", denial="key_expired")
    assert "expired" in error["message"]
    assert refusal.headers["www-authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    openai_error(client.call("GET", "/v1/models", token=ending["token"]), 401, "invalid_api_key", denial="key_expired")
    # Right app comes before not expired: at another app's address the expiry is not told.
    other = tenant.application()
    openai_error(client.chat(ending["token"], application=other["id"]), 403, "wrong_app", denial="wrong_app")
    assert tenant.call("GET", f"/api/v1/credentials/{ending['id']}").json()["status"] == "expired"
    expect(client.chat(permanent), 200)


def test_an_expired_key_holds_no_slot(deployment):
    """Invariant 3: expired keys don't count against the cap; they still count for the day."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    ending = [tenant.credential(app["id"], expired_at=at(3)) for _ in range(3)]
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")
    made = wait_for(
        "a slot", lambda: (answer := tenant.try_credential(app["id"])).status_code == 201 and answer, deadline=10
    )
    assert made.json()["status"] == "active"
    assert tenant.call("GET", f"/api/v1/credentials/{ending[0]['id']}").json()["status"] == "expired"


def test_a_deleted_key_is_refused_on_the_very_next_call(tenant, client):
    """A8, invariant 7, N2: also when the key is warm in memory, and also on a connection that is open."""
    app = tenant.application()
    for _ in range(5):
        key = tenant.credential(app["id"])
        expect(client.chat(key["token"]), 200)
        tenant.delete_credential(key["id"])
        refusal = client.chat(key["token"])
        openai_error(refusal, 401, "invalid_api_key", denial="invalid_key")
        problem(tenant.call("GET", f"/api/v1/credentials/{key['id']}"), 404, "not_found")
        problem(tenant.call("DELETE", f"/api/v1/credentials/{key['id']}"), 404, "not_found")
    assert all_items(tenant.call, "/api/v1/credentials") == []


def test_deletion_wins_against_calls_in_flight(tenant, client):
    """Calls that hammer with the key while it is deleted: after the deletion's answer none that begins is served."""
    app = tenant.application()
    key = tenant.credential(app["id"])
    done = {}

    def act(number):
        if number == 20:
            tenant.delete_credential(key["id"])
            done["at"] = time.monotonic()
            return None
        began = time.monotonic()
        return began, client.chat(key["token"]).status_code

    calls = [result for result in in_parallel(act, range(120), threads=6) if result]
    assert {status for _, status in calls} == {200, 401}
    late = [status for began, status in calls if began > done["at"]]
    assert late and set(late) == {401}


def test_deleted_forged_and_unknown_look_the_same(tenant, client):
    """Design §6: forged, unknown and deleted are indistinguishable, to the byte. What is malformed differs in nothing but
    the sentence, which tells what is wrong with its form."""
    app = tenant.application()
    key = tenant.credential(app["id"])
    tenant.delete_credential(key["id"])
    token = key["token"]
    first = client.chat(token)
    openai_error(first, 401, "invalid_api_key", denial="invalid_key")
    for _ in range(3):
        same_bytes(first, client.chat(forged(token)))
    others = [
        token[:-1],
        token + "x",
        token[:20] + ("A" if token[20] != "A" else "B") + token[21:],
        "sk-",
        "x",
        "lkp-" + token[3:],
        token.upper(),
    ]
    for other in others:
        answer = client.chat(other)
        error = openai_error(answer, 401, "invalid_api_key", denial="invalid_key", param=None)
        assert error["message"].startswith("Incorrect API key provided: ")
        assert set(answer.headers) == set(first.headers)


def test_no_changed_character_is_accepted(pets, client):
    """Every place of a real key, changed: refused. (The parser's own test tries every character; this is the wire.)"""
    key = pets.cat_key
    for place in range(len(key)):
        other = "B" if key[place] != "B" else "C"
        assert client.call("GET", "/v1/models", token=key[:place] + other + key[place + 1 :]).status_code == 401, place


def test_the_key_is_taken_from_one_bearer_header_only(pets, client):
    """B9: nothing else opens an app, however other products take their keys."""
    key = pets.cat_key
    assert client.call("GET", "/v1/models", headers={"authorization": f"bearer {key}"}).status_code == 200
    for headers in (
        {"X-API-Key": key},
        {"Api-Key": key},
        {"x-goog-api-key": key},
        {"Cookie": f"key={key}"},
        {"Proxy-Authorization": f"Bearer {key}"},
        {"Sec-WebSocket-Protocol": f"openai-insecure-api-key.{key}"},
    ):
        refusal = client.call("GET", "/v1/models", headers=headers)
        openai_error(refusal, 401, "invalid_api_key", denial="missing_key")
        assert (
            refusal.headers["www-authenticate"] == 'Bearer realm="latchkey"'
        ), "no error code when no key was given (RFC 6750)"
    for value in (f"Basic {key}", key, f"Bearer{key}", f"Bearer {key} extra", f'Bearer "{key}"', "Bearer"):
        refusal = client.call("GET", "/v1/models", headers={"Authorization": value})
        assert refusal.status_code == 401, value
        assert refusal.headers["x-latchkey-code"] in ("invalid_key", "missing_key")


# Caps and the daily limit


def test_the_cap_is_exact(deployment):
    """D4: a cap as low as three; a new key only after one is deleted."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    keys = [tenant.credential(app["id"]) for _ in range(3)]
    refusal = tenant.try_credential(app["id"])
    problem(refusal, 409, "credential_cap_reached")
    assert "3" in refusal.json()["detail"]
    tenant.delete_credential(keys[1]["id"])
    tenant.credential(app["id"])
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")


def test_the_cap_counts_all_apps_of_the_account(deployment):
    tenant = deployment.new_tenant(cap=3)
    for _ in range(3):
        tenant.credential(tenant.application()["id"])
    problem(tenant.try_credential(tenant.application()["id"]), 409, "credential_cap_reached")


def test_an_admin_changes_the_cap(deployment):
    """O4: three to ten, set by an admin; a lower cap stops new keys and stops none that work."""
    tenant = deployment.new_tenant()
    assert tenant.account["credential_cap"] == 10
    app = tenant.application()
    keys = [tenant.key(app["id"]) for _ in range(4)]
    path = f"/api/v1/accounts/{tenant.account['id']}"
    assert expect(deployment.call("PATCH", path, json={"credential_cap": 3}), 200).json()["credential_cap"] == 3
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")
    assert [deployment.client.chat(key).status_code for key in keys] == [200] * 4
    expect(deployment.call("PATCH", path, json={"credential_cap": 5}), 200)
    tenant.credential(app["id"])
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")


def test_a_refused_creation_costs_nothing_of_the_day(deployment):
    """Only creations count: fifteen refusals at the cap leave the seven that remain."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    keys = [tenant.credential(app["id"]) for _ in range(3)]
    for _ in range(15):
        problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")
    for _ in range(7):
        tenant.delete_credential(keys.pop()["id"])
        keys.append(tenant.credential(app["id"]))
    tenant.delete_credential(keys.pop()["id"])
    problem(tenant.try_credential(app["id"]), 429, "daily_creation_limit_reached")


def test_deleting_gives_no_creation_back(tenant):
    """D6: at most ten a day, whatever is deleted between; Retry-After says when the day ends."""
    app = tenant.application()
    for _ in range(10):
        tenant.delete_credential(tenant.credential(app["id"])["id"])
    refusal = tenant.try_credential(app["id"])
    problem(refusal, 429, "daily_creation_limit_reached")
    left = 86400 - time.time() % 86400
    assert abs(int(refusal.headers["retry-after"]) - left) <= 5
    # Another app of the same account is the same account.
    problem(tenant.try_credential(tenant.application()["id"]), 429, "daily_creation_limit_reached")


def test_ten_live_keys_and_no_more(tenant, client):
    """A1: ten keys, each unique, all of them working."""
    app = tenant.application()
    keys = [tenant.key(app["id"]) for _ in range(10)]
    assert len(set(keys)) == 10
    assert all(client.call("GET", "/v1/models", token=key).status_code == 200 for key in keys)
    refusal = tenant.try_credential(app["id"])
    assert refusal.status_code in (409, 429), refusal.text


def create_until_decided(tenant, application_id):
    """One creation; an overloaded server (503) is asked again, since only a decision counts here."""
    return wait_for(
        "a decision",
        lambda: (answer := tenant.try_credential(application_id)).status_code != 503 and answer,
        deadline=60,
    )


@pytest.mark.race
def test_two_hundred_at_once_give_exactly_the_cap(deployment):
    """Invariant 3, N1: 200 concurrent creations against a cap of three."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    answers = in_parallel(lambda _: create_until_decided(tenant, app["id"]), range(200), threads=50)
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == 3, {status: statuses.count(status) for status in set(statuses)}
    assert statuses.count(409) == 197
    assert len(all_items(tenant.call, "/api/v1/credentials")) == 3


@pytest.mark.race
def test_two_hundred_at_once_give_exactly_the_days_ten(deployment):
    """Invariant 3, N1: 200 concurrent creations, each deleted again at once, so that only the day's limit can hold."""
    tenant = deployment.new_tenant()
    app = tenant.application()

    def create_and_delete(_):
        answer = create_until_decided(tenant, app["id"])
        if answer.status_code == 201:
            tenant.delete_credential(answer.json()["id"])
        return answer.status_code

    statuses = in_parallel(create_and_delete, range(200), threads=50)
    assert statuses.count(201) == 10, {status: statuses.count(status) for status in set(statuses)}
    # At an instant with ten live keys the cap may speak first; nothing else may.
    assert set(statuses) <= {201, 409, 429} and statuses.count(429) > 100
    assert all_items(tenant.call, "/api/v1/credentials") == []
    problem(tenant.try_credential(app["id"]), 429, "daily_creation_limit_reached")


@pytest.mark.race
def test_a_race_between_two_ways_of_calling_is_no_way_around(deployment):
    """Session and platform token, two users, two apps: one account, one cap."""
    tenant = deployment.new_tenant(cap=4)
    colleague = deployment.new_person(tenant.account["id"])
    apps = [tenant.application()["id"] for _ in range(2)]
    ways = [tenant.call, tenant.person.call, colleague.call]

    def create(number):
        answer = ways[number % 3]("POST", "/api/v1/credentials", json={"application_id": apps[number % 2]})
        if answer.status_code == 201:
            planted.plant("key", answer.json()["token"])
        return answer.status_code

    statuses = in_parallel(create, range(60), threads=20)
    assert statuses.count(201) == 4 and set(statuses) == {201, 409}
