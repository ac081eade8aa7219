"""`verify`: a service owner asks whether a key may call their app (design §6, §8): the same verdict as on the wire
for the same facts, charged once however often it is asked, and silent about other tenants (ASVS 2.3.4, 8.2.2, 8.4.1,
B4).
"""

import re

import pytest

from client import Literal, absent_id, at, exact, expect, in_parallel, seconds, unique
from deployment import PLENTY
from key_calls import DENIALS, refused, retire, rotate, try_verify, verify
from receipts import STANDARD, away_from_midnight, books_are_right, charges, outcome, receipt
from shapes import UUID7, forged, problem, same_bytes
from waiting import wait_until

HERE, ELSEWHERE = "127.0.0.1", "203.0.113.7"
HOST = "app.example.com"
PAGE = f"https://{HOST}"


@pytest.fixture
def app(tenant):
    return tenant.application()


@pytest.fixture
def key(tenant, app):
    return tenant.credential(app["id"])


def charge(tenant, key, app, name, **question):
    return verify(tenant, key["token"], app["id"], charge=True, request_id=name, **question)


def try_charge(tenant, key, app, name, **question):
    return try_verify(tenant, key["token"], app["id"], charge=True, request_id=name, **question)


# Looking


def test_a_good_key(tenant, app, key):
    """Allowed, with the model, the cost and what would be left; nothing is charged."""
    answer = verify(tenant, key["token"], app["id"])
    assert answer == {
        "allowed": True,
        "code": None,
        "detail": None,
        "status": 200,
        "credential_id": key["id"],
        "model": "echo",
        "cost": STANDARD,
        "remaining": PLENTY - STANDARD,
        "charged": False,
        "charge_id": None,
    }
    for _ in range(3):
        assert verify(tenant, key["token"], app["id"], charge=False) == answer
    assert tenant.balance() == PLENTY
    assert [entry["kind"] for entry in tenant.ledger()] == ["grant"]


def test_an_answer_is_not_kept(tenant, app, key):
    response = try_verify(tenant, key["token"], app["id"])
    assert response.headers["cache-control"] == "no-store"
    assert key["token"] not in response.text


def test_what_is_no_key(tenant, app, key):
    """Invariant: malformed, forged, unknown and deleted can't be told apart; 401 is for the caller, the question
    itself was answered."""
    tenant.delete_credential(key["id"])
    first = exact(expect(try_verify(tenant, key["token"], app["id"]), 200))
    assert (first["allowed"], first["code"], first["status"]) == (False, "invalid_key", 401)
    assert first["credential_id"] is None
    for other in (forged(key["token"]), key["token"][:-1] + "0", "x", "sk-", tenant.token, "ключ", "a b", "x" * 512):
        assert verify(tenant, other, app["id"]) == first


def test_an_ended_secret_is_no_key(tenant, app, key):
    new = rotate(tenant, key["id"], 3600)["token"]
    for token in (key["token"], new):
        assert verify(tenant, token, app["id"])["credential_id"] == key["id"]
    retire(tenant, key["id"])
    assert verify(tenant, key["token"], app["id"])["code"] == "invalid_key"
    assert verify(tenant, new, app["id"])["allowed"]


def test_the_address_is_the_one_that_is_told(tenant, app):
    """Who asks is not who calls: without an address there is none, and the asking server's own doesn't count."""
    key = tenant.credential(app["id"], ip_allowlist=[HERE])
    assert verify(tenant, key["token"], app["id"])["code"] == "ip_not_allowed"
    assert verify(tenant, key["token"], app["id"], address=ELSEWHERE)["code"] == "ip_not_allowed"
    assert verify(tenant, key["token"], app["id"], address="::ffff:127.0.0.1")["allowed"]
    body = {"key": key["token"], "application_id": app["id"]}
    headers = {"X-Forwarded-For": HERE, "X-Real-IP": HERE, "Forwarded": f"for={HERE}"}
    answer = tenant.call("POST", "/api/v1/verify", json=body, headers=headers)
    assert expect(answer, 200).json()["code"] == "ip_not_allowed"


