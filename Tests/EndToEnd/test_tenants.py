"""Invariant 8: a tenant can't tell another tenant's object from an absent one: same status, headers and bytes."""

import re

import pytest
import yaml

from client import Person, absent_id, expect, new_email, new_password, unique
from deployment import all_items
from server import REPOSITORY
from shapes import ACCOUNT, problem, rule, same_bytes

# Every route that takes an id: (method, path with {id}, kind of the id, body). `answer` is what an id of another tenant
# gets: "absent" as if there were no such object, "admin" refused before any look at the id, and
# "absent or admin" either, as long as it is the same for both.
ID_ROUTES = [
    ("GET", "/api/v1/accounts/{id}", "account", None, "absent or admin"),
    ("PATCH", "/api/v1/accounts/{id}", "account", {"name": "Stolen"}, "admin"),
    ("POST", "/api/v1/accounts/{id}/invitations", "account", {"email": "thief@x.test", "role": "root"}, "absent"),
    ("GET", "/api/v1/accounts/{id}/invitations", "account", None, "absent"),
    ("DELETE", "/api/v1/accounts/{id}/invitations/{id}", "account", None, "absent"),
    ("GET", "/api/v1/accounts/{id}/users", "account", None, "absent"),
    ("PATCH", "/api/v1/accounts/{id}/users/{id}", "account", {"role": "member"}, "absent"),
    ("DELETE", "/api/v1/accounts/{id}/users/{id}", "account", None, "absent"),
    ("DELETE", "/api/v1/accounts/{id}?confirmed=true", "account", None, "admin"),
    ("POST", "/api/v1/accounts/{id}/users/{id}/password-resets", "account", None, "admin"),
    ("DELETE", "/api/v1/accounts/{id}/users/{id}/second-factor", "account", None, "admin"),
    ("PATCH", "/api/v1/accounts/{id}/key-policy", "account", {"revealable": False}, "absent"),
    ("DELETE", "/api/v1/sessions/{id}", "session", None, "absent"),
    ("GET", "/api/v1/applications/{id}", "application", None, "absent"),
    ("PATCH", "/api/v1/applications/{id}", "application", {"name": "Stolen"}, "absent"),
    ("PATCH", "/api/v1/applications/{id}", "application", {"nonsense": 1}, "absent-or-invalid"),
    ("DELETE", "/api/v1/applications/{id}", "application", None, "absent"),
    ("DELETE", "/api/v1/applications/{id}?delete_credentials=true", "application", None, "absent"),
    ("GET", "/api/v1/credentials/{id}", "credential", None, "absent"),
    ("PATCH", "/api/v1/credentials/{id}", "credential", {"limited_amount": 1}, "absent"),
    ("PATCH", "/api/v1/credentials/{id}", "credential", {"nonsense": 1}, "absent-or-invalid"),
    ("DELETE", "/api/v1/credentials/{id}", "credential", None, "absent"),
    (
        "POST",
        "/api/v1/credentials/{id}/reveal",
        "credential",
        {"password": "not the right password"},
        "absent-or-wrong",
    ),
    ("POST", "/api/v1/credentials/{id}/rotate", "credential", {"overlap_seconds": 0}, "absent"),
    ("POST", "/api/v1/credentials/{id}/retire", "credential", None, "absent"),
    ("POST", "/api/v1/credentials/{id}/explain", "credential", {}, "absent"),
    ("DELETE", "/api/v1/platform-tokens/{id}", "platform token", None, "absent"),
    ("GET", "/api/v1/providers/{id}", "provider", None, "admin"),
    ("PATCH", "/api/v1/providers/{id}", "provider", {"name": "Stolen"}, "admin"),
    ("DELETE", "/api/v1/providers/{id}", "provider", None, "admin"),
    ("POST", "/api/v1/providers/{id}/test", "provider", None, "admin"),
    ("GET", "/api/v1/models/{id}", "model", None, "admin"),
    ("DELETE", "/api/v1/models/{id}", "model", None, "admin"),
    ("GET", "/api/v1/models/{id}/prices", "model", None, "admin"),
    ("POST", "/api/v1/models/{id}/prices", "model", {"price": 0}, "admin"),
    ("DELETE", "/api/v1/models/{id}/prices/{id}", "model", None, "admin"),
    ("GET", "/api/v1/groups/{id}", "group", None, "admin"),
    ("PATCH", "/api/v1/groups/{id}", "group", {"retired": True}, "admin"),
    ("GET", "/api/v1/groups/{id}/multipliers", "group", None, "admin"),
    ("POST", "/api/v1/groups/{id}/multipliers", "group", {"multiplier": 0}, "admin"),
    ("DELETE", "/api/v1/groups/{id}/multipliers/{id}", "group", None, "admin"),
    ("POST", "/api/v1/groups/{id}/preview", "group", {"multiplier": 0, "days": 1}, "admin"),
    ("POST", "/api/v1/accounts/{id}/grants", "account", {"amount": 1}, "admin"),
    ("POST", "/api/v1/accounts/{id}/adjustments", "account", {"amount": -1, "reason": "theft"}, "admin"),
]


