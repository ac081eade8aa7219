"""Passwords, sessions and the throttle (checklist rows 16–28, 37–43, 47, 51–54; NIST SP 800-63B-4 §3.1.1.2)."""

import calendar
import statistics
import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest

import planted
from client import Person, absent_id, elsewhere, expect, in_parallel, new_email, new_password, session_cookie, unique
from deployment import Deployment, all_items
from shapes import SESSION, USER, UUID7, problem, rule, same_bytes
from waiting import wait_until

IDLE_MINUTES, ABSOLUTE_HOURS = 1, 2


@pytest.fixture(scope="session")
def _door(homes):
    """A server of this file's own: throttled sources and short sessions must not meet other tests."""
    made = Deployment(
        homes / "door",
        {
            "LATCHKEY_SESSION_IDLE_MINUTES": IDLE_MINUTES,
            "LATCHKEY_SESSION_ABSOLUTE_HOURS": ABSOLUTE_HOURS,
            "LATCHKEY_LOG_LEVEL": "trace",
        },
    )
    yield made
    made.close()


@pytest.fixture
def door(_door):
    yield _door
    assert _door.server.is_running, f"the server died in this test\n{_door.server.stderr[-3000:]}"


# Sessions that age: begun first, judged last, so that the minute passes while other tests run.


class KeptAlive(threading.Thread):
    """Uses a session every few seconds, in the background, and remembers what it was answered."""

    def __init__(self, person):
        super().__init__(daemon=True)
        self.person, self.answers, self.stopped = person, [], threading.Event()

    def run(self):
        while not self.stopped.wait(10):
            try:
                self.answers.append(self.person.call("GET", "/api/v1/sessions/current").status_code)
            except OSError as error:
                self.answers.append(type(error).__name__)


@pytest.fixture(scope="session")
def ageing(_door):
    """A session that nobody uses, and one that is used all the time."""
    account = _door.new_account()
    idle, used = _door.new_person(account["id"]), _door.new_person(account["id"])
    idle.since = time.time()
    keeping = KeptAlive(used)
    keeping.start()
    yield idle, keeping
    keeping.stopped.set()
    keeping.join(30)


@pytest.mark.at_the_start
def test_a_session_says_when_it_ends(ageing):
    """The limits that were configured are the limits that are told."""
    idle, _ = ageing

    def seconds_until(text):
        return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) - idle.since

    assert seconds_until(idle.session["expires_at"]) == pytest.approx(ABSOLUTE_HOURS * 3600, abs=15)
    assert seconds_until(idle.session["idle_expires_at"]) == pytest.approx(IDLE_MINUTES * 60, abs=15)


@pytest.mark.at_the_end
def test_an_idle_session_ends_and_a_used_one_does_not(ageing):
    """Checklist 7.3.1: a minute without a call ends a session; one that is used every few seconds stays."""
    idle, keeping = ageing
    wait_until(idle.since + IDLE_MINUTES * 60 + 12)
    problem(idle.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    keeping.stopped.set()
    keeping.join(30)
    assert len(keeping.answers) >= 6 and set(keeping.answers) == {200}, keeping.answers
    expect(keeping.person.call("GET", "/api/v1/sessions/current"), 200)


# Passwords


def accept(door, password, email=None):
    invitation = door.invite(door.new_account()["id"], email)
    body = {"token": invitation["token"], "password": password}
    return invitation["email"], door.client.call("POST", "/api/v1/invitations/accept", json=body)


def test_fourteen_characters_are_too_few_and_fifteen_enough(door):
    """NIST: at least 15 as the only factor; the reason is told. The refusal doesn't spend the invitation."""
    fifteen = new_password()[:15]
    planted.plant("password", fifteen)
    invitation = door.invite(door.new_account()["id"])

    def try_password(password):
        return door.client.call(
            "POST", "/api/v1/invitations/accept", json={"token": invitation["token"], "password": password}
        )

    refusal = try_password(fifteen[:14])
    problem(refusal, 400, "invalid_request", field="password")
    assert "15" in rule(refusal, "password")
    expect(try_password(fifteen), 201)
    assert Person(door.client, invitation["email"], fifteen).try_sign_in().status_code == 201


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "123456789012345",
        "111111111111111111",
        "qwertyuiopasdfghjkl",
        "correcthorsebatterystaple",
        "PasswordPassword",
        "latchkeylatchkey",
        "abcabcabcabcabcabc",
    ],
)
def test_passwords_that_everybody_tries_are_refused(door, password):
    """The blocklist compares the whole password and says why."""
    _, refusal = accept(door, password)
    problem(refusal, 400, "invalid_request", field="password")


