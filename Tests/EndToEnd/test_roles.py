"""Root users and members of an account (D5; ASVS 8.2.1–8.2.3, 8.3.2): who may what, from the very next call on."""

import itertools
import time

import pytest

import planted
from client import (
    MEMBER_SCOPES,
    ROOT_SCOPES,
    Person,
    absent_id,
    expect,
    in_parallel,
    new_email,
    new_password,
    session_cookie,
    unique,
)
from deployment import all_items
from server import admin_create
from shapes import INVITATION_TOKEN, TIME, USER, UUID7, openai_error, problem, same_bytes

NEW_APP = {"name": "A", "kind": "chat", "model": "echo"}


def users_path(account_id, user_id=None):
    return f"/api/v1/accounts/{account_id}/users" + (f"/{user_id}" if user_id else "")


def set_role(call, user, role):
    return call("PATCH", users_path(user["account_id"], user["id"]), json={"role": role})


def remove(call, user):
    return call("DELETE", users_path(user["account_id"], user["id"]))


def read_role(person):
    return expect(person.call("GET", "/api/v1/users/current"), 200).json()["role"]


# Inviting and joining


@pytest.mark.parametrize("role", ["root", "member"])
def test_who_is_invited_joins_in_that_role(deployment, client, tenant, role):
    email = new_email()
    path = f"/api/v1/accounts/{tenant.account['id']}/invitations"
    answer = expect(tenant.person.call("POST", path, json={"email": email, "role": role}), 201)
    invitation = answer.json()
    planted.plant("invitation token", invitation["token"])
    assert set(invitation) == {"id", "account_id", "email", "role", "token", "expires_at"}
    assert UUID7.match(invitation["id"]) and TIME.match(invitation["expires_at"])
    assert INVITATION_TOKEN.match(invitation["token"])
    assert (invitation["account_id"], invitation["email"], invitation["role"]) == (tenant.account["id"], email, role)
    password = new_password()
    body = {"token": invitation["token"], "password": password}
    user = expect(client.call("POST", "/api/v1/invitations/accept", json=body), 201).json()
    assert set(user) == USER and UUID7.match(user["id"])
    assert (user["role"], user["admin"], user["second_factor"]) == (role, False, False)
    person = Person(client, email, password).sign_in()
    assert person.session["user"] == user
    assert expect(person.call("GET", "/api/v1/users/current"), 200).json() == user


def test_a_token_may_invite_members_to_its_own_account(tenant, strangers):
    """A root user is for a person to let in: the scope `users:write` would be worth all scopes otherwise."""
    body = {"email": new_email(), "role": "member"}
    own = f"/api/v1/accounts/{tenant.account['id']}/invitations"
    made = expect(tenant.call("POST", own, json=body), 201).json()
    planted.plant("invitation token", made["token"])
    problem(tenant.call("POST", own, json=body | {"role": "root"}), 403, "session_required")
    foreign = tenant.call("POST", f"/api/v1/accounts/{strangers.account['id']}/invitations", json=body)
    problem(foreign, 404, "not_found")
    same_bytes(foreign, tenant.call("POST", f"/api/v1/accounts/{absent_id()}/invitations", json=body))


def test_whoever_joins_the_operators_is_no_admin(deployment):
    person = deployment.new_person(deployment.account_id)
    assert person.user["admin"] is False
    problem(person.call("GET", "/api/v1/accounts"), 403, "admin_only")
    expect(remove(deployment.call, person.user), 204)


def invitations_path(account_id, invitation_id=None):
    return f"/api/v1/accounts/{account_id}/invitations" + (f"/{invitation_id}" if invitation_id else "")


def try_invite(person, account_id, role="member", email=None):
    body = {"email": email or new_email(), "role": role}
    answer = person.call("POST", invitations_path(account_id), json=body)
    if answer.status_code == 201:
        planted.plant("invitation token", answer.json()["token"])
    return answer


def try_join(client, invitation):
    body = {"token": invitation["token"], "password": new_password()}
    return client.call("POST", "/api/v1/invitations/accept", json=body)


