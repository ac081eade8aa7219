"""The audit log: who changed what, when and from where, and whether the log was changed (ASVS 16.2.1, 16.4.2)."""

import base64
import os
import re
import shutil
import sqlite3
import urllib.parse
from decimal import Decimal

import pytest
import yaml

import planted
from client import Person, absent_id, at, exact, expect, in_parallel, new_email, new_password, session_cookie, unique
from deployment import Deployment, Tenant, all_items
from server import REPOSITORY, run_command
from shapes import TIME, UUID7, problem, same_bytes
from totp import begin, confirm, plant_codes

ENTRY = {
    "sequence",
    "id",
    "at",
    "actor_id",
    "action",
    "account_id",
    "object_id",
    "detail",
    "address",
    "hash",
}


def newest(deployment, count=1):
    """The newest entries, the newest first."""
    return exact(expect(deployment.call("GET", f"/api/v1/audit?limit={count}"), 200))["items"]


@pytest.fixture
def account(deployment):
    return deployment.new_account(credits=None)


def account_events(deployment, account):
    path = f"/api/v1/accounts/{account['id']}"
    yield "account.edit", lambda: deployment.edit_account(account["id"], name=unique("renamed"))
    yield "account.suspend", lambda: deployment.edit_account(account["id"], suspended=True)
    yield "account.resume", lambda: deployment.edit_account(account["id"], suspended=False)
    yield "credits.grant", lambda: deployment.grant(account["id"], Decimal("12.5"), reason="Order 4711")
    yield "credits.adjust", lambda: expect(
        deployment.call("POST", path + "/adjustments", json={"amount": -1, "reason": "A mistake"}), 201
    )


def catalog_events(deployment):
    model, group = deployment.new_model(), unique("audited")
    prices, multipliers = f"/api/v1/models/{model['id']}/prices", f"/api/v1/groups/{group}/multipliers"
    made = {}

    def version(kind, path):
        body = {kind: 2, "effective_at": at(3600)}
        made[kind] = expect(deployment.call("POST", path, json=body), 201).json()["id"]

    yield "group.create", lambda: deployment.new_group(2, name=group)
    yield "group.edit", lambda: deployment.call("PATCH", f"/api/v1/groups/{group}", json={"retired": True})
    yield "price.create", lambda: version("price", prices)
    yield "price.withdraw", lambda: deployment.call("DELETE", f"{prices}/{made['price']}")
    yield "multiplier.create", lambda: version("multiplier", multipliers)
    yield "multiplier.withdraw", lambda: deployment.call("DELETE", f"{multipliers}/{made['multiplier']}")


def judged(deployment, action, account_id):
    """The newest entry, which must be of this action, well-formed and by the admin."""
    entry = newest(deployment)[0]
    assert entry["action"] == action
    assert set(entry) == ENTRY
    assert isinstance(entry["sequence"], int) and entry["sequence"] > 0 and entry["hash"]
    assert UUID7.match(entry["id"]) and TIME.match(entry["at"]) and isinstance(entry["detail"], dict)
    assert entry["actor_id"] == deployment.admin.session["user"]["id"]
    assert entry["account_id"] == account_id
    assert entry["address"] == "127.0.0.1"
    return entry


def test_what_is_done_to_an_account(deployment, account):
    judged(deployment, "account.create", account["id"])
    for action, event in account_events(deployment, account):
        event()
        judged(deployment, action, account["id"])


def test_what_is_done_to_the_catalog(deployment):
    for action, event in catalog_events(deployment):
        event()
        judged(deployment, action, None)


def test_an_entry_says_what_changed(deployment, account):
    deployment.grant(account["id"], Decimal("12.5"), reason="Order 4711")
    granted = judged(deployment, "credits.grant", account["id"])
    assert "12.5" in str(granted["detail"]) and "Order 4711" in str(granted["detail"])
    group = deployment.new_group(Decimal("0.125"))
    created = judged(deployment, "group.create", None)
    assert "0.125" in str(created["detail"]) and group["name"] in str([created["object_id"], created["detail"]])
    deployment.edit_account(account["id"], credential_cap=4)
    assert "4" in str(judged(deployment, "account.edit", account["id"])["detail"])


