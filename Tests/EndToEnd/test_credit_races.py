"""Invariant 4 under fire: `posted + held ≤ limit`, to the micro-credit, whatever comes at once (checklist 2.3.4).

A thousand calls on a hundred connections meet one limit at one moment. What is counted is not what the server says of
itself but what came out: answers, and calls at the upstream.
"""

import json
import random
import threading
import time
from collections import Counter
from decimal import Decimal

import pytest

from burst import burst, chat_request
from client import expect, in_parallel, unique
from receipts import STANDARD, add_up, books_are_right, charges, denied, header
from shapes import openai_error
from waiting import wait_for

pytestmark = pytest.mark.race

CODES = {
    "limited_amount": "credit_limit_reached",
    "monthly_limit": "monthly_limit_reached",
    None: "insufficient_credits",
}


def shooter(deployment, credits=1_000_000, model="echo", **terms):
    """A tenant with one key, which is warm: its Argon2 is done, so the calls meet at the limit and not before it."""
    tenant = deployment.new_tenant(credits=credits)
    tenant.app = tenant.upstream_application(model=model) if model != "echo" else tenant.application()
    tenant.key_made = tenant.credential(tenant.app["id"], **terms)
    tenant.app_key = tenant.key_made["token"]
    expect(tenant.client.call("GET", "/v1/models", token=tenant.app_key), 200)
    return tenant


def told(answers):
    """How many answers there were of each kind: a status, or the code of a refusal."""
    assert None not in answers, "a connection was closed without an answer"
    return Counter(answer.status if answer.status == 200 else answer.header("X-Latchkey-Code") for answer in answers)


def all_well_formed(answers):
    """Each refusal of a thousand is as a single one would be."""
    for answer in answers:
        if answer.status == 429:
            assert json.loads(answer.body)["error"]["code"] == "insufficient_quota"
            assert answer.header("x-should-retry") == "false" and answer.header("X-Latchkey-Cost") == "0"
            assert answer.header("X-Latchkey-Charge") is None
        else:
            assert answer.status == 200 and answer.header("X-Latchkey-Charge"), answer


@pytest.mark.parametrize("field, code", CODES.items(), ids=["the key", "the month", "the account"])
def test_a_thousand_calls_and_credits_for_one(deployment, field, code):
    """Exactly one is served; nine hundred and ninety-nine are told why not."""
    tenant = shooter(deployment, **({field: STANDARD} if field else {"credits": STANDARD}))
    before = tenant.balance()
    answers = burst(deployment.server, [chat_request(tenant.app_key)] * 1000, connections=100)
    assert told(answers) == {200: 1, code: 999}
    all_well_formed(answers)
    assert [answer.header("X-Latchkey-Remaining") for answer in answers if answer.status == 200] == ["0"]
    entries = books_are_right(deployment, tenant.account["id"])
    assert len(charges(entries)) == 1
    assert tenant.balance() == before - STANDARD
    key = tenant.read_credential(tenant.key_made["id"])
    assert (key["used_amount"], key["monthly_used"]) == (STANDARD, STANDARD)
    assert tenant.usage()["calls"] == 1
    denied(tenant.client.chat(tenant.app_key), code)


@pytest.mark.parametrize("field, code", CODES.items(), ids=["the key", "the month", "the account"])
def test_a_limit_is_met_to_the_micro_credit(deployment, field, code):
    """Credits for seven calls and a bit: seven are served, and the bit stays."""
    model = deployment.new_model(price=Decimal("0.142858"))["name"]
    limit = Decimal("1.000007")  # seven times the price is 1.000006
    tenant = deployment.new_tenant(credits=limit if field is None else 1000)
    terms = {field: limit} if field else {}
    key = tenant.key(tenant.application(model=model)["id"], **terms)
    expect(tenant.client.call("GET", "/v1/models", token=key), 200)
    answers = burst(deployment.server, [chat_request(key)] * 300, connections=100)
    assert told(answers) == {200: 7, code: 293}
    remaining = sorted(Decimal(a.header("X-Latchkey-Remaining")) for a in answers if a.status == 200)
    assert remaining == [limit - number * Decimal("0.142858") for number in range(7, 0, -1)]
    assert add_up(books_are_right(deployment, tenant.account["id"])) == tenant.balance()


