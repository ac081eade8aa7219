"""Re-authentication: what can't be taken back asks again who you are (D3, O3; ASVS 7.2.4, 7.5.1, 7.5.3).

A session is fresh for five minutes after the password was given. The server's clock is put forward to make it stale.
"""

import pytest

import planted
from client import Person, absent_id, elsewhere, expect, new_email, new_password, seconds, session_cookie, unique
from shapes import SESSION, problem, same_bytes
from totp import STEP, begin, confirm, enrol, plant_codes

CURRENT = "/api/v1/sessions/current"
AGAIN = CURRENT + "/reauthentication"
FRESHNESS = 300


@pytest.fixture
def somebody(clocked):
    """A tenant whose person has just signed in; their platform token has every scope."""
    tenant = clocked.new_tenant(credits=None)
    tenant.person.clock = clocked.clock
    return tenant


@pytest.fixture
def person(somebody):
    return somebody.person


def grow_stale(person):
    person.clock.forward(seconds=FRESHNESS + 1)


# The proof


def test_a_session_says_how_long_it_is_fresh(person):
    left = seconds(person.session["fresh_until"]) - person.client.server.now()
    assert left == pytest.approx(FRESHNESS, abs=10)
    shown = expect(person.call("GET", CURRENT), 200).json()
    assert set(shown) == SESSION and shown["fresh_until"] == person.session["fresh_until"]


def test_a_proof_makes_the_session_fresh_again(person):
    grow_stale(person)
    before = person.session
    stale = expect(person.call("GET", CURRENT), 200).json()
    assert seconds(stale["fresh_until"]) < person.client.server.now()
    answer = expect(person.try_reauthenticate(), 200)
    planted.plant("session cookie", session_cookie(answer).value)
    assert set(answer.json()) == SESSION and answer.headers["cache-control"] == "no-store"
    assert answer.json()["user"] == before["user"]
    assert answer.json()["expires_at"] == before["expires_at"], "a proof is no way around the end of a session"
    left = seconds(answer.json()["fresh_until"]) - person.client.server.now()
    assert left == pytest.approx(FRESHNESS, abs=10)


def test_the_cookie_is_a_new_one_and_the_old_one_dead(person):
    """ASVS 7.2.4: whoever had the old cookie has nothing of the proof."""
    old = person.cookie
    answer = expect(person.try_reauthenticate(), 200)
    cookie = session_cookie(answer)
    planted.plant("session cookie", cookie.value)
    assert cookie.value != old and len(cookie.value) >= 22 and cookie.value not in answer.text
    assert cookie["secure"] and cookie["httponly"]
    assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("strict", "/", "")
    problem(person.call("GET", CURRENT), 401, "unauthenticated")
    problem(person.call("POST", "/api/v1/applications", json={}), 401, "unauthenticated")
    person.cookie, person.csrf = cookie.value, answer.json()["csrf_token"]
    expect(person.call("GET", CURRENT), 200)
    created = person.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "echo"})
    expect(created, 201)


def test_other_sessions_stay_as_they_are(person):
    """Fresh is a session, not its user: the browser that somebody else sits at is none the fresher."""
    other = person.another_session()
    grow_stale(person)
    person.reauthenticate()
    expect(other.call("GET", CURRENT), 200)
    problem(other.call("POST", "/api/v1/users/current/totp"), 403, "reauthentication_required")
    begin(person)


def test_a_wrong_password_changes_nothing(person):
    grow_stale(person)
    refusal = person.try_reauthenticate(password=new_password())
    problem(refusal, 401, "sign_in_failed")
    assert "set-cookie" not in refusal.headers
    expect(person.call("GET", CURRENT), 200)
    problem(person.call("POST", "/api/v1/users/current/totp"), 403, "reauthentication_required")


def test_it_takes_the_sessions_own_csrf_token(person):
    body = {"password": person.password}
    problem(person.call("POST", AGAIN, json=body, csrf=False), 403, "csrf_failed")
    foreign = {"Origin": "https://evil.example"}
    problem(person.call("POST", AGAIN, json=body, headers=foreign), 403, "csrf_failed")
    problem(person.client.call("POST", AGAIN, json=body), 401, "unauthenticated")


