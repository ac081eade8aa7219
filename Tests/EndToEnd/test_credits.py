"""Credits: what is granted, what a call costs, and which limit stops it (rows A2 to A5 and B3 of the mission;
invariants 4, 7 and 9)."""

import json
import threading
from decimal import Decimal

import openai
import pytest

import recorder
from client import Literal, absent_id, at, exact, expect, unique
from receipts import (
    ENTRY,
    LEAST,
    MOST,
    STANDARD,
    add_up,
    books_are_right,
    charges,
    denied,
    header,
    not_charged,
    outcome,
    receipt,
    refused,
)
from shapes import TIME, UUID7, forged, openai_error, problem, rule
from waiting import wait_for


def with_key(deployment, credits, model="echo", **terms):
    """A tenant with so many credits and one key, on these terms."""
    tenant = deployment.new_tenant(credits=credits)
    tenant.app = tenant.application(model=model)
    tenant.key_made = tenant.credential(tenant.app["id"], **terms)
    tenant.app_key, tenant.key_id = tenant.key_made["token"], tenant.key_made["id"]
    return tenant


def call(tenant, **fields):
    return tenant.client.chat(tenant.app_key, **fields)


def shown(response, field):
    """A number exactly as it stands in the answer."""
    compact = response.text.replace(" ", "")
    return compact.split(f'"{field}":')[1].split(",")[0].split("}")[0]


# Grants and adjustments


def test_a_new_account_has_nothing(deployment):
    tenant = deployment.new_tenant(credits=None)
    account = tenant.account_now()
    assert (account["balance"], account["held"], account["available"]) == (0, 0, 0)
    assert tenant.ledger() == []


def test_a_grant_raises_the_balance(deployment):
    tenant = deployment.new_tenant(credits=None)
    entry = deployment.grant(tenant.account["id"], Decimal("100.5"), reason="Order 4711")
    assert set(entry) == ENTRY
    assert UUID7.match(entry["id"]) and TIME.match(entry["created_at"])
    known = {"account_id": tenant.account["id"], "kind": "grant", "amount": Decimal("100.5"), "reason": "Order 4711"}
    known["actor_id"] = deployment.admin.session["user"]["id"]
    assert {name: entry[name] for name in known} == known
    assert all(entry[name] is None for name in ENTRY - set(known) - {"id", "created_at"})
    assert tenant.ledger() == [entry]
    account = tenant.account_now()
    assert (account["balance"], account["held"], account["available"]) == (Decimal("100.5"), 0, Decimal("100.5"))
    deployment.grant(tenant.account["id"], LEAST)
    assert tenant.balance() == Decimal("100.500001")


def test_a_grant_needs_no_reason(deployment):
    account = deployment.new_account(credits=None)
    assert not deployment.grant(account["id"], 1)["reason"]
    assert not deployment.grant(account["id"], 1, reason="")["reason"]


@pytest.mark.parametrize(
    "literal, amount",
    [
        ("100", "100"),
        ("1.50", "1.5"),
        ("100.000000", "100"),
        ("0.000001", "0.000001"),
        ("1e2", "100"),
        ("1E+2", "100"),
        ("12.5e1", "125"),
        ("1e-6", "0.000001"),
        ("2.0000000", "2"),
        ("20000000e-6", "20"),
        ("0.1", "0.1"),
        ("9007199254740.993", "9007199254740.993"),
        ("9223372036854.775807", "9223372036854.775807"),
    ],
)
def test_an_amount_is_exact(deployment, literal, amount):
    """However it is written, the same digits come back: no float is anywhere on the way."""
    account = deployment.new_account(credits=None)
    answer = expect(deployment.try_grant(account["id"], Literal(literal)), 201)
    assert shown(answer, "amount") == amount
    read = deployment.call("GET", f"/api/v1/accounts/{account['id']}")
    assert (shown(read, "balance"), shown(read, "available")) == (amount, amount)


@pytest.mark.parametrize("literal", ["-1", "1e-7", "9223372036854.775808", "0"])
def test_a_bad_grant_is_refused(deployment, literal):
    account = deployment.new_account(credits=None)
    refusal = deployment.try_grant(account["id"], Literal(literal))
    problem(refusal, 400, "invalid_request", field="amount")
    assert "credits" in rule(refusal, "amount") and "6 decimal places" in rule(refusal, "amount")
    assert deployment.account(account["id"])["balance"] == 0