@pytest.fixture(scope="module")
def foreign_ids(_deployment, strangers):
    """An id of every kind that exists and is not the pets'."""
    models = all_items(_deployment.call, "/api/v1/models")
    return {
        "account": strangers.account["id"],
        "application": strangers.app["id"],
        "credential": strangers.app_credential["id"],
        "platform token": strangers.token_id,
        "session": strangers.person.call("GET", "/api/v1/sessions").json()["items"][0]["id"],
        "provider": _deployment.provider["id"],
        "model": models[0]["id"],
        "group": _deployment.new_group()["name"],
    }


# What only a session may do; test_platform_tokens.py has the refusals.
SESSION_ONLY = (
    "/api/v1/sessions/{id}",
    "/api/v1/platform-tokens/{id}",
    "/api/v1/credentials/{id}/reveal",
    "/api/v1/accounts/{id}/key-policy",
    "/api/v1/accounts/{id}?confirmed=true",
    "/api/v1/accounts/{id}/users/{id}/password-resets",
    "/api/v1/accounts/{id}/users/{id}/second-factor",
)
CASES = [
    (way, *route)
    for way in ("session", "platform token")
    for route in ID_ROUTES
    if way == "session" or route[1] not in SESSION_ONLY
]


@pytest.mark.parametrize("way, method, path, kind, body, answer", CASES, ids=lambda value: str(value)[:60])
def test_a_foreign_id_is_an_absent_id(pets, foreign_ids, way, method, path, kind, body, answer):
    """Every id-taking route, with the other tenant's id, with an id of nothing and with something that is no id."""
    call = pets.person.fresh().call if way == "session" else pets.call
    keywords = {} if body is None else {"json": body}

    def ask(identifier):
        return call(method, path.replace("{id}", identifier), **keywords)

    absent, foreign, no_id = ask(absent_id()), ask(foreign_ids[kind]), ask("not-an-id")
    if answer == "absent":
        problem(absent, 404, "not_found")
    elif answer == "admin":
        # A token without the scope is told so; a session has every scope and lacks the flag.
        problem(absent, 403, {"admin_only", "insufficient_scope"})
    elif answer == "absent or admin":
        assert absent.status_code in (403, 404), absent.text
    elif answer == "absent-or-wrong":
        # The password may be looked at first; then no id is looked at before it is right.
        assert absent.status_code in (401, 404), absent.text
    else:
        assert absent.status_code in (400, 404), absent.text
    same_bytes(absent, foreign)
    # A bad body may be noticed before the object is looked for; a text that is no id is nobody's object either way.
    if answer not in ("absent-or-invalid", "absent-or-wrong"):
        same_bytes(absent, no_id)


def test_the_strangers_objects_are_untouched(client, strangers):
    """After all of the calls above (and in any order with them): nothing was deleted, renamed or stopped."""
    assert strangers.call("GET", f"/api/v1/applications/{strangers.app['id']}").json() == strangers.app
    credential = strangers.call("GET", f"/api/v1/credentials/{strangers.app_credential['id']}").json()
    assert credential["status"] == "active"
    assert client.chat(strangers.app_key).status_code == 200
    account = strangers.person.call("GET", f"/api/v1/accounts/{strangers.account['id']}").json()
    assert account["name"] == "Strangers"


