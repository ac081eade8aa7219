"""Passwords that change: by their owner, who knows the old one, or by an admin's one-time token (ASVS 6.2.3, 6.4.1)."""

import pytest

import planted
from client import (
    Person,
    absent_id,
    elsewhere,
    expect,
    in_parallel,
    new_password,
    seconds,
    session_cookie,
    unique,
)
from shapes import RESET_TOKEN, TIME, UUID7, forged, problem, rule, same_bytes
from totp import STEP, enrol

CHANGE = "/api/v1/users/current/password"
CURRENT = "/api/v1/sessions/current"
ACCEPT = "/api/v1/password-resets/accept"
HOUR = 3600


@pytest.fixture
def person(clocked):
    made = clocked.new_person(clocked.new_account(credits=None)["id"])
    made.clock = clocked.clock
    return made


def try_change(person, new, current=None, **fields):
    body = {"current_password": person.password if current is None else current, "new_password": new}
    return person.call("POST", CHANGE, json=body | fields)


def change(person, **fields):
    """A new password, and the session that goes on under a new cookie."""
    new = new_password()
    person.cookie = cookie_of(expect(try_change(person, new, **fields), 204))
    person.password = new


def cookie_of(response):
    return planted.plant("session cookie", session_cookie(response).value)


def signs_in(person, password, code=None):
    return Person(elsewhere(person.client.server), person.email, password).try_sign_in(code=code)


# Changing it


def test_the_new_password_is_the_password(person):
    old = person.password
    answer = try_change(person, new := new_password())
    expect(answer, 204)
    assert answer.headers["cache-control"] == "no-store" and answer.text == ""
    problem(signs_in(person, old), 401, "sign_in_failed")
    assert signs_in(person, new).status_code == 201


def test_the_other_sessions_end_and_this_one_stays(person):
    """ASVS 7.4.3: whoever was signed in with the old password no longer is; whoever changes it isn't thrown out."""
    others = [person.another_session() for _ in range(2)]
    change(person)
    expect(person.call("GET", CURRENT), 200)
    for other in others:
        problem(other.call("GET", CURRENT), 401, "unauthenticated")
        problem(other.call("POST", "/api/v1/applications", json={}), 401, "unauthenticated")


def test_this_session_goes_on_under_a_new_cookie(person):
    """ASVS 7.2.4: whoever copied the old cookie is out as well; the page that is open keeps its CSRF token."""
    old = person.cookie
    answer = expect(try_change(person, new_password()), 204)
    cookie = session_cookie(answer)
    person.cookie = cookie_of(answer)
    assert cookie.value != old and cookie["secure"] and cookie["httponly"]
    assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("strict", "/", "")
    current = expect(person.call("GET", CURRENT), 200).json()
    assert (current["csrf_token"], current["expires_at"]) == (person.csrf, person.session["expires_at"])
    person.cookie = old
    problem(person.call("GET", CURRENT), 401, "unauthenticated")


def test_others_of_the_account_stay_signed_in(person, clocked):
    colleague = clocked.new_person(person.user["account_id"])
    change(person)
    expect(colleague.call("GET", CURRENT), 200)


def test_it_takes_the_current_password(person):
    """ASVS 6.2.3: an open browser is not enough to take an account over."""
    new = new_password()
    other = person.another_session()
    problem(try_change(person, new, current=new_password()), 401, "sign_in_failed")
    assert signs_in(person, person.password).status_code == 201
    problem(signs_in(person, new), 401, "sign_in_failed")
    expect(other.call("GET", CURRENT), 200)


def test_a_stale_session_may_change_it(person):
    """The current password is the proof."""
    person.clock.forward(minutes=6)
    change(person)
    expect(person.call("GET", CURRENT), 200)