def test_the_own_address_is_no_password(door):
    email = unique("a-rather-long-address") + "@example.test"
    _, refusal = accept(door, email, email)
    problem(refusal, 400, "invalid_request", field="password")


@pytest.mark.parametrize(
    "make",
    [
        lambda: new_password().lower(),
        lambda: " ".join(new_password()[i : i + 5] for i in range(0, 20, 5)),
        lambda: "пароль от двери " + new_password(),
        lambda: "🐈🐕🐈🐕 " + new_password(),
        lambda: new_password() + "'\"\\<>;--/*",
    ],
    ids=["only letters and digits", "blanks", "Cyrillic", "emoji", "marks"],
)
def test_no_composition_is_asked_for(door, make):
    password = planted.plant("password", make())
    email, accepted = accept(door, password)
    expect(accepted, 201)
    assert Person(door.client, email, password).try_sign_in().status_code == 201


def test_one_password_in_two_unicode_forms_is_one_password(door):
    """NFKC: the same password typed on two keyboards. Composed, decomposed, and full-width forms."""
    composed = "Käse-Brötchen-ﬁn-" + new_password()
    email, accepted = accept(door, planted.plant("password", composed))
    expect(accepted, 201)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        variant = planted.plant("password", unicodedata.normalize(form, composed))
        assert Person(door.client, email, variant).try_sign_in().status_code == 201, form
    full_width = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in composed)
    assert Person(door.client, email, full_width).try_sign_in().status_code == 201
    assert Person(door.client, email, composed.replace("ä", "a")).try_sign_in().status_code == 401


def test_a_thousand_characters_count_to_the_last(door):
    """No truncation anywhere: not at 64, not at 72 as bcrypt does, not at the end."""
    password = "".join(new_password() for _ in range(42))[:1000]
    assert len(password) == 1000
    email, accepted = accept(door, planted.plant("password", password))
    expect(accepted, 201)
    somewhere = elsewhere(door.server)
    for wrong in (
        password[:64],
        password[:72],
        password[:128],
        password[:999],
        password[:-1] + ("a" if password[-1] != "a" else "b"),
        password + "a",
    ):
        assert Person(somewhere, email, wrong).try_sign_in().status_code == 401
    assert Person(somewhere, email, password).try_sign_in().status_code == 201


def test_passwords_are_not_trimmed_or_folded(door):
    password = new_password()
    email, accepted = accept(door, password)
    expect(accepted, 201)
    somewhere = elsewhere(door.server)
    for wrong in (" " + password, password + " ", password.swapcase(), password + "\u0000"):
        assert Person(somewhere, email, wrong).try_sign_in().status_code in (400, 401)
    assert Person(somewhere, email, password).try_sign_in().status_code == 201


# Signing in and out


@pytest.fixture
def somebody(door):
    return door.new_person(door.new_account()["id"])


def test_the_session_cookie(somebody):
    """Checklist 3.3: __Host- prefix, Secure, HttpOnly, SameSite=Strict, Path=/, no Domain; the cookie is random."""
    response = expect(somebody.try_sign_in(), 201)
    cookie = session_cookie(response)
    planted.plant("session cookie", cookie.value)
    assert cookie["secure"] and cookie["httponly"]
    assert (cookie["samesite"].lower(), cookie["path"], cookie["domain"]) == ("strict", "/", "")
    assert len(cookie.value) >= 22, "fewer than 128 bits"
    assert set(response.json()) == SESSION and set(response.json()["user"]) == USER
    assert cookie.value not in response.text
    assert response.headers["cache-control"] == "no-store"


