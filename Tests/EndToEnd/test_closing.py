"""Closing an account: suspended, keys dead, people gone, addresses free, its books kept (D5, invariants 6 and 7)."""

import threading

from client import Person, absent_id, expect, new_email, new_password
from deployment import all_items
from server import admin_create
from shapes import openai_error, problem, same_bytes


def close(deployment, account_id, query="?confirmed=true", by=None):
    return (by or deployment.admin.fresh()).call("DELETE", f"/api/v1/accounts/{account_id}{query}")


def entries_of(deployment, account_id):
    return all_items(deployment.call, f"/api/v1/audit?account_id={account_id}")


def test_a_closed_account_is_dead_and_its_books_stay(deployment, client):
    tenant = deployment.new_tenant()
    member = tenant.member()
    model = deployment.new_model()
    app, spare = tenant.application(model=model["name"]), tenant.application()
    key, other = tenant.credential(app["id"]), tenant.credential(spare["id"])
    invited = deployment.invite(tenant.account["id"], new_email(), "member")
    for _ in range(3):
        assert client.chat(key["token"]).status_code == 200
    expect(deployment.call("DELETE", f"/api/v1/models/{model['id']}"), 409)
    before, ledger = tenant.settled(), tenant.ledger()

    expect(close(deployment, tenant.account["id"]), 204)

    # The keys, at once and for good.
    for token in (key["token"], other["token"]):
        openai_error(client.chat(token), 401, "invalid_api_key", denial="invalid_key")
    # The people, however they come.
    for person in (tenant.person, member):
        problem(person.call("GET", "/api/v1/users/current"), 401, "unauthenticated")
        problem(person.try_sign_in(), 401, "sign_in_failed")
    problem(tenant.call("GET", "/api/v1/applications"), 401, "unauthenticated")
    accepted = {"token": invited["token"], "password": new_password()}
    problem(client.call("POST", "/api/v1/invitations/accept", json=accepted), 403, "invitation_invalid")
    for kind in ("users", "invitations"):
        assert all_items(deployment.call, f"/api/v1/accounts/{tenant.account['id']}/{kind}") == []
    # Their addresses.
    elsewhere = deployment.new_tenant()
    for person in (tenant.person, member):
        assert deployment.new_person(elsewhere.account["id"], person.email).user["email"] == person.email
    # The account: shown as closed, with its balance and its ledger to the last digit.
    after = deployment.account(tenant.account["id"])
    assert after["suspended"] is True and after["closed_at"] is not None
    for field in ("id", "name", "balance", "held", "available"):
        assert after[field] == before[field], field
    assert deployment.ledger(tenant.account["id"]) == ledger
    deployment.adjust(tenant.account["id"], -1, reason="written off")
    grants = f"/api/v1/accounts/{tenant.account['id']}/grants"
    problem(deployment.call("POST", grants, json={"amount": 1}), 409, "account_closed")
    # What its apps used is free.
    expect(deployment.call("DELETE", f"/api/v1/models/{model['id']}"), 204)
    assert deployment.check_ledger().returncode == 0


def test_the_record_says_who_closed_it_and_what_went_with_it(deployment):
    tenant = deployment.new_tenant()
    member, app = tenant.member(), tenant.application()
    key = tenant.credential(app["id"])
    expect(close(deployment, tenant.account["id"]), 204)
    newest = entries_of(deployment, tenant.account["id"])[:5]
    by = deployment.admin.session["user"]["id"]
    assert {entry["actor_id"] for entry in newest} == {by}
    assert newest[0]["action"] == "account.close" and newest[0]["object_id"] == tenant.account["id"]
    assert sorted((entry["action"], entry["object_id"]) for entry in newest[1:]) == sorted(
        [
            ("credential.delete", key["id"]),
            ("application.delete", app["id"]),
            ("user.remove", tenant.user["id"]),
            ("user.remove", member.user["id"]),
        ]
    )