def test_the_table_above_has_every_route_with_an_id():
    """A new route that takes an id has to be added here, or this test is red."""
    document = yaml.safe_load((REPOSITORY / "openapi.yaml").read_text("utf-8"))
    tested = {(method, re.sub(r"\{\w+\}", "{}", path.split("?")[0])) for method, path, *_ in ID_ROUTES}
    served = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path).rstrip("/"))
        for path, item in document["paths"].items()
        if path.startswith("/api/v1/") and "{" in path
        for method in item
        if method in ("get", "post", "put", "patch", "delete")
    }
    assert served, "the document has no route with an id at all"
    assert served - tested == set()


def test_a_key_for_a_foreign_app_cannot_be_made(tenant, strangers):
    """Creating a key names an app in the body: the same rule for a foreign app and for none."""
    foreign = tenant.try_credential(strangers.app["id"])
    absent = tenant.try_credential(absent_id())
    problem(foreign, 400, "invalid_request", field="application_id")
    assert rule(foreign, "application_id") == "names no application of this account"
    same_bytes(foreign, absent)


def test_lists_show_nothing_foreign(deployment, pets, strangers):
    """Every list, to its last page, seen from both sides."""
    mine = {pets.cat["id"], pets.dog["id"], pets.cat_credential["id"], pets.dog_credential["id"], pets.token_id}
    theirs = {strangers.app["id"], strangers.app_credential["id"], strangers.token_id}
    for path in ("/api/v1/applications", "/api/v1/credentials", "/api/v1/platform-tokens"):
        own = {item["id"] for item in all_items(pets.call, path)}
        assert own & mine, f"{path} does not even show one's own"
        assert own <= mine, f"{path} shows {own - mine}"
        assert not own & theirs
        assert {item["id"] for item in all_items(strangers.call, path)} <= theirs


def test_an_admin_of_the_deployment_sees_no_tenants_applications_in_lists(deployment, pets):
    """Admins run the deployment; a list of applications is the admin's own account's."""
    ids = {item["id"] for item in all_items(deployment.call, "/api/v1/applications")}
    assert pets.cat["id"] not in ids
    assert deployment.call("GET", f"/api/v1/applications/{pets.cat['id']}").status_code == 404
    assert deployment.call("GET", f"/api/v1/credentials/{pets.cat_credential['id']}").status_code == 404


def test_filtering_by_a_foreign_app_is_filtering_by_none(pets, strangers):
    path = "/api/v1/credentials?application_id="
    foreign = pets.call("GET", path + strangers.app["id"])
    same_bytes(foreign, pets.call("GET", path + absent_id()))
    if foreign.status_code == 200:
        assert foreign.json()["items"] == []
    own = pets.call("GET", path + pets.cat["id"]).json()["items"]
    assert [item["id"] for item in own] == [pets.cat_credential["id"]]


def test_a_cursor_of_another_tenant_shows_nothing_foreign(deployment, strangers):
    """A cursor is a place in a list, not a right to it."""
    crowd = deployment.new_tenant()
    for _ in range(3):
        crowd.application()
    cursor = crowd.call("GET", "/api/v1/applications?limit=1").json()["next_cursor"]
    assert cursor
    answer = strangers.call("GET", f"/api/v1/applications?limit=100&cursor={cursor}")
    if answer.status_code == 200:
        assert {item["id"] for item in answer.json()["items"]} <= {strangers.app["id"]}
    else:
        problem(answer, 400, "invalid_request")


