"""`explain`: every check of a call that nobody makes (N6; design §6). It is free, it shows what comes behind the first
obstacle too, and it says what the call itself would be told.
"""

import calendar
import threading
import time
from decimal import Decimal

import pytest

from client import Literal, absent_id, at, expect, seconds, unique
from deployment import PLENTY
from key_calls import explain, outcomes, path_of, refused, rotate, try_explain
from receipts import STANDARD, away_from_midnight, books_are_right, receipt
from shapes import problem, same_bytes
from waiting import wait_until

ELSEWHERE = "203.0.113.7"
HOST = "app.example.com"


@pytest.fixture
def app(tenant):
    return tenant.application()


def everything(tenant):
    """All that a free question must leave as it is."""
    return [
        tenant.account_now(),
        tenant.ledger(),
        tenant.usage(),
        expect(tenant.call("GET", "/api/v1/credentials"), 200).json(),
        expect(tenant.call("GET", "/api/v1/audit"), 200).json(),
    ]


def test_a_call_that_would_be_served(tenant, app):
    """All ten steps passed; the model, its cost, and what would be left are those of the call that is then made."""
    key = tenant.credential(app["id"], limited_amount=500, monthly_limit=100)
    answer = explain(tenant, key["id"])
    assert (answer["allowed"], answer["code"], outcomes(answer)) == (True, None, {})
    assert (answer["model"], answer["cost"], answer["remaining"]) == ("echo", STANDARD, 80)
    made = receipt(expect(tenant.client.chat(key["token"]), 200))
    assert (made.cost, made.remaining) == (answer["cost"], answer["remaining"])
    assert explain(tenant, key["id"])["remaining"] == 60


def test_it_changes_nothing(tenant, app):
    """No charge, no hold, no entry, no use of the key: whatever is asked, and whatever comes of it."""
    key = tenant.credential(app["id"], limited_amount=30)
    expect(tenant.client.chat(key["token"]), 200)
    tenant.settled()
    before = everything(tenant)
    for call in ({}, {"model": "echo"}, {"model": "no-such"}, {"origin": "null"}, {"time": at(86400 * 40)}):
        for _ in range(3):
            explain(tenant, key["id"], **call)
    assert everything(tenant) == before


def test_every_step_is_shown_whatever_came_before(deployment):
    """A key that breaks every rule: nine denials in one answer, and the first of them is the verdict."""
    tenant = deployment.new_tenant(credits=None)
    other_model = deployment.new_model(price=3)["name"]
    app = tenant.application(allowed_models=["echo", other_model])
    key = tenant.credential(
        app["id"],
        expired_at=at(2),
        ip_allowlist=[ELSEWHERE],
        host=HOST,
        models=[other_model],
        limited_amount=2,
        monthly_limit=Literal("0.5"),
    )
    tenant.edit_credential(key["id"], enabled=False)
    deployment.edit_account(tenant.account["id"], suspended=True)
    wait_until(seconds(key["expired_at"]) + 0.05)
    answer = explain(tenant, key["id"], application_id=absent_id(), model="echo")
    assert outcomes(answer) == {
        "application": "wrong_app",
        "expiry": "key_expired",
        "status": "key_disabled",
        "account": "account_suspended",
        "address": "ip_not_allowed",
        "origin": "host_not_allowed",
        "model": "model_not_allowed",
        "key_limit": "credit_limit_reached",
        "monthly_limit": "monthly_limit_reached",
        "balance": "insufficient_credits",
    }
    assert (answer["code"], answer["model"], answer["cost"], answer["remaining"]) == ("wrong_app", "echo", 20, None)
    # Without a model there is nothing to be paid for; all the rest is as before.
    unknown = explain(tenant, key["id"], application_id=absent_id(), model="no-such-model")
    skipped = {step: "skipped" for step in ("key_limit", "monthly_limit", "balance")}
    assert outcomes(unknown) == outcomes(answer) | {"model": "model_not_found"} | skipped
    assert (unknown["model"], unknown["cost"], unknown["remaining"]) == (None, None, None)
    # Each step on its own: what is right passes, though all around it is wrong.
    right = {"application_id": app["id"], "address": ELSEWHERE, "origin": f"https://{HOST}", "model": other_model}
    of_step = {"application_id": "application", "address": "address", "origin": "origin", "model": "model"}
    whole = outcomes(answer)
    for field, value in right.items():
        call = {"application_id": absent_id(), "model": "echo"} | {field: value}
        expected = {step: code for step, code in whole.items() if step != of_step[field]}
        assert outcomes(explain(tenant, key["id"], **call)) == expected, field


