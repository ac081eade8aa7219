"""Platform tokens: scopes, limits, borders. A token never opens an app, a key never opens the management API (E2)."""

import pytest

import planted
from client import ADMIN_SCOPES, USER_SCOPES, absent_id, at, expect, in_parallel, unique
from deployment import all_items
from shapes import HINT, PLATFORM_TOKEN, TIME, UUID7, forged, openai_error, problem, same_bytes
from waiting import wait_for

# Every management route with the scopes that open it, ids absent and bodies empty: what matters is the 403. {own} is the
# account of the tokens. (What a leak report needs is in its body; see below.)
ROUTES = [
    ("applications:read", "GET", "/api/v1/applications"),
    ("applications:read", "GET", "/api/v1/applications/{id}"),
    ("applications:write", "POST", "/api/v1/applications"),
    ("applications:write", "PATCH", "/api/v1/applications/{id}"),
    ("applications:delete", "DELETE", "/api/v1/applications/{id}"),
    ("credentials:read", "GET", "/api/v1/credentials"),
    ("credentials:read", "GET", "/api/v1/credentials/{id}"),
    ("credentials:write", "POST", "/api/v1/credentials"),
    ("credentials:write", "PATCH", "/api/v1/credentials/{id}"),
    ("credentials:delete", "DELETE", "/api/v1/credentials/{id}"),
    ("credentials:rotate", "POST", "/api/v1/credentials/{id}/rotate"),
    ("credentials:rotate", "POST", "/api/v1/credentials/{id}/retire"),
    ("credentials:read", "POST", "/api/v1/credentials/{id}/explain"),
    ("credentials:verify", "POST", "/api/v1/verify"),
    ("catalog:read", "GET", "/api/v1/models"),
    ("catalog:read", "GET", "/api/v1/providers"),
    ("catalog:read", "GET", "/api/v1/providers/{id}"),
    ("catalog:write", "POST", "/api/v1/providers"),
    ("catalog:write", "PATCH", "/api/v1/providers/{id}"),
    ("catalog:write", "DELETE", "/api/v1/providers/{id}"),
    ("catalog:write", "POST", "/api/v1/models"),
    ("catalog:write", "DELETE", "/api/v1/models/{id}"),
    ("catalog:read", "GET", "/api/v1/models/{id}/prices"),
    ("catalog:write", "POST", "/api/v1/models/{id}/prices"),
    ("catalog:write", "DELETE", "/api/v1/models/{id}/prices/{id}"),
    ("catalog:read", "GET", "/api/v1/groups"),
    ("catalog:write", "POST", "/api/v1/groups"),
    ("catalog:read", "GET", "/api/v1/groups/{id}"),
    ("catalog:write", "PATCH", "/api/v1/groups/{id}"),
    ("catalog:read", "GET", "/api/v1/groups/{id}/multipliers"),
    ("catalog:write", "POST", "/api/v1/groups/{id}/multipliers"),
    ("catalog:write", "DELETE", "/api/v1/groups/{id}/multipliers/{id}"),
    ("catalog:read", "POST", "/api/v1/groups/{id}/preview"),
    ("accounts:read", "GET", "/api/v1/accounts"),
    ("accounts:write", "POST", "/api/v1/accounts"),
    ("accounts:write", "PATCH", "/api/v1/accounts/{id}"),
    ("accounts:write users:write", "POST", "/api/v1/accounts/{own}/invitations"),
    ("accounts:read users:read", "GET", "/api/v1/accounts/{own}/invitations"),
    ("accounts:write users:write", "DELETE", "/api/v1/accounts/{own}/invitations/{id}"),
    ("accounts:read users:read", "GET", "/api/v1/accounts/{own}/users"),
    ("accounts:write users:write", "PATCH", "/api/v1/accounts/{own}/users/{id}"),
    ("accounts:write users:write", "DELETE", "/api/v1/accounts/{own}/users/{id}"),
    ("credits:write", "POST", "/api/v1/accounts/{id}/grants"),
    ("credits:write", "POST", "/api/v1/accounts/{id}/adjustments"),
    ("usage:read", "GET", "/api/v1/usage"),
    ("usage:read", "GET", "/api/v1/ledger"),
    ("audit:read", "GET", "/api/v1/audit"),
    ("health:read", "GET", "/api/v1/health"),
    ("tokens:read", "GET", "/api/v1/platform-tokens"),
]