def test_streams_meet_the_limit_as_well(deployment):
    tenant = shooter(deployment, credits=5 * STANDARD)
    answers = burst(deployment.server, [chat_request(tenant.app_key, stream=True)] * 200, connections=100)
    assert told(answers) == {200: 5, "insufficient_credits": 195}
    assert all(answer.body.endswith(b"data: [DONE]\n\n") for answer in answers if answer.status == 200)
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 5


def test_what_is_held_is_promised(deployment, upstream):
    """Slow calls hold their cost all the while: no other call gets it, and none of the refused reaches the upstream."""
    tenant = shooter(deployment, credits=5 * STANDARD, model="script")
    marker, answers = unique("promised"), []
    calls = [chat_request(tenant.app_key, script=["wait", "json"], marker=marker)] * 60

    def shoot():
        answers.extend(burst(deployment.server, calls, connections=60, through_upstream=True))

    shooting = threading.Thread(target=shoot)
    shooting.start()
    upstream.wait_recorded(marker, count=5)
    account = tenant.account_now()
    assert (account["balance"], account["held"], account["available"]) == (100, 100, 0)
    denied(tenant.client.chat(tenant.app_key), "insufficient_credits")
    upstream.release(marker)
    shooting.join(60)
    assert told(answers) == {200: 5, "insufficient_credits": 55}
    assert len(upstream.recorded(marker)) == 5
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 5


def test_what_was_void_is_free_again(deployment, upstream):
    """Every second call fails at the upstream. All of the credits are spent in the end, and not one more."""
    tenant = shooter(deployment, credits=20 * STANDARD, model="script")
    marker = unique("free-again")
    served = Counter()
    for _ in range(10):
        calls = [
            chat_request(tenant.app_key, script=["json"] if number % 2 else ["failure"], marker=marker)
            for number in range(40)
        ]
        random.Random(7).shuffle(calls)
        answers = burst(deployment.server, calls, connections=40, through_upstream=True)
        served += told(answers)
        books_are_right(deployment, tenant.account["id"])
        if served[200] == 20:
            break
    assert served[200] == 20
    assert set(served) <= {200, "upstream_failed", "insufficient_credits"} and served["upstream_failed"] > 0
    entries = books_are_right(deployment, tenant.account["id"])
    assert (len(charges(entries)), tenant.balance()) == (20, 0)
    counted = {item["code"]: item["calls"] for item in tenant.refused_calls()["items"]}
    assert counted == {code: calls for code, calls in served.items() if code != 200}
    denied(tenant.client.chat(tenant.app_key, script=["json"]), "insufficient_credits")


def test_several_keys_share_one_account(deployment):
    """Each with a limit of its own, in sum more than the account has: no limit is passed, and no credit is left."""
    tenant = deployment.new_tenant(credits=10 * STANDARD)
    app = tenant.application()
    keys = [tenant.credential(app["id"], limited_amount=4 * STANDARD) for _ in range(4)]
    for key in keys:
        expect(tenant.client.call("GET", "/v1/models", token=key["token"]), 200)
    calls = [chat_request(keys[number % 4]["token"]) for number in range(400)]
    answers = burst(deployment.server, calls, connections=100)
    counted = told(answers)
    assert counted[200] == 10 and set(counted) <= {200, "insufficient_credits", "credit_limit_reached"}
    used = [tenant.read_credential(key["id"])["used_amount"] for key in keys]
    assert sum(used) == 200 and max(used) <= 80
    of_key = Counter(number % 4 for number, answer in enumerate(answers) if answer.status == 200)
    assert [of_key[number] * STANDARD for number in range(4)] == used
    books_are_right(deployment, tenant.account["id"])