def test_each_step_says_why(tenant, app):
    """In the words of the denial itself."""
    key = tenant.credential(app["id"], ip_allowlist=[ELSEWHERE], limited_amount=5)
    told = {step["code"]: step["detail"] for step in explain(tenant, key["id"], address="127.0.0.1")["steps"]}
    message = refused(tenant.client.chat(key["token"]), "ip_not_allowed")["message"]
    assert told["ip_not_allowed"] == message
    tenant.edit_credential(key["id"], ip_allowlist=None)
    assert told["credit_limit_reached"] == refused(tenant.client.chat(key["token"]), "credit_limit_reached")["message"]


# What is asked


@pytest.mark.parametrize(
    "address, code",
    [
        (None, "ip_not_allowed"),  # unknown, which is on no list
        (ELSEWHERE, None),
        ("::ffff:203.0.113.7", None),
        ("203.0.113.8", "ip_not_allowed"),
        ("2001:DB8::1", None),
        ("2001:db9::1", "ip_not_allowed"),
    ],
)
def test_an_address(tenant, app, address, code):
    key = tenant.credential(app["id"], ip_allowlist=[ELSEWHERE, "2001:db8::/32"])
    given = {} if address is None else {"address": address}
    assert explain(tenant, key["id"], **given)["code"] == code
    assert explain(tenant, key["id"], address=address)["code"] == code, "null is as good as nothing"
    free = tenant.credential(app["id"])
    assert explain(tenant, free["id"], **given)["code"] is None


@pytest.mark.parametrize(
    "origin, bound, free",
    [
        (None, "host_not_allowed", None),
        (f"https://{HOST}", None, "browser_not_allowed"),
        (f"http://{HOST.upper()}:81", None, "browser_not_allowed"),
        ("https://evil.example", "host_not_allowed", "browser_not_allowed"),
        ("null", "host_not_allowed", "browser_not_allowed"),
        (HOST, "host_not_allowed", "browser_not_allowed"),
        ("no origin at all", "host_not_allowed", "browser_not_allowed"),
    ],
)
def test_an_origin(tenant, app, origin, bound, free):
    keys = tenant.credential(app["id"], host=HOST), tenant.credential(app["id"])
    given = {} if origin is None else {"origin": origin}
    assert [explain(tenant, key["id"], **given)["code"] for key in keys] == [bound, free]


def test_an_application(tenant, app, strangers):
    """The one that the call is addressed to: its own, or any other, be it there or not."""
    key = tenant.credential(app["id"])
    assert explain(tenant, key["id"], application_id=app["id"])["allowed"]
    for other in (tenant.application()["id"], strangers.app["id"], absent_id()):
        assert outcomes(explain(tenant, key["id"], application_id=other)) == {"application": "wrong_app"}


def test_a_model_at_its_own_price(deployment):
    """The cost of the key's group, and of the price at the time that is asked for."""
    group = deployment.new_group(3)["name"]
    model = deployment.new_model(price=Decimal("1.5"))
    deployment.set_price(model["id"], Decimal("2.5"), effective_at=at(3600))
    tenant = deployment.new_tenant(groups=[group])
    app = tenant.application(allowed_models=["echo", model["name"]])
    key = tenant.credential(app["id"], group=group)
    assert explain(tenant, key["id"])["cost"] == 60
    assert explain(tenant, key["id"], model=model["name"])["cost"] == Decimal("4.5")
    later = explain(tenant, key["id"], model=model["name"], time=at(7200))
    assert (later["cost"], later["remaining"]) == (Decimal("7.5"), PLENTY - Decimal("7.5"))
    tenant.edit_credential(key["id"], group=None)
    assert explain(tenant, key["id"], model=model["name"])["cost"] == Decimal("1.5")


def next_month():
    now = time.gmtime()
    days = calendar.monthrange(now.tm_year, now.tm_mon)[1]
    return at((days - now.tm_mday + 2) * 86400)