def test_an_adjustment_says_why(deployment):
    account = deployment.new_account(credits=10)
    for fields in ({}, {"reason": None}, {"reason": ""}):
        problem(deployment.try_adjust(account["id"], 1, **fields), 400, "invalid_request", field="reason")
    for literal in ("0", "0.000", "-0", "1e-7", "-9223372036854.775809", '"1"', "null"):
        refusal = deployment.try_adjust(account["id"], Literal(literal), reason="x")
        problem(refusal, 400, "invalid_request", field="amount")
    entry = deployment.adjust(account["id"], Decimal("-2.5"), reason="Charged twice")
    assert (entry["kind"], entry["amount"], entry["reason"]) == ("adjustment", Decimal("-2.5"), "Charged twice")
    assert entry["actor_id"] == deployment.admin.session["user"]["id"]
    assert deployment.adjust(account["id"], Decimal("0.5"))["amount"] == Decimal("0.5")
    assert deployment.account(account["id"])["balance"] == 8
    books_are_right(deployment, account["id"])


def test_an_adjustment_takes_no_more_than_there_is(deployment):
    account = deployment.new_account(credits=10)
    for amount in (Decimal("-10.000001"), -11, -MOST):
        problem(deployment.try_adjust(account["id"], amount, reason="x"), 409, "insufficient_credits")
    assert deployment.account(account["id"])["balance"] == 10
    deployment.adjust(account["id"], -10)
    assert deployment.account(account["id"])["balance"] == 0
    problem(deployment.try_adjust(account["id"], -LEAST, reason="x"), 409, "insufficient_credits")
    books_are_right(deployment, account["id"])


def test_what_is_held_cannot_be_taken_away(deployment, upstream):
    """A call under way was promised its credits; the rest of the balance is free."""
    tenant = with_key(deployment, 100, model="script")
    marker = unique("held")
    waiting = threading.Thread(target=lambda: call(tenant, script=["wait", "json"], marker=marker))
    waiting.start()
    upstream.wait_recorded(marker)
    account = tenant.account_now()
    assert (account["balance"], account["held"], account["available"]) == (100, STANDARD, 80)
    problem(deployment.try_adjust(account["id"], Decimal("-80.000001"), reason="x"), 409, "insufficient_credits")
    deployment.adjust(account["id"], -80)
    assert tenant.account_now()["available"] == 0
    denied(call(tenant), "insufficient_credits")
    upstream.release(marker)
    waiting.join(20)
    books_are_right(deployment, account["id"])
    assert tenant.balance() == 0


def test_no_balance_grows_beyond_int64(deployment):
    account = deployment.new_account(credits=None)
    deployment.grant(account["id"], MOST)
    for amount in (LEAST, MOST):
        problem(deployment.try_grant(account["id"], amount), 409, "balance_too_large")
        problem(deployment.try_adjust(account["id"], amount, reason="x"), 409, "balance_too_large")
    assert deployment.account(account["id"])["balance"] == MOST
    deployment.adjust(account["id"], -LEAST)
    deployment.grant(account["id"], LEAST)
    assert deployment.account(account["id"])["balance"] == MOST
    deployment.adjust(account["id"], -MOST)
    assert deployment.account(account["id"])["balance"] == 0
    books_are_right(deployment, account["id"])


def test_an_account_that_is_not_there(deployment):
    problem(deployment.try_grant(absent_id(), 1), 404, "not_found")
    problem(deployment.try_adjust(absent_id(), 1, reason="x"), 404, "not_found")


# The receipt


def test_a_call_has_a_receipt(deployment):
    tenant = with_key(deployment, 100)
    answer = expect(call(tenant), 200)
    made = receipt(answer)
    assert (made.cost, made.remaining) == (STANDARD, 80)
    entries = tenant.ledger()
    assert [entry["kind"] for entry in entries] == ["charge", "grant"]
    charge, _ = entries
    assert charge["id"] == made.charge and charge["amount"] == STANDARD
    known = {"credential_id": tenant.key_id, "application_id": tenant.app["id"], "model": "echo", "price": 20}
    known |= {"group": "standard", "multiplier": 1, "reason": None, "actor_id": None}
    assert {name: charge[name] for name in known} == known
    assert UUID7.match(charge["price_id"]) and UUID7.match(charge["multiplier_id"])
    assert tenant.balance() == 80
    key = tenant.read_credential(tenant.key_id)
    assert (key["used_amount"], key["monthly_used"], key["status"]) == (20, 20, "active")