@pytest.fixture(scope="module")
def one_scope_tokens(_deployment):
    """One token of the admin for each scope."""
    return {scope: _deployment.admin.platform_token([scope])["token"] for scope in ADMIN_SCOPES}


@pytest.mark.parametrize("scope, method, path", ROUTES)
def test_each_route_opens_to_its_scope_alone(deployment, client, one_scope_tokens, scope, method, path):
    """The whole matrix: every route with a token of every single scope."""
    keywords = {"json": {}} if method in ("POST", "PATCH") else {}
    path = path.replace("{own}", deployment.account_id)
    for held, token in one_scope_tokens.items():
        answer = client.call(method, path.replace("{id}", absent_id()), token=token, **keywords)
        if held in scope.split():
            assert answer.status_code in (200, 400, 404), f"{held}: {answer.status_code} {answer.text}"
        else:
            problem(answer, 403, "insufficient_scope")


def test_only_accounts_read_opens_the_accounts_of_others(client, one_scope_tokens, pets):
    """The one route whose answer depends on whose account it is; without the scope a foreign one is an absent one."""
    path = "/api/v1/accounts/"
    for held, token in one_scope_tokens.items():
        other = client.call("GET", path + pets.account["id"], token=token)
        if held == "accounts:read":
            assert expect(other, 200).json()["id"] == pets.account["id"]
        else:
            assert other.status_code in (403, 404), other.text
            same_bytes(other, client.call("GET", path + absent_id(), token=token))


def test_the_scopes_of_an_account_open_no_other(client, one_scope_tokens, pets):
    """`users:…` is for one's own account, `accounts:…` for any; without it a foreign account is an absent one."""
    users = f"/api/v1/accounts/{pets.account['id']}/users"
    absent = f"/api/v1/accounts/{absent_id()}/users"
    for held, token in one_scope_tokens.items():
        answer = client.call("GET", users, token=token)
        if held == "accounts:read":
            assert pets.user in expect(answer, 200).json()["items"]
        else:
            problem(answer, 404, "not_found")
            same_bytes(answer, client.call("GET", absent, token=token))
        if held != "accounts:write":
            body = {"email": "thief@example.test", "role": "member"}
            path = f"/api/v1/accounts/{pets.account['id']}/invitations"
            problem(client.call("POST", path, json=body, token=token), 404, "not_found")


def test_a_token_as_it_is_made_and_as_it_is_listed(tenant):
    """The secret is in the creation answer only."""
    made = expect(
        tenant.person.call(
            "POST",
            "/api/v1/platform-tokens",
            json={"name": "laptop", "scopes": ["applications:read", "credentials:read"], "expires_at": at(3600)},
        ),
        201,
    )
    token = made.json()
    planted.plant("platform token", token["token"])
    assert made.headers["cache-control"] == "no-store"
    assert set(token) == {"id", "name", "scopes", "expires_at", "created_at", "hint", "token"}
    assert UUID7.match(token["id"]) and TIME.match(token["created_at"]) and TIME.match(token["expires_at"])
    assert PLATFORM_TOKEN.match(token["token"]) and HINT.match(token["hint"])
    assert token["hint"].startswith(token["token"][:7]) and token["hint"].endswith(token["token"][14:16])
    assert (token["name"], set(token["scopes"])) == ("laptop", {"applications:read", "credentials:read"})
    listed = {item["id"]: item for item in all_items(tenant.call, "/api/v1/platform-tokens")}
    assert set(listed) == {tenant.token_id, token["id"]}
    assert listed[token["id"]] == {name: value for name, value in token.items() if name != "token"}


