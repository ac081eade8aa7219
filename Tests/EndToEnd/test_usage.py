"""Usage: what was charged, by day, key, application and model (A4), and what a key may know of itself."""

import re
import time
from decimal import Decimal

import pytest

from client import absent_id, at, exact, expect
from receipts import LEAST, MOST, STANDARD, away_from_midnight, books_are_right, charges, day, denied, header, receipt
from shapes import forged, openai_error, problem, rule, same_bytes
from waiting import wait_for

DAY = 86400


@pytest.fixture(autouse=True)
def within_one_day():
    away_from_midnight()


@pytest.fixture(scope="module")
def history(_deployment):
    """Two applications, three keys, two models: seven calls that were charged, one that failed, one refused."""
    away_from_midnight(300)
    made = _deployment.new_tenant()
    made.cheap = _deployment.new_model(price=Decimal("2.5"))["name"]
    made.cat = made.application("Cat", model="echo", allowed_models=["echo", made.cheap])
    made.dog = made.upstream_application(model="json", allowed_models=["json", "status-500"])
    made.keys = [made.credential(app["id"]) for app in (made.cat, made.cat, made.dog)]
    one, two, three = (key["token"] for key in made.keys)
    chat = made.client.chat
    for key, model, times in ((one, "echo", 2), (one, made.cheap, 1), (two, made.cheap, 3), (three, "json", 1)):
        for _ in range(times):
            expect(chat(key, model=model, through_upstream=True), 200)
    expect(chat(three, model="status-500", through_upstream=True), 502)
    expect(chat(one, model="gpt-none"), 404)
    _deployment.settled(made.account["id"])
    return made


def rows(usage, *names):
    """The rows of an answer as a dictionary from what they tell apart to (calls, amount)."""
    made = {}
    for row in usage["items"]:
        assert set(row) == {*names, "calls", "amount"}, f"a row has {set(row)}"
        place = tuple(row[name] for name in names)
        assert place not in made, f"{place} is there twice"
        made[place] = (row["calls"], row["amount"])
    assert usage["calls"] == sum(calls for calls, _ in made.values())
    assert usage["amount"] == sum(amount for _, amount in made.values())
    return made


# GET /api/v1/usage


def test_the_present_month_by_day_unless_asked_otherwise(history):
    usage = history.usage()
    assert set(usage) == {"from", "to", "calls", "amount", "items"}
    assert (usage["from"], usage["to"]) == (day()[:8] + "01", day())
    assert (usage["calls"], usage["amount"]) == (7, 70)
    assert rows(usage, "day") == {(day(),): (7, 70)}
    assert usage == history.usage(by="day")


def test_by_each_of_the_four(history):
    one, two, three = (key["id"] for key in history.keys)
    assert rows(history.usage(by="credential"), "credential_id") == {
        (one,): (3, Decimal("42.5")),
        (two,): (3, Decimal("7.5")),
        (three,): (1, 20),
    }
    assert rows(history.usage(by="application"), "application_id") == {
        (history.cat["id"],): (6, 50),
        (history.dog["id"],): (1, 20),
    }
    assert rows(history.usage(by="model"), "model") == {
        ("echo",): (2, 40),
        (history.cheap,): (4, 10),
        ("json",): (1, 20),
    }
    assert rows(history.usage(by="day"), "day") == {(day(),): (7, 70)}


def test_by_several_at_once(history):
    one, two, three = (key["id"] for key in history.keys)
    by_both = {
        (one, "echo"): (2, 40),
        (one, history.cheap): (1, Decimal("2.5")),
        (two, history.cheap): (3, Decimal("7.5")),
        (three, "json"): (1, 20),
    }
    assert rows(history.usage(by="credential,model"), "credential_id", "model") == by_both
    assert rows(history.usage(by="model,credential"), "credential_id", "model") == by_both
    everything = rows(
        history.usage(by="day,credential,application,model"), "day", "credential_id", "application_id", "model"
    )
    apps = {one: history.cat["id"], two: history.cat["id"], three: history.dog["id"]}
    assert everything == {(day(), key, apps[key], model): value for (key, model), value in by_both.items()}