def test_the_origin_is_the_one_that_is_told(tenant, app, key):
    """A token's own Origin header is no page's call."""
    body = {"key": key["token"], "application_id": app["id"]}
    answer = tenant.call("POST", "/api/v1/verify", json=body, headers={"Origin": "https://console.example"})
    assert expect(answer, 200).json()["allowed"]
    assert verify(tenant, key["token"], app["id"], origin="null")["code"] == "browser_not_allowed"


# Every denial

# name -> (the key's terms, the state it is put in, the facts of the call, the denial; None is allowed)
CASES = {
    "a plain key": ({}, None, {}, None),
    "addressed": ({}, None, {"application": "own"}, None),
    "a named model": ({}, None, {"model": "echo"}, None),
    "another app": ({}, None, {"application": "other"}, "wrong_app"),
    "an app of another tenant": ({}, None, {"application": "foreign"}, "wrong_app"),
    "another app with an expired key": ({"expired_at": 2}, None, {"application": "other"}, "wrong_app"),
    "expired": ({"expired_at": 2}, None, {}, "key_expired"),
    "not yet expired": ({"expired_at": 3600}, None, {}, None),
    "disabled": ({}, "disabled", {}, "key_disabled"),
    "suspended account": ({}, "suspended", {}, "account_suspended"),
    "disabled in a suspended account": ({}, "disabled suspended", {}, "key_disabled"),
    "from the list": ({"ip_allowlist": [ELSEWHERE]}, None, {"address": ELSEWHERE}, None),
    "from a block": ({"ip_allowlist": ["2001:db8::/32"]}, None, {"address": "2001:db8:1::1"}, None),
    "mapped": ({"ip_allowlist": [ELSEWHERE]}, None, {"address": "::ffff:203.0.113.7"}, None),
    "not from the list": ({"ip_allowlist": [ELSEWHERE]}, None, {"address": "203.0.113.8"}, "ip_not_allowed"),
    "the other family": ({"ip_allowlist": ["0.0.0.0/0"]}, None, {"address": "2001:db8::1"}, "ip_not_allowed"),
    "its page": ({"host": HOST}, None, {"origin": PAGE}, None),
    "its page at a port": ({"host": HOST}, None, {"origin": f"http://{HOST.upper()}:8080"}, None),
    "another page": ({"host": HOST}, None, {"origin": "https://evil.example"}, "host_not_allowed"),
    "the page null": ({"host": HOST}, None, {"origin": "null"}, "host_not_allowed"),
    "no page": ({"host": HOST}, None, {}, "host_not_allowed"),
    "two pages": ({"host": HOST}, None, {"origin": f"{PAGE}, {PAGE}"}, "host_not_allowed"),
    "a page with a key for servers": ({}, None, {"origin": PAGE}, "browser_not_allowed"),
    "address before page": (
        {"host": HOST, "ip_allowlist": [ELSEWHERE]},
        None,
        {"origin": "null", "address": "203.0.113.8"},
        "ip_not_allowed",
    ),
    "a model of its list": ({"models": ["echo"]}, None, {"model": "echo"}, None),
    "no model, and its app's is not on its list": ({"models": ["OTHER"]}, None, {}, "model_not_allowed"),
    "a model that its list has not": ({"models": ["OTHER"]}, None, {"model": "echo"}, "model_not_allowed"),
    "a model that its app has not": ({}, None, {"model": "FORBIDDEN"}, "model_not_allowed"),
    "a model that nobody has": ({}, None, {"model": "gpt-none"}, "model_not_found"),
    "the limit is used up": ({"limited_amount": 19}, None, {}, "credit_limit_reached"),
    "the limit is just enough": ({"limited_amount": 20}, None, {}, None),
    "the month is used up": ({"monthly_limit": Literal("19.999999")}, None, {}, "monthly_limit_reached"),
    "both are": ({"limited_amount": 0, "monthly_limit": 0}, None, {}, "credit_limit_reached"),
    "no credits": ({}, "poor", {}, "insufficient_credits"),
    "just enough credits": ({}, "last", {}, None),
}


@pytest.fixture(scope="module")
def other_models(_proxied):
    """One that the apps here may use, and one that they may not."""
    return {"OTHER": _proxied.new_model()["name"], "FORBIDDEN": _proxied.new_model()["name"]}