def test_a_token_cannot_make_or_delete_tokens(tenant):
    """A leaked token can't outlive its own deletion by making another one."""
    body = {"name": "more", "scopes": ["applications:read"]}
    problem(tenant.call("POST", "/api/v1/platform-tokens", json=body), 403, "session_required")
    problem(tenant.call("DELETE", f"/api/v1/platform-tokens/{tenant.token_id}"), 403, "session_required")
    expect(tenant.call("GET", "/api/v1/platform-tokens"), 200)


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "/api/v1/sessions", None),
        ("DELETE", "/api/v1/sessions/{absent}", None),
        ("GET", "/api/v1/sessions/current", None),
        ("DELETE", "/api/v1/sessions/current", None),
        ("POST", "/api/v1/sessions/current/reauthentication", {"password": "x"}),
        ("POST", "/api/v1/users/current/password", {"current_password": "x", "new_password": "x"}),
        ("POST", "/api/v1/users/current/totp", None),
        ("POST", "/api/v1/users/current/totp/confirmation", {"code": "123456"}),
        ("DELETE", "/api/v1/users/current/totp", None),
        ("POST", "/api/v1/users/current/recovery-codes", None),
        ("PATCH", "/api/v1/accounts/{account}/key-policy", {"revealable": False}),
        ("DELETE", "/api/v1/accounts/{account}?confirmed=true", None),
        ("POST", "/api/v1/accounts/{account}/invitations", {"email": "friend@example.test", "role": "root"}),
        ("PATCH", "/api/v1/accounts/{account}/users/{user}", {"role": "root"}),
        ("POST", "/api/v1/accounts/{account}/users/{user}/password-resets", None),
        ("DELETE", "/api/v1/accounts/{account}/users/{user}/second-factor", None),
        ("POST", "/api/v1/credentials/{credential}/reveal", {"password": "x"}),
    ],
)
def test_what_takes_a_person_no_token_can_do(deployment, pets, method, path, body):
    """Who you are, seeing a secret again, and making a root user of anybody: with every scope, refused."""
    path = path.replace("{account}", pets.account["id"]).replace("{credential}", pets.cat_credential["id"])
    path = path.replace("{user}", pets.user["id"]).replace("{absent}", absent_id())
    keywords = {} if body is None else {"json": body}
    for call in (pets.call, deployment.call):
        problem(call(method, path, **keywords), 403, "session_required")


def test_a_leak_report_needs_the_scope_of_what_it_does(client, one_scope_tokens):
    for action, needed in (("disable", "credentials:write"), ("rotate", "credentials:rotate")):
        for held, token in one_scope_tokens.items():
            body = {"credential_id": absent_id(), "action": action}
            answer = client.call("POST", "/api/v1/leaks", json=body, token=token)
            if held == needed:
                problem(answer, 404, "not_found")
            else:
                problem(answer, 403, "insufficient_scope")


def test_any_token_says_whose_it_is(client, one_scope_tokens, deployment):
    for token in one_scope_tokens.values():
        assert expect(client.call("GET", "/api/v1/users/current", token=token), 200).json()["admin"] is True


def test_a_users_token_cannot_have_an_admins_scopes(tenant):
    for scope in set(ADMIN_SCOPES) - set(USER_SCOPES):
        body = {"name": "more", "scopes": ["applications:read", scope]}
        problem(tenant.person.call("POST", "/api/v1/platform-tokens", json=body), 403, "admin_only")


def test_a_deleted_token_is_refused_on_the_next_call(tenant):
    made = tenant.person.platform_token()
    path = "/api/v1/applications"
    expect(tenant.client.call("GET", path, token=made["token"]), 200)
    expect(tenant.person.call("DELETE", f"/api/v1/platform-tokens/{made['id']}"), 204)
    refusal = tenant.client.call("GET", path, token=made["token"])
    problem(refusal, 401, "unauthenticated")
    assert refusal.headers["www-authenticate"] == 'Bearer realm="latchkey", error="invalid_token"'
    same_bytes(refusal, tenant.client.call("GET", path, token=forged(made["token"])))
    problem(tenant.person.call("DELETE", f"/api/v1/platform-tokens/{made['id']}"), 404, "not_found")