def unchanged_edits(deployment, tenant):
    """Each way to edit something, as (how, what): `how` sends `what` and returns the object as it is then."""

    def at_path(call, path):
        return lambda **fields: exact(expect(call("PATCH", path, json=fields), 200))

    account, app = tenant.account["id"], tenant.application(system_prompt="You are a cat.")
    key = tenant.credential(app["id"], name="once")
    model, group, secret = "echo", deployment.new_group()["name"], planted.plant("provider secret", unique("secret"))
    address = "https://upstream.example.com/v1"
    fields = {"name": unique("provider"), "kind": "openai", "base_url": address, "secret": secret}
    provider = expect(deployment.call("POST", "/api/v1/providers", json=fields), 201).json()
    member, own = tenant.member(), f"/api/v1/accounts/{account}"
    limits = {"limited_amount": 5, "monthly_limit": None, "expired_at": "2099-01-01T00:00:00Z", "enabled": False}
    lists = {"models": [model], "ip_allowlist": [f"192.0.2.{number}" for number in range(100)]}
    words = {"labels": ["web", "shop", "web"], "environment": "testing"}
    return {
        "an account": (
            at_path(deployment.call, own),
            {"name": "Same", "credential_cap": 7, "groups": [group], "default_group": "standard", "suspended": False},
        ),
        "a key policy": (at_path(tenant.person.fresh().call, own + "/key-policy"), {"revealable": False, "key_rotation_age_days": 7}),
        "a role": (at_path(tenant.person.fresh().call, f"{own}/users/{member.user['id']}"), {"role": "root"}),
        "an application": (
            at_path(tenant.call, f"/api/v1/applications/{app['id']}"),
            {"name": "Same", "system_prompt": "You are a dog.", "parameters": {"seed": 7}, "model": model},
        ),
        "a key": (
            at_path(tenant.call, f"/api/v1/credentials/{key['id']}"),
            {"name": "Same", "group": None, "host": "example.com"} | limits | lists | words,
        ),
        "a provider": (
            at_path(deployment.call, f"/api/v1/providers/{provider['id']}"),
            {"name": unique("same"), "base_url": address + "/", "secret": secret + "-2"},
        ),
        "a group": (at_path(deployment.call, f"/api/v1/groups/{group}"), {"retired": True}),
    }


def test_an_edit_that_changes_nothing_writes_nothing(deployment, tenant):
    """The same body twice, of every operation that edits: no entry, and the time of the last change stays."""
    edits = unchanged_edits(deployment, tenant)
    document = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text("utf-8"))
    assert len(edits) == sum("patch" in operations for operations in document["paths"].values()), "one is not tried"
    for what, (edit, fields) in edits.items():
        first = edit(**fields)
        before = newest(deployment)[0]["id"]
        for body in (fields, fields, {name: fields[name] for name in list(fields)[:1]}):
            assert edit(**body) == first, what
        assert newest(deployment)[0]["id"] == before, what


def test_an_entry_has_what_changed_and_not_the_whole_list(deployment, tenant):
    """A key with a hundred addresses, edited again and again, leaves a few bytes each time."""
    key = tenant.credential(tenant.application()["id"])
    addresses = [f"192.0.2.{number}" for number in range(100)]
    tenant.edit_credential(key["id"], ip_allowlist=addresses)
    assert len(newest(deployment)[0]["detail"]["ip_allowlist"]) <= 512
    tenant.edit_credential(key["id"], ip_allowlist=addresses[1:] + ["198.51.100.7"])
    assert newest(deployment)[0]["detail"] == {"ip_allowlist": "+198.51.100.7 -192.0.2.0"}
    tenant.edit_credential(key["id"], ip_allowlist=None)
    assert newest(deployment)[0]["detail"] == {"ip_allowlist": "null"}


def test_what_was_refused_is_not_in_it(deployment, account):
    """Done or not at all: no entry of something that never happened."""
    before = newest(deployment)[0]["id"]
    problem(deployment.try_grant(account["id"], -1), 400, "invalid_request")
    problem(deployment.try_adjust(account["id"], -1, reason="x"), 409, "insufficient_credits")
    problem(deployment.call("PATCH", "/api/v1/groups/standard", json={"retired": True}), 409, "group_in_use")
    problem(deployment.call("POST", "/api/v1/groups", json={"name": "standard", "multiplier": 1}), 409, "name_taken")
    problem(
        deployment.call("PATCH", f"/api/v1/accounts/{account['id']}", json={"name": "A", "balance": 1}),
        400,
        "invalid_request",
    )
    assert newest(deployment)[0]["id"] == before