@pytest.fixture(scope="module")
def foreigner(_proxied):
    tenant = _proxied.new_tenant("Foreigner")
    tenant.app = tenant.application()
    tenant.app_credential = tenant.credential(tenant.app["id"])
    return tenant


@pytest.mark.parametrize("case", CASES)
def test_the_same_verdict_as_on_the_wire(proxied, foreigner, other_models, case):
    """One case asked both ways: `verify` first, which charges nothing, and then the call itself, from that address,
    with that origin. The code and the status agree; where it is served, the model, the cost and what is left do
    too."""
    terms, state, facts, code = CASES[case]
    state = state or ""
    credits = {"poor": STANDARD - 1, "last": STANDARD}.get(state, 1000)
    tenant = proxied.new_tenant(credits=credits)
    app = tenant.application(allowed_models=["echo", other_models["OTHER"]])
    terms = dict(terms)
    is_ending = terms.get("expired_at") == 2
    if "expired_at" in terms:
        terms["expired_at"] = at(terms["expired_at"])
    if "models" in terms:
        terms["models"] = [other_models.get(name, name) for name in terms["models"]]
    key = tenant.credential(app["id"], **terms)
    if "disabled" in state:
        tenant.edit_credential(key["id"], enabled=False)
    if "suspended" in state:
        proxied.edit_account(tenant.account["id"], suspended=True)
    if is_ending:
        wait_until(seconds(key["expired_at"]) + 0.05)
    model = other_models.get(facts.get("model"), facts.get("model"))
    address, origin = facts.get("address", ELSEWHERE), facts.get("origin")

    if facts.get("application") == "foreign":
        # Its owner asks: the key is one of somebody else's, and stays nameless.
        answer = verify(foreigner, key["token"], foreigner.app["id"], address=address)
        assert answer["credential_id"] is None
        called = foreigner.app["id"]
    else:
        called = tenant.application()["id"] if facts.get("application") == "other" else app["id"]
        question = {"model": model, "address": address, "origin": origin}
        answer = verify(tenant, key["token"], called, **question)
        assert answer["credential_id"] == key["id"]
    assert (answer["allowed"], answer["code"]) == (code is None, code)

    headers = {"X-Forwarded-For": address} | ({} if origin is None else {"Origin": origin})
    named = {} if model is None else {"model": model}
    addressed = facts.get("application") and called
    response = tenant.client.chat(key["token"], application=addressed, headers=headers, **named)
    if code:
        refused(response, code)
        assert tenant.balance() == credits
        if response.status_code != 429:
            assert answer["status"] == response.status_code
        assert answer["status"] == DENIALS[code][2]
        # To a program the gateway also says which models its key may name.
        told = response.json()["error"]["message"]
        more = r" This key may use: [\w-]+(, [\w-]+)*\." if code in ("model_not_allowed", "model_not_found") else ""
        assert re.fullmatch(re.escape(answer["detail"]) + more, told), "the same words"
        return
    made = receipt(expect(response, 200))
    assert (made.cost, made.remaining) == (answer["cost"], answer["remaining"])
    assert response.json()["model"] in ("echo", answer["model"])


def test_every_denial_is_among_the_cases():
    """So that a new one can't be forgotten here. (A key that is none has a test of its own.)"""
    assert {case[3] for case in CASES.values()} == set(DENIALS) - {"invalid_key"} | {None}


# Other tenants


def test_an_app_of_another_account_is_an_absent_app(tenant, key, strangers):
    """Invariant 8: nobody asks for an app that isn't theirs, with whatever key (ASVS 8.2.2, 8.4.1)."""
    foreign = try_verify(tenant, key["token"], strangers.app["id"])
    problem(foreign, 400, "invalid_request", field="application_id")
    same_bytes(foreign, try_verify(tenant, key["token"], absent_id()))
    same_bytes(foreign, try_verify(tenant, strangers.app_key, strangers.app["id"]))
    same_bytes(foreign, try_verify(tenant, "x", strangers.app["id"]))
    same_bytes(foreign, try_charge(tenant, key, strangers.app, unique("foreign")))