def test_every_sign_in_has_its_own_session(somebody):
    """Nothing to fixate: each sign-in makes a new cookie, and ending one session leaves the others."""
    second = Person(somebody.client, somebody.email, somebody.password).sign_in()
    assert second.cookie != somebody.cookie and second.csrf != somebody.csrf
    expect(second.sign_out(), 204)
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)


def test_sessions_are_listed_and_ended(door, somebody):
    """ASVS 7.5.2: who is signed in with my password, and out with them; the one that asks is marked."""
    second, third = somebody.another_session(), somebody.another_session()
    listed = all_items(second.call, "/api/v1/sessions")
    assert [set(each) for each in listed] == [{"id", "created_at", "last_seen_at", "expires_at", "current"}] * 3
    assert [each["current"] for each in listed] == [False, True, False], "newest first"
    assert all(UUID7.match(each["id"]) for each in listed)
    assert listed[0]["expires_at"] == third.session["expires_at"]
    times = [each["created_at"] for each in listed]
    assert times == sorted(times, reverse=True) and all(each["last_seen_at"] >= each["created_at"] for each in listed)
    assert somebody.cookie not in str(listed) and second.csrf not in str(listed)
    expect(second.call("DELETE", f"/api/v1/sessions/{listed[0]['id']}"), 204)
    problem(third.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    problem(second.call("DELETE", f"/api/v1/sessions/{listed[0]['id']}"), 404, "not_found")
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)
    # One's own as well; that is signing out.
    expect(second.call("DELETE", f"/api/v1/sessions/{listed[1]['id']}"), 204)
    problem(second.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    assert [each["id"] for each in all_items(somebody.call, "/api/v1/sessions")] == [listed[2]["id"]]


def test_a_session_is_its_users_to_end(door, somebody):
    """ASVS 8.2.2: not another's, of the same account or of another one; an absent one looks the same."""
    colleague = door.new_person(somebody.user["account_id"])
    foreign = all_items(colleague.call, "/api/v1/sessions")[0]["id"]
    absent = somebody.call("DELETE", f"/api/v1/sessions/{absent_id()}")
    problem(absent, 404, "not_found")
    same_bytes(absent, somebody.call("DELETE", f"/api/v1/sessions/{foreign}"))
    same_bytes(absent, somebody.call("DELETE", "/api/v1/sessions/not-an-id"))
    expect(colleague.call("GET", "/api/v1/sessions/current"), 200)
    assert foreign not in str(all_items(somebody.call, "/api/v1/sessions"))
    problem(somebody.call("GET", "/api/v1/sessions?user_id=x"), 400, "unknown_parameter")


def test_the_oldest_of_fifty_sessions_goes(door, somebody):
    """A script that signs in for each call fills no table, and its owner stays able to sign in."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: expect(somebody.try_sign_in(), 201), range(49)))
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)
    newest = somebody.another_session()
    problem(somebody.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    assert len(all_items(newest.call, "/api/v1/sessions")) == 50


def test_the_current_session(somebody):
    current = expect(somebody.call("GET", "/api/v1/sessions/current"), 200).json()
    assert set(current) == SESSION
    assert current["user"] == somebody.user
    assert current["csrf_token"] == somebody.csrf
    assert somebody.user["admin"] is False


def test_signing_out_ends_the_session_at_once(somebody):
    response = expect(somebody.sign_out(), 204)
    assert '"cookies"' in response.headers["clear-site-data"]
    after = somebody.call("GET", "/api/v1/sessions/current")
    problem(after, 401, "unauthenticated")
    assert after.headers["www-authenticate"].startswith('Bearer realm="latchkey"')
    problem(
        somebody.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "echo"}),
        401,
        "unauthenticated",
    )


def test_a_changed_cookie_is_no_session(somebody):
    right = somebody.cookie
    for wrong in (
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        right[:-1],
        right + "A",
        "",
        "null",
        right.swapcase(),
    ):
        somebody.cookie = wrong
        assert somebody.call("GET", "/api/v1/sessions/current").status_code == 401
    somebody.cookie = right
    expect(somebody.call("GET", "/api/v1/sessions/current"), 200)


def test_a_platform_token_is_no_session(somebody):
    """Session-only routes: a token that leaks doesn't give the account's session away."""
    token = somebody.platform_token()["token"]
    for method in ("GET", "DELETE"):
        problem(somebody.client.call(method, "/api/v1/sessions/current", token=token), 403, "session_required")


def test_cookie_and_token_together_are_ambiguous(somebody):
    token = somebody.platform_token()["token"]
    problem(somebody.call("GET", "/api/v1/applications", token=token), 400, "ambiguous_credentials")


# Cross-site requests

NEW_APP = {"name": "A", "kind": "chat", "model": "echo"}


def test_a_change_needs_the_csrf_token(somebody, door):
    """Checklist 3.5: POST, PATCH and DELETE need the session's own token; reading doesn't."""
    other = door.new_person(door.new_account()["id"])
    app = expect(somebody.call("POST", "/api/v1/applications", json=NEW_APP), 201).json()
    for headers in (
        {},
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "guess"},
        {"X-CSRF-Token": other.csrf},
        {"X-CSRF-Token": somebody.csrf[:-1]},
    ):
        for method, path, body in (
            ("POST", "/api/v1/applications", NEW_APP),
            ("PATCH", f"/api/v1/applications/{app['id']}", {"name": "B"}),
            ("DELETE", f"/api/v1/applications/{app['id']}", None),
            ("DELETE", "/api/v1/sessions/current", None),
        ):
            keywords = {} if body is None else {"json": body}
            problem(somebody.call(method, path, headers=headers, csrf=False, **keywords), 403, "csrf_failed")
    assert somebody.call("GET", f"/api/v1/applications/{app['id']}").json()["name"] == "A"


def test_another_origin_is_refused_even_with_the_token(somebody):
    host = somebody.client.server.url
    for origin in (
        "https://evil.example",
        "null",
        host.replace("127.0.0.1", "127.0.0.1.evil.example"),
        "http://127.0.0.1:1",
    ):
        refusal = somebody.call("POST", "/api/v1/applications", json=NEW_APP, headers={"Origin": origin})
        problem(refusal, 403, "csrf_failed")
        assert "access-control-allow-origin" not in refusal.headers
    expect(somebody.call("POST", "/api/v1/applications", json=NEW_APP, headers={"Origin": host}), 201)


def test_what_a_form_can_send_changes_nothing(somebody):
    """A cross-site form sends the cookie of a lax browser with one of these types: none of them is JSON."""
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        refusal = somebody.call(
            "POST",
            "/api/v1/applications",
            data='{"name":"A","kind":"chat","model":"echo"}',
            headers={"Content-Type": media_type},
        )
        problem(refusal, 415, "unsupported_media_type")
    assert somebody.call("GET", "/api/v1/applications").json()["items"] == []


def test_no_answer_allows_another_origin(somebody):
    """No CORS: neither a preflight nor an answer names another origin (checklist 3.4.2)."""
    for method in ("GET", "OPTIONS"):
        answer = somebody.call(
            method,
            "/api/v1/applications",
            headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"},
        )
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


# Guessing


def test_an_unknown_address_gets_the_same_answer(door, somebody):
    known = Person(elsewhere(door.server), somebody.email, new_password()).try_sign_in()
    unknown = Person(elsewhere(door.server), new_email(), new_password()).try_sign_in()
    problem(known, 401, "sign_in_failed")
    assert known.content == unknown.content
    own = {"x-request-id", "date"}
    assert [h for h in known.headers.items() if h[0].lower() not in own] == [
        h for h in unknown.headers.items() if h[0].lower() not in own
    ]


def test_an_unknown_address_takes_the_same_time(door):
    """Checklist 6.3.7: medians of 30 tries within 30 %. Each try comes from another source, so none is throttled."""
    account = door.new_account()
    people = [door.new_person(account["id"]) for _ in range(5)]
    known, unknown = [], []
    for number in range(30):
        # In turns, so that a busy moment of the machine meets both.
        for times, email in ((known, people[number % 5].email), (unknown, new_email())):
            visitor = Person(elsewhere(door.server), email, new_password())
            began = time.perf_counter()
            status = visitor.try_sign_in().status_code
            times.append(time.perf_counter() - began)
            assert status == 401
    ratio = statistics.median(known) / statistics.median(unknown)
    assert 1 / 1.3 < ratio < 1.3, f"known {statistics.median(known):.4f} s, unknown {statistics.median(unknown):.4f} s"


def test_guessing_is_throttled_without_locking_the_owner_out(door, somebody):
    """Ten failures from one source on one address, then 429. The owner signs in from elsewhere, others from there."""
    attacker = elsewhere(door.server)
    neighbour = door.new_person(door.new_account()["id"])
    guesses = [Person(attacker, somebody.email, new_password()).try_sign_in() for _ in range(12)]
    assert [guess.status_code for guess in guesses] == [401] * 10 + [429] * 2
    refusal = guesses[-1]
    problem(refusal, 429, "too_many_attempts")
    assert 1 <= int(refusal.headers["retry-after"]) <= 3600
    # Also the right password is refused from there: a throttle that lets it through would confirm a guess.
    problem(Person(attacker, somebody.email, somebody.password).try_sign_in(), 429, "too_many_attempts")
    assert Person(elsewhere(door.server), somebody.email, somebody.password).try_sign_in().status_code == 201
    assert Person(attacker, neighbour.email, neighbour.password).try_sign_in().status_code == 201
    # A forwarded address that a stranger wrote makes no new source of them.
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        spoofed = Person(attacker, somebody.email, new_password()).try_sign_in(headers={name: "203.0.113.9"})
        assert spoofed.status_code == 429, name


def test_unknown_addresses_are_throttled_alike(door):
    """If only real accounts were throttled, the throttle would tell which ones are real."""
    attacker, email = elsewhere(door.server), new_email()
    statuses = [Person(attacker, email, new_password()).try_sign_in().status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2


@pytest.mark.race
def test_many_guesses_at_once_don_t_slip_through(door, somebody):
    """Attempts count when they begin: forty at once are no way around the ten."""
    attacker = elsewhere(door.server)
    statuses = in_parallel(
        lambda _: Person(attacker, somebody.email, new_password()).try_sign_in().status_code, range(40), threads=20
    )
    assert statuses.count(401) <= 10
    assert set(statuses) <= {401, 429}


def test_a_source_cannot_try_one_password_on_many_accounts(door):
    """Stuffing: the hundredth different address from one source is refused, too. Threaded to stay quick."""
    attacker = elsewhere(door.server)
    password = new_password()
    statuses = in_parallel(
        lambda _: Person(attacker, new_email(), password).try_sign_in().status_code, range(130), threads=4
    )
    assert statuses.count(429) >= 20
    assert set(statuses) <= {401, 429}


def test_right_passwords_are_not_counted(door, somebody):
    """A script that signs in often, and rightly, is not an attack."""
    regular = elsewhere(door.server)
    for _ in range(12):
        assert Person(regular, somebody.email, somebody.password).try_sign_in().status_code == 201


def test_addresses_are_compared_without_case(door, somebody):
    assert Person(elsewhere(door.server), somebody.email.upper(), somebody.password).try_sign_in().status_code == 201