def test_guessing_is_throttled(somebody):
    """ASVS 6.3.1: who finds an open browser must not try out passwords in it; and signing in is no way around."""
    visitor = Person(elsewhere(somebody.client.server), somebody.person.email, somebody.person.password).sign_in()
    guesses = [visitor.try_reauthenticate(password=new_password()) for _ in range(12)]
    assert [guess.status_code for guess in guesses] == [401] * 10 + [429] * 2
    problem(guesses[-1], 429, "too_many_attempts")
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 3600
    problem(visitor.try_reauthenticate(), 429, "too_many_attempts")
    problem(visitor.try_sign_in(), 429, "too_many_attempts")
    expect(visitor.call("GET", CURRENT), 200)
    # The owner, elsewhere, doesn't notice.
    somebody.person.reauthenticate()
    somebody.person.clock.forward(minutes=16)
    visitor.reauthenticate()


def test_a_second_factor_is_asked_for(person):
    app = enrol(person)
    person.clock.forward(seconds=STEP)
    grow_stale(person)
    problem(person.try_reauthenticate(), 401, "second_factor_required")
    problem(person.try_reauthenticate(code=app.wrong_code()), 401, "sign_in_failed")
    problem(person.try_reauthenticate(password=new_password(), code=app.code()), 401, "sign_in_failed")
    # Who has the session sees that there is a second factor, so nothing is hashed for a proof without a code.
    problem(person.try_reauthenticate(password=new_password()), 401, "second_factor_required")
    problem(person.call("DELETE", "/api/v1/users/current/totp"), 403, "reauthentication_required")
    person.reauthenticate(code=app.code())
    expect(person.call("DELETE", "/api/v1/users/current/totp"), 204)


# What needs it


def key_of(somebody):
    return somebody.credential(somebody.application()["id"])


def delete_key(somebody):
    key = key_of(somebody)
    yield lambda: somebody.person.call("DELETE", f"/api/v1/credentials/{key['id']}")
    yield 204, lambda: somebody.call("GET", f"/api/v1/credentials/{key['id']}").status_code == 404


def delete_application_with_its_keys(somebody):
    key = key_of(somebody)
    path = f"/api/v1/applications/{key['application_id']}"
    yield lambda: somebody.person.call("DELETE", path + "?delete_credentials=true")
    yield 204, lambda: somebody.call("GET", path).status_code == 404


def rotate(somebody):
    key = key_of(somebody)
    body = {"overlap_seconds": 3600}

    def call():
        answer = somebody.person.call("POST", f"/api/v1/credentials/{key['id']}/rotate", json=body)
        if answer.status_code == 200:
            planted.plant("key", answer.json()["token"])
        return answer

    yield call
    yield 200, lambda: len(somebody.read_credential(key["id"])["secrets"]) == 2


def retire(somebody):
    key = key_of(somebody)
    rotated = somebody.call("POST", f"/api/v1/credentials/{key['id']}/rotate", json={"overlap_seconds": 3600})
    planted.plant("key", expect(rotated, 200).json()["token"])
    yield lambda: somebody.person.call("POST", f"/api/v1/credentials/{key['id']}/retire")
    yield 200, lambda: len(somebody.read_credential(key["id"])["secrets"]) == 1


def rotate_what_has_leaked(somebody):
    key = key_of(somebody)
    body = {"credential_id": key["id"], "action": "rotate"}

    def call():
        answer = somebody.person.call("POST", "/api/v1/leaks", json=body)
        if answer.status_code == 200:
            planted.plant("key", answer.json()["token"])
        return answer

    yield call
    yield 200, lambda: somebody.client.call("GET", "/v1/models", token=key["token"]).status_code == 401


def create_a_platform_token(somebody):
    name = unique("token")

    def call():
        body = {"name": name, "scopes": ["applications:read"]}
        answer = somebody.person.call("POST", "/api/v1/platform-tokens", json=body)
        if answer.status_code == 201:
            planted.plant("platform token", answer.json()["token"])
        return answer

    yield call
    yield 201, lambda: name in [
        item["name"] for item in somebody.call("GET", "/api/v1/platform-tokens").json()["items"]
    ]


def begin_a_second_factor(somebody):
    def call():
        answer = somebody.person.call("POST", "/api/v1/users/current/totp")
        if answer.status_code == 201:
            planted.plant("second factor", answer.json()["secret"])
        return answer

    yield call
    yield 201, lambda: True