def test_a_key_of_another_account_is_another_apps_key(deployment, tenant, app):
    """wrong_app, whatever state the key is in, and not whose it is (ASVS 8.4.1)."""
    other = deployment.new_tenant()
    key = other.credential(other.application()["id"], ip_allowlist=[ELSEWHERE], limited_amount=0)
    first = verify(tenant, key["token"], app["id"])
    assert (first["code"], first["credential_id"]) == ("wrong_app", None)
    assert key["id"] not in str(first) and other.account["id"] not in str(first)
    other.edit_credential(key["id"], enabled=False)
    assert verify(tenant, key["token"], app["id"]) == first
    deployment.edit_account(other.account["id"], suspended=True)
    assert verify(tenant, key["token"], app["id"], charge=True, request_id=unique("foreign")) == first
    own_other = tenant.credential(tenant.application()["id"])
    named = verify(tenant, own_other["token"], app["id"])
    assert named == first | {"credential_id": own_other["id"]}
    other.delete_credential(key["id"])
    assert verify(tenant, key["token"], app["id"])["code"] == "invalid_key"


# Charging


def test_a_charge_is_a_charge(deployment, tenant, app, key):
    """Held and charged like a served call: in the ledger, in the usage, on the key."""
    answer = charge(tenant, key, app, unique("once"))
    assert answer["charged"] and UUID7.match(answer["charge_id"])
    assert (answer["cost"], answer["remaining"]) == (STANDARD, PLENTY - STANDARD)
    entries = books_are_right(deployment, tenant.account["id"])
    assert outcome(entries, answer["charge_id"]) == "charge"
    (entry,) = charges(entries)
    assert (entry["credential_id"], entry["application_id"], entry["model"]) == (key["id"], app["id"], "echo")
    assert entry["amount"] in (STANDARD, -STANDARD)
    assert tenant.balance() == PLENTY - STANDARD
    assert tenant.read_credential(key["id"])["used_amount"] == STANDARD
    assert tenant.usage(credential_id=key["id"]) != tenant.usage(credential_id=absent_id())


def test_the_same_request_is_charged_once(deployment, tenant, app, key):
    name = unique("again")
    question = {"model": "echo", "address": ELSEWHERE}
    first = charge(tenant, key, app, name, **question)
    for _ in range(5):
        assert charge(tenant, key, app, name, **question) == first
    # The same question in other words, and with the key's other secret.
    assert charge(tenant, key, app, name, model="echo", address="::ffff:203.0.113.7", origin=None) == first
    new = rotate(tenant, key["id"], 3600)
    assert charge(tenant, new, app, name, **question) == first
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1
    assert charge(tenant, key, app, unique("another"), **question)["charge_id"] != first["charge_id"]
    assert tenant.balance() == PLENTY - 2 * STANDARD


@pytest.mark.race
def test_fifty_at_once_are_charged_once(deployment):
    """Concurrent repeats: each gets the one answer, or is told that the first is still under way. There is money for
    one call alone, so that a second charge would also be a denial."""
    tenant = deployment.new_tenant(credits=STANDARD)
    app = tenant.application()
    key = tenant.credential(app["id"])
    name = unique("fifty")
    answers = in_parallel(lambda _: try_charge(tenant, key, app, name), range(50), threads=50)
    told = []
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "idempotency_in_flight")
        else:
            told.append(exact(expect(answer, 200)))
    assert told and all(one == told[0] and one["charged"] and one["remaining"] == 0 for one in told)
    assert charge(tenant, key, app, name) == told[0], "paid for, so it is given again though nothing is left"
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1
    assert verify(tenant, key["token"], app["id"])["code"] == "insufficient_credits"
    assert charge(tenant, key, app, unique("more"))["code"] == "insufficient_credits"
    assert tenant.balance() == 0


@pytest.mark.race
def test_many_requests_at_once_take_no_more_than_there_is(deployment):
    """Invariant 4 (ASVS 2.3.4): fifty different requests, credits for seven."""
    tenant = deployment.new_tenant(credits=7 * STANDARD + 19)
    app = tenant.application()
    key = tenant.credential(app["id"])
    answers = in_parallel(lambda _: charge(tenant, key, app, unique("one")), range(50), threads=25)
    assert sum(answer["charged"] for answer in answers) == 7
    assert {answer["code"] for answer in answers} == {None, "insufficient_credits"}
    assert len({answer["charge_id"] for answer in answers} - {None}) == 7
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 7
    assert tenant.balance() == 19