def test_open_invitations_are_listed_and_taken_back(deployment, client, tenant):
    """Whoever is in the account sees who was invited; a wrong address is not a door for a week."""
    member = tenant.member()
    made = [expect(try_invite(tenant.person, tenant.account["id"], role), 201).json() for role in ("root", "member")]
    path = invitations_path(tenant.account["id"])
    listed = all_items(tenant.call, path)
    assert listed == [{name: each[name] for name in each if name != "token"} for each in reversed(made)]
    assert all_items(member.call, path) == all_items(deployment.call, path) == listed
    problem(member.call("DELETE", invitations_path(tenant.account["id"], made[0]["id"])), 403, "root_only")
    expect(tenant.call("DELETE", invitations_path(tenant.account["id"], made[0]["id"])), 204)
    problem(try_join(client, made[0]), 403, "invitation_invalid")
    problem(tenant.call("DELETE", invitations_path(tenant.account["id"], made[0]["id"])), 404, "not_found")
    expect(try_join(client, made[1]), 201)
    assert all_items(tenant.call, path) == []


def test_an_invitation_is_its_accounts(deployment, tenant, strangers):
    """ASVS 8.2.2: it can't be taken back from elsewhere, and not through another account's path."""
    made = expect(try_invite(tenant.person, tenant.account["id"]), 201).json()
    stranger = strangers.person.fresh()
    for call in (stranger.call, strangers.call):
        answers = [
            call("DELETE", invitations_path(*place))
            for place in (
                (strangers.account["id"], made["id"]),
                (strangers.account["id"], absent_id()),
                (tenant.account["id"], made["id"]),
                (absent_id(), made["id"]),
            )
        ]
        problem(answers[0], 404, "not_found")
        for one, other in itertools.pairwise(answers):
            same_bytes(one, other)
    same_bytes(
        stranger.call("GET", invitations_path(tenant.account["id"])), stranger.call("GET", "/api/v1/accounts/x/users")
    )
    assert [item["id"] for item in all_items(tenant.call, invitations_path(tenant.account["id"]))] == [made["id"]]


@pytest.mark.parametrize("way", ["removed", "demoted"])
def test_the_invitations_of_who_was_a_root_user_end(deployment, client, pair, way):
    """Otherwise somebody who is about to be removed would have a way back in their pocket."""
    kept = expect(try_invite(pair.person, pair.account["id"]), 201).json()
    theirs = [expect(try_invite(pair.second, pair.account["id"], role), 201).json() for role in ("root", "member")]
    (
        expect(remove(pair.call, pair.second.user), 204)
        if way == "removed"
        else expect(set_role(pair.call, pair.second.user, "member"), 200)
    )
    for invitation in theirs:
        problem(try_join(client, invitation), 403, "invitation_invalid")
    assert [item["id"] for item in all_items(pair.call, invitations_path(pair.account["id"]))] == [kept["id"]]
    expect(try_join(client, kept), 201)


def test_one_accounts_invitations_are_none_of_anothers(deployment, client, tenant, strangers):
    """Invariant 8: inviting tells nothing of who is or was invited elsewhere, and takes nothing away there."""
    email = new_email()
    first = expect(try_invite(tenant.person, tenant.account["id"], email=email), 201).json()
    second = expect(try_invite(strangers.person.fresh(), strangers.account["id"], email=email), 201).json()
    taken = try_invite(strangers.person, strangers.account["id"], email=tenant.person.email)
    expect(taken, 201)
    problem(try_join(client, taken.json()), 409, "email_taken")
    joined = expect(try_join(client, first), 201).json()
    assert joined["account_id"] == tenant.account["id"]
    problem(try_join(client, second), 409, "email_taken")
    problem(try_invite(tenant.person, tenant.account["id"], email=tenant.person.email), 409, "email_taken")
    for invitation in (second, taken.json()):
        strangers.call("DELETE", invitations_path(strangers.account["id"], invitation["id"]))


def test_an_admin_invites_the_first_user_of_an_account_and_no_other(deployment, tenant):
    """From then on it is the tenant's: an operator can't let themself in."""
    account = deployment.new_account(credits=None)
    admin = deployment.admin.fresh()
    for role in ("root", "member"):
        expect(try_invite(admin, account["id"], role), 201)
        problem(try_invite(admin, tenant.account["id"], role), 409, "account_has_users")
    body = {"email": new_email(), "role": "member"}
    problem(deployment.call("POST", invitations_path(tenant.account["id"]), json=body), 409, "account_has_users")
    member = tenant.member()
    problem(set_role(admin.call, member.user, "root"), 409, "account_has_users")
    expect(set_role(tenant.person.call, member.user, "root"), 200)
    expect(set_role(admin.call, member.user, "member"), 200)
    expect(remove(admin.call, member.user), 204)