def test_a_later_time(tenant, app):
    """After the end it has ended; in the next month there is a whole month's limit again."""
    away_from_midnight()
    key = tenant.credential(app["id"], expired_at=at(86400 * 60), monthly_limit=30)
    expect(tenant.client.chat(key["token"]), 200)
    assert outcomes(explain(tenant, key["id"])) == {"monthly_limit": "monthly_limit_reached"}
    assert explain(tenant, key["id"], time=next_month())["remaining"] == 10
    assert outcomes(explain(tenant, key["id"], time=at(86400 * 61))) == {"expiry": "key_expired"}
    end = tenant.read_credential(key["id"])["expired_at"]
    assert outcomes(explain(tenant, key["id"], time=end)) == {"expiry": "key_expired"}, "its end is already too late"
    before = at(seconds(end) - 0.001 - time.time())
    assert "expiry" not in outcomes(explain(tenant, key["id"], time=before))


def test_the_past_can_t_be_explained(tenant, app):
    """What was used then is not known any more; a clock that is a little behind does no harm."""
    key = tenant.credential(app["id"])
    for past in (at(-3600), "2020-01-01T00:00:00Z"):
        problem(try_explain(tenant, key["id"], time=past), 400, "invalid_request", field="time")
    explain(tenant, key["id"], time=at(-5))
    explain(tenant, key["id"], time=at(0))


def test_what_calls_under_way_hold_is_not_there(deployment, upstream):
    """The same sum as the call itself would meet: charged and held."""
    tenant = deployment.new_tenant(credits=50)
    key = tenant.credential(tenant.application(model="script", allowed_models=["script"])["id"])
    marker, answers = unique("held"), []

    def call():
        answers.append(tenant.client.chat(key["token"], script=["wait", "json"], marker=marker, through_upstream=True))

    waiting = [threading.Thread(target=call) for _ in range(2)]
    for thread in waiting:
        thread.start()
    upstream.wait_recorded(marker, count=2)
    assert outcomes(explain(tenant, key["id"])) == {"balance": "insufficient_credits"}
    upstream.release(marker)
    for thread in waiting:
        thread.join(20)
    books_are_right(deployment, tenant.account["id"])
    deployment.grant(tenant.account["id"], 10)
    assert explain(tenant, key["id"])["remaining"] == 0


def test_a_key_in_every_state(tenant, app):
    """Also one that is off can be asked about; one that is deleted is gone; a rotated one is the same key."""
    key = tenant.credential(app["id"])
    tenant.edit_credential(key["id"], enabled=False)
    assert outcomes(explain(tenant, key["id"])) == {"status": "key_disabled"}
    rotate(tenant, key["id"], 60)
    assert outcomes(explain(tenant, key["id"])) == {"status": "key_disabled"}
    tenant.delete_credential(key["id"])
    problem(try_explain(tenant, key["id"]), 404, "not_found")


# Who asks, and how


def test_who_may_ask(deployment, tenant, app, strangers):
    """Whoever may read the key, a member too; to anybody else there is none (ASVS 8.2.1, 8.2.2)."""
    key = tenant.credential(app["id"])
    assert explain(tenant.member(), key["id"])["allowed"]
    assert explain(tenant.person, key["id"])["allowed"]
    reading = tenant.person.platform_token(["credentials:read"])["token"]
    expect(tenant.client.call("POST", path_of(key["id"], "explain"), token=reading, json={}), 200)
    other = tenant.person.platform_token(["credentials:verify", "credentials:write"])["token"]
    problem(tenant.client.call("POST", path_of(key["id"], "explain"), token=other, json={}), 403, "insufficient_scope")
    foreign = try_explain(strangers, key["id"])
    problem(foreign, 404, "not_found")
    same_bytes(foreign, try_explain(strangers, absent_id()))
    problem(try_explain(deployment, key["id"]), 404, "not_found")
    problem(
        tenant.client.call("POST", path_of(key["id"], "explain"), token=key["token"], json={}), 401, "unauthenticated"
    )


def test_no_field_has_to_be_given(pets):
    nothing = {name: None for name in ("model", "address", "origin", "application_id", "time")}
    for call in ({}, nothing):
        assert explain(pets, pets.cat_credential["id"], **call)["allowed"]