def test_entries_come_newest_first_and_once(own_deployment):
    """To the last page, from the very first account on."""
    deployment = own_deployment()
    account = deployment.new_account(credits=None)
    for number in range(4):
        deployment.grant(account["id"], number + 1)
    entries = all_items(deployment.call, "/api/v1/audit", read=exact)
    assert [entry["action"] for entry in entries[:5]] == ["credits.grant"] * 4 + ["account.create"]
    times = [entry["at"] for entry in entries]
    assert times == sorted(times, reverse=True)
    seen, cursor = [], None
    while True:
        page = deployment.call("GET", "/api/v1/audit?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [entry["id"] for entry in entries]
    # It survives a restart, as everything does.
    assert deployment.server.stop() == 0
    deployment.server.start()
    assert all_items(deployment.call, "/api/v1/audit", read=exact) == entries


def test_the_log_is_for_root_users_and_cannot_be_written(deployment, tenant):
    member = tenant.member()
    problem(member.call("GET", "/api/v1/audit"), 403, "root_only")
    token = tenant.person.platform_token(["usage:read", "users:write"])["token"]
    problem(tenant.client.call("GET", "/api/v1/audit", token=token), 403, "insufficient_scope")
    problem(deployment.call("GET", "/api/v1/audit?object_id=x"), 400, "unknown_parameter")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        keywords = {} if method == "DELETE" else {"json": {}}
        problem(deployment.call(method, "/api/v1/audit", **keywords), 405, "method_not_allowed")


# What a tenant sees


def own_entries(tenant):
    return all_items(tenant.call, "/api/v1/audit", read=exact)


def test_a_tenant_sees_what_was_done_to_its_account(deployment, tenant):
    app = tenant.application()
    tenant.credential(app["id"], name="audited")
    deployment.grant(tenant.account["id"], 5)
    entries = own_entries(tenant)
    assert {entry["account_id"] for entry in entries} == {tenant.account["id"]}
    assert all(set(entry) == ENTRY for entry in entries)
    actions = [entry["action"] for entry in entries]
    assert actions[:3] == ["credits.grant", "credential.create", "application.create"]
    assert actions[-1] == "account.create"
    made = entries[1]
    assert made["actor_id"] == tenant.user["id"] and made["address"] == "127.0.0.1"
    assert app["id"] in str(made) and "audited" in str(made["detail"])
    # By session as by token; and what others do is not in it.
    other = deployment.new_tenant()
    other.application()
    assert exact(expect(tenant.person.call("GET", "/api/v1/audit?limit=100"), 200))["items"] == entries
    assert tenant.account["id"] not in str(own_entries(other))


def test_who_the_operators_are_is_not_shown(deployment, tenant):
    """What they did to the account is; who of them it was and from where is their own business."""
    deployment.edit_account(tenant.account["id"], credential_cap=7)
    shown = own_entries(tenant)[0]
    assert (shown["action"], shown["actor_id"], shown["address"]) == ("account.edit", None, None)
    assert "7" in str(shown["detail"])
    own = newest(deployment)[0]
    assert own["actor_id"] == deployment.admin.session["user"]["id"] and own["address"] == "127.0.0.1"
    # Neither is how much goes on elsewhere, which the numbers would tell.
    hidden = {"actor_id", "address", "sequence", "hash"}
    assert all(shown[name] is None and own[name] is not None for name in hidden)
    assert {name: shown[name] for name in ENTRY - hidden} == {name: own[name] for name in ENTRY - hidden}
    admin = deployment.admin.session["user"]
    assert all(text not in str(own_entries(tenant)) for text in (admin["id"], admin["email"]))


def test_an_admin_filters_by_account(deployment, tenant):
    tenant.application()
    path = f"/api/v1/audit?account_id={tenant.account['id']}"
    entries = all_items(deployment.call, path, read=exact)
    assert {entry["account_id"] for entry in entries} == {tenant.account["id"]}
    assert [entry["id"] for entry in entries] == [entry["id"] for entry in own_entries(tenant)]
    seen, cursor = [], None
    while True:
        page = deployment.call("GET", path + "&limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [entry["id"] for entry in entries]
    problem(deployment.call("GET", "/api/v1/audit?account_id=x"), 400, "invalid_request", field="account_id")


def test_by_actor_action_and_time(deployment, tenant):
    """Each page by page, as a plain look at all of them says; for a tenant and for an admin."""
    root = tenant.person.fresh()
    app = tenant.application()
    for _ in range(3):
        expect(root.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "echo"}), 201)
        tenant.credential(app["id"])
    deployment.grant(tenant.account["id"], 5)
    of_tenant = f"&account_id={tenant.account['id']}"
    for call, base in ((tenant.call, ""), (deployment.call, of_tenant)):
        everything = all_items(call, "/api/v1/audit" + base.replace("&", "?"), read=exact)
        assert len(everything) > 8
        middle = everything[len(everything) // 2]["at"]
        for question in (
            {"actor_id": tenant.user["id"]},
            {"action": "application.create"},
            {"action": "application.create", "actor_id": tenant.user["id"]},
            {"action": "provider.create"},
            {"from": middle},
            {"to": middle},
            {"from": middle, "to": everything[0]["at"], "action": "credential.create"},
        ):
            ends = {name: question[name] for name in ("from", "to") if name in question}
            expected = [
                entry
                for entry in everything
                if all(entry[name] == value for name, value in question.items() if name not in ends)
                and ends.get("from", "") <= entry["at"] < ends.get("to", "~")
            ]
            query = urllib.parse.urlencode(question) + base
            seen, cursor = [], None
            while True:
                path = f"/api/v1/audit?limit=2&{query}" + (f"&cursor={cursor}" if cursor else "")
                page = exact(expect(call("GET", path), 200))
                seen += page["items"]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
                problem(call("GET", f"/api/v1/audit?cursor={cursor}"), 400, "invalid_request", field="cursor")
            assert seen == expected, question
    for query, field in (("action=x", "action"), ("actor_id=x", "actor_id"), ("from=2026-01-01", "from")):
        problem(tenant.call("GET", f"/api/v1/audit?{query}"), 400, "invalid_request", field=field)


def test_nobody_finds_an_operator_by_what_they_did(deployment, tenant):
    """The entry is there without the name; asked for by that name it is as one of nobody."""
    deployment.grant(tenant.account["id"], 5)
    operator = deployment.admin.session["user"]["id"]
    foreign = tenant.call("GET", f"/api/v1/audit?actor_id={operator}")
    assert foreign.json() == {"items": [], "next_cursor": None}
    same_bytes(foreign, tenant.call("GET", f"/api/v1/audit?actor_id={absent_id()}"))
    query = f"actor_id={operator}&account_id={tenant.account['id']}&action=credits.grant"
    assert deployment.call("GET", f"/api/v1/audit?{query}").json()["items"]


def test_another_accounts_entries_are_an_absent_accounts(tenant, strangers):
    foreign = tenant.call("GET", f"/api/v1/audit?account_id={strangers.account['id']}")
    assert foreign.status_code in (400, 403, 404), foreign.text
    same_bytes(foreign, tenant.call("GET", f"/api/v1/audit?account_id={absent_id()}"))


# Everything that is done


def deeds(deployment, tenant):
    """(action, what does it), each of which leaves one entry of that action and nothing else. In this order."""
    person, client = tenant.person, tenant.client
    account = f"/api/v1/accounts/{tenant.account['id']}"
    made = {}

    def call(method, path, body=None, by=None, keep=None, plant=None):
        keywords = {} if body is None else {"json": body}
        answer = (by or person.call)(method, path, **keywords)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        if plant:
            planted.plant(plant, answer.json()["token"])
        if keep:
            made[keep] = answer.json()

    def key(suffix=""):
        return f"/api/v1/credentials/{made['key']['id']}{suffix}"

    yield "application.create", lambda: call(
        "POST", "/api/v1/applications", {"name": "A", "kind": "chat", "model": "echo"}, keep="app"
    )
    yield "application.edit", lambda: call("PATCH", f"/api/v1/applications/{made['app']['id']}", {"name": "B"})
    yield "credential.create", lambda: call(
        "POST",
        "/api/v1/credentials",
        {"application_id": made["app"]["id"], "revealable": True},
        keep="key",
        plant="key",
    )
    yield "credential.edit", lambda: call("PATCH", key(), {"name": "edited"})
    yield "credential.disable", lambda: call("PATCH", key(), {"enabled": False})
    yield "credential.enable", lambda: call("PATCH", key(), {"enabled": True})
    yield "credential.reveal", lambda: call("POST", key("/reveal"), {"password": person.password})
    yield "credential.rotate", lambda: call("POST", key("/rotate"), {"overlap_seconds": 3600}, plant="key")
    yield "credential.retire", lambda: call("POST", key("/retire"))
    yield "credential.leak", lambda: call(
        "POST", "/api/v1/leaks", {"credential_id": made["key"]["id"], "action": "disable", "source": "a paste"}
    )
    yield "credential.delete", lambda: call("DELETE", key())
    yield "application.delete", lambda: call("DELETE", f"/api/v1/applications/{made['app']['id']}")
    yield "account.key_policy", lambda: call("PATCH", account + "/key-policy", {"revealable": False})
    yield "platform_token.create", lambda: call(
        "POST",
        "/api/v1/platform-tokens",
        {"name": "audited", "scopes": ["applications:read"]},
        keep="token",
        plant="platform token",
    )
    yield "platform_token.delete", lambda: call("DELETE", f"/api/v1/platform-tokens/{made['token']['id']}")

    email, password = new_email(), new_password()
    yield "user.invite", lambda: call(
        "POST",
        account + "/invitations",
        {"email": email, "role": "member"},
        keep="invitation",
        plant="invitation token",
    )
    yield "user.join", lambda: call(
        "POST",
        "/api/v1/invitations/accept",
        {"token": made["invitation"]["token"], "password": password},
        by=client.call,
        keep="user",
    )
    other = Person(client, email, password)
    yield "user.invite", lambda: call(
        "POST",
        account + "/invitations",
        {"email": new_email(), "role": "member"},
        keep="invitation",
        plant="invitation token",
    )
    yield "user.uninvite", lambda: call("DELETE", f"{account}/invitations/{made['invitation']['id']}")
    yield "session.create", lambda: other.sign_in()
    yield "session.reauthenticate", lambda: other.reauthenticate()
    yield "user.role", lambda: call("PATCH", f"{account}/users/{made['user']['id']}", {"role": "root"})

    def change_password():
        new = new_password()
        body = {"current_password": other.password, "new_password": new}
        answer = expect(other.call("POST", "/api/v1/users/current/password", json=body), 204)
        other.password, other.cookie = new, planted.plant("session cookie", session_cookie(answer).value)

    yield "password.change", change_password
    apps = {}

    def set_second_factor():
        apps["app"] = begin(other)
        made["codes"] = expect(confirm(other, apps["app"]), 200).json()["recovery_codes"]

    yield "second_factor.set", set_second_factor
    yield "recovery_codes.create", lambda: expect(
        plant_codes(other.call("POST", "/api/v1/users/current/recovery-codes")), 201
    )
    yield "second_factor.remove", lambda: call("DELETE", "/api/v1/users/current/totp", by=other.call)
    yield "password_reset.create", lambda: call(
        "POST",
        f"{account}/users/{made['user']['id']}/password-resets",
        by=deployment.admin.call,
        keep="reset",
        plant="password reset",
    )
    yield "password_reset.use", lambda: call(
        "POST",
        "/api/v1/password-resets/accept",
        {"token": made["reset"]["token"], "password": new_password()},
        by=client.call,
    )
    yield "user.remove", lambda: call("DELETE", f"{account}/users/{made['user']['id']}")
    yield "provider.create", lambda: call(
        "POST",
        "/api/v1/providers",
        {"name": unique("audited"), "kind": "openai", "base_url": "http://127.0.0.1:9/v1"},
        by=deployment.call,
        keep="provider",
    )
    provider = lambda: f"/api/v1/providers/{made['provider']['id']}"  # noqa: E731
    yield "model.create", lambda: call(
        "POST",
        "/api/v1/models",
        {"provider_id": made["provider"]["id"], "name": unique("audited")},
        by=deployment.call,
        keep="model",
    )
    yield "model.delete", lambda: call("DELETE", f"/api/v1/models/{made['model']['id']}", by=deployment.call)
    yield "provider.edit", lambda: call("PATCH", provider(), {"name": unique("audited")}, by=deployment.call)
    yield "provider.delete", lambda: call("DELETE", provider(), by=deployment.call)


def test_every_deed_leaves_one_entry(own_deployment):
    """ASVS 16.2.1: each management write, from the first app to the last user, leaves one entry of its own name."""
    deployment = own_deployment()
    tenant = Tenant(deployment, deployment.new_account(credits=None))
    # A restore is tried in test_backup.py, the closing of an account in test_closing.py.
    done = {"audit.begin", "account.create", "credits.grant", "deployment.restore", "account.close"}
    for action, deed in deeds(deployment, tenant):
        before = max(entry["sequence"] for entry in newest(deployment, 5))
        deed()
        found = [entry for entry in newest(deployment, 5) if entry["sequence"] > before]
        # A report of a leak is one thing, and what is done about it another.
        expected = [action, "credential.disable"] if action == "credential.leak" else [action]
        assert sorted(entry["action"] for entry in found) == sorted(expected)
        done.add(action)
    for action, event in (*account_events(deployment, tenant.account), *catalog_events(deployment)):
        event()
        done.add(action)
    document = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text("utf-8"))
    assert done == set(document["components"]["schemas"]["AuditAction"]["enum"])
    is_a_chain(all_items(deployment.call, "/api/v1/audit", read=exact))