def test_an_account_has_at_most_a_hundred_users(deployment, client, tenant):
    """Open invitations count; exactly a hundred, however many are made at once; and one that is gone makes room."""
    path = invitations_path(tenant.account["id"])

    def invite(_):
        answer = tenant.call("POST", path, json={"email": new_email(), "role": "member"})
        if answer.status_code == 201:
            planted.plant("invitation token", answer.json()["token"])
        return answer

    answers = in_parallel(invite, range(110), threads=16)
    assert sorted(answer.status_code for answer in answers) == [201] * 99 + [409] * 11
    problem(invite(None), 409, "user_limit_reached")
    made = next(answer.json() for answer in answers if answer.status_code == 201)
    expect(try_join(client, made), 201)
    problem(invite(None), 409, "user_limit_reached")
    open_ones = all_items(tenant.call, path)
    assert len(open_ones) == 98
    expect(tenant.call("DELETE", invitations_path(tenant.account["id"], open_ones[0]["id"])), 204)
    expect(invite(None), 201)


# Reading


def test_the_list_of_users(deployment, tenant):
    """Everybody in the account sees who is in it, and sees the same."""
    member = tenant.member()
    path = users_path(tenant.account["id"])
    listed = all_items(tenant.call, path)
    assert [set(user) for user in listed] == [USER] * 2
    assert {user["id"]: user["role"] for user in listed} == {tenant.user["id"]: "root", member.user["id"]: "member"}
    assert tenant.user in listed and member.user in listed
    assert all_items(member.call, path) == all_items(deployment.call, path) == listed