def test_accounts_do_not_meet(deployment):
    """One committer serves them all; the poor one takes nothing from the rich one."""
    poor, rich = shooter(deployment, credits=3 * STANDARD), shooter(deployment, credits=100 * STANDARD)
    calls = [chat_request((poor if number % 2 else rich).app_key) for number in range(200)]
    answers = burst(deployment.server, calls, connections=100)
    assert told(answers[0::2]) == {200: 100}
    assert told(answers[1::2]) == {200: 3, "insufficient_credits": 97}
    for tenant in (poor, rich):
        books_are_right(deployment, tenant.account["id"])
        assert tenant.balance() == 0


def test_grants_and_corrections_amid_calls(deployment):
    """What an admin does meanwhile is neither lost nor counted twice: what was granted was spent, down to the rest."""
    tenant = shooter(deployment, credits=STANDARD)
    account_id, answers = tenant.account["id"], []
    calls = [chat_request(tenant.app_key)] * 600

    def shoot():
        answers.extend(burst(deployment.server, calls, connections=50))

    shooting = threading.Thread(target=shoot)
    shooting.start()
    granted, taken = Decimal(STANDARD), Decimal(0)
    for number in range(12):
        deployment.grant(account_id, Decimal("33.5"))
        granted += Decimal("33.5")
        answer = deployment.try_adjust(account_id, Decimal("-0.25"), reason="a fee")
        assert answer.status_code in (201, 409), answer.text
        taken += Decimal("0.25") if answer.status_code == 201 else 0
    shooting.join(120)
    assert not shooting.is_alive()
    served = told(answers)[200]
    # The last grants may have come after the last call; what is left then is more than a call's worth, and is there.
    left = granted - taken - served * STANDARD
    entries = books_are_right(deployment, account_id)
    assert left >= 0 and add_up(entries) == left and len(charges(entries)) == served
    more = burst(deployment.server, calls[:50], connections=50)
    assert told(more)[200] == left // STANDARD
    assert tenant.balance() == left % STANDARD
    books_are_right(deployment, account_id)


@pytest.mark.parametrize(
    "field, code", [("limited_amount", "credit_limit_reached"), ("monthly_limit", "monthly_limit_reached")]
)
def test_a_lowered_limit_stops_a_hammering_caller(deployment, field, code):
    """Invariant 7: of the calls that begin after the answer to the edit, none is served."""
    tenant = shooter(deployment)
    stop_after_an_edit(
        tenant, lambda: tenant.edit_credential(tenant.key_made["id"], **{field: 0}), lambda answer: denied(answer, code)
    )


def test_a_suspension_stops_a_hammering_caller(deployment):
    tenant = shooter(deployment)
    stop_after_an_edit(
        tenant,
        lambda: deployment.edit_account(tenant.account["id"], suspended=True),
        lambda answer: openai_error(answer, 403, "account_suspended", denial="account_suspended"),
    )


def test_a_correction_stops_a_hammering_caller(deployment):
    """Taken away is taken away: the balance is emptied amid calls, whatever is held at that moment."""
    tenant = shooter(deployment, credits=100_000)

    def empty():
        taken = 0
        for _ in range(200):
            available = tenant.account_now()["available"]
            if available < STANDARD:
                assert taken, "the callers have used it up before anything was taken away"
                return
            # Calls take from it between the two requests, so not all of it can be taken away at once.
            part = available * 9 // 10
            taken += deployment.try_adjust(tenant.account["id"], -part, reason="emptied").status_code == 201
        raise AssertionError("the balance was never emptied")

    # (A call that fails would give its hold back, and a later one could have it; an echo never fails.)
    stop_after_an_edit(tenant, empty, lambda answer: denied(answer, "insufficient_credits"))
    assert tenant.settled()["available"] < STANDARD


