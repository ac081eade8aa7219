"""The second factor: RFC 6238 codes, each good once, and recovery codes (ASVS 6.3.3, 6.5.1–6.5.5).

The server's clock stands a moment before a step whenever a test asks for one, and is put forward step by step: no test
waits thirty seconds.
"""

import re
import urllib.parse

import pytest

from client import Person, absent_id, elsewhere, expect, in_parallel, new_email, new_password
from shapes import problem, same_bytes
from totp import STEP, begin, confirm, enrol, plant_codes

TOTP = "/api/v1/users/current/totp"
RECOVERY_CODES = "/api/v1/users/current/recovery-codes"


@pytest.fixture
def somebody(clocked):
    # To the beginning of a step, so that none ends in the middle of a test.
    clocked.clock.forward(seconds=STEP - clocked.server.now() % STEP)
    return clocked.new_person(clocked.new_account(credits=None)["id"])


@pytest.fixture
def guarded(clocked, somebody):
    """Somebody with a second factor, of whose steps none is spent."""
    somebody.app = enrol(somebody)
    clocked.clock.forward(seconds=STEP)
    return somebody


def has_second_factor(person):
    return expect(person.call("GET", "/api/v1/users/current"), 200).json()["second_factor"]


def attempt(person, code=None, password=None, source=None):
    """One attempt to sign in; from a source of its own, unless one is given, so that none is throttled."""
    visitor = Person(source or elsewhere(person.client.server), person.email, person.password)
    return visitor.try_sign_in(password=password, code=code)


# Setting it


def test_what_an_authenticator_app_needs(somebody):
    """RFC 6238 and the otpauth URI that all apps read; the secret has 160 bits, as RFC 4226 recommends."""
    answer = expect(somebody.call("POST", TOTP), 201)
    made = answer.json()
    assert set(made) == {"secret", "uri"} and answer.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[A-Z2-7]{32,}", made["secret"])
    uri = urllib.parse.urlsplit(made["uri"])
    query = dict(urllib.parse.parse_qsl(uri.query, strict_parsing=True))
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert somebody.email in urllib.parse.unquote(uri.path)
    assert query["secret"] == made["secret"] and query["issuer"]
    # What is said must be what is meant; what isn't said is this by itself.
    assert (query.get("algorithm", "SHA1"), query.get("digits", "6"), query.get("period", "30")) == ("SHA1", "6", "30")


def test_it_counts_once_it_is_confirmed(somebody):
    app = begin(somebody)
    assert has_second_factor(somebody) is False
    assert attempt(somebody).status_code == 201, "a secret that nobody has typed in yet shuts its owner out"
    refusal = confirm(somebody, app, app.wrong_code())
    problem(refusal, 400, "invalid_request", field="code")
    assert has_second_factor(somebody) is False
    codes = expect(confirm(somebody, app), 200).json()["recovery_codes"]
    assert len(set(codes)) == 10 and all(len(code) >= 8 for code in codes)
    assert has_second_factor(somebody) is True
    problem(attempt(somebody), 401, "second_factor_required")
    problem(somebody.call("POST", TOTP), 409, "second_factor_set")
    problem(confirm(somebody, app), 409, "no_enrolment")
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)