def test_filters(history):
    one, two, _ = (key["id"] for key in history.keys)
    assert history.usage(credential_id=one)["amount"] == Decimal("42.5")
    assert history.usage(application_id=history.cat["id"])["calls"] == 6
    assert history.usage(model=history.cheap)["amount"] == 10
    both = history.usage(by="model", credential_id=two, model=history.cheap)
    assert rows(both, "model") == {(history.cheap,): (3, Decimal("7.5"))}
    nothing = history.usage(credential_id=two, model="echo")
    assert (nothing["calls"], nothing["amount"], nothing["items"]) == (0, 0, [])
    assert history.usage(model="gpt-none")["calls"] == 0


def test_a_range_of_days(history):
    today, yesterday = day(), day(time.time() - DAY)
    assert history.usage(from_=today, to=today)["calls"] == 7
    assert history.usage(from_=yesterday, to=today)["calls"] == 7
    past = history.usage(from_="2024-02-29", to="2024-12-31")
    assert (past["calls"], past["items"]) == (0, [])
    assert history.usage(from_=yesterday, to=yesterday)["calls"] == 0
    long_ago = day(time.time() - 365 * DAY)
    assert history.usage(from_=long_ago, to=today)["calls"] == 7  # 366 days, both ends counted


def test_the_sums_are_those_of_the_ledger(deployment, history):
    entries = charges(books_are_right(deployment, history.account["id"]))
    usage = history.usage(by="credential")
    assert usage["calls"] == len(entries) and usage["amount"] == sum(entry["amount"] for entry in entries)
    for row in usage["items"]:
        of_key = [entry["amount"] for entry in entries if entry["credential_id"] == row["credential_id"]]
        assert (row["calls"], row["amount"]) == (len(of_key), sum(of_key))
        assert history.read_credential(row["credential_id"])["used_amount"] == row["amount"]


def test_no_more_than_a_year_and_not_backwards(history):
    today = day()
    problem(history.try_usage(from_=day(time.time() - 366 * DAY), to=today), 400, "invalid_request", field="from")
    problem(history.try_usage(from_="0001-01-01", to="9999-12-31"), 400, "invalid_request", field="from")
    backwards = history.try_usage(from_=today, to=day(time.time() - DAY))
    problem(backwards, 400, "invalid_request")
    assert {error["field"] for error in backwards.json()["errors"]} <= {"from", "to"}


@pytest.mark.parametrize(
    "query", ["group=standard", "account_id=x", "limit=10", "cursor=x", "form=2026-01-01", "by=day&by=model"]
)
def test_an_unknown_parameter_is_refused(history, query):
    problem(history.call("GET", f"/api/v1/usage?{query}"), 400, {"unknown_parameter", "invalid_request"})


def test_it_grows_with_the_call(deployment):
    """A4, "real time": with the answer in hand it is counted."""
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application()["id"])
    assert tenant.usage() | {"from": "", "to": ""} == {"from": "", "to": "", "calls": 0, "amount": 0, "items": []}
    for number in range(1, 4):
        expect(tenant.client.chat(key, stream=number == 2), 200)
        usage = tenant.usage()
        assert (usage["calls"], usage["amount"]) == (number, number * STANDARD)


def test_a_free_call_is_counted(deployment):
    model = deployment.new_model(price=0)["name"]
    tenant = deployment.new_tenant(credits=None)
    expect(tenant.client.chat(tenant.key(tenant.application(model=model)["id"])), 200)
    assert rows(tenant.usage(by="model"), "model") == {(model,): (1, 0)}


def test_it_stays_when_the_key_and_the_application_go(deployment):
    """Deleting a key deletes nothing of the history."""
    tenant = deployment.new_tenant()
    app = tenant.application()
    made = tenant.credential(app["id"])
    expect(tenant.client.chat(made["token"]), 200)
    expect(tenant.call("DELETE", f"/api/v1/applications/{app['id']}?delete_credentials=true"), 204)
    usage = tenant.usage(by="credential,application", credential_id=made["id"])
    assert rows(usage, "credential_id", "application_id") == {(made["id"], app["id"]): (1, STANDARD)}
    assert len(tenant.ledger(credential_id=made["id"])) == 1
    books_are_right(deployment, tenant.account["id"])