def has_second_factor(somebody):
    return somebody.person.call("GET", "/api/v1/users/current").json()["second_factor"]


def confirm_a_second_factor(somebody):
    app = begin(somebody.person)
    yield lambda: confirm(somebody.person, app)
    yield 200, lambda: has_second_factor(somebody)


def take_the_second_factor_away(somebody):
    somebody.app = enrol(somebody.person)
    yield lambda: somebody.person.call("DELETE", "/api/v1/users/current/totp")
    yield 204, lambda: not has_second_factor(somebody)


def make_new_recovery_codes(somebody):
    somebody.app = enrol(somebody.person)
    yield lambda: plant_codes(somebody.person.call("POST", "/api/v1/users/current/recovery-codes"))
    yield 201, lambda: True


def change_the_key_policy(somebody):
    path = f"/api/v1/accounts/{somebody.account['id']}"
    yield lambda: somebody.person.call("PATCH", path + "/key-policy", json={"revealable": False})
    yield 200, lambda: somebody.call("GET", path).json()["revealable_keys"] is False


def invite(somebody, role):
    email = new_email()
    path = f"/api/v1/accounts/{somebody.account['id']}/invitations"

    def call():
        answer = somebody.person.call("POST", path, json={"email": email, "role": role})
        if answer.status_code == 201:
            planted.plant("invitation token", answer.json()["token"])
        return answer

    yield call
    yield 201, lambda: email in [item["email"] for item in somebody.call("GET", path).json()["items"]]


def invite_a_root_user(somebody):
    return invite(somebody, "root")


def invite_a_member(somebody):
    return invite(somebody, "member")


def take_an_invitation_back(somebody):
    path = f"/api/v1/accounts/{somebody.account['id']}/invitations"
    invitation = somebody.deployment.invite(somebody.account["id"], role="member")
    yield lambda: somebody.person.call("DELETE", f"{path}/{invitation['id']}")
    yield 204, lambda: somebody.call("GET", path).json()["items"] == []


def users_of(somebody):
    users = somebody.call("GET", f"/api/v1/accounts/{somebody.account['id']}/users").json()["items"]
    return {user["id"]: user["role"] for user in users}


def make_a_root_user(somebody):
    user = somebody.member().user
    path = f"/api/v1/accounts/{somebody.account['id']}/users/{user['id']}"
    yield lambda: somebody.person.call("PATCH", path, json={"role": "root"})
    yield 200, lambda: users_of(somebody)[user["id"]] == "root"


def make_a_member(somebody):
    user = somebody.deployment.new_person(somebody.account["id"]).user
    path = f"/api/v1/accounts/{somebody.account['id']}/users/{user['id']}"
    yield lambda: somebody.person.call("PATCH", path, json={"role": "member"})
    yield 200, lambda: users_of(somebody)[user["id"]] == "member"


def remove_a_user(somebody):
    user = somebody.member().user
    path = f"/api/v1/accounts/{somebody.account['id']}/users/{user['id']}"
    yield lambda: somebody.person.call("DELETE", path)
    yield 204, lambda: user["id"] not in users_of(somebody)


NEEDS_IT = [
    delete_key,
    delete_application_with_its_keys,
    rotate,
    retire,
    rotate_what_has_leaked,
    create_a_platform_token,
    begin_a_second_factor,
    confirm_a_second_factor,
    take_the_second_factor_away,
    make_new_recovery_codes,
    change_the_key_policy,
    invite_a_root_user,
    invite_a_member,
    take_an_invitation_back,
    make_a_root_user,
    make_a_member,
    remove_a_user,
]


@pytest.mark.parametrize("operation", NEEDS_IT, ids=lambda operation: operation.__name__)
def test_a_stale_session_is_refused_and_a_fresh_one_does_it(somebody, operation):
    """ASVS 7.5.1, 7.5.3: refused by a code of its own, so that a console knows to ask for the password; and nothing is
    done before."""
    steps = operation(somebody)
    call = next(steps)
    status, is_done = next(steps)
    grow_stale(somebody.person)
    refusal = call()
    problem(refusal, 403, "reauthentication_required")
    assert operation in (begin_a_second_factor, make_new_recovery_codes) or not is_done()
    app = getattr(somebody, "app", None)
    somebody.person.reauthenticate(code=app.code() if app else None)
    expect(call(), status)
    assert is_done()