def test_guessing_the_current_password_is_throttled(person):
    """ASVS 6.3.1: also for who is signed in already."""
    visitor = Person(elsewhere(person.client.server), person.email, person.password).sign_in()
    answers = [try_change(visitor, new_password(), current=new_password()) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    problem(answers[-1], 429, "too_many_attempts")
    problem(try_change(visitor, new_password()), 429, "too_many_attempts")
    assert signs_in(person, person.password).status_code == 201


@pytest.mark.parametrize(
    "new", ["too short", "passwordpassword", "123456789012345", "correcthorsebatterystaple", "x" * 4097, "", 1, None]
)
def test_a_weak_password_is_refused_by_its_field(person, new):
    """ASVS 6.2.1, 6.2.4; NIST N1: the rules of joining hold for every later password."""
    other = person.another_session()
    refusal = try_change(person, new)
    problem(refusal, 400, "invalid_request", field="new_password")
    assert signs_in(person, person.password).status_code == 201
    expect(other.call("GET", CURRENT), 200)


def test_the_reason_is_told(person):
    refusal = try_change(person, new_password()[:14])
    problem(refusal, 400, "invalid_request", field="new_password")
    assert "15" in rule(refusal, "new_password")


def test_the_own_address_is_no_password(clocked):
    email = unique("a-rather-long-address") + "@example.test"
    person = clocked.new_person(clocked.new_account(credits=None)["id"], email=email)
    problem(try_change(person, email), 400, "invalid_request", field="new_password")


def test_it_takes_the_csrf_token(person):
    body = {"current_password": person.password, "new_password": new_password()}
    problem(person.call("POST", CHANGE, json=body, csrf=False), 403, "csrf_failed")
    problem(person.client.call("POST", CHANGE, json=body), 401, "unauthenticated")


def test_a_stale_session_needs_the_second_factor_too(person):
    app = enrol(person)
    person.clock.forward(seconds=STEP)
    change(person)  # fresh: the code was given a moment ago
    person.clock.forward(minutes=6)
    new = new_password()
    problem(try_change(person, new), 401, "second_factor_required")
    problem(try_change(person, new, code=app.wrong_code()), 401, "sign_in_failed")
    problem(try_change(person, new, current=new_password(), code=app.code()), 401, "sign_in_failed")
    change(person, code=app.code())
    person.clock.forward(minutes=6)
    change(person, code=app.recovery_codes[0])


def test_platform_tokens_go_on(clocked):
    """A new password is no reason to stop the scripts; they have tokens of their own."""
    tenant = clocked.new_tenant(credits=None)
    change(tenant.person)
    expect(tenant.call("GET", "/api/v1/applications"), 200)


@pytest.mark.race
def test_two_changes_at_once_leave_one_password(person):
    """Both knew the current password; one of the two new ones is the password then, and no session has both."""
    persons = [person, person.another_session()]
    news = [new_password() for _ in persons]
    statuses = in_parallel(lambda n: try_change(persons[n], news[n]).status_code, range(2), threads=2)
    assert 204 in statuses and set(statuses) <= {204, 401}, statuses
    working = [new for new in news if signs_in(person, new).status_code == 201]
    assert len(working) == 1
    problem(signs_in(person, person.password), 401, "sign_in_failed")


# A reset by an admin


def resets(account_id, user_id):
    return f"/api/v1/accounts/{account_id}/users/{user_id}/password-resets"


def by_admin(deployment, path):
    return deployment.admin.fresh().call("POST", path)


def new_reset(deployment, person):
    answer = expect(by_admin(deployment, resets(person.user["account_id"], person.user["id"])), 201)
    planted.plant("password reset", answer.json()["token"])
    return answer.json()


def try_accept(deployment, token, password):
    return deployment.client.call("POST", ACCEPT, json={"token": token, "password": password})


def test_a_reset_as_it_is_made(clocked, person):
    answer = expect(by_admin(clocked, resets(person.user["account_id"], person.user["id"])), 201)
    reset = answer.json()
    planted.plant("password reset", reset["token"])
    assert set(reset) == {"id", "user_id", "token", "expires_at"}
    assert UUID7.match(reset["id"]) and reset["user_id"] == person.user["id"]
    assert RESET_TOKEN.match(reset["token"]) and TIME.match(reset["expires_at"])
    assert seconds(reset["expires_at"]) - clocked.server.now() == pytest.approx(HOUR, abs=15)
    assert answer.headers["cache-control"] == "no-store"
    # Until it is used, nothing has changed.
    expect(person.call("GET", CURRENT), 200)
    assert signs_in(person, person.password).status_code == 201


def test_a_reset_sets_the_password_and_ends_every_session(clocked, person):
    """ASVS 6.4.6: the admin never learns the password, and the token signs nobody in by itself."""
    sessions = [person, person.another_session()]
    reset, new = new_reset(clocked, person), new_password()
    answer = expect(try_accept(clocked, reset["token"], new), 204)
    assert "set-cookie" not in answer.headers and answer.text == ""
    for session in sessions:
        problem(session.call("GET", CURRENT), 401, "unauthenticated")
    problem(signs_in(person, person.password), 401, "sign_in_failed")
    assert signs_in(person, new).status_code == 201


def test_a_reset_ends_the_platform_tokens(clocked):
    """Whoever had the old password may have made one."""
    tenant = clocked.new_tenant(credits=None)
    expect(tenant.call("GET", "/api/v1/applications"), 200)
    expect(try_accept(clocked, new_reset(clocked, tenant.person)["token"], new_password()), 204)
    problem(tenant.call("GET", "/api/v1/applications"), 401, "unauthenticated")


def test_an_admin_who_is_not_there_makes_no_reset(clocked, person):
    """ASVS 7.5.1: from a browser that was left open somebody would become anybody."""
    path = resets(person.user["account_id"], person.user["id"])
    clocked.admin.fresh()
    clocked.clock.forward(minutes=6)
    problem(clocked.admin.call("POST", path), 403, "reauthentication_required")
    expect(by_admin(clocked, path), 201)


def test_a_reset_is_good_once(clocked, person):
    """ASVS 6.4.1: the first who has it is the last."""
    reset, new = new_reset(clocked, person), new_password()
    expect(try_accept(clocked, reset["token"], new), 204)
    problem(try_accept(clocked, reset["token"], new_password()), 403, "reset_invalid")
    assert signs_in(person, new).status_code == 201


@pytest.mark.race
def test_a_reset_is_good_once_however_many_try_at_once(clocked, person):
    reset = new_reset(clocked, person)
    news = [new_password() for _ in range(8)]
    statuses = in_parallel(lambda new: try_accept(clocked, reset["token"], new).status_code, news, threads=8)
    assert sorted(statuses) == [204] + [403] * 7
    worked = [signs_in(person, new).status_code == 201 for new in news]
    assert worked == [status == 204 for status in statuses]


def test_a_reset_lasts_an_hour(clocked, person):
    """ASVS 6.4.1: what is lying around in somebody's mail is soon worth nothing."""
    first = new_reset(clocked, person)
    clocked.clock.forward(seconds=HOUR - 20)
    expect(try_accept(clocked, first["token"], new_password()), 204)
    second = new_reset(clocked, person)
    clocked.clock.forward(seconds=HOUR + 1)
    problem(try_accept(clocked, second["token"], new_password()), 403, "reset_invalid")


def test_a_new_reset_replaces_the_old(clocked, person):
    old, new = new_reset(clocked, person), new_reset(clocked, person)
    problem(try_accept(clocked, old["token"], new_password()), 403, "reset_invalid")
    expect(try_accept(clocked, new["token"], new_password()), 204)


def test_what_is_no_reset_is_one_refusal(clocked, person):
    """Used, expired, forged and nonsense can't be told apart."""
    used, invitation = new_reset(clocked, person)["token"], clocked.invite(person.user["account_id"])["token"]
    expect(try_accept(clocked, used, new_password()), 204)
    first = try_accept(clocked, used, new_password())
    problem(first, 403, "reset_invalid")
    for token in (forged(used), used[:-1], "lkr-", "x", invitation, "lkr-" + invitation[4:]):
        same_bytes(first, try_accept(clocked, token, new_password()))


def test_a_weak_password_does_not_spend_the_reset(clocked, person):
    reset = new_reset(clocked, person)
    refusal = try_accept(clocked, reset["token"], "too short")
    problem(refusal, 400, "invalid_request", field="password")
    assert "15" in rule(refusal, "password")
    problem(try_accept(clocked, reset["token"], "passwordpassword"), 400, "invalid_request", field="password")
    expect(person.call("GET", CURRENT), 200)
    expect(try_accept(clocked, reset["token"], new_password()), 204)


def test_a_reset_does_not_go_around_the_second_factor(clocked, person):
    """ASVS 6.4.3: who has the token and not the phone stays outside."""
    app = enrol(person)
    clocked.clock.forward(seconds=STEP)
    new = new_password()
    expect(try_accept(clocked, new_reset(clocked, person)["token"], new), 204)
    problem(signs_in(person, new), 401, "second_factor_required")
    assert signs_in(person, new, app.code()).status_code == 201
    assert signs_in(person, new, app.recovery_codes[0]).status_code == 201


def test_only_admins_make_resets(clocked, person):
    """Not the other root user: with a reset they would become somebody else."""
    path = resets(person.user["account_id"], person.user["id"])
    colleague = clocked.new_person(person.user["account_id"])
    for call in (colleague.call, person.call):
        problem(call("POST", path), 403, "admin_only")
    # And of the admins, only one who is there: a token that leaks must not open everybody's door.
    problem(clocked.call("POST", path), 403, "session_required")


def test_there_is_no_reset_for_who_is_not_in_the_account(clocked, person):
    """ASVS 8.2.2: also to an admin, who names the account and the user."""
    own, other = person.user["account_id"], clocked.new_account(credits=None)["id"]
    absent = by_admin(clocked, resets(own, absent_id()))
    problem(absent, 404, "not_found")
    for path in (resets(other, person.user["id"]), resets(absent_id(), person.user["id"]), resets(own, "not-an-id")):
        same_bytes(absent, by_admin(clocked, path))


def test_a_reset_of_a_removed_user_is_none(clocked, person):
    colleague = clocked.new_person(person.user["account_id"])
    reset = new_reset(clocked, colleague)
    expect(person.call("DELETE", f"/api/v1/accounts/{person.user['account_id']}/users/{colleague.user['id']}"), 204)
    problem(try_accept(clocked, reset["token"], new_password()), 403, "reset_invalid")


def test_a_change_of_the_password_spends_no_reset_of_another(clocked, person):
    """Two people, two resets: each opens its own user's door only."""
    colleague = clocked.new_person(person.user["account_id"])
    resets_made = [new_reset(clocked, person), new_reset(clocked, colleague)]
    new = new_password()
    expect(try_accept(clocked, resets_made[1]["token"], new), 204)
    assert signs_in(colleague, new).status_code == 201
    problem(signs_in(person, new), 401, "sign_in_failed")
    assert signs_in(person, person.password).status_code == 201


# Races


def sign_in_if_possible(person, password):
    """A session that was opened with this password just now, or None."""
    visitor = Person(elsewhere(person.client.server), person.email, password)
    answer = visitor.try_sign_in()
    assert answer.status_code in (201, 401), answer.text
    return visitor.take(answer) if answer.status_code == 201 else None


@pytest.mark.parametrize("way", ["change", "reset"])
def test_no_session_of_the_old_password_survives_the_new_one(clocked, person, way):
    """ASVS 7.4.3, 15.4.2: also not one whose sign-in was under way when the password became another one."""
    for _ in range(5):
        old, new = person.password, new_password()
        reset = new_reset(clocked, person) if way == "reset" else None

        def act(number):
            if number != 3:
                return sign_in_if_possible(person, old)
            answer = try_change(person, new) if way == "change" else try_accept(clocked, reset["token"], new)
            expect(answer, 204)
            return None

        sessions = [made for made in in_parallel(act, range(8), threads=8) if made]
        alive = [made.call("GET", CURRENT).status_code for made in sessions]
        assert set(alive) <= {401}, f"{alive} of sessions that the old password opened"
        problem(signs_in(person, old), 401, "sign_in_failed")
        person.password = new
        person.sign_in()


def test_no_proof_by_the_old_password_outlives_the_new_one(person):
    """A session that was proving itself with the old password isn't made fresh, and alive, by that."""
    for _ in range(5):
        other, new = person.another_session(), new_password()
        answers = in_parallel(
            lambda n: other.try_reauthenticate() if n else try_change(person, new), range(2), threads=2
        )
        person.cookie = cookie_of(expect(answers[0], 204))
        assert answers[1].status_code in (200, 401), answers[1].text
        if answers[1].status_code == 200:
            other.take(answers[1])
        problem(other.call("GET", CURRENT), 401, "unauthenticated")
        person.password = new


# What can be shown again, and what can't (design §5)


def revealable_key(person):
    body = {"name": "A", "kind": "chat", "model": "echo"}
    app = expect(person.call("POST", "/api/v1/applications", json=body), 201).json()
    made = person.call("POST", "/api/v1/credentials", json={"application_id": app["id"], "revealable": True})
    planted.plant("key", expect(made, 201).json()["token"])
    return made.json()


def reveal(person, key, password=None):
    body = {"password": person.password if password is None else password}
    return person.call("POST", f"/api/v1/credentials/{key['id']}/reveal", json=body)


def test_after_a_change_the_keys_can_still_be_shown(person):
    key = revealable_key(person)
    old = person.password
    change(person)
    assert expect(reveal(person, key), 200).json() == {"id": key["id"], "token": key["token"]}
    problem(reveal(person, key, old), 401, "sign_in_failed")


def test_after_a_reset_they_can_not(clocked, person):
    """Without the old password nobody opens the copies again, and the key says so."""
    key = revealable_key(person)
    new = new_password()
    expect(try_accept(clocked, new_reset(clocked, person)["token"], new), 204)
    person.password = new
    person.sign_in()
    problem(reveal(person, key), 409, "reveal_lost")
    shown = expect(person.call("GET", f"/api/v1/credentials/{key['id']}"), 200).json()
    assert (shown["reveal"], shown["status"]) == ("lost", "active")
    # The next one can be shown again: the new password has keys of its own.
    again = revealable_key(person)
    assert expect(reveal(person, again), 200).json()["token"] == again["token"]


def test_after_a_reset_the_other_root_users_copy_is_there(clocked, person):
    colleague = clocked.new_person(person.user["account_id"])
    key = revealable_key(person)
    new = new_password()
    expect(try_accept(clocked, new_reset(clocked, person)["token"], new), 204)
    person.password = new
    person.sign_in()
    problem(reveal(person, key), 409, "reveal_unavailable")
    assert person.call("GET", f"/api/v1/credentials/{key['id']}").json()["reveal"] == "available"
    assert expect(reveal(colleague, key), 200).json()["token"] == key["token"]