def test_usage_is_its_accounts_own(deployment, history, strangers):
    """Invariant 8."""
    assert not {key["id"] for key in history.keys} & {
        row["credential_id"] for row in strangers.usage(by="credential")["items"]
    }
    for name, foreign in (
        ("credential_id", history.keys[0]["id"]),
        ("application_id", history.cat["id"]),
    ):
        answer = strangers.try_usage(**{name: foreign})
        same_bytes(answer, strangers.try_usage(**{name: absent_id()}))
        assert answer.json()["calls"] == 0
    # Also an admin's own account is one account.
    assert deployment.call("GET", f"/api/v1/usage?credential_id={history.keys[0]['id']}").json()["calls"] == 0


# GET /v1/usage, with the key


def own_usage(tenant, key, application=None):
    prefix = f"/apps/{application}" if application else ""
    return tenant.client.call("GET", prefix + "/v1/usage", token=key)


def test_a_key_knows_what_it_has_used(deployment):
    tenant = deployment.new_tenant(credits=1000)
    cheap = deployment.new_model(price=Decimal("2.5"))["name"]
    app = tenant.application(model="echo", allowed_models=["echo", cheap])
    made = tenant.credential(app["id"], limited_amount=100, monthly_limit=Decimal("62.5"))
    fresh = exact(expect(own_usage(tenant, made["token"]), 200))
    assert fresh == {
        "object": "usage",
        "credential_id": made["id"],
        "application_id": app["id"],
        "period": day()[:7],
        "used_amount": 0,
        "limited_amount": 100,
        "monthly_used": 0,
        "monthly_limit": Decimal("62.5"),
        "remaining": Decimal("62.5"),
        "status": "active",
        "costs": {"echo": 20, cheap: Decimal("2.5")},
    }
    expect(tenant.client.chat(made["token"], model=cheap), 200)
    made_after = receipt(expect(tenant.client.chat(made["token"]), 200))
    used = exact(own_usage(tenant, made["token"]))
    assert (used["used_amount"], used["monthly_used"]) == (Decimal("22.5"), Decimal("22.5"))
    assert used["remaining"] == made_after.remaining == 40
    assert exact(own_usage(tenant, made["token"], app["id"])) == used
    unlimited = exact(own_usage(tenant, tenant.key(app["id"])))
    assert (unlimited["limited_amount"], unlimited["monthly_limit"]) == (None, None)
    assert unlimited["remaining"] == Decimal("977.5"), "the account's balance bounds a key without limits"
    # Asking is free, and is in no book.
    assert len(tenant.ledger()) == 3


@pytest.mark.parametrize(
    "terms, status",
    [({"limited_amount": 20}, "exhausted"), ({"monthly_limit": 20}, "suspended")],
    ids=["exhausted", "suspended"],
)
def test_a_key_at_its_limit_can_still_ask(deployment, terms, status):
    tenant = deployment.new_tenant(credits=1000)
    key = tenant.key(tenant.application()["id"], **terms)
    expect(tenant.client.chat(key), 200)
    assert tenant.client.chat(key).status_code == 429
    usage = exact(expect(own_usage(tenant, key), 200))
    assert (usage["status"], usage["remaining"], usage["used_amount"]) == (status, 0, 20)


def test_a_key_without_any_credits_can_still_ask(deployment):
    tenant = deployment.new_tenant(credits=None)
    key = tenant.key(tenant.application()["id"])
    denied(tenant.client.chat(key), "insufficient_credits")
    usage = exact(expect(own_usage(tenant, key), 200))
    assert (usage["status"], usage["remaining"]) == ("active", 0)