def test_the_charge_is_there_with_the_answer(deployment):
    """A4, "in real time": whoever has the answer reads the charge, in the balance and in the key, call after call."""
    tenant = with_key(deployment, 200)
    for number in range(1, 6):
        made = receipt(expect(call(tenant, stream=number % 2 == 0), 200))
        assert tenant.balance() == made.remaining == 200 - number * STANDARD
        assert tenant.read_credential(tenant.key_id)["used_amount"] == number * STANDARD
        assert outcome(tenant.ledger(), made.charge) == "charge"


def test_a_stream_and_an_addressed_call_have_the_same_receipt(deployment):
    tenant = with_key(deployment, 100)
    stream = expect(call(tenant, stream=True), 200)
    assert stream.text.rstrip().endswith("data: [DONE]")
    assert receipt(stream).remaining == 80
    addressed = expect(call(tenant, application=tenant.app["id"]), 200)
    assert receipt(addressed).remaining == 60
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 2


@pytest.mark.parametrize(
    "mode, status",
    [
        ("status-400", 400),
        ("status-404", 502),
        ("status-409", 502),
        ("status-413", 413),
        ("status-415", 415),
        ("status-422", 422),
        ("status-429", 429),
        ("status-401", 502),
        ("status-500", 502),
        ("redirect-302", 502),
        ("garbage", 502),
        ("hang-up", 502),
        ("broken", 502),
        ("huge-length", 502),
    ],
)
def test_what_the_upstream_does_not_serve_costs_nothing(deployment, mode, status):
    """Invariant 5: not served, not charged; and what was held is free again."""
    tenant = with_key(deployment, STANDARD, model=mode)
    for _ in range(3):  # with the credits for one call
        answer = expect(call(tenant, through_upstream=True), status)
        not_charged(answer)
        assert tenant.settled()["available"] == STANDARD
    assert charges(books_are_right(deployment, tenant.account["id"])) == []
    assert tenant.read_credential(tenant.key_id)["used_amount"] == 0


@pytest.mark.parametrize("mode", ["slow", "slow-body"])
def test_a_time_out_costs_nothing(quick, mode):
    tenant = with_key(quick, STANDARD, model=mode)
    answer = call(tenant)
    openai_error(answer, 504, "upstream_timeout", denial="upstream_timeout")
    not_charged(answer)
    assert tenant.settled()["available"] == STANDARD
    assert charges(tenant.ledger()) == []


def test_a_long_answer_that_has_begun_is_charged(deployment):
    """100,000 bytes of it were passed on before it broke."""
    import requests

    tenant = with_key(deployment, STANDARD, model="broken-long")
    answer = call(tenant, stream_to_caller=True, through_upstream=True)
    made = receipt(expect(answer, 200))
    with pytest.raises(requests.RequestException):
        answer.content
    assert tenant.settled()["balance"] == 0
    assert outcome(tenant.ledger(), made.charge) == "charge"


def test_a_refusal_costs_nothing_and_says_so(deployment, pets):
    """What policy and the parser refuse was never admitted: there is no charge to be named."""
    before = pets.balance()
    client, key = pets.client, pets.cat_key
    refusals = [
        (client.chat(key, messages=[]), 400),
        (client.chat(key, stream="yes"), 400),
        (client.call("POST", "/v1/chat/completions", data="{", token=key), 400),
        (client.call("POST", "/v1/chat/completions", data="{}", token=key, headers={"Content-Type": "a/b"}), 415),
        (client.chat(key, application=pets.dog["id"]), 403),
        (client.chat(key, model="json"), 403),
        (client.chat(key, model="gpt-none"), 404),
    ]
    for answer, status in refusals:
        refused(expect(answer, status))
    assert pets.balance() == before


def test_a_bad_key_is_told_nothing_of_credits(pets):
    for key in ("sk-nonsense", forged(pets.cat_key)):
        answer = expect(pets.client.chat(key), 401)
        assert header(answer, "X-Latchkey-Charge") is None and header(answer, "X-Latchkey-Remaining") is None