@pytest.mark.parametrize("other", [{"model": None}, {"address": "203.0.113.8"}, {"address": None}], ids=str)
def test_another_question_under_the_same_name_is_refused(deployment, tenant, app, key, other):
    """422, as for an Idempotency-Key: the answer to one question is none to another, though the key allows both."""
    name, question = unique("other"), {"model": "echo", "address": ELSEWHERE}
    first = charge(tenant, key, app, name, **question)
    problem(try_charge(tenant, key, app, name, **(question | other)), 422, "idempotency_key_reused")
    assert charge(tenant, key, app, name, **question) == first
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_another_page_is_another_question(tenant, app):
    """Allowed as well, since the key's host was taken away meanwhile."""
    key, name = tenant.credential(app["id"], host=HOST), unique("page")
    first = charge(tenant, key, app, name, origin=PAGE)
    assert charge(tenant, key, app, name, origin=f"http://{HOST}:8080") == first, "the same page, as far as rules go"
    tenant.edit_credential(key["id"], host=None)
    problem(try_charge(tenant, key, app, name), 422, "idempotency_key_reused")
    assert tenant.balance() == PLENTY - STANDARD


def test_a_name_belongs_to_verify(deployment, tenant, app, key):
    """A caller's own Idempotency-Key can't stand in for a service owner's request, nor the other way round."""
    name = unique("shared")
    first = expect(tenant.client.chat(key["token"], headers={"Idempotency-Key": name}), 200)
    answer = charge(tenant, key, app, name)
    assert answer["charge_id"] != receipt(first).charge
    again = expect(tenant.client.chat(key["token"], headers={"Idempotency-Key": name}), 200)
    assert receipt(again) == receipt(first) and again.content == first.content
    assert charge(tenant, key, app, name) == answer
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 2


def test_a_denied_request_is_not_charged_and_may_be_asked_again(deployment):
    """Nothing was done under that name, so it is free."""
    tenant = deployment.new_tenant(credits=None)
    app = tenant.application()
    key = tenant.credential(app["id"], ip_allowlist=[ELSEWHERE])
    name = unique("denied")
    assert charge(tenant, key, app, name)["code"] == "ip_not_allowed"
    assert charge(tenant, key, app, name, address=ELSEWHERE)["code"] == "insufficient_credits"
    deployment.grant(tenant.account["id"], 100)
    assert charge(tenant, key, app, name, address=ELSEWHERE)["charged"]
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_what_was_charged_is_answered_as_it_was(deployment, tenant, app):
    """Whatever has changed since: who asks again only wants to know what became of the first time. Under another name
    it is another call, and that is denied. With the end of the key, its names end."""
    key = tenant.credential(app["id"], ip_allowlist=[ELSEWHERE])
    name = unique("judged")
    first = charge(tenant, key, app, name, address=ELSEWHERE)
    assert first["charged"]

    def now(code):
        assert charge(tenant, key, app, name, address=ELSEWHERE) == first, code
        assert charge(tenant, key, app, unique("another"), address=ELSEWHERE)["code"] == code

    tenant.edit_credential(key["id"], limited_amount=0)
    now("credit_limit_reached")
    tenant.edit_credential(key["id"], ip_allowlist=["198.51.100.1"])
    now("ip_not_allowed")
    deployment.edit_account(tenant.account["id"], suspended=True)
    now("account_suspended")
    tenant.edit_credential(key["id"], enabled=False)
    now("key_disabled")
    ending = tenant.edit_credential(key["id"], expired_at=at(2))
    wait_until(seconds(ending["expired_at"]) + 0.05)
    now("key_expired")
    old = dict(key)
    key["token"] = rotate(tenant, key["id"])["token"]
    now("key_expired")
    assert charge(tenant, old, app, name, address=ELSEWHERE)["code"] == "invalid_key"
    tenant.delete_credential(key["id"])
    assert charge(tenant, key, app, name, address=ELSEWHERE)["code"] == "invalid_key"
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_a_name_is_the_keys_own(deployment, tenant, app, key):
    """The same name with another key is another call: nobody's key is stopped by the names that another's uses."""
    other = tenant.credential(app["id"])
    name = unique("both")
    answers = [charge(tenant, one, app, name) for one in (key, other, key, other)]
    assert answers[0] == answers[2] and answers[1] == answers[3]
    assert answers[0]["charge_id"] != answers[1]["charge_id"]
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 2