def test_nothing_is_left_below_a_lowered_limit(deployment):
    tenant = deployment.new_tenant(credits=1000)
    made = tenant.credential(tenant.application()["id"])
    expect(tenant.client.chat(made["token"]), 200)
    tenant.edit_credential(made["id"], limited_amount=LEAST)
    usage = exact(expect(own_usage(tenant, made["token"]), 200))
    assert (usage["status"], usage["limited_amount"], usage["used_amount"]) == ("exhausted", LEAST, 20)
    assert usage["remaining"] <= 0


def test_the_keys_of_a_suspended_account_can_still_ask(deployment):
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.application()["id"])
    deployment.edit_account(tenant.account["id"], suspended=True)
    openai_error(tenant.client.chat(key), 403, "account_suspended")
    usage = exact(expect(own_usage(tenant, key), 200))
    assert (usage["remaining"], usage["costs"]) == (100, {"echo": 20})


def test_who_opens_nothing_learns_nothing(deployment, pets):
    tenant = deployment.new_tenant()
    app = tenant.application()
    ending, deleted = tenant.credential(app["id"], expired_at=at(1)), tenant.credential(app["id"])
    tenant.delete_credential(deleted["id"])
    wait_for("the end", lambda: tenant.read_credential(ending["id"])["status"] == "expired", deadline=6)
    openai_error(own_usage(tenant, ending["token"]), 401, "invalid_api_key", denial="key_expired")
    for key in (deleted["token"], forged(pets.cat_key), tenant.token):
        openai_error(own_usage(tenant, key), 401, "invalid_api_key", denial="invalid_key")
    openai_error(pets.client.call("GET", "/v1/usage"), 401, "invalid_api_key", denial="missing_key")
    openai_error(own_usage(pets, pets.cat_key, pets.dog["id"]), 403, "wrong_app", denial="wrong_app")
    # And with a key in hand the management's usage stays closed.
    problem(pets.client.call("GET", "/api/v1/usage", token=pets.cat_key), 401, "unauthenticated")


def test_the_largest_numbers_are_exact(deployment):
    tenant = deployment.new_tenant(credits=None)
    deployment.grant(tenant.account["id"], MOST)
    key = tenant.key(tenant.application()["id"], limited_amount=MOST)
    expect(tenant.client.chat(key), 200)
    answer = expect(own_usage(tenant, key), 200)
    numbers = dict(re.findall(r'"(\w+)":\s*([0-9.]+)', answer.text))
    assert numbers["limited_amount"] == "9223372036854.775807"
    assert numbers["remaining"] == "9223372036834.775807"


def test_the_costs_of_the_models(deployment):
    """Known in advance, per key: in the list of models, in the usage, and then in the receipt."""
    half = deployment.new_group(Decimal("0.5"))["name"]
    tenant = deployment.new_tenant(groups=[half])
    odd = deployment.new_model(price=Decimal("0.000003"))["name"]
    app = tenant.application(model="echo", allowed_models=["echo", odd])
    key = tenant.key(app["id"], group=half)
    models = exact(expect(tenant.client.call("GET", "/v1/models", token=key), 200))
    assert all(set(model) == {"id", "object", "created", "owned_by", "cost"} for model in models["data"])
    costs = {model["id"]: model["cost"] for model in models["data"]}
    assert costs == {"echo": 10, odd: Decimal("0.000002")}
    addressed = tenant.client.call("GET", f"/apps/{app['id']}/v1/models", token=key)
    assert {model["id"]: model["cost"] for model in exact(addressed)["data"]} == costs
    assert exact(own_usage(tenant, key))["costs"] == costs
    for name, cost in costs.items():
        answer = expect(tenant.client.chat(key, model=name), 200)
        assert receipt(answer).cost == cost
        assert header(answer, "X-Latchkey-Cost") == f"{Decimal(cost):f}"


def test_the_window_of_a_rule_is_told(history):
    """Whoever asks for too much is told how much there is."""
    refusal = history.try_usage(from_="2020-01-01", to=day())
    assert "366" in rule(refusal, "from")