def test_the_window_ends_when_it_says(somebody):
    person = somebody.person
    person.reauthenticate()
    for ahead, is_fresh in ((FRESHNESS - 15, True), (16, False)):
        person.clock.forward(seconds=ahead)
        answer = person.call("POST", "/api/v1/users/current/totp")
        if is_fresh:
            planted.plant("second factor", expect(answer, 201).json()["secret"])
        else:
            problem(answer, 403, "reauthentication_required")


def test_using_a_session_does_not_keep_it_fresh(somebody):
    person = somebody.person
    for _ in range(7):
        person.clock.forward(minutes=1)
        expect(person.call("GET", "/api/v1/applications"), 200)
    problem(person.call("POST", "/api/v1/users/current/totp"), 403, "reauthentication_required")


def test_a_stale_session_learns_of_no_object(somebody):
    """ASVS 8.2.2: what is there and what is not are one refusal."""
    key = key_of(somebody)
    grow_stale(somebody.person)
    refusals = [
        somebody.person.call("DELETE", f"/api/v1/credentials/{identifier}") for identifier in (key["id"], absent_id())
    ]
    problem(refusals[0], 403, "reauthentication_required")
    same_bytes(*refusals)


def test_what_can_be_taken_back_needs_no_proof(somebody):
    """A stale session works on: it makes, edits and disables, and it ends what a stranger may have got."""
    person, key = somebody.person, key_of(somebody)
    token = somebody.person.platform_token(["applications:read"])
    empty = somebody.application()
    grow_stale(person)
    app = person.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "echo"})
    expect(app, 201)
    made = expect(person.call("POST", "/api/v1/credentials", json={"application_id": app.json()["id"]}), 201).json()
    planted.plant("key", made["token"])
    expect(person.call("PATCH", f"/api/v1/credentials/{key['id']}", json={"name": "renamed"}), 200)
    expect(person.call("PATCH", f"/api/v1/credentials/{key['id']}", json={"enabled": False}), 200)
    expect(person.call("PATCH", f"/api/v1/applications/{app.json()['id']}", json={"name": "B"}), 200)
    expect(person.call("POST", "/api/v1/leaks", json={"token": made["token"], "action": "disable"}), 200)
    expect(person.call("DELETE", f"/api/v1/applications/{empty['id']}"), 204)
    expect(person.call("DELETE", f"/api/v1/platform-tokens/{token['id']}"), 204)
    expect(person.sign_out(), 204)


# Platform tokens


def test_a_platform_token_is_neither_fresh_nor_stale(somebody):
    """What its scopes name it does, however long ago its user signed in, and without them it doesn't."""
    keys = [key_of(somebody) for _ in range(2)]
    people, member = f"/api/v1/accounts/{somebody.account['id']}", somebody.member().user
    without = somebody.person.platform_token(["credentials:read", "credentials:write"])["token"]
    grow_stale(somebody.person)
    somebody.person.clock.forward(hours=2)  # the session has ended as well
    for method, path, keywords, status in (
        ("POST", f"/api/v1/credentials/{keys[0]['id']}/rotate", {"json": {"overlap_seconds": 3600}}, 200),
        ("POST", f"/api/v1/credentials/{keys[0]['id']}/retire", {}, 200),
        ("POST", "/api/v1/leaks", {"json": {"credential_id": keys[0]["id"], "action": "rotate"}}, 200),
        ("DELETE", f"/api/v1/credentials/{keys[0]['id']}", {}, 204),
        ("DELETE", f"/api/v1/applications/{keys[1]['application_id']}?delete_credentials=true", {}, 204),
        ("POST", people + "/invitations", {"json": {"email": new_email(), "role": "member"}}, 201),
        ("DELETE", f"{people}/users/{member['id']}", {}, 204),
    ):
        problem(somebody.client.call(method, path, token=without, **keywords), 403, "insufficient_scope")
        answer = expect(somebody.call(method, path, **keywords), status)
        if status != 204 and "token" in answer.json():
            planted.plant("token", answer.json()["token"])


def test_a_platform_token_proves_nobody(somebody):
    body = {"password": somebody.person.password}
    problem(somebody.call("POST", AGAIN, json=body), 403, "session_required")