def test_remaining_is_the_least_of_the_three(deployment):
    tenant = with_key(deployment, 100)
    assert receipt(call(tenant)).remaining == 80
    tenant.edit_credential(tenant.key_id, limited_amount=90)
    assert receipt(call(tenant)).remaining == 50  # 90 − 2 × 20 for the key, 60 for the account
    tenant.edit_credential(tenant.key_id, monthly_limit=Decimal("79.5"))
    assert receipt(call(tenant)).remaining == Decimal("19.5")
    tenant.edit_credential(tenant.key_id, limited_amount=None, monthly_limit=None)
    assert receipt(call(tenant)).remaining == 20


def test_remaining_counts_what_others_hold(deployment, upstream):
    tenant = with_key(deployment, 100, model="script")
    marker = unique("others")
    waiting = threading.Thread(target=lambda: call(tenant, script=["wait", "json"], marker=marker))
    waiting.start()
    upstream.wait_recorded(marker)
    assert receipt(call(tenant, script=["json"])).remaining == 60
    upstream.release(marker)
    waiting.join(20)
    assert tenant.settled()["balance"] == 60


def test_a_free_call_is_served_without_credits(deployment):
    """A price of nothing is a price: served with an empty balance, and still in the books."""
    model = deployment.new_model(price=0)
    tenant = with_key(deployment, None, model=model["name"])
    answer = expect(call(tenant), 200)
    made = receipt(answer)
    assert (header(answer, "X-Latchkey-Cost"), made.remaining) == ("0", 0)
    assert outcome(tenant.ledger(), made.charge) == "charge"
    assert [entry["amount"] for entry in charges(books_are_right(deployment, tenant.account["id"]))] == [0]


# Denials


def test_without_credits_no_call_is_served(deployment, upstream):
    tenant = with_key(deployment, None, model="json")
    marker = unique("poor")
    denied(call(tenant, marker=marker), "insufficient_credits")
    denied(call(tenant, marker=marker, stream=True), "insufficient_credits")
    assert upstream.recorded(marker) == []
    assert tenant.ledger() == [], "a call that was never admitted is in the books"
    deployment.grant(tenant.account["id"], Decimal("19.999999"))
    denied(call(tenant), "insufficient_credits")
    deployment.grant(tenant.account["id"], LEAST)
    assert receipt(expect(call(tenant, through_upstream=True), 200)).remaining == 0
    denied(call(tenant), "insufficient_credits")


def test_the_key_then_the_month_then_the_account(deployment):
    """The order in which the three are told; each is raised in turn and the very next call meets the next one."""
    tenant = with_key(deployment, 19, limited_amount=19, monthly_limit=19)
    denied(call(tenant), "credit_limit_reached")
    tenant.edit_credential(tenant.key_id, limited_amount=20)
    denied(call(tenant), "monthly_limit_reached")
    tenant.edit_credential(tenant.key_id, monthly_limit=20)
    denied(call(tenant), "insufficient_credits")
    deployment.grant(tenant.account["id"], 1)
    assert receipt(expect(call(tenant), 200)).remaining == 0
    # And all three are reached now.
    denied(call(tenant), "credit_limit_reached")
    tenant.edit_credential(tenant.key_id, limited_amount=None)
    denied(call(tenant), "monthly_limit_reached")
    tenant.edit_credential(tenant.key_id, monthly_limit=None)
    denied(call(tenant), "insufficient_credits")


@pytest.mark.parametrize(
    "field, code", [("limited_amount", "credit_limit_reached"), ("monthly_limit", "monthly_limit_reached")]
)
def test_a_limit_binds_the_next_call(deployment, field, code):
    """Invariant 7: raised and lowered, a key that is warm in memory; what was used stays used."""
    tenant = with_key(deployment, 1000, **{field: 40})
    assert receipt(call(tenant)).remaining == 20
    assert receipt(call(tenant)).remaining == 0
    denied(call(tenant), code)
    for limit, remaining in ((60, 0), (Decimal("80.5"), Decimal("0.5")), (200, 100)):
        tenant.edit_credential(tenant.key_id, **{field: limit})
        assert receipt(expect(call(tenant), 200)).remaining == remaining
    tenant.edit_credential(tenant.key_id, **{field: 10})  # below what is used
    denied(call(tenant), code)
    tenant.edit_credential(tenant.key_id, **{field: 119})
    denied(call(tenant), code)
    tenant.edit_credential(tenant.key_id, **{field: 120})
    assert receipt(expect(call(tenant), 200)).remaining == 0
    tenant.edit_credential(tenant.key_id, **{field: None})
    expect(call(tenant), 200)