def stop_after_an_edit(tenant, edit, refused):
    """Eight callers hammer; one edit ends it for all of them."""
    done, answers = {}, []

    def act(number):
        if number == 8:
            wait_for("forty answers", lambda: len(answers) > 40, deadline=30)
            try:
                edit()
            finally:
                done["at"] = time.monotonic()
            return
        late = 0
        while late < 5:
            late += "at" in done
            began = time.monotonic()
            answers.append((began, tenant.client.chat(tenant.app_key)))

    in_parallel(act, range(9), threads=9)
    assert [answer for _, answer in answers if answer.status_code == 200], "nothing was served before"
    late = [answer for began, answer in answers if began > done["at"]]
    assert late, "the edit came too late to be tested"
    for answer in late:
        refused(answer)
    served = [answer for _, answer in answers if answer.status_code == 200]
    entries = books_are_right(tenant.deployment, tenant.account["id"])
    assert len(charges(entries)) == len(served)
    assert {entry["id"] for entry in charges(entries)} == {header(a, "X-Latchkey-Charge") for a in served}


def test_a_new_price_amid_calls_is_in_each_charge(deployment):
    """Each call pays the price that its receipt names, and the books say which version that was."""
    model = deployment.new_model(price=1)
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application(model=model["name"])["id"])
    expect(tenant.client.call("GET", "/v1/models", token=key), 200)
    answers = []

    def shoot():
        answers.extend(burst(deployment.server, [chat_request(key)] * 400, connections=20))

    shooting = threading.Thread(target=shoot)
    shooting.start()
    prices = {}
    for number in range(2, 8):
        prices[deployment.set_price(model["id"], number)["id"]] = number
    shooting.join(60)
    assert told(answers) == {200: 400}
    entries = {entry["id"]: entry for entry in charges(books_are_right(deployment, tenant.account["id"]))}
    for answer in answers:
        entry = entries.pop(answer.header("X-Latchkey-Charge"))
        assert Decimal(answer.header("X-Latchkey-Cost")) == entry["amount"] == entry["price"]
        assert entry["price"] == prices.get(entry["price_id"], 1)
    assert not entries


def test_one_name_a_thousand_times(deployment, upstream):
    """The same Idempotency-Key on a hundred connections: one call at the upstream, one charge, and no 5xx."""
    tenant = shooter(deployment, credits=100, model="script")
    name, marker = unique("key"), unique("one-name")
    call = chat_request(tenant.app_key, headers=[("Idempotency-Key", name)], script=["json"], marker=marker)
    answers = burst(deployment.server, [call] * 1000, connections=100, through_upstream=True)
    counted = told(answers)
    assert set(counted) <= {200, "idempotency_in_flight"} and counted[200] > 0
    bodies = {answer.body for answer in answers if answer.status == 200}
    assert len(bodies) == 1
    own = [a for a in answers if a.status == 200 and a.header("Idempotency-Replayed") is None]
    assert len(own) == 1 and len(upstream.recorded(marker)) == 1
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_a_kill_amid_a_thousand_calls_leaves_right_books(own_deployment):
    """Power goes in the middle of the crowd: whoever has an answer has paid, nobody has paid twice, nothing is open."""
    deployment = own_deployment()
    tenant = shooter(deployment, credits=300 * STANDARD)
    answers = []

    def shoot():
        answers.extend(burst(deployment.server, [chat_request(tenant.app_key)] * 1000, connections=50))

    shooting = threading.Thread(target=shoot)
    shooting.start()
    wait_for("a hundred charges", lambda: tenant.balance() <= 200 * STANDARD, deadline=60, interval=0)
    deployment.server.kill()
    shooting.join(60)
    deployment.server.start()
    entries = books_are_right(deployment, tenant.account["id"])
    served = {answer.header("X-Latchkey-Charge") for answer in answers if answer is not None and answer.status == 200}
    charged = {entry["id"] for entry in charges(entries)}
    assert len(served) >= 50 and served <= charged, f"{len(served - charged)} answers were never charged"
    # Between a charge and its answer there can have been one call on each connection.
    assert len(charged - served) <= 50
    rest = burst(deployment.server, [chat_request(tenant.app_key)] * 400, connections=50)
    assert told(rest)[200] == 300 - len(charged)
    books_are_right(deployment, tenant.account["id"])
    assert tenant.balance() == 0