# GET /api/v1/refused-calls


def test_what_was_not_served_is_counted(history):
    """By day, key and reason, and it is in no sum of money."""
    counted = history.refused_calls()
    assert set(counted) == {"from", "to", "calls", "items"} and counted["to"] == day()
    rows_seen = {(item["credential_id"], item["code"]): item["calls"] for item in counted["items"]}
    one, _, three = (key["id"] for key in history.keys)
    assert rows_seen == {(three, "upstream_failed"): 1, (one, "model_not_found"): 1}
    assert all(item["day"] == day() and set(item) == {"day", "credential_id", "code", "calls"} for item in counted["items"])
    assert counted["calls"] == 2
    assert history.refused_calls(credential_id=one)["calls"] == 1
    assert history.refused_calls(credential_id=absent_id())["items"] == []
    assert history.usage()["calls"] == 7


def test_refusals_of_others_are_not_told(history, strangers):
    """Invariant 8: another's key is as one that is not there."""
    foreign = strangers.call("GET", f"/api/v1/refused-calls?credential_id={history.keys[0]['id']}")
    absent = strangers.call("GET", f"/api/v1/refused-calls?credential_id={absent_id()}")
    same_bytes(foreign, absent)


def test_refusals_cost_no_disk(own_deployment):
    """Fifty of them are one row, and outlive a restart."""
    deployment = own_deployment()
    tenant = deployment.new_tenant(credits=None)
    key = tenant.key(tenant.application()["id"])
    for _ in range(50):
        denied(tenant.client.chat(key), "insufficient_credits")
    assert deployment.server.stop() == 0
    deployment.server.start()
    (item,) = tenant.refused_calls()["items"]
    assert (item["code"], item["calls"]) == ("insufficient_credits", 50)


def test_refusals_of_the_last_days_by_what_is_asked_for(history):
    one, _, three = (key["id"] for key in history.keys)
    last = history.refused_calls(days=35)
    assert (last["from"], last["to"]) == (day(time.time() - 34 * DAY), day())
    assert last["items"] == history.refused_calls()["items"]
    assert history.refused_calls(days=1)["from"] == day()
    assert history.refused_calls(days=7, by="day")["items"] == [{"day": day(), "calls": 2}]
    by_key = history.refused_calls(days=7, by="credential")["items"]
    assert {item["credential_id"]: item["calls"] for item in by_key} == {one: 1, three: 1}
    by_code = history.refused_calls(by="code", credential_id=one)["items"]
    assert by_code == [{"code": "model_not_found", "calls": 1}]
    for query in ("days=36", "days=0", "days=7&from=2026-01-01", "days=7&to=2026-01-01"):
        problem(history.call("GET", f"/api/v1/refused-calls?{query}"), 400, "invalid_request", field="days")


def test_an_admin_reads_the_usage_of_any_account(deployment, history, strangers):
    """For others a foreign account is an absent one, by session and by token."""
    for path, own in (("usage", history.usage()), ("refused-calls", history.refused_calls())):
        for call in (deployment.call, deployment.admin.call):
            assert exact(expect(call("GET", f"/api/v1/{path}?account_id={history.account['id']}"), 200)) == own
            problem(call("GET", f"/api/v1/{path}?account_id={absent_id()}"), 404, "not_found")
        assert exact(history.call("GET", f"/api/v1/{path}?account_id={history.account['id']}")) == own
        for call in (strangers.call, strangers.person.call):
            foreign = call("GET", f"/api/v1/{path}?account_id={history.account['id']}")
            assert foreign.status_code in (403, 404), foreign.text
            same_bytes(foreign, call("GET", f"/api/v1/{path}?account_id={absent_id()}"))


@pytest.mark.parametrize("query", ["from=yesterday", "to=2026-02-30", "credential_id=x", "by=hour", "from=2020-01-01"])
def test_a_bad_question_for_refusals(deployment, query):
    problem(deployment.call("GET", f"/api/v1/refused-calls?{query}"), 400, {"invalid_request", "unknown_parameter"})
