"""An account's changes have a rate: nobody fills the disk, or holds up everybody's writes, through the management API."""

import sqlite3

from client import expect, unique
from shapes import problem
from waiting import wait_for

RATE = {"LATCHKEY_MANAGEMENT_WRITES_PER_MINUTE": 30}


def rename(call, app):
    return call("PATCH", f"/api/v1/applications/{app['id']}", json={"name": unique("renamed")})


def spend(call, app):
    """Changes until one is refused; which is the refusal, and how many there were."""
    for count in range(100):
        answer = rename(call, app)
        if answer.status_code != 200:
            return answer, count
    raise AssertionError("a hundred changes, and none refused")


def entries(deployment):
    with sqlite3.connect(deployment.server.data / "latchkey.db") as database:
        [(count,)] = database.execute("SELECT count(*) FROM audit")
    database.close()
    return count


def test_an_account_has_one_rate_by_session_and_by_token(own_deployment):
    deployment = own_deployment(settings=RATE)
    tenant, other = deployment.new_tenant(), deployment.new_tenant()
    app, others = tenant.application(), other.application()
    colleague = deployment.new_person(tenant.account["id"])
    key, off, rotated, others_key = (tenant.credential(app["id"]) for _ in range(4))
    expect(tenant.call("POST", f"/api/v1/credentials/{rotated['id']}/rotate", json={"overlap_seconds": 3600}), 200)
    member = f"/api/v1/accounts/{tenant.account['id']}/users/{colleague.user['id']}"
    refusal, count = spend(tenant.call, app)
    assert 0 < count < 30
    body = problem(refusal, 429, "too_many_changes")
    seconds = int(refusal.headers["Retry-After"])
    assert 1 <= seconds <= 3 and f"{seconds} second" in body["detail"]
    # Whoever of the account asks, and with what; a try costs nothing and leaves nothing.
    before = entries(deployment)
    for call in (tenant.call, tenant.person.call, colleague.call):
        problem(rename(call, app), 429, "too_many_changes")
        app_body = {"name": unique("one more"), "kind": "chat", "model": "echo"}
        problem(call("POST", "/api/v1/applications", json=app_body), 429, "too_many_changes")
    assert entries(deployment) == before
    # Another account's changes are its own, and so is what the key calls.
    expect(rename(other.call, others), 200)
    expect(tenant.client.chat(key["token"]), 200)
    # To look, to prove who one is and to take something away always goes: so a stolen token can be ended.
    expect(tenant.call("GET", f"/api/v1/applications/{app['id']}"), 200)
    expect(tenant.call("POST", f"/api/v1/credentials/{key['id']}/explain", json={}), 200)
    verified = tenant.call("POST", "/api/v1/verify", json={"key": key["token"], "application_id": app["id"]})
    expect(verified, 200)
    tenant.person.reauthenticate()
    tenant.delete_credential(key["id"])
    expect(tenant.person.call("DELETE", f"/api/v1/platform-tokens/{tenant.token_id}"), 204)
    # So does every brake, again and again; what it repeats is written once.
    leaked = {"credential_id": others_key["id"], "action": "disable"}
    for path, body in ((f"/api/v1/credentials/{off['id']}", {"enabled": False}), (member, {"role": "member"})):
        expect(tenant.person.call("PATCH", path, json=body), 200)
    expect(tenant.person.call("POST", f"/api/v1/credentials/{rotated['id']}/retire"), 200)
    expect(tenant.person.call("POST", "/api/v1/leaks", json=leaked), 200)
    before = entries(deployment)
    for _ in range(40):
        expect(tenant.person.call("PATCH", f"/api/v1/credentials/{off['id']}", json={"enabled": False}), 200)
        expect(tenant.person.call("PATCH", member, json={"role": "member"}), 200)
        expect(tenant.person.call("POST", "/api/v1/leaks", json=leaked | {"source": unique("again")}), 200)
        problem(tenant.person.call("POST", f"/api/v1/credentials/{rotated['id']}/retire"), 409, "nothing_to_retire")
    assert entries(deployment) == before
    # To give the power back is a change like any other.
    spend(tenant.person.call, app)
    again = tenant.person.call("PATCH", f"/api/v1/credentials/{off['id']}", json={"enabled": True})
    problem(again, 429, "too_many_changes")
    # Then it flows again, evenly: one in two seconds.
    wait_for("one more change", lambda: rename(tenant.person.call, app).status_code == 200, deadline=10)
    problem(rename(tenant.person.call, app), 429, "too_many_changes")


def test_operators_have_one_too(own_deployment):
    deployment = own_deployment(settings=RATE)
    account = deployment.new_account(credits=None)
    for _ in range(100):
        answer = deployment.call("PATCH", f"/api/v1/accounts/{account['id']}", json={"name": unique("renamed")})
        if answer.status_code != 200:
            break
    problem(answer, 429, "too_many_changes")
    body = {"name": unique("group"), "multiplier": 1}
    problem(deployment.call("POST", "/api/v1/groups", json=body), 429, "too_many_changes")