def test_confirming_it_ends_the_other_sessions(somebody):
    """ASVS 7.4.3: whoever has got in with the password alone could take it away again."""
    others = [somebody.another_session() for _ in range(2)]
    enrol(somebody)
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)
    for other in others:
        problem(other.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")


def test_nothing_that_was_begun_cannot_be_confirmed(somebody):
    problem(confirm(somebody, None, "123456"), 409, "no_enrolment")


def test_beginning_again_forgets_the_first_secret(somebody):
    first, second = begin(somebody), begin(somebody)
    assert first.secret != second.secret
    problem(confirm(somebody, first), 400, "invalid_request", field="code")
    expect(confirm(somebody, second), 200)


# Signing in


def test_signing_in_takes_password_and_code(guarded):
    problem(attempt(guarded), 401, "second_factor_required")
    problem(attempt(guarded, guarded.app.wrong_code()), 401, "sign_in_failed")
    answer = expect(attempt(guarded, guarded.app.code()), 201)
    assert answer.json()["user"]["second_factor"] is True


def test_only_who_has_the_password_learns_of_the_second_factor(guarded, clocked):
    """ASVS 6.3.8: a wrong password gets one answer, whatever comes with it and whoever is asked for."""
    wrong = new_password()
    first = attempt(guarded, password=wrong)
    problem(first, 401, "sign_in_failed")
    same_bytes(first, attempt(guarded, guarded.app.code(), password=wrong))
    same_bytes(first, attempt(guarded, guarded.app.recovery_codes[0], password=wrong))
    nobody = Person(elsewhere(clocked.server), new_email(), wrong)
    same_bytes(first, nobody.try_sign_in())
    same_bytes(first, nobody.try_sign_in(code="123456"))
    # None of this has spent the codes.
    assert attempt(guarded, guarded.app.code()).status_code == 201
    assert attempt(guarded, guarded.app.recovery_codes[0]).status_code == 201


def test_a_code_without_a_second_factor_is_no_obstacle(somebody):
    """Who has taken it away and types a code from habit gets in, or is told; never a fault."""
    assert attempt(somebody, "123456").status_code in (201, 400)


def test_clocks_may_be_one_step_apart(guarded, clocked):
    """ASVS 6.5.5: one step either way (RFC 6238 §5.2), and no further; the clock is the server's."""
    clocked.clock.forward(seconds=STEP)  # the code of the enrolment is two steps old
    for steps in (-2, 2, 3, -20, 20):
        problem(attempt(guarded, guarded.app.code(steps)), 401, "sign_in_failed")
    for steps in (-1, 0, 1):
        assert attempt(guarded, guarded.app.code(steps)).status_code == 201, steps


def test_a_code_is_good_once(guarded, clocked):
    """ASVS 6.5.1: the second use is refused, wherever it is tried."""
    code = guarded.app.code()
    assert attempt(guarded, code).status_code == 201
    problem(attempt(guarded, code), 401, "sign_in_failed")
    problem(guarded.try_reauthenticate(code=code), 401, "sign_in_failed")
    clocked.clock.forward(seconds=STEP)
    problem(attempt(guarded, code), 401, "sign_in_failed")
    assert attempt(guarded, guarded.app.code()).status_code == 201


def test_the_code_of_the_confirmation_is_spent(somebody, clocked):
    app = enrol(somebody)
    problem(attempt(somebody, app.code()), 401, "sign_in_failed")
    clocked.clock.forward(seconds=STEP)
    assert attempt(somebody, app.code()).status_code == 201


@pytest.mark.race
def test_one_code_opens_one_session_however_many_try_at_once(guarded):
    """ASVS 6.5.1, 15.4.2: looking at a code and spending it are one step."""
    code = guarded.app.code()
    statuses = in_parallel(lambda _: attempt(guarded, code).status_code, range(8), threads=8)
    assert sorted(statuses) == [201] + [401] * 7


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "abcdef", "１２３４５６", "-12345", "x" * 5000, "\u0000"]
)
def test_what_is_no_code_is_refused(guarded, code):
    refusal = attempt(guarded, code)
    assert refusal.status_code in (400, 401), refusal.text
    problem(refusal, refusal.status_code, {"invalid_request", "sign_in_failed", "second_factor_required"})


@pytest.mark.parametrize("code", [123456, [], {}, True])
def test_a_code_is_a_text(guarded, code):
    problem(attempt(guarded, code), 400, "invalid_request", field="code")


# Recovery codes


def test_each_recovery_code_is_good_once(guarded):
    """ASVS 6.5.1: and one after the other opens, to the last."""
    codes = guarded.app.recovery_codes
    for code in codes:
        assert attempt(guarded, code).status_code == 201
    for code in codes[:3]:
        problem(attempt(guarded, code), 401, "sign_in_failed")
    assert attempt(guarded, guarded.app.code()).status_code == 201, "the app works on"


