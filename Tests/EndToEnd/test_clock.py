"""A clock that was wrong for a while: nothing that it has left goes on for as long as it was wrong."""

import pytest

from client import exact, expect, unique
from shapes import TIME, problem

YEAR = {"days": 365}
BACK = {"days": -365}


def test_what_was_proved_while_the_clock_was_ahead_is_not_fresh(own_clocked):
    """The session itself is over as well: its times are of a future that has not come."""
    deployment = own_clocked
    tenant = deployment.new_tenant(credits=None)
    person = deployment.new_person(tenant.account["id"])
    deployment.clock.forward(**YEAR)
    person.sign_in()
    assert person.call("GET", "/api/v1/sessions/current").status_code == 200
    deployment.clock.forward(**BACK)
    problem(person.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    # What is proved now is fresh, and what was proved a second in the future is not.
    person.sign_in()
    body = {"name": unique("token"), "scopes": ["catalog:read"]}
    expect(person.call("POST", "/api/v1/platform-tokens", json=body), 201)
    deployment.clock.forward(seconds=-2)
    problem(person.call("POST", "/api/v1/platform-tokens", json=body), 403, "reauthentication_required")
    expect(person.call("GET", "/api/v1/sessions/current"), 200)


def test_who_failed_or_created_while_the_clock_was_ahead_is_not_shut_out_for_a_year(own_clocked):
    deployment = own_clocked
    tenant = deployment.new_tenant(cap=10)
    app = tenant.application()
    deployment.clock.forward(**YEAR)
    tenant.person.sign_in()
    for _ in range(10):
        tenant.delete_credential(tenant.credential(app["id"])["id"])
    problem(tenant.try_credential(app["id"]), 429, "daily_creation_limit_reached")
    stranger = {"email": tenant.person.email, "password": "a wrong password of theirs"}
    codes = [deployment.client.call("POST", "/api/v1/sessions", json=stranger).status_code for _ in range(12)]
    assert codes[0] == 401 and codes[-1] == 429, codes
    deployment.clock.forward(**BACK)
    tenant.person.sign_in()
    expect(tenant.try_credential(app["id"]), 201)


def test_a_call_before_1970_is_in_the_books_as_any_other(own_clocked):
    deployment = own_clocked
    tenant = deployment.new_tenant(credits=1000)
    key = tenant.credential(tenant.application()["id"])
    deployment.clock.forward(days=-60 * 365)
    expect(deployment.client.chat(key["token"]), 200)
    finished = deployment.check_ledger()
    assert finished.returncode == 0 and "ledger ok" in finished.stdout, finished.stdout + finished.stderr
    deployment.clock.forward(days=60 * 365)
    tenant.person.sign_in()
    first = tenant.ledger()
    assert {entry["kind"] for entry in first} >= {"grant", "charge"}
    assert [entry["created_at"][:2] for entry in first if entry["kind"] == "charge"] == ["19"]


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:60Z"])
@pytest.mark.parametrize("field", ["expired_at", "expires_at", "effective_at"])
def test_a_time_that_could_not_be_shown_again_is_refused_by_field(deployment, pets, field, time):
    """RFC 3339 has four digits for a year, and everything is shown in UTC."""
    if field == "expired_at":
        answer = pets.try_credential(pets.cat["id"], expired_at=time)
    elif field == "expires_at":
        body = {"name": unique("token"), "scopes": ["catalog:read"], "expires_at": time}
        answer = pets.person.fresh().call("POST", "/api/v1/platform-tokens", json=body)
    else:
        answer = deployment.try_version("price", deployment.new_model()["id"], 3, effective_at=time)
    assert "0000 to 9999" in problem(answer, 400, "invalid_request", field)["detail"]


def test_the_last_time_that_can_be_shown_is_shown_as_it_was_given(pets):
    made = exact(expect(pets.try_credential(pets.cat["id"], expired_at="9999-12-31T23:59:59.999999Z"), 201))
    assert made["expired_at"] == "9999-12-31T23:59:59.999999Z" and TIME.fullmatch(made["expired_at"])
    pets.delete_credential(made["id"])