def test_the_list_comes_in_pages(tenant):
    made = {tenant.user["id"]} | {tenant.member().user["id"] for _ in range(4)}
    path, seen, cursor = users_path(tenant.account["id"]), [], None
    for _ in range(5):
        page = tenant.call("GET", path + "?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        assert set(page) == {"items", "next_cursor"} and len(page["items"]) <= 2
        seen += [user["id"] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert cursor is None and len(seen) == 5 and set(seen) == made
    for query in ("?limit=0", "?limit=101", "?cursor=nonsense"):
        problem(tenant.call("GET", path + query), 400, "invalid_request")
    problem(tenant.call("GET", path + "?role=root"), 400, "unknown_parameter")


def test_an_admin_sees_the_users_of_every_account_and_nobody_else_does(deployment, tenant, strangers):
    own = users_path(tenant.account["id"])
    assert [user["id"] for user in all_items(deployment.call, own)] == [tenant.user["id"]]
    for call in (strangers.call, strangers.person.call):
        foreign = call("GET", own)
        problem(foreign, 404, "not_found")
        same_bytes(foreign, call("GET", users_path(absent_id())))
    problem(deployment.call("GET", users_path(absent_id())), 404, "not_found")


# What a member may


@pytest.fixture(scope="module")
def club(_deployment):
    """A tenant with an app, a key, and somebody who may look on."""
    made = _deployment.new_tenant("Club")
    made.app = made.application()
    made.key = made.credential(made.app["id"], name="ours")
    made.watcher = made.member()
    made.invitation = _deployment.invite(made.account["id"], role="member")
    return made


READS = [
    "/api/v1/applications",
    "/api/v1/applications/{app}",
    "/api/v1/credentials",
    "/api/v1/credentials/{key}",
    "/api/v1/models",
    "/api/v1/groups",
    "/api/v1/usage",
    "/api/v1/ledger",
    "/api/v1/platform-tokens",
    "/api/v1/accounts/{account}",
    "/api/v1/accounts/{account}/users",
    "/api/v1/accounts/{account}/invitations",
    "/api/v1/sessions",
    "/api/v1/users/current",
    "/api/v1/sessions/current",
]

SESSIONS = ("/api/v1/sessions", "/api/v1/sessions/current")

WRITES = [
    ("POST", "/api/v1/applications", NEW_APP),
    ("PATCH", "/api/v1/applications/{app}", {"name": "Stolen"}),
    ("DELETE", "/api/v1/applications/{app}", None),
    ("DELETE", "/api/v1/applications/{app}?delete_credentials=true", None),
    ("POST", "/api/v1/credentials", {"application_id": "{app}"}),
    ("POST", "/api/v1/credentials", {"application_id": "{app}", "revealable": True}),
    ("PATCH", "/api/v1/credentials/{key}", {"name": "stolen"}),
    ("PATCH", "/api/v1/credentials/{key}", {"enabled": False}),
    ("DELETE", "/api/v1/credentials/{key}", None),
    ("POST", "/api/v1/credentials/{key}/rotate", {"overlap_seconds": 0}),
    ("POST", "/api/v1/credentials/{key}/retire", None),
    ("POST", "/api/v1/leaks", {"credential_id": "{key}", "action": "disable"}),
    ("POST", "/api/v1/leaks", {"credential_id": "{key}", "action": "rotate"}),
    ("POST", "/api/v1/verify", {"key": "{token}", "application_id": "{app}"}),
    ("POST", "/api/v1/accounts/{account}/invitations", {"email": "friend@example.test", "role": "root"}),
    ("POST", "/api/v1/accounts/{account}/invitations", {"email": "friend@example.test", "role": "member"}),
    ("DELETE", "/api/v1/accounts/{account}/invitations/{invitation}", None),
    ("PATCH", "/api/v1/accounts/{account}/users/{watcher}", {"role": "root"}),
    ("PATCH", "/api/v1/accounts/{account}/users/{root}", {"role": "member"}),
    ("DELETE", "/api/v1/accounts/{account}/users/{root}", None),
    ("DELETE", "/api/v1/accounts/{account}/users/{watcher}", None),
    ("PATCH", "/api/v1/accounts/{account}/key-policy", {"revealable": False}),
    ("GET", "/api/v1/audit", None),
]
REVEAL = ("POST", "/api/v1/credentials/{key}/reveal", {"password": "{password}"})

ADMINS_OWN = [
    ("POST", "/api/v1/accounts", {"name": "Mine"}),
    ("PATCH", "/api/v1/accounts/{account}", {"credential_cap": 10}),
    ("DELETE", "/api/v1/accounts/{account}?confirmed=true", None),
    ("POST", "/api/v1/accounts/{account}/grants", {"amount": 1}),
    ("POST", "/api/v1/accounts/{account}/users/{root}/password-resets", None),
    ("DELETE", "/api/v1/accounts/{account}/users/{root}/second-factor", None),
    ("GET", "/api/v1/providers", None),
    ("POST", "/api/v1/groups", {"name": "mine", "multiplier": 0}),
]


def put_in(club, value):
    names = {
        "app": club.app["id"],
        "key": club.key["id"],
        "token": club.key["token"],
        "account": club.account["id"],
        "root": club.user["id"],
        "watcher": club.watcher.user["id"],
        "invitation": club.invitation["id"],
        "password": club.watcher.password,
    }
    if isinstance(value, dict):
        return {name: put_in(club, element) for name, element in value.items()}
    if isinstance(value, str):
        for name, text in names.items():
            value = value.replace("{" + name + "}", text)
    return value


def ask(club, call, method, path, body):
    keywords = {} if body is None else {"json": put_in(club, body)}
    return call(method, put_in(club, path), **keywords)


@pytest.mark.parametrize("path", READS)
def test_a_member_sees_what_a_root_user_sees(club, path):
    answer = expect(club.watcher.call("GET", put_in(club, path)), 200)
    assert club.key["token"][15:37] not in answer.text, "the secret of a key"
    if path not in ("/api/v1/platform-tokens", "/api/v1/users/current", *SESSIONS):
        assert answer.json() == club.person.call("GET", put_in(club, path)).json()


def test_a_member_may_ask_why(club):
    """Explaining reads; it changes and charges nothing."""
    path = f"/api/v1/credentials/{club.key['id']}/explain"
    assert expect(club.watcher.call("POST", path, json={}), 200).json()["allowed"] is True


@pytest.mark.parametrize("method, path, body", [*WRITES, REVEAL], ids=lambda value: str(value)[:60])
def test_a_member_changes_nothing_and_sees_no_secret(club, method, path, body):
    """D5, ASVS 8.2.1: only the root user manages keys. Refused for who it is, before any look at what it is about."""
    problem(ask(club, club.watcher.fresh().call, method, path, body), 403, "root_only")


def test_nothing_of_it_was_done(club):
    """After all the calls above, and in any order with them."""
    assert club.call("GET", f"/api/v1/applications/{club.app['id']}").json() == club.app
    key = club.call("GET", f"/api/v1/credentials/{club.key['id']}").json()
    assert (key["name"], key["status"], key["reveal"], len(key["secrets"])) == ("ours", "active", "show_once", 1)
    assert {user["role"] for user in all_items(club.call, users_path(club.account["id"]))} == {"root", "member"}
    expect(club.client.chat(club.key["token"]), 200)
    assert len(all_items(club.call, "/api/v1/credentials")) == len(all_items(club.call, "/api/v1/applications")) == 1


@pytest.mark.parametrize("method, path, body", ADMINS_OWN, ids=lambda value: str(value)[:60])
def test_what_is_for_admins_is_for_no_member(club, method, path, body):
    """ASVS 8.2.1: neither a role nor membership makes an admin."""
    problem(ask(club, club.watcher.fresh().call, method, path, body), 403, "admin_only")


def test_a_member_keeps_their_own_door(club):
    """Their password, second factor, sessions and tokens are theirs to manage."""
    person = club.member()
    new = new_password()
    body = {"current_password": person.password, "new_password": new}
    changed = expect(person.call("POST", "/api/v1/users/current/password", json=body), 204)
    person.password, person.cookie = new, planted.plant("session cookie", session_cookie(changed).value)
    begun = expect(person.call("POST", "/api/v1/users/current/totp"), 201).json()
    planted.plant("second factor", begun["secret"])
    token = person.platform_token(MEMBER_SCOPES)
    expect(person.call("DELETE", f"/api/v1/platform-tokens/{token['id']}"), 204)
    person.reauthenticate()
    expect(person.sign_out(), 204)


# A member's platform tokens


def test_a_members_token_reads(club):
    token = club.watcher.platform_token(MEMBER_SCOPES)["token"]
    for path in READS:
        if path not in SESSIONS:
            expect(club.client.call("GET", put_in(club, path), token=token), 200)


@pytest.mark.parametrize("scope", ROOT_SCOPES)
def test_a_members_token_has_no_root_users_scope(club, scope):
    body = {"name": unique("token"), "scopes": ["applications:read", scope]}
    problem(club.watcher.fresh().call("POST", "/api/v1/platform-tokens", json=body), 403, "root_only")


def test_no_scope_at_all_opens_a_write_to_a_members_token(club):
    token = club.watcher.platform_token(MEMBER_SCOPES)["token"]
    for method, path, body in WRITES:
        answer = ask(club, lambda *a, **k: club.client.call(*a, token=token, **k), method, path, body)
        problem(answer, 403, {"root_only", "insufficient_scope", "session_required"})
    problem(
        ask(club, lambda *a, **k: club.client.call(*a, token=token, **k), *REVEAL),
        403,
        {"session_required", "root_only"},
    )


# Another role


@pytest.fixture
def pair(deployment):
    """A tenant with a second root user, who has an open session and a token with every scope."""
    made = deployment.new_tenant(credits=None)
    made.second = deployment.new_person(made.account["id"])
    token = made.second.platform_token()["token"]
    made.second.by_token = lambda *a, **k: deployment.client.call(*a, token=token, **k)
    return made


def test_another_role_binds_the_next_call(pair):
    """ASVS 8.3.2: of a session that is open and of a token that was made before, in both directions."""
    user = pair.second.user
    ways = (pair.second.call, pair.second.by_token)
    for _ in range(3):
        for call in ways:
            expect(call("POST", "/api/v1/applications", json=NEW_APP), 201)
        changed = expect(set_role(pair.call, user, "member"), 200).json()
        assert changed == user | {"role": "member"}
        for call in ways:
            problem(call("POST", "/api/v1/applications", json=NEW_APP), 403, "root_only")
            expect(call("GET", "/api/v1/applications"), 200)
        assert read_role(pair.second) == "member"
        assert expect(pair.second.call("GET", "/api/v1/sessions/current"), 200).json()["user"]["role"] == "member"
        assert expect(set_role(pair.person.call, user, "root"), 200).json() == user


def test_who_was_a_root_user_cannot_make_themselves_one(pair):
    expect(set_role(pair.call, pair.second.user, "member"), 200)
    for call in (pair.second.call, pair.second.by_token):
        problem(set_role(call, pair.second.user, "root"), 403, "root_only")
    assert read_role(pair.second) == "member"


def test_the_same_role_again_changes_nothing(pair):
    assert expect(set_role(pair.person.call, pair.second.user, "root"), 200).json() == pair.second.user
    assert expect(set_role(pair.person.call, pair.user, "root"), 200).json() == pair.user
    expect(set_role(pair.call, pair.second.user, "member"), 200)
    changed = expect(set_role(pair.call, pair.second.user, "member"), 200).json()
    assert changed == pair.second.user | {"role": "member"}


def test_a_token_makes_nobody_a_root_user(pair):
    """It may take the role away; what gives all rights takes a person."""
    expect(set_role(pair.call, pair.second.user, "member"), 200)
    problem(set_role(pair.call, pair.second.user, "root"), 403, "session_required")
    assert read_role(pair.second) == "member"


def test_a_root_user_may_step_down(pair):
    """While there is another one."""
    expect(set_role(pair.second.call, pair.second.user, "member"), 200)
    problem(pair.second.call("POST", "/api/v1/applications", json=NEW_APP), 403, "root_only")


def test_an_admin_changes_roles_in_every_account(deployment, pair):
    expect(set_role(deployment.call, pair.second.user, "member"), 200)
    assert read_role(pair.second) == "member"
    expect(remove(deployment.call, pair.second.user), 204)
    problem(pair.second.call("GET", "/api/v1/users/current"), 401, "unauthenticated")


# Removing


def test_removing_ends_sessions_and_tokens_at_once(pair):
    """ASVS 7.4.2: the next call is nobody's, of every session and of every token."""
    sessions = [pair.second, pair.second.another_session()]
    for call in (*(session.call for session in sessions), pair.second.by_token):
        expect(call("GET", "/api/v1/applications"), 200)
    answer = expect(remove(pair.call, pair.second.user), 204)
    assert answer.text == ""
    for call in (*(session.call for session in sessions), pair.second.by_token):
        problem(call("GET", "/api/v1/applications"), 401, "unauthenticated")
        problem(call("POST", "/api/v1/applications", json=NEW_APP), 401, "unauthenticated")
    problem(pair.second.try_sign_in(), 401, "sign_in_failed")
    assert [user["id"] for user in all_items(pair.call, users_path(pair.account["id"]))] == [pair.user["id"]]
    problem(remove(pair.call, pair.second.user), 404, "not_found")
    problem(set_role(pair.call, pair.second.user, "member"), 404, "not_found")


def test_the_keys_that_somebody_made_stay(deployment):
    """They are the account's; what a program depends on doesn't go with a person."""
    tenant = deployment.new_tenant()
    maker = deployment.new_person(tenant.account["id"])
    app = expect(maker.call("POST", "/api/v1/applications", json=NEW_APP), 201).json()
    key = expect(maker.call("POST", "/api/v1/credentials", json={"application_id": app["id"]}), 201).json()
    planted.plant("key", key["token"])
    expect(remove(tenant.call, maker.user), 204)
    expect(deployment.client.chat(key["token"]), 200)
    assert tenant.call("GET", f"/api/v1/credentials/{key['id']}").json()["user_id"] == maker.user["id"]


def test_a_removed_address_looks_like_an_unknown_one(pair, client):
    expect(remove(pair.call, pair.second.user), 204)
    password = new_password()
    removed = Person(client, pair.second.email, password).try_sign_in()
    problem(removed, 401, "sign_in_failed")
    same_bytes(removed, Person(client, new_email(), password).try_sign_in())
    same_bytes(removed, pair.second.try_sign_in())


def test_who_was_removed_may_be_invited_again(deployment, pair):
    """As somebody new: with another id, another password, and nothing of what was theirs."""
    expect(remove(pair.call, pair.second.user), 204)
    again = deployment.new_person(pair.account["id"], email=pair.second.email, role="member")
    assert again.user["id"] != pair.second.user["id"] and again.user["role"] == "member"
    problem(pair.second.call("GET", "/api/v1/users/current"), 401, "unauthenticated")
    problem(pair.second.by_token("GET", "/api/v1/applications"), 401, "unauthenticated")
    assert all_items(again.call, "/api/v1/platform-tokens") == []


def test_removal_wins_against_calls_under_way(pair):
    """Calls that hammer with the token while its user is removed: none that begins after the answer is served."""
    done = {}

    def act(number):
        if number == 20:
            expect(remove(pair.call, pair.second.user), 204)
            done["at"] = time.monotonic()
            return None
        began = time.monotonic()
        return began, pair.second.by_token("GET", "/api/v1/applications").status_code

    calls = [result for result in in_parallel(act, range(120), threads=6) if result]
    assert {status for _, status in calls} == {200, 401}
    late = [status for began, status in calls if began > done["at"]]
    assert late and set(late) == {401}


def test_nothing_that_is_made_while_somebody_is_removed_survives(deployment, pair):
    """ASVS 7.4.2, 15.4.2: neither a session nor a token that was under way."""
    for _ in range(5):
        person = deployment.new_person(pair.account["id"])

        def act(number):
            if number == 2:
                return remove(pair.call, person.user)
            if number % 2:
                body = {"name": "late", "scopes": ["applications:read"]}
                return person.call("POST", "/api/v1/platform-tokens", json=body)
            return person.try_sign_in()

        answers = in_parallel(act, range(7), threads=7)
        expect(answers[2], 204)
        for answer in answers[:2] + answers[3:]:
            assert answer.status_code in (201, 401), answer.text
            if answer.status_code == 401:
                continue
            if "token" in answer.json():
                token = planted.plant("platform token", answer.json()["token"])
                refusal = deployment.client.call("GET", "/api/v1/applications", token=token)
            else:
                refusal = (
                    Person(person.client, person.email, person.password)
                    .take(answer)
                    .call("GET", "/api/v1/users/current")
                )
            problem(refusal, 401, "unauthenticated")


# Operators


def test_only_an_admin_touches_an_admin(deployment):
    """The operators' rights don't hang on those of whoever manages the account that they are in."""
    admin = deployment.admin.session["user"]
    root = deployment.new_person(deployment.account_id)
    token = root.platform_token()["token"]
    for call in (root.call, lambda *a, **k: deployment.client.call(*a, token=token, **k)):
        problem(set_role(call, admin, "member"), 403, "admin_only")
        problem(remove(call, admin), 403, "admin_only")
    expect(deployment.call("GET", "/api/v1/accounts"), 200)
    expect(remove(deployment.call, root.user), 204)


def test_an_admin_stays_one_as_a_member(own_deployment):
    """Operating the deployment and managing the operators' own applications are two things."""
    deployment = own_deployment()
    tenant = deployment.new_account(credits=None)
    admin, root = deployment.admin.session["user"], deployment.new_person(deployment.account_id)
    expect(set_role(deployment.admin.call, admin, "member"), 200)
    for call in (deployment.admin.call, deployment.call):
        problem(call("POST", "/api/v1/applications", json=NEW_APP), 403, "root_only")
        expect(call("GET", "/api/v1/accounts"), 200)
        accounts = {entry["account_id"] for entry in all_items(call, "/api/v1/audit")}
        assert {deployment.account_id, tenant["id"]} <= accounts, "an admin reads all of the record"
    problem(set_role(root.call, admin, "root"), 403, "admin_only")
    expect(set_role(deployment.admin.call, admin, "root"), 200)
    expect(deployment.call("POST", "/api/v1/applications", json=NEW_APP), 201)


def test_the_last_admin_stays(own_deployment):
    """Also when there is another root user; and a second admin may go."""
    deployment = own_deployment()
    deployment.new_person(deployment.account_id)
    admin = deployment.admin.session["user"]
    for call in (deployment.admin.call, deployment.call):
        problem(remove(call, admin), 409, "last_admin")
    assert deployment.server.stop() == 0
    email, password = new_email(), new_password()
    assert admin_create(deployment.server.data, email, password, account="More operators").returncode == 0
    deployment.server.start()
    other = Person(deployment.client, email, password).sign_in()
    deployment.admin.sign_in()
    expect(remove(other.call, admin), 204)
    problem(deployment.call("GET", "/api/v1/accounts"), 401, "unauthenticated")
    expect(other.call("GET", "/api/v1/accounts"), 200)


# The last root user


def test_the_last_root_user_stays(deployment, tenant):
    """Members don't count, and nobody makes a member of the last one; an admin can only take them out altogether."""
    tenant.member()
    for call in (tenant.person.call, tenant.call, deployment.call):
        problem(set_role(call, tenant.user, "member"), 409, "last_root_user")
    for call in (tenant.person.call, tenant.call):
        problem(remove(call, tenant.user), 409, "last_root_user")
    assert read_role(tenant.person) == "root"
    expect(tenant.call("POST", "/api/v1/applications", json=NEW_APP), 201)


def test_an_address_that_somebody_else_has_taken_comes_free(deployment, client, tenant, strangers):
    """Whoever has an invitation may join with it, whosever the address is: an invitation alone occupies nothing, and an
    admin takes out who has joined, also when that is the account's last root user. Then its owner joins where they
    want, and the account's next root user is the admin's to name."""
    email = new_email()
    squatted = deployment.new_tenant()
    # Open invitations of two accounts to the same address don't meet.
    taken = expect(try_invite(squatted.person, squatted.account["id"], "root", email=email), 201).json()
    wanted = expect(try_invite(tenant.person, tenant.account["id"], email=email), 201).json()
    squatter = expect(try_join(client, taken), 201).json()
    expect(remove(squatted.person.fresh().call, squatted.user), 204)
    problem(try_join(client, wanted), 409, "email_taken")
    # Neither account can do anything about it, an admin can.
    problem(remove(tenant.person.fresh().call, squatter), 404, "not_found")
    expect(remove(deployment.admin.fresh().call, squatter), 204)
    joined = expect(try_join(client, wanted), 201).json()
    assert (joined["account_id"], joined["email"]) == (tenant.account["id"], email)
    assert roots(deployment, squatted.account["id"]) == []
    expect(try_invite(deployment.admin, squatted.account["id"], "root"), 201)
    expect(remove(tenant.person.call, joined), 204)


def test_the_last_one_may_go_once_there_is_another(tenant):
    member = tenant.member()
    expect(set_role(tenant.person.call, member.user, "root"), 200)
    expect(remove(member.call, tenant.user), 204)
    problem(tenant.call("GET", "/api/v1/applications"), 401, "unauthenticated")
    problem(remove(member.call, member.user), 409, "last_root_user")


def roots(deployment, account_id):
    return [user["id"] for user in all_items(deployment.call, users_path(account_id)) if user["role"] == "root"]


WAYS = {
    "demote each other": (("demote", 1), ("demote", 0)),
    "remove each other": (("remove", 1), ("remove", 0)),
    "one demotes, one removes": (("demote", 1), ("remove", 0)),
    "both step down": (("demote", 0), ("demote", 1)),
    "one steps down, one is removed": (("demote", 0), ("remove", 1)),
}


@pytest.mark.race
@pytest.mark.parametrize("way", WAYS)
def test_two_root_users_at_once_leave_one(deployment, way):
    """However it falls: one of the two is done, and the account still has a root user."""
    account = deployment.new_account(credits=None)
    first = deployment.new_person(account["id"])
    pairs = [[first, deployment.new_person(account["id"], by=first)]]

    def act(pair, index):
        action, target = WAYS[way][index]
        target = pair[target].user
        return set_role(pair[index].call, target, "member") if action == "demote" else remove(pair[index].call, target)

    for number in range(10):
        pair = pairs[-1]
        answers = in_parallel(lambda index: act(pair, index), range(2), threads=2)
        statuses = sorted(answer.status_code for answer in answers)
        # The loser is refused because it would leave nobody, or because it is no root user, or nobody, any more.
        assert statuses[0] in (200, 204) and statuses[1] in (401, 403, 404, 409), statuses
        left = roots(deployment, account["id"])
        assert len(left) == 1, f"round {number}: {len(left)} root users are left"
        survivor = next(person for person in pair if person.user["id"] == left[0])
        pairs.append([survivor, deployment.new_person(account["id"], by=survivor)])


@pytest.mark.race
def test_many_admin_calls_at_once_leave_one(deployment):
    """Six root users, demoted all at once from above: five go, whoever they are."""
    account = deployment.new_account(credits=None)
    people = [deployment.new_person(account["id"]) for _ in range(6)]

    def act(index):
        return set_role(deployment.call, people[index].user, "member")

    statuses = [answer.status_code for answer in in_parallel(act, range(6), threads=6)]
    assert statuses.count(409) == 1 and len(roots(deployment, account["id"])) == 1, statuses


# Borders


def test_a_foreign_user_is_an_absent_user(deployment, pair, strangers):
    """ASVS 8.2.2, invariant 8: with one's own account in the path and with theirs; to a root user and to an admin."""
    body = {"role": "member"}
    own, theirs = pair.account["id"], strangers.account["id"]
    places = [
        (own, absent_id()),
        (own, strangers.user["id"]),
        (own, "not-an-id"),
        (theirs, pair.second.user["id"]),
        (theirs, absent_id()),
        (absent_id(), pair.second.user["id"]),
    ]
    for method, keywords in (("PATCH", {"json": body}), ("DELETE", {})):
        for call in (pair.person.call, pair.call, deployment.call):
            answers = [call(method, users_path(*place), **keywords) for place in places]
            problem(answers[0], 404, "not_found")
            for one, other in itertools.pairwise(answers):
                same_bytes(one, other)
    for place in ((theirs, strangers.user["id"]), (theirs, strangers.account["id"])):
        for call in (pair.person.call, pair.call):
            problem(call("PATCH", users_path(*place), json=body), 404, "not_found")
            problem(call("DELETE", users_path(*place)), 404, "not_found")
    assert read_role(strangers.person) == "root" and read_role(pair.second) == "root"


def test_an_accounts_key_opens_no_users(client, club):
    answer = client.call("GET", users_path(club.account["id"]), token=club.key["token"])
    problem(answer, 401, "unauthenticated")
    openai_error(
        club.watcher.call("POST", "/v1/chat/completions", json={"messages": []}),
        401,
        "invalid_api_key",
        denial="missing_key",
    )