def is_a_chain(entries):
    """The numbers go from 1 on without a gap, and every entry has a hash of its own."""
    assert sorted(entry["sequence"] for entry in entries) == list(range(1, len(entries) + 1))
    assert len({entry["hash"] for entry in entries}) == len(entries) and all(entry["hash"] for entry in entries)


@pytest.mark.race
def test_entries_that_are_made_at_once_stand_in_one_line(own_deployment):
    """No number twice and none left out, however many write at the same moment."""
    deployment = own_deployment()
    account = deployment.new_account(credits=None)
    in_parallel(lambda number: deployment.grant(account["id"], number + 1), range(60), threads=16)
    entries = all_items(deployment.call, "/api/v1/audit", read=exact)
    assert [entry["action"] for entry in entries].count("credits.grant") >= 60
    is_a_chain(entries)
    assert check(deployment.server.data).returncode == 0


# latchkey audit check

OK = re.compile(r"audit ok: entries=(\d+) head=(\d+):(\S+)\n")


def check(data, *arguments):
    return run_command(data.parent, ["audit", "check", "--data-dir", data, *arguments], name="audit-check")


def is_ok(finished):
    """(entries, the head as it was printed)."""
    found = OK.fullmatch(finished.stdout)
    assert finished.returncode == 0 and found, f"{finished.returncode} {finished.stdout} {finished.stderr}"
    return int(found.group(1)), f"{found.group(2)}:{found.group(3)}"