def test_a_limit_is_the_keys_own(deployment):
    """Another key of the same application is another limit; the account is one for both."""
    tenant = with_key(deployment, 60, limited_amount=20, monthly_limit=20)
    other = tenant.key(tenant.app["id"])
    expect(call(tenant), 200)
    denied(call(tenant), "credit_limit_reached")
    for _ in range(2):
        expect(tenant.client.chat(other), 200)
    denied(tenant.client.chat(other), "insufficient_credits")
    denied(call(tenant), "credit_limit_reached")


def test_the_openai_client_knows_that_the_money_is_gone(deployment):
    """RateLimitError with the code insufficient_quota, at once: the library doesn't try again, though it may."""
    tenant = with_key(deployment, None)

    def client(key):
        return openai.OpenAI(base_url=deployment.server.url + "/v1", api_key=key, max_retries=3, timeout=20)

    for stream in (False, True):
        with pytest.raises(openai.RateLimitError) as caught:
            client(tenant.app_key).chat.completions.create(
                model="echo", messages=[{"role": "user", "content": "hi"}], stream=stream
            )
        recorder.record_httpx(caught.value.response)
        assert (caught.value.code, caught.value.type) == ("insufficient_quota", "insufficient_quota")
        assert caught.value.response.headers["x-latchkey-code"] == "insufficient_credits"
        assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"
    # The control: the same client does try again where that is of use.
    relay = with_key(deployment, 1000, model="status-500")
    with pytest.raises(openai.InternalServerError) as caught:
        client(relay.app_key).chat.completions.create(model="status-500", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.response.request.headers["x-stainless-retry-count"] == "3"
    assert relay.settled()["balance"] == 1000


def test_the_openai_client_is_served_until_then(deployment):
    tenant = with_key(deployment, 40)
    client = openai.OpenAI(base_url=deployment.server.url + "/v1", api_key=tenant.app_key, max_retries=0)
    ask = {"model": "echo", "messages": [{"role": "user", "content": "hi"}]}
    assert client.chat.completions.create(**ask).choices[0].message.content == "You said: hi."
    raw = client.chat.completions.with_raw_response.create(**ask)
    assert (raw.headers["x-latchkey-cost"], raw.headers["x-latchkey-remaining"]) == ("20", "0")
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**ask)


# What the key says of itself


def test_the_statuses_of_a_key(deployment):
    tenant = with_key(deployment, 1000, limited_amount=40, monthly_limit=20)
    status = lambda: tenant.read_credential(tenant.key_id)["status"]  # noqa: E731
    assert status() == "active"
    expect(call(tenant), 200)
    assert status() == "suspended"
    tenant.edit_credential(tenant.key_id, monthly_limit=Decimal("20.000001"))
    assert status() == "active", "the next call doesn't fit, but the limit is not reached"
    tenant.edit_credential(tenant.key_id, monthly_limit=40)
    expect(call(tenant), 200)
    assert status() == "exhausted", "exhausted comes before suspended"
    tenant.edit_credential(tenant.key_id, limited_amount=None)
    assert status() == "suspended"
    tenant.edit_credential(tenant.key_id, monthly_limit=None)
    assert status() == "active"
    listed = {item["id"]: item["status"] for item in tenant.call("GET", "/api/v1/credentials").json()["items"]}
    assert listed == {tenant.key_id: "active"}


def test_expired_comes_before_exhausted(deployment):
    tenant = with_key(deployment, 1000, limited_amount=0, monthly_limit=0, expired_at=at(2))
    assert tenant.key_made["status"] == "exhausted"
    denied(call(tenant), "credit_limit_reached")
    wait_for("the end", lambda: tenant.read_credential(tenant.key_id)["status"] == "expired", deadline=6)
    openai_error(call(tenant), 401, "invalid_api_key", denial="key_expired")


def test_a_limit_of_nothing_is_reached_at_once(deployment):
    """Unlimited is null; 0 is not."""
    tenant = with_key(deployment, 1000, limited_amount=0)
    other = tenant.credential(tenant.app["id"], monthly_limit=0)
    assert (tenant.key_made["status"], other["status"]) == ("exhausted", "suspended")
    denied(call(tenant), "credit_limit_reached")
    denied(tenant.client.chat(other["token"]), "monthly_limit_reached")