def test_pages_hold_every_item_once(deployment):
    """Lists are paged by cursor: no item twice, none left out, in an order that stays."""
    crowd = deployment.new_tenant()
    made = [crowd.application()["id"] for _ in range(7)]
    seen, cursor = [], None
    for _ in range(8):
        page = crowd.call("GET", "/api/v1/applications?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        assert len(page["items"]) <= 2
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert cursor is None
    assert sorted(seen) == sorted(made) and len(seen) == 7


def test_users_see_models_without_the_operators_side(deployment, pets):
    """Catalog: provider and upstream name are the operator's, the keys are left out for everybody else."""
    for model in all_items(pets.call, "/api/v1/models"):
        assert set(model) == {"id", "name", "price", "cost", "created_at"}
    for model in all_items(deployment.call, "/api/v1/models"):
        operators = {"provider_id", "upstream_name", "system_messages"}
        assert set(model) == {"id", "name", "price", "cost", "created_at"} | operators


def test_accounts_are_the_admins_business(deployment, pets):
    """Function-level checks: every admin route refuses a tenant, by session and by token, and changes nothing."""
    routes = [
        ("GET", "/api/v1/accounts", None),
        ("POST", "/api/v1/accounts", {"name": "Mine"}),
        ("GET", "/api/v1/providers", None),
        ("POST", "/api/v1/providers", {"name": unique("p"), "kind": "openai", "base_url": "http://127.0.0.1:9/v1"}),
        ("POST", "/api/v1/models", {"provider_id": deployment.provider["id"], "name": unique("m")}),
        ("PATCH", f"/api/v1/accounts/{pets.account['id']}", {"credential_cap": 10}),
        ("PATCH", f"/api/v1/accounts/{pets.account['id']}", {"suspended": False}),
        ("POST", f"/api/v1/accounts/{pets.account['id']}/grants", {"amount": 1_000_000}),
        ("POST", f"/api/v1/accounts/{pets.account['id']}/adjustments", {"amount": 1, "reason": "a present"}),
        ("POST", "/api/v1/groups", {"name": unique("g"), "multiplier": 0}),
        ("PATCH", "/api/v1/groups/standard", {"retired": True}),
        ("POST", "/api/v1/groups/standard/multipliers", {"multiplier": 0}),
    ]
    for method, path, body in routes:
        keywords = {} if body is None else {"json": body}
        problem(pets.person.call(method, path, **keywords), 403, "admin_only")
        problem(pets.call(method, path, **keywords), 403, {"admin_only", "insufficient_scope"})


def test_an_account_can_be_read_by_its_own_user(deployment, pets):
    account = pets.person.call("GET", f"/api/v1/accounts/{pets.account['id']}")
    assert set(account.json()) == ACCOUNT and account.json()["revealable_keys"] is True
    assert account.json() == deployment.call("GET", f"/api/v1/accounts/{pets.account['id']}").json()
    # With a platform token of any scope, too; somebody else's account is an absent one to it.
    assert account.json() == expect(pets.call("GET", f"/api/v1/accounts/{pets.account['id']}"), 200).json()
    foreign = deployment.new_account()["id"]
    problem(pets.call("GET", f"/api/v1/accounts/{foreign}"), 404, "not_found")


def test_an_invitation_cannot_take_over_an_address(deployment, pets):
    """The address of an existing user is refused: an invitation must not give another account its sign-in."""
    path = f"/api/v1/accounts/{deployment.new_account()['id']}/invitations"
    answer = deployment.admin.fresh().call("POST", path, json={"email": pets.person.email, "role": "root"})
    problem(answer, 409, "email_taken")


def test_a_new_invitation_replaces_the_old(deployment, client):
    """One address, one live invitation; a used one is spent."""
    account, email = deployment.new_account(), new_email()
    old, new = deployment.invite(account["id"], email), deployment.invite(account["id"], email)
    password = new_password()
    problem(
        client.call("POST", "/api/v1/invitations/accept", json={"token": old["token"], "password": password}),
        403,
        "invitation_invalid",
    )
    assert (
        client.call(
            "POST", "/api/v1/invitations/accept", json={"token": new["token"], "password": password}
        ).status_code
        == 201
    )
    problem(
        client.call("POST", "/api/v1/invitations/accept", json={"token": new["token"], "password": password}),
        403,
        "invitation_invalid",
    )
    assert Person(client, email, password).try_sign_in().status_code == 201


def test_two_users_of_one_account_share_its_applications(deployment):
    """The account is the tenant: what one of its root users makes is there for the other."""
    tenant = deployment.new_tenant()
    colleague = deployment.new_person(tenant.account["id"])
    app = tenant.application()
    assert colleague.call("GET", f"/api/v1/applications/{app['id']}").json() == app
    # A platform token is its user's own, also inside one account.
    problem(colleague.call("DELETE", f"/api/v1/platform-tokens/{tenant.token_id}"), 404, "not_found")
    assert tenant.call("GET", "/api/v1/applications").status_code == 200