def differs_at(finished):
    """The number of the entry that it names."""
    text = finished.stdout + finished.stderr
    found = re.search(r"audit differs: entry (\d+)", text)
    assert finished.returncode == 1 and found, f"{finished.returncode} {text}"
    return int(found.group(1))


@pytest.fixture(scope="module")
def record(homes):
    """A data directory with some thirty entries, whose server is gone; and the entries, by their numbers."""
    deployment = Deployment(homes / "audited")
    try:
        account = deployment.new_account(credits=None)
        for number in range(20):
            deployment.grant(account["id"], number + 1, reason=f"Order {number}")
            deployment.edit_account(account["id"], name=f"Account {number}")
        beside = is_ok(check(deployment.server.data))
        entries = {entry["sequence"]: entry for entry in all_items(deployment.call, "/api/v1/audit", read=exact)}
        assert beside[0] == len(entries)
    finally:
        deployment.close()
    made = deployment.server.data
    return made, entries, is_ok(check(made))[1]


@pytest.fixture
def copied(record, home):
    """A copy of that directory, to be tampered with; a tamperer has the database and not the keys."""
    data = home / "data"
    shutil.copytree(record[0], data)
    planted.watch_directory(data)

    def tamper(*statements):
        with sqlite3.connect(data / "latchkey.db") as database:
            for statement in statements:
                changed = database.execute(statement).rowcount
                assert changed > 0, f"{statement} changed nothing"
        database.close()
        return check(data)

    tamper.data = data
    return tamper