# Editing a key


def terms(credential):
    """All but when it was last used, which is written down a few seconds after the use."""
    return {name: value for name, value in credential.items() if name not in ("secrets", "last_used_at")}


def test_an_edit_changes_what_it_names(deployment):
    tenant = with_key(deployment, 100, name="first", limited_amount=50, monthly_limit=Decimal("12.25"))
    made = {name: value for name, value in tenant.key_made.items() if name != "token"}
    edited = tenant.edit_credential(tenant.key_id, name="second")
    assert edited == made | {"name": "second", "updated_at": edited["updated_at"]}
    end = at(3600)
    edited = tenant.edit_credential(tenant.key_id, limited_amount=None, expired_at=end, group="standard")
    assert (edited["limited_amount"], edited["expired_at"], edited["group"]) == (None, end, "standard")
    assert (edited["name"], edited["monthly_limit"]) == ("second", Decimal("12.25"))
    edited = tenant.edit_credential(tenant.key_id, expired_at=None, group=None, monthly_limit=None)
    assert (edited["expired_at"], edited["group"], edited["monthly_limit"]) == (None, None, None)
    assert tenant.read_credential(tenant.key_id) == edited
    assert "token" not in edited
    assert edited["created_at"] < edited["updated_at"]
    expect(call(tenant), 200)


@pytest.mark.parametrize("field, value", [("used_amount", 0), ("models", ["no-such-model"]), ("expired_at", at(-60))])
def test_what_an_edit_cannot_set(deployment, field, value):
    """Invariant 9: refused by name, and nothing of the edit is done."""
    tenant = with_key(deployment, 100, limited_amount=20)
    expect(call(tenant), 200)
    before = terms(tenant.read_credential(tenant.key_id))
    refusal = tenant.try_edit_credential(tenant.key_id, limited_amount=1000, **{field: value})
    problem(refusal, 400, "invalid_request")
    assert field in [error["field"].split("[")[0] for error in refusal.json()["errors"]]
    assert terms(tenant.read_credential(tenant.key_id)) == before
    denied(call(tenant), "credit_limit_reached")


@pytest.mark.parametrize("field", ["limited_amount", "monthly_limit"])
@pytest.mark.parametrize("literal", ["1e-7", "9223372036854.775808"])
def test_a_bad_limit_is_refused(pets, field, literal):
    """At creation and in an edit alike."""
    body = {field: Literal(literal)}
    refusals = [
        pets.call("POST", "/api/v1/credentials", json={"application_id": pets.cat["id"]} | body),
        pets.call("PATCH", f"/api/v1/credentials/{pets.cat_credential['id']}", json=body),
    ]
    for refusal in refusals:
        problem(refusal, 400, "invalid_request", field=field)
        assert rule(refusal, field).endswith("from 0 to 9223372036854.775807 with at most 6 decimal places")


@pytest.mark.parametrize("field", ["limited_amount", "monthly_limit"])
def test_the_largest_and_the_smallest_limit(deployment, field):
    tenant = with_key(deployment, None, **{field: MOST})
    deployment.grant(tenant.account["id"], MOST)
    assert tenant.key_made[field] == pytest.approx(float(MOST))
    assert tenant.read_credential(tenant.key_id)[field] == MOST
    answer = expect(call(tenant), 200)
    assert header(answer, "X-Latchkey-Remaining") == "9223372036834.775807"
    assert tenant.balance() == MOST - STANDARD
    tenant.edit_credential(tenant.key_id, **{field: LEAST})
    assert tenant.read_credential(tenant.key_id)[field] == LEAST
    assert call(tenant).status_code == 429
    books_are_right(deployment, tenant.account["id"])


def test_the_dearest_call_against_the_largest_balance(deployment):
    """Price × multiplier at their largest is 10¹² credits: nine calls fit into Int64, the tenth overflows nothing."""
    model, group = deployment.new_model(price=1_000_000_000), deployment.new_group(1000)
    tenant = deployment.new_tenant(credits=None, default_group=group["name"])
    deployment.grant(tenant.account["id"], MOST)
    key = tenant.key(tenant.application(model=model["name"])["id"], limited_amount=MOST, monthly_limit=MOST)
    for number in range(1, 10):
        made = receipt(expect(tenant.client.chat(key), 200))
        assert made.cost == 10**12 and made.remaining == MOST - number * 10**12
    answer = tenant.client.chat(key)
    denied(answer, "credit_limit_reached")  # 223372036854.775807 of the key's limit are left, which is too little
    books_are_right(deployment, tenant.account["id"])