@pytest.mark.race
def test_one_recovery_code_opens_one_session_however_many_try_at_once(guarded):
    code = guarded.app.recovery_codes[0]
    statuses = in_parallel(lambda _: attempt(guarded, code).status_code, range(8), threads=8)
    assert sorted(statuses) == [201] + [401] * 7


def test_a_recovery_code_proves_who_you_are_again(guarded):
    code = guarded.app.recovery_codes[0]
    guarded.reauthenticate(code=code)
    problem(guarded.try_reauthenticate(code=code), 401, "sign_in_failed")
    problem(attempt(guarded, code), 401, "sign_in_failed")


def test_a_recovery_code_is_its_owners(guarded, clocked):
    other = clocked.new_person(guarded.user["account_id"])
    enrol(other)
    problem(attempt(other, guarded.app.recovery_codes[0]), 401, "sign_in_failed")
    assert attempt(guarded, guarded.app.recovery_codes[0]).status_code == 201


def test_new_recovery_codes_end_the_old(guarded):
    old = guarded.app.recovery_codes
    guarded.reauthenticate(code=guarded.app.code())
    answer = expect(plant_codes(guarded.call("POST", RECOVERY_CODES)), 201)
    new = answer.json()["recovery_codes"]
    assert set(answer.json()) == {"recovery_codes"} and answer.headers["cache-control"] == "no-store"
    assert len(set(new)) == 10 and not set(new) & set(old)
    for code in (old[0], old[4], old[9]):
        problem(attempt(guarded, code), 401, "sign_in_failed")
    assert attempt(guarded, new[9]).status_code == 201


def test_no_recovery_codes_without_a_second_factor(somebody):
    problem(somebody.call("POST", RECOVERY_CODES), 409, "no_second_factor")
    begin(somebody)
    problem(somebody.call("POST", RECOVERY_CODES), 409, "no_second_factor")


# Taking it away


def test_taking_it_away_takes_its_codes_away(guarded, clocked):
    problem(Person(guarded.client, guarded.email, guarded.password).try_sign_in(), 401, "second_factor_required")
    expect(guarded.call("DELETE", TOTP), 204)
    assert has_second_factor(guarded) is False
    assert attempt(guarded).status_code == 201
    problem(guarded.call("DELETE", TOTP), 409, "no_second_factor")
    # A new one has nothing of the old one.
    old, new = guarded.app, enrol(guarded)
    clocked.clock.forward(seconds=STEP)
    for code in (old.code(), *old.recovery_codes[:2]):
        problem(attempt(guarded, code), 401, "sign_in_failed")
    assert attempt(guarded, new.code()).status_code == 201


def test_nothing_is_there_to_take_away(somebody):
    problem(somebody.call("DELETE", TOTP), 409, "no_second_factor")


def removal(user_id, account_id):
    return "DELETE", f"/api/v1/accounts/{account_id}/users/{user_id}/second-factor"


def test_an_admin_takes_it_away_from_who_has_lost_it(guarded, clocked):
    """The way out for who has neither the app nor a recovery code."""
    user = guarded.user
    problem(clocked.call(*removal(user["id"], user["account_id"])), 403, "session_required")
    clocked.admin.fresh()
    clocked.clock.forward(minutes=6)
    problem(clocked.admin.call(*removal(user["id"], user["account_id"])), 403, "reauthentication_required")
    problem(attempt(guarded), 401, "second_factor_required")
    expect(clocked.admin.fresh().call(*removal(user["id"], user["account_id"])), 204)
    assert has_second_factor(guarded) is False
    assert attempt(guarded).status_code == 201
    guarded.reauthenticate()
    enrol(guarded)
    problem(attempt(guarded, guarded.app.recovery_codes[0]), 401, "sign_in_failed")


def test_nobody_but_an_admin_takes_it_away_from_another(guarded, clocked):
    """Not even the other root user of the account, who could sign in as them after a reset otherwise."""
    colleague = clocked.new_person(guarded.user["account_id"])
    problem(colleague.call(*removal(guarded.user["id"], guarded.user["account_id"])), 403, "admin_only")
    member = clocked.new_person(guarded.user["account_id"], role="member")
    problem(member.call(*removal(guarded.user["id"], guarded.user["account_id"])), 403, "admin_only")
    problem(attempt(guarded), 401, "second_factor_required")