def test_a_right_record_is_ok(record):
    data, entries, head = record
    assert is_ok(check(data)) == (len(entries), head)
    assert head == f"{len(entries)}:{entries[len(entries)]['hash']}"
    # Looking changes nothing.
    assert is_ok(check(data)) == (len(entries), head)


def test_a_head_that_was_noted_is_met_again(record):
    data, entries, head = record
    assert is_ok(check(data, "--head", head))[1] == head
    middle = entries[10]
    assert is_ok(check(data, "--head", f"10:{middle['hash']}"))[1] == head


MIDDLE = 17

ALTERATIONS = {
    "id": f"UPDATE audit SET id = '0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47' WHERE sequence = {MIDDLE}",
    "at": f"UPDATE audit SET at = at + 1 WHERE sequence = {MIDDLE}",
    "actor": f"UPDATE audit SET actor_id = '0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47' WHERE sequence = {MIDDLE}",
    "no actor": f"UPDATE audit SET actor_id = NULL WHERE sequence = {MIDDLE}",
    "action": f"UPDATE audit SET action = 'account.resume' WHERE sequence = {MIDDLE}",
    "unknown action": f"UPDATE audit SET action = 'nothing.happened' WHERE sequence = {MIDDLE}",
    "account": f"UPDATE audit SET account_id = '0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47' WHERE sequence = {MIDDLE}",
    "no account": f"UPDATE audit SET account_id = NULL WHERE sequence = {MIDDLE}",
    "object": f"UPDATE audit SET object = 'another' WHERE sequence = {MIDDLE}",
    "no object": f"UPDATE audit SET object = NULL WHERE sequence = {MIDDLE}",
    "address": f"UPDATE audit SET address = '203.0.113.9' WHERE sequence = {MIDDLE}",
    "hash": f"UPDATE audit SET hash = (SELECT hash FROM audit WHERE sequence = 3) WHERE sequence = {MIDDLE}",
    "empty hash": f"UPDATE audit SET hash = '' WHERE sequence = {MIDDLE}",
    "a detail": f"""UPDATE audit_details SET value = 'another'
                    WHERE audit_id = (SELECT id FROM audit WHERE sequence = {MIDDLE})""",
    "a detail's name": f"""UPDATE audit_details SET field = field || 'x'
                           WHERE audit_id = (SELECT id FROM audit WHERE sequence = {MIDDLE})""",
    "no details": f"DELETE FROM audit_details WHERE audit_id = (SELECT id FROM audit WHERE sequence = {MIDDLE})",
    "one more detail": f"INSERT INTO audit_details SELECT id, 'more', 'x' FROM audit WHERE sequence = {MIDDLE}",
    "deleted": f"DELETE FROM audit WHERE sequence = {MIDDLE}",
}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_altered_entry_is_found(copied, alteration):
    """ASVS 16.4.2: each column and each detail of an entry in the middle; it is named, and not those behind it."""
    assert differs_at(copied(ALTERATIONS[alteration])) == MIDDLE