def test_to_close_it_twice_changes_nothing(deployment):
    tenant = deployment.new_tenant()
    expect(close(deployment, tenant.account["id"]), 204)
    once, entries = deployment.account(tenant.account["id"]), entries_of(deployment, tenant.account["id"])
    for query in ("?confirmed=true", ""):
        expect(close(deployment, tenant.account["id"], query), 204)
    assert deployment.account(tenant.account["id"]) == once
    assert entries_of(deployment, tenant.account["id"]) == entries


def test_it_takes_a_word_when_there_is_somebody_or_a_key(deployment):
    empty = deployment.new_account(credits=None)
    tenant = deployment.new_tenant()
    tenant.key(tenant.application()["id"])
    for query in ("", "?confirmed=false"):
        refused = problem(close(deployment, tenant.account["id"], query), 409, "confirmation_required")
        assert "1 key and 1 user" in refused["detail"]
    assert deployment.account(tenant.account["id"])["closed_at"] is None
    for query in ("?confirmed=yes", "?confirmed=", "?confirmed=true&confirmed=true", "?confirm=true"):
        assert close(deployment, tenant.account["id"], query).status_code == 400
    expect(tenant.person.call("GET", "/api/v1/users/current"), 200)
    expect(close(deployment, empty["id"], ""), 204)


def test_it_stays_closed(deployment):
    account = deployment.new_account()
    expect(close(deployment, account["id"]), 204)
    path = f"/api/v1/accounts/{account['id']}"
    for fields in ({"suspended": False}, {"name": "Again"}, {}):
        problem(deployment.call("PATCH", path, json=fields), 409, "account_closed")
    body = {"email": new_email(), "role": "root"}
    problem(deployment.admin.fresh().call("POST", path + "/invitations", json=body), 409, "account_closed")
    assert deployment.account(account["id"])["suspended"] is True


def test_who_may_and_which(deployment, tenant):
    """An admin with a fresh session alone, and not the account that they are in themselves."""
    problem(close(deployment, deployment.account_id), 409, "own_account")
    expect(deployment.admin.call("GET", "/api/v1/users/current"), 200)
    for person in (tenant.person.fresh(), tenant.member()):
        problem(close(deployment, tenant.account["id"], by=person), 403, "admin_only")
    path = f"/api/v1/accounts/{tenant.account['id']}?confirmed=true"
    problem(deployment.call("DELETE", path), 403, "session_required")
    absent = close(deployment, absent_id())
    problem(absent, 404, "not_found")
    same_bytes(absent, close(deployment, "not-an-id"))


def test_of_admins_in_two_accounts_one_is_always_left(own_deployment):
    deployment = own_deployment()
    email, password = new_email(), new_password()
    deployment.server.stop()
    made = admin_create(deployment.server.data, email, password, account="Others", settings=deployment.server.settings)
    assert made.returncode == 0, made.stderr
    deployment.server.start()
    first, second = deployment.admin.sign_in(), Person(deployment.client, email, password).sign_in()
    homes = [person.session["user"]["account_id"] for person in (first, second)]
    answers = [None, None]

    def work(index):
        answers[index] = close(deployment, homes[1 - index], by=(first, second)[index]).status_code

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) in ([204, 401], [204, 403], [204, 409]), answers
    left = (first, second)[answers.index(204)]
    expect(left.call("GET", "/api/v1/accounts"), 200)


def test_the_very_next_call_is_refused_beside_traffic(deployment, client):
    ways = 8
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application()["id"])
    closed, late, stop = threading.Event(), [], threading.Event()

    def call():
        while not stop.is_set():
            after = closed.is_set()
            status = client.chat(key).status_code
            if after:
                late.append(status)

    threads = [threading.Thread(target=call, daemon=True) for _ in range(ways)]
    for thread in threads:
        thread.start()
    expect(close(deployment, tenant.account["id"]), 204)
    closed.set()
    while len(late) < 20 * ways:
        assert client.chat(key).status_code == 401
    stop.set()
    for thread in threads:
        thread.join(30)
    assert set(late) == {401}