def test_who_is_in_another_account_is_nobody(guarded, clocked):
    own, other = guarded.user["account_id"], clocked.new_account(credits=None)["id"]
    call = clocked.admin.fresh().call
    absent = call(*removal(absent_id(), own))
    problem(absent, 404, "not_found")
    same_bytes(absent, call(*removal(guarded.user["id"], other)))
    same_bytes(absent, call(*removal(guarded.user["id"], absent_id())))
    same_bytes(absent, call(*removal("not-an-id", own)))
    assert has_second_factor(guarded) is True


# Guessing


def test_guessing_codes_is_throttled(guarded, clocked):
    """ASVS 6.3.1: from one source, as passwords are. Six digits are a million possibilities, and three are right."""
    thief = elsewhere(clocked.server)
    answers = [attempt(guarded, guarded.app.wrong_code(), source=thief) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
    problem(answers[-1], 429, "too_many_attempts")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 3600
    problem(attempt(guarded, guarded.app.code(), source=thief), 429, "too_many_attempts")
    clocked.clock.forward(minutes=16)
    assert attempt(guarded, guarded.app.code(), source=thief).status_code == 201


def test_an_owner_has_a_way_in_while_codes_are_guessed(guarded, clocked):
    """Who has the password can stop the codes, and not the recovery codes, which nobody can guess."""
    for _ in range(30):
        attempt(guarded, guarded.app.wrong_code())
    assert attempt(guarded, guarded.app.code()).status_code == 429
    assert attempt(guarded, guarded.app.recovery_codes[0]).status_code == 201


def test_guessing_codes_from_many_places_is_throttled_too(guarded, clocked):
    """Who has the password and a thousand addresses must not have a thousand times as many guesses."""
    statuses = [attempt(guarded, guarded.app.wrong_code()).status_code for _ in range(40)]
    assert set(statuses) == {401, 429} and statuses.count(401) <= 20, statuses
    clocked.clock.forward(minutes=16)
    assert attempt(guarded, guarded.app.code()).status_code == 201


def test_wrong_passwords_do_not_keep_the_owner_from_typing_codes(guarded):
    """The throttle of codes is behind the password: who doesn't have that can't shut the owner out."""
    for _ in range(30):
        problem(attempt(guarded, "123456", password="not the password at all"), 401, "sign_in_failed")
    assert attempt(guarded, guarded.app.code()).status_code == 201


def test_a_right_code_is_not_counted(guarded, clocked):
    """Who signs in often, and rightly, is not guessing."""
    regular = elsewhere(clocked.server)
    for _ in range(12):
        clocked.clock.forward(seconds=STEP)
        assert attempt(guarded, guarded.app.code(), source=regular).status_code == 201


def test_signing_in_in_two_steps_is_not_guessing(guarded, clocked):
    """As every page does it: the password first, then the code. Nobody behind the same address is shut out by that."""
    office = elsewhere(clocked.server)
    for _ in range(120):
        problem(attempt(guarded, source=office), 401, "second_factor_required")
    assert attempt(guarded, guarded.app.code(), source=office).status_code == 201


def test_it_survives_a_restart(own_clocked):
    """Also that a code was used: a restart must not make it good again."""
    deployment = own_clocked
    person = deployment.new_person(deployment.new_account(credits=None)["id"])
    app = enrol(person)
    deployment.clock.forward(seconds=STEP)
    code = app.code()
    assert attempt(person, code).status_code == 201
    deployment.server.kill()
    deployment.server.start()
    problem(attempt(person), 401, "second_factor_required")
    problem(attempt(person, code), 401, "sign_in_failed")
    problem(attempt(person, app.wrong_code()), 401, "sign_in_failed")
    assert attempt(person, app.code(1)).status_code == 201
    assert attempt(person, app.recovery_codes[0]).status_code == 201