def test_deleted_and_closed_up_is_found(copied):
    """Also when the numbers behind are moved up, so that there is no gap."""
    moved = [
        f"DELETE FROM audit WHERE sequence = {MIDDLE}",
        f"UPDATE audit SET sequence = -sequence WHERE sequence > {MIDDLE}",
        "UPDATE audit SET sequence = -sequence - 1 WHERE sequence < 0",
    ]
    assert differs_at(copied(*moved)) == MIDDLE


def test_swapped_entries_are_found(copied):
    """All there, all genuine, in another order."""
    swapped = [
        f"UPDATE audit SET sequence = -1 WHERE sequence = {MIDDLE}",
        f"UPDATE audit SET sequence = {MIDDLE} WHERE sequence = {MIDDLE + 1}",
        f"UPDATE audit SET sequence = {MIDDLE + 1} WHERE sequence = -1",
    ]
    assert differs_at(copied(*swapped)) == MIDDLE


def test_contents_that_change_places_are_found(copied):
    """The numbers and hashes stay, and what the entries say is exchanged."""
    first, second = f"(SELECT {{0}} FROM audit WHERE sequence = {MIDDLE})", MIDDLE + 2
    columns = ("actor_id", "action", "object", "address", "at")
    statement = f"UPDATE audit SET {', '.join(f'{c} = {first.format(c)}' for c in columns)} WHERE sequence = {second}"
    assert differs_at(copied(statement)) == second


def test_the_first_of_two_alterations_is_named(copied):
    both = [f"UPDATE audit SET address = 'x' WHERE sequence = {place}" for place in (MIDDLE + 5, MIDDLE)]
    assert differs_at(copied(*both)) == MIDDLE