def test_an_expired_token_is_refused(tenant):
    token = tenant.person.platform_token(expires_at=at(2))["token"]
    call = lambda: tenant.client.call("GET", "/api/v1/applications", token=token)  # noqa: E731
    expect(call(), 200)
    wait_for("the token to expire", lambda: call().status_code == 401, deadline=6)
    problem(call(), 401, "unauthenticated")


def test_an_app_key_does_not_open_the_management_api(client, pets):
    """Neither by itself nor for the app that it opens."""
    for method, path in (
        ("GET", "/api/v1/applications"),
        ("GET", f"/api/v1/applications/{pets.cat['id']}"),
        ("POST", "/api/v1/credentials"),
        ("GET", "/api/v1/sessions/current"),
        ("GET", "/api/v1/models"),
    ):
        keywords = {"json": {"application_id": pets.cat["id"]}} if method == "POST" else {}
        refusal = client.call(method, path, token=pets.cat_key, **keywords)
        problem(refusal, 401, "unauthenticated")
        same_bytes(refusal, client.call(method, path, token=forged(pets.cat_key), **keywords))


def test_a_platform_token_does_not_open_an_app(client, pets):
    """The same refusal as for one that nobody made, at every address of the data plane: its form alone is told."""
    for prefix in ("", f"/apps/{pets.cat['id']}"):
        for method, route in (("GET", "/v1/models"), ("POST", "/v1/chat/completions")):
            keywords = {"json": {"messages": [{"role": "user", "content": "hi"}]}} if method == "POST" else {}
            refusal = client.call(method, prefix + route, token=pets.token, **keywords)
            openai_error(refusal, 401, "invalid_api_key", denial="invalid_key")
            assert "platform token" in refusal.json()["error"]["message"]
            same_bytes(refusal, client.call(method, prefix + route, token=forged(pets.token), **keywords))


def test_a_session_does_not_open_an_app(client, pets):
    """The cookie of a signed-in browser means nothing at the data plane."""
    body = {"messages": [{"role": "user", "content": "hi"}]}
    openai_error(
        pets.person.call("POST", "/v1/chat/completions", json=body), 401, "invalid_api_key", denial="missing_key"
    )


def test_the_scheme_is_read_without_case(client, pets):
    """Seed 004 writes `authorization: Bearer`; RFC 9110 compares schemes without case."""
    for scheme in ("Bearer", "bearer", "BEARER"):
        expect(client.call("GET", "/api/v1/applications", headers={"authorization": f"{scheme} {pets.token}"}), 200)
    for wrong in (f"Basic {pets.token}", pets.token, "Bearer", f"Token {pets.token}"):
        problem(client.call("GET", "/api/v1/applications", headers={"authorization": wrong}), 401, "unauthenticated")


def test_no_more_than_fifty_tokens(deployment):
    """The limit holds when fifty-five are asked for at once; a deleted one makes room."""
    person = deployment.new_person(deployment.new_account()["id"])

    def create(_):
        made = person.call(
            "POST", "/api/v1/platform-tokens", json={"name": unique("t"), "scopes": ["applications:read"]}
        )
        if made.status_code == 201:
            planted.plant("platform token", made.json()["token"])
        return made

    made = in_parallel(create, range(55), threads=8)
    assert sorted(answer.status_code for answer in made) == [201] * 50 + [409] * 5
    problem(create(None), 409, "platform_token_limit_reached")
    victim = next(answer.json() for answer in made if answer.status_code == 201)
    expect(person.call("DELETE", f"/api/v1/platform-tokens/{victim['id']}"), 204)
    expect(create(None), 201)