def test_it_is_once_over_a_kill(own_deployment):
    """What was answered was on disk: the same request after kill -9 gets the same answer."""
    deployment = own_deployment()
    tenant = deployment.new_tenant(credits=100)
    app = tenant.application()
    key = tenant.credential(app["id"])
    name = unique("killed")
    first = charge(tenant, key, app, name)
    deployment.server.kill()
    deployment.server.start()
    assert charge(tenant, key, app, name) == first
    assert tenant.balance() == 80
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_a_free_model_is_charged_nothing_once(deployment):
    model = deployment.new_model(price=0)["name"]
    tenant = deployment.new_tenant(credits=None)
    app = tenant.application(model=model, allowed_models=[model])
    key = tenant.credential(app["id"])
    name = unique("free")
    first = charge(tenant, key, app, name)
    assert (first["charged"], first["cost"], first["remaining"]) == (True, 0, 0)
    assert charge(tenant, key, app, name) == first


def test_limits_bind_what_verify_charges(deployment, tenant, app):
    """Calls of both kinds draw on the same limits, to the last one that fits."""
    away_from_midnight()
    key = tenant.credential(app["id"], monthly_limit=60)
    assert charge(tenant, key, app, unique("a"))["remaining"] == 40
    assert receipt(expect(tenant.client.chat(key["token"]), 200)).remaining == 20
    assert charge(tenant, key, app, unique("b"))["remaining"] == 0
    assert charge(tenant, key, app, unique("c"))["code"] == "monthly_limit_reached"
    refused(tenant.client.chat(key["token"]), "monthly_limit_reached")
    assert tenant.read_credential(key["id"])["status"] == "suspended"


# The question


@pytest.mark.parametrize("body", [{"charge": True}, {"charge": True, "request_id": None}], ids=str)
def test_a_charge_has_a_name(pets, body):
    whole, before = {"key": pets.cat_key, "application_id": pets.cat["id"]} | body, pets.balance()
    problem(pets.call("POST", "/api/v1/verify", json=whole), 400, "invalid_request", field="request_id")
    assert pets.balance() == before


@pytest.mark.parametrize("name", ["x" * 255, " ", "verify:1", "~!@#$%^&*()"])
def test_names_of_requests(tenant, app, key, name):
    assert charge(tenant, key, app, name) == charge(tenant, key, app, name)
    assert tenant.balance() == PLENTY - STANDARD


def test_who_may_ask(deployment, tenant, app, key):
    """A root user, and a token with just this scope. An app's key asks nothing (ASVS 8.2.1)."""
    body = {"key": key["token"], "application_id": app["id"]}
    able = tenant.person.platform_token(["credentials:verify"])["token"]
    assert expect(deployment.client.call("POST", "/api/v1/verify", token=able, json=body), 200).json()["allowed"]
    assert expect(tenant.person.call("POST", "/api/v1/verify", json=body), 200).json()["allowed"]
    unable = tenant.person.platform_token(["credentials:read", "credentials:write", "credentials:rotate"])["token"]
    refusal = deployment.client.call("POST", "/api/v1/verify", token=unable, json=body)
    problem(refusal, 403, "insufficient_scope")
    problem(tenant.member().call("POST", "/api/v1/verify", json=body), 403, "root_only")
    problem(deployment.client.call("POST", "/api/v1/verify", token=key["token"], json=body), 401, "unauthenticated")
    problem(deployment.client.call("POST", "/api/v1/verify", json=body), 401, "unauthenticated")
    problem(deployment.call("POST", "/api/v1/verify", json=body), 400, "invalid_request", field="application_id")