def test_a_new_end_brings_a_key_back_under_the_cap(deployment):
    """Invariant 3: every way back takes a place; without one the key stays as it is."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    ending = tenant.credential(app["id"], expired_at=at(2))
    expect(tenant.client.chat(ending["token"]), 200)
    others = [tenant.credential(app["id"]) for _ in range(2)]
    wait_for("the end", lambda: tenant.read_credential(ending["id"])["status"] == "expired", deadline=6)
    others.append(tenant.credential(app["id"]))
    for end in (None, at(3600)):
        problem(tenant.try_edit_credential(ending["id"], expired_at=end), 409, "credential_cap_reached")
    assert tenant.read_credential(ending["id"])["status"] == "expired"
    openai_error(tenant.client.chat(ending["token"]), 401, "invalid_api_key", denial="key_expired")
    # What doesn't bring it back needs no place, and a key that has one needs no other.
    tenant.edit_credential(ending["id"], name="still over", limited_amount=100)
    tenant.edit_credential(others[0]["id"], expired_at=at(3600))
    tenant.delete_credential(others[0]["id"])
    assert tenant.edit_credential(ending["id"], expired_at=at(3600))["status"] == "active"
    expect(tenant.client.chat(ending["token"]), 200)
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")


def test_an_earlier_end_binds_the_next_call(deployment):
    tenant = with_key(deployment, 100)
    expect(call(tenant), 200)
    tenant.edit_credential(tenant.key_id, expired_at=at(1))
    refusal = wait_for(
        "the end", lambda: (answer := call(tenant, model="gpt-none")).status_code == 401 and answer, deadline=6
    )
    openai_error(refusal, 401, "invalid_api_key", denial="key_expired")


def test_a_key_that_is_gone_cannot_be_edited(tenant):
    made = tenant.credential(tenant.application()["id"])
    tenant.delete_credential(made["id"])
    problem(tenant.try_edit_credential(made["id"], limited_amount=1), 404, "not_found")


# Suspended accounts


def test_a_suspended_account_is_refused_everywhere(deployment, upstream):
    """All keys, every address of the data plane, from the very next call; and back again just so."""
    tenant = with_key(deployment, 1000)
    other = tenant.key(tenant.upstream_application()["id"])
    expect(call(tenant), 200)
    edited = deployment.edit_account(tenant.account["id"], suspended=True)
    assert edited["suspended"] is True and tenant.account_now()["suspended"] is True
    marker = unique("suspended")
    for key in (tenant.app_key, other):
        for answer in (
            tenant.client.chat(key, marker=marker),
            tenant.client.chat(key, stream=True, marker=marker),
            tenant.client.chat(key, model="gpt-none"),
            tenant.client.call("GET", "/v1/models", token=key),
        ):
            error = openai_error(answer, 403, "account_suspended", denial="account_suspended")
            assert "suspended" in error["message"]
    refused(call(tenant))
    assert upstream.recorded(marker) == []
    assert tenant.balance() == 980
    deployment.edit_account(tenant.account["id"], suspended=False)
    expect(call(tenant), 200)
    expect(tenant.client.call("GET", "/v1/models", token=other), 200)


def test_who_is_suspended_can_still_manage_and_read(deployment):
    tenant = with_key(deployment, 1000)
    expect(call(tenant), 200)
    deployment.edit_account(tenant.account["id"], suspended=True)
    new = tenant.credential(tenant.app["id"], limited_amount=5)
    tenant.edit_credential(new["id"], limited_amount=6)
    tenant.delete_credential(new["id"])
    assert len(tenant.ledger()) == 2
    assert expect(tenant.client.call("GET", "/v1/usage", token=tenant.app_key), 200).json()["used_amount"] == 20
    deployment.grant(tenant.account["id"], 5)
    assert tenant.balance() == 985
    tenant.person.sign_in()


def test_the_key_is_judged_before_the_account(deployment):
    """Not expired → account in good standing → model → credits."""
    tenant = with_key(deployment, None, expired_at=at(3))
    deployment.edit_account(tenant.account["id"], suspended=True)
    openai_error(call(tenant), 403, "account_suspended")  # though there are no credits either
    stranger = deployment.new_tenant()
    openai_error(call(tenant, application=stranger.application()["id"]), 403, "wrong_app", denial="wrong_app")
    refusal = wait_for("the end", lambda: (answer := call(tenant)).status_code == 401 and answer, deadline=8)
    openai_error(refusal, 401, "invalid_api_key", denial="key_expired")


def test_a_call_under_way_ends_in_a_suspended_account(deployment, upstream):
    """What was admitted is served and charged."""
    tenant = with_key(deployment, 100, model="script")
    marker, answers = unique("under-way"), []
    waiting = threading.Thread(target=lambda: answers.append(call(tenant, script=["wait", "json"], marker=marker)))
    waiting.start()
    upstream.wait_recorded(marker)
    deployment.edit_account(tenant.account["id"], suspended=True)
    upstream.release(marker)
    waiting.join(20)
    assert receipt(expect(answers[0], 200)).cost == STANDARD
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


# Mass assignment


def test_a_call_cannot_bring_its_own_price(deployment, upstream):
    """Neither a field of the body nor a header changes what a call costs; the fields pass to the upstream."""
    tenant = with_key(deployment, 100, model="json")
    marker = unique("own-price")
    fields = {"price": 0, "cost": 0, "limited_amount": 1000, "group": "standard", "multiplier": 0, "marker": marker}
    headers = {"X-Latchkey-Cost": "0", "X-Latchkey-Charge": absent_id(), "X-Latchkey-Remaining": "1000"}
    made = receipt(expect(call(tenant, headers=headers, through_upstream=True, **fields), 200))
    assert (made.cost, made.remaining) == (STANDARD, 80)
    noted = upstream.wait_recorded(marker)[0]
    assert json.loads(noted["body"])["price"] == 0
    assert not {name.lower() for name, _ in noted["headers"]} & {name.lower() for name in headers}


def test_the_upstream_cannot_write_a_receipt(deployment):
    """Its own headers of these names don't reach the caller beside ours."""
    tenant = with_key(deployment, 100, model="hop-headers")
    answer = expect(call(tenant, through_upstream=True), 200)
    assert receipt(answer).cost == STANDARD
    assert header(answer, "Idempotency-Replayed") is None