@pytest.mark.parametrize("place", ["first", "last"])
def test_the_ends_are_looked_at_too(copied, record, place):
    sequence = 1 if place == "first" else len(record[1])
    assert differs_at(copied(f"UPDATE audit SET address = 'x' WHERE sequence = {sequence}")) == sequence


def test_a_lost_beginning_is_found(copied):
    assert differs_at(copied("DELETE FROM audit WHERE sequence <= 3")) == 1


def test_an_invented_entry_at_the_end_is_found(copied, record):
    """Who has the database and not the key can't make a link."""
    count = len(record[1])
    columns = "at, actor_id, action, account_id, object, address"
    invented = f"""INSERT INTO audit (id, sequence, hash, {columns})
                   SELECT '7fffffff-7c1e-7d4a-9b60-3f2d8c5e1a47', {count + 1}, hash, {columns}
                   FROM audit WHERE sequence = {count}"""
    assert differs_at(copied(invented)) == count + 1


@pytest.mark.parametrize("number", ["0", "-5"])
def test_an_invented_entry_below_the_first_place_is_found(copied, record, number):
    count = len(record[1])
    columns = "hash, at, actor_id, action, account_id, object, address"
    invented = f"""INSERT INTO audit (id, sequence, {columns})
                   SELECT '7fffffff-7c1e-7d4a-9b60-3f2d8c5e1a47', {number}, {columns}
                   FROM audit WHERE sequence = {count}"""
    differs_at(copied(invented))


@pytest.mark.parametrize("column", ["sequence", "hash"])
def test_an_entry_outside_the_chain_needs_another_schema_and_is_found(copied, column):
    """The schema lets no entry be without its place and its hash; who rebuilds the table without that rule is seen."""
    with sqlite3.connect(copied.data / "latchkey.db") as database:
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(f"UPDATE audit SET {column} = NULL WHERE sequence = {MIDDLE}")
        database.execute("CREATE TABLE rebuilt AS SELECT * FROM audit")
        database.execute("DROP TABLE audit")
        database.execute("ALTER TABLE rebuilt RENAME TO audit")
        database.execute(f"UPDATE audit SET {column} = NULL WHERE sequence = {MIDDLE}")
    database.close()
    finished = check(copied.data)
    assert finished.returncode == 1 and "audit differs" in finished.stdout, finished.stdout + finished.stderr


def test_a_lost_end_is_found_by_a_head_that_was_noted(copied, record):
    """No chain shows by itself that it was cut; a head that was written down elsewhere does."""
    head = record[2]
    count = len(record[1])
    cut = copied(f"DELETE FROM audit WHERE sequence > {count - 3}")
    assert is_ok(cut)[0] == count - 3
    finished = check(copied.data, "--head", head)
    assert finished.returncode == 1 and "audit differs" in finished.stdout + finished.stderr


def test_a_head_with_another_hash_is_not_met(record):
    data, entries, _ = record
    finished = check(data, "--head", f"10:{entries[11]['hash']}")
    assert finished.returncode == 1 and "audit differs" in finished.stdout + finished.stderr


def test_a_record_under_another_master_key_proves_nothing(copied):
    """The hashes are keyed: without the key nobody can tell, and nobody is told that all is well."""
    (copied.data / "master.key").write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    finished = check(copied.data)
    assert finished.returncode == 1 and "key" in finished.stderr.lower(), finished.stderr
    assert "differs" not in finished.stdout + finished.stderr, "nobody has changed the record"


def test_wrong_usage_of_the_check(record, home):
    data, *_ = record
    for arguments in (["--head", "nonsense"], ["--head", "0:x"], ["--head", ""], ["--nonsense"]):
        assert check(data, *arguments).returncode == 64, arguments
    missing = check(home / "nowhere")
    assert missing.returncode not in (0, 64) and missing.stderr.strip()
    assert not (home / "nowhere").exists(), "a check must not make a data directory"


def test_the_check_goes_on_after_a_kill(own_deployment):
    """A record that is cut short by a power failure is shorter, not wrong."""
    deployment = own_deployment()
    account = deployment.new_account(credits=None)
    for _ in range(3):
        deployment.grant(account["id"], 1)
        before = is_ok(check(deployment.server.data))
        deployment.server.kill()
        deployment.server.start()
        deployment.grant(account["id"], 1)
        after = is_ok(check(deployment.server.data, "--head", before[1]))
        assert after[0] > before[0]
    is_a_chain(all_items(deployment.call, "/api/v1/audit", read=exact))