def test_usage_numbers_of_an_upstream_change_nothing(deployment, relay):
    """Checklist A4: what an upstream says of tokens is not what a call costs."""
    before = relay.settled()["balance"]
    expect(relay.client.chat(relay.app_key, model="json", through_upstream=True), 200)
    assert relay.settled()["balance"] == before - STANDARD


# Everything together


def test_a_history_adds_up(deployment, upstream):
    """Invariant 6 after each kind of event, one by one."""
    tenant = deployment.new_tenant(credits=None)
    account_id = tenant.account["id"]
    app = tenant.application(model="script", allowed_models=["script", "echo"])
    key = tenant.key(app["id"], limited_amount=70)

    def chat(*steps):
        return tenant.client.chat(key, script=list(steps), stream="head" in steps, through_upstream=True)

    events = [
        lambda: deployment.grant(account_id, Decimal("100.25")),
        lambda: expect(chat("json"), 200),
        lambda: expect(chat("refusal"), 400),
        lambda: expect(chat("failure"), 502),
        lambda: deployment.adjust(account_id, Decimal("-0.000001")),
        lambda: expect(chat("head", "content", "finish", "done", "end"), 200),
        lambda: expect(chat("head", "content", "cut"), 200),
        lambda: denied(chat("json"), "credit_limit_reached"),
        lambda: deployment.adjust(account_id, 5),
        lambda: deployment.edit_account(account_id, suspended=True),
        lambda: deployment.grant(account_id, 1),
    ]
    kinds = []
    for event in events:
        try:
            event()
        except OSError:  # a stream that is cut, as the script says
            pass
        entries = books_are_right(deployment, account_id)
        kinds.append(len(entries))
    assert kinds == [1, 2, 2, 2, 3, 4, 5, 5, 6, 6, 7]
    assert add_up(entries) == Decimal("46.249999")
    assert len(charges(entries)) == 3
    assert exact(tenant.call("GET", f"/api/v1/accounts/{account_id}"))["balance"] == Decimal("46.249999")
