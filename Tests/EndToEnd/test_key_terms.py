"""The terms of a key: set with it or later, binding from the very next call, and refused by name when they are none.

Expiry, limits, group, models, addresses and host (D2, E5; invariant 7; ASVS 8.3.2, 2.2.1, 2.2.2, 4.1.3), the browser
rule, and the order in which what is wrong with a call is told (design §6).
"""

import socket
from decimal import Decimal

import pytest

from client import Literal, at, exact, expect, seconds, unique
from key_calls import explain, refused, verify
from raw_http import converse, request
from receipts import STANDARD, receipt
from shapes import openai_error, problem
from waiting import wait_for, wait_until

HOST = "app.example.com"
PAGE = f"https://{HOST}"
ELSEWHERE = "203.0.113.7"


@pytest.fixture(scope="module")
def models(_deployment):
    """Two more models, beside the built-in `echo`."""
    return [_deployment.new_model()["name"] for _ in range(2)]


@pytest.fixture(scope="module")
def shop(_deployment, models):
    """A tenant with one app that may use three models. Its few keys are made by the fixtures and tests of this file."""
    made = _deployment.new_tenant("Shop")
    made.app = made.application(allowed_models=["echo", *models])
    return made


class Key:
    """A key of one app, and the calls that are made with it."""

    def __init__(self, tenant, app, **terms):
        self.tenant, self.app = tenant, app
        made = tenant.credential(app["id"], **terms)
        self.id, self.token, self.made = made["id"], made["token"], made

    def chat(self, **keywords):
        return self.tenant.client.chat(self.token, **keywords)

    def get(self, path, **keywords):
        return self.tenant.client.call("GET", path, token=self.token, **keywords)

    def models(self):
        return [model["id"] for model in expect(self.get("/v1/models"), 200).json()["data"]]

    def edit(self, **fields):
        return self.tenant.edit_credential(self.id, **fields)

    def read(self):
        return self.tenant.read_credential(self.id)


@pytest.fixture
def new_key(deployment, models):
    """Makes keys of an app of this test's own, which may use three models."""
    tenant = deployment.new_tenant()
    app = tenant.application(allowed_models=["echo", *models])
    return lambda **terms: Key(tenant, app, **terms)


# One rule for all of them

# Each with a value that forbids the standard call, how it is shown, and the denial.
TERMS = {
    "limited_amount": (Literal("19.5"), Decimal("19.5"), "credit_limit_reached"),
    "monthly_limit": (Literal("19.999999"), Decimal("19.999999"), "monthly_limit_reached"),
    "models": (["OTHER"], ["OTHER"], "model_not_allowed"),
    "ip_allowlist": ([ELSEWHERE], [ELSEWHERE], "ip_not_allowed"),
    "host": (HOST, HOST, "host_not_allowed"),
}


def term(field, models):
    """The value of a term as it is sent and as it is shown, and its denial."""
    sent, shown, code = TERMS[field]
    return (models[:1], models[:1], code) if field == "models" else (sent, shown, code)


@pytest.mark.parametrize("field", TERMS)
def test_a_term_that_is_set_with_the_key_binds_its_first_call(new_key, models, field):
    sent, shown, code = term(field, models)
    key = new_key(**{field: sent})
    assert key.read()[field] == shown
    assert exact(expect(key.tenant.call("GET", "/api/v1/credentials"), 200))["items"][0][field] == shown
    refused(key.chat(), code)
    refused(key.chat(stream=True), code)
    refused(key.chat(application=key.app["id"]), code)
    assert key.tenant.balance() == 1_000_000, "a denied call costs nothing"


@pytest.mark.parametrize("field", TERMS)
def test_a_term_that_is_edited_binds_the_very_next_call(new_key, models, field):
    """Set, left alone by an edit of something else, kept over another value, and taken away by null (ASVS 8.3.2)."""
    sent, shown, code = term(field, models)
    key = new_key()
    assert key.made[field] is None
    expect(key.chat(), 200)
    before = key.read()
    edited = key.edit(**{field: sent})
    assert edited[field] == shown
    refused(key.chat(), code)
    untouched = {
        name: value
        for name, value in before.items()
        if name not in (field, "updated_at", "secrets") and not (field.endswith("limit") and name == "status")
    }
    changed = key.read()
    assert {name: changed[name] for name in untouched if name != "status"} == {
        name: value for name, value in untouched.items() if name != "status"
    }, "an edit changes what it names"
    assert changed["updated_at"] > before["updated_at"]
    assert key.edit(name=unique("renamed"))[field] == shown, "absent leaves"
    refused(key.chat(), code)
    assert key.edit(**{field: None})[field] is None
    expect(key.chat(), 200)
    assert key.read()[field] is None


def test_all_terms_at_once_and_none_of_them(new_key, models):
    """One creation, one edit that clears them all: each on its own, none forgotten."""
    end = at(3600)
    key = new_key(
        expired_at=end,
        limited_amount=1000,
        monthly_limit=100,
        group=None,
        models=["echo", models[0]],
        ip_allowlist=["127.0.0.1"],
        host=HOST,
    )
    shown = {
        "expired_at": end,
        "limited_amount": 1000,
        "monthly_limit": 100,
        "group": None,
        "models": ["echo", models[0]],
        "ip_allowlist": ["127.0.0.1"],
        "host": HOST,
    }
    assert {name: key.read()[name] for name in shown} == shown
    expect(key.chat(headers={"Origin": PAGE}), 200)
    cleared = key.edit(**{name: None for name in shown})
    assert {name: cleared[name] for name in shown} == {name: None for name in shown}
    expect(key.chat(), 200)
    used = {"secrets": None, "last_used_at": None}
    assert key.read() | used == cleared | {"used_amount": 40, "monthly_used": 40} | used


def test_an_expiry_binds_when_it_comes(new_key):
    key = new_key(expired_at=at(4))
    expect(key.chat(), 200)
    wait_until(seconds(key.made["expired_at"]) + 0.05)
    refused(key.chat(), "key_expired")
    refused(key.get("/v1/models"), "key_expired")
    refused(key.get("/v1/usage"), "key_expired")
    assert key.edit(expired_at=None)["expired_at"] is None
    expect(key.chat(), 200)
    key.edit(expired_at=at(2))
    wait_for("the new end", lambda: key.chat().status_code == 401, deadline=10)
    refused(key.chat(), "key_expired")


def test_a_group_sets_the_price_of_the_very_next_call(deployment):
    dear = deployment.new_group(3)["name"]
    tenant = deployment.new_tenant(groups=[dear])
    key = Key(tenant, tenant.application(), group=dear)
    assert key.made["group"] == dear
    assert receipt(expect(key.chat(), 200)).cost == 3 * STANDARD
    assert key.edit(group=None)["group"] is None
    assert receipt(expect(key.chat(), 200)).cost == STANDARD
    key.edit(group=dear)
    assert receipt(expect(key.chat(), 200)).cost == 3 * STANDARD
    assert key.edit(name="as before")["group"] == dear


def test_terms_outlive_a_restart(own_deployment):
    """What is enforced is what is on disk, not what a process remembers."""
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    key = Key(tenant, tenant.application(), models=["echo"], ip_allowlist=["127.0.0.0/8", "2001:db8::/32"], host=HOST)
    away = Key(tenant, key.app, ip_allowlist=[ELSEWHERE])
    before = [key.read(), away.read()]
    deployment.server.stop()
    deployment.server.start()
    assert [key.read(), away.read()] == before
    expect(key.chat(headers={"Origin": PAGE}), 200)
    refused(key.chat(), "host_not_allowed")
    refused(away.chat(), "ip_not_allowed")


# What is shown


@pytest.fixture(scope="module")
def kept(shop):
    """A key whose terms no test changes."""
    return Key(shop, shop.app, models=["echo"], ip_allowlist=["127.0.0.1"], host=HOST, limited_amount=500)


def test_a_hundred_entries_are_not_too_many(new_key):
    key = new_key(ip_allowlist=[f"10.0.{number}.0/24" for number in range(99)] + ["127.0.0.1"])
    assert len(key.made["ip_allowlist"]) == 100
    expect(key.chat(), 200)


# Addresses


@pytest.mark.parametrize(
    "given, shown",
    [
        (["203.0.113.7"], ["203.0.113.7"]),
        (["203.0.113.7/32"], ["203.0.113.7"]),
        (["203.0.113.77/24"], ["203.0.113.0/24"]),
        (["255.255.255.255/0"], ["0.0.0.0/0"]),
        (["::ffff:203.0.113.7"], ["203.0.113.7"]),
        (["::FFFF:cb00:7107"], ["203.0.113.7"]),
        (["::ffff:203.0.113.77/120"], ["203.0.113.0/24"]),
        (["2001:DB8:0:0:0:0:0:1"], ["2001:db8::1"]),
        (["2001:db8:ffff::1/32"], ["2001:db8::/32"]),
        (["2001:db8::1/128"], ["2001:db8::1"]),
        (["2001:db8:0:1:0:0:0:1"], ["2001:db8:0:1::1"]),
        (["::/0", "0.0.0.0/0"], ["::/0", "0.0.0.0/0"]),
        (["::1", "203.0.113.7", "::ffff:203.0.113.7", "0:0::1", "203.0.113.7/32"], ["::1", "203.0.113.7"]),
    ],
    ids=str,
)
def test_what_is_shown_is_what_is_matched(shop, kept, given, shown):
    """One spelling for one block, each once, in the order given."""
    edited = kept.edit(ip_allowlist=given)
    assert edited["ip_allowlist"] == shown == kept.read()["ip_allowlist"]
    assert kept.edit(ip_allowlist=shown)["ip_allowlist"] == shown, "what is shown can be sent back"


# (the list, an address, whether it is on the list)
ON_THE_LIST = [
    (["203.0.113.7"], "203.0.113.7", True),
    (["203.0.113.7"], "203.0.113.8", False),
    (["203.0.113.7"], "::ffff:203.0.113.7", True),
    (["::ffff:203.0.113.7"], "203.0.113.7", True),
    (["203.0.113.7"], "::203.0.113.7", False),
    (["203.0.113.7"], "64:ff9b::203.0.113.7", False),
    (["203.0.113.0/24"], "203.0.113.0", True),
    (["203.0.113.0/24"], "203.0.113.255", True),
    (["203.0.113.0/24"], "203.0.114.0", False),
    (["203.0.113.0/24"], "203.0.112.255", False),
    (["203.0.113.128/25"], "203.0.113.127", False),
    (["203.0.113.128/25"], "203.0.113.128", True),
    (["0.0.0.0/0"], "8.8.8.8", True),
    (["0.0.0.0/0"], "2001:db8::1", False),
    (["::/0"], "2001:db8::1", True),
    (["::/0"], "8.8.8.8", False),
    (["::/0"], "::ffff:8.8.8.8", False),
    (["2001:db8::/32"], "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", True),
    (["2001:db8::/32"], "2001:db9::", False),
    (["2001:db8::1"], "2001:0DB8:0:0:0::1", True),
    (["2001:db8::1"], "2001:db8::2", False),
    (["2001:db8::/127"], "2001:db8::1", True),
    (["2001:db8::/127"], "2001:db8::2", False),
    (["198.51.100.1", "2001:db8::/32", "203.0.113.0/24"], "203.0.113.9", True),
    (["198.51.100.1", "2001:db8::/32", "203.0.113.0/24"], "2001:db8:1::", True),
    (["198.51.100.1", "2001:db8::/32", "203.0.113.0/24"], "198.51.100.2", False),
]


@pytest.fixture(scope="module")
def fenced(_proxied):
    """A key on the server that believes our X-Forwarded-For, so that calls may come from anywhere."""
    tenant = _proxied.new_tenant("Fenced")
    return Key(tenant, tenant.application(), ip_allowlist=[ELSEWHERE])


@pytest.mark.parametrize("allowlist, address, is_on_it", ON_THE_LIST, ids=str)
def test_who_is_on_the_list_is_let_in(proxied, fenced, allowlist, address, is_on_it):
    """IPv4, IPv6, blocks of both and IPv4-mapped addresses; the same on the wire, in verify and in explain."""
    fenced.edit(ip_allowlist=allowlist)
    answers = [
        fenced.chat(headers={"X-Forwarded-For": address}),
        fenced.chat(headers={"X-Forwarded-For": address}, application=fenced.app["id"]),
        fenced.get("/v1/models", headers={"X-Forwarded-For": address}),
        fenced.get("/v1/usage", headers={"X-Forwarded-For": address}),
    ]
    for answer in answers:
        if is_on_it:
            expect(answer, 200)
        else:
            refused(answer, "ip_not_allowed")
    verified = verify(fenced.tenant, fenced.token, fenced.app["id"], address=address)
    explained = explain(fenced.tenant, fenced.id, address=address)
    assert (verified["allowed"], explained["allowed"]) == (is_on_it, is_on_it)
    assert verified["code"] == explained["code"] == (None if is_on_it else "ip_not_allowed")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on its loopback")
def test_an_ipv6_peer(own_deployment):
    """No proxy in between: the socket's own address."""
    deployment = own_deployment(settings={"LATCHKEY_LISTEN_HOST": "::1"})
    assert deployment.server.url.startswith("http://[::1]:")
    tenant = deployment.new_tenant()
    key = Key(tenant, tenant.application(), ip_allowlist=["::1"])
    expect(key.chat(), 200)
    key.edit(ip_allowlist=["::/64"])
    expect(key.chat(), 200)
    key.edit(ip_allowlist=["2001:db8::/32", "127.0.0.0/8", "0.0.0.0/0"])
    refused(key.chat(), "ip_not_allowed")


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 on its loopback")
def test_an_ipv4_peer_of_a_listener_for_both(own_deployment):
    """Such a socket tells of an IPv4 peer as ::ffff:127.0.0.1; it is 127.0.0.1 all the same."""
    deployment = own_deployment(settings={"LATCHKEY_LISTEN_HOST": "::"})
    deployment.server.url = f"http://127.0.0.1:{deployment.server.port}"
    tenant = deployment.new_tenant()
    key = Key(tenant, tenant.application(), ip_allowlist=["127.0.0.1"])
    expect(key.chat(), 200)
    key.edit(ip_allowlist=["::ffff:127.0.0.1"])
    expect(key.chat(), 200)
    key.edit(ip_allowlist=["::/0"])
    refused(key.chat(), "ip_not_allowed")


# Models


def test_a_key_uses_and_sees_its_models_alone(new_key, models):
    """In every place where models are told: the list, the costs, and the refusal of a call."""
    key = new_key(models=models)
    assert key.models() == models
    addressed = expect(key.get(f"/apps/{key.app['id']}/v1/models"), 200).json()["data"]
    assert [model["id"] for model in addressed] == models
    assert list(expect(key.get("/v1/usage"), 200).json()["costs"]) == models
    for model in models:
        expect(key.chat(model=model), 200)
    openai_error(key.chat(), 403, "model_not_allowed", denial="model_not_allowed", param="model")  # the app's own model
    refused(key.chat(model="echo"), "model_not_allowed")
    refused(key.chat(model="json"), "model_not_allowed")  # not even the app's
    openai_error(key.chat(model="no-such-model"), 404, "model_not_found", denial="model_not_found", param="model")


def test_the_list_is_in_the_apps_order(new_key, models):
    key = new_key(models=[models[1], "echo", models[1]])
    assert key.made["models"] == [models[1], "echo"], "each once, as given"
    assert key.models() == ["echo", models[1]]
    expect(key.chat(), 200)


def test_an_apps_list_that_shrinks_takes_the_keys_with_it(new_key, models):
    """A key may never use what its app may not; and what the app gets back, the key gets back."""
    key = new_key(models=models)
    path = f"/api/v1/applications/{key.app['id']}"

    def allow(*names):
        expect(key.tenant.call("PATCH", path, json={"allowed_models": list(names)}), 200)

    allow("echo", models[0])
    assert key.models() == [models[0]]
    expect(key.chat(model=models[0]), 200)
    refused(key.chat(model=models[1]), "model_not_allowed")
    allow("echo")
    assert key.models() == []
    for model in ("echo", *models):
        refused(key.chat(model=model), "model_not_allowed")
    refused(key.chat(), "model_not_allowed")
    assert key.read()["models"] == models, "the term itself is as it was set"
    key.edit(name="still edited")
    problem(key.tenant.try_edit_credential(key.id, models=models), 400, "invalid_request", field="models[0]")
    allow("echo", *models)
    assert key.models() == models
    expect(key.chat(model=models[1]), 200)


def test_a_model_that_the_operator_takes_away(deployment):
    """The key keeps its name on the list, and whoever asks for it is told that there is none."""
    model = deployment.new_model()
    tenant = deployment.new_tenant()
    app = tenant.application(allowed_models=["echo", model["name"]])
    key = Key(tenant, app, models=["echo", model["name"]])
    expect(key.chat(model=model["name"]), 200)
    path = f"/api/v1/applications/{app['id']}"
    expect(tenant.call("PATCH", path, json={"allowed_models": ["echo"]}), 200)
    expect(deployment.call("DELETE", f"/api/v1/models/{model['id']}"), 204)
    refused(key.chat(model=model["name"]), "model_not_found")
    assert key.models() == ["echo"] and key.read()["models"] == ["echo", model["name"]]
    key.edit(name="still edited")
    expect(key.chat(), 200)


def test_without_the_term_a_key_follows_its_app(new_key, models):
    key = new_key()
    assert key.models() == ["echo", *models]
    body = {"allowed_models": ["echo", models[1]]}
    expect(key.tenant.call("PATCH", f"/api/v1/applications/{key.app['id']}", json=body), 200)
    assert key.models() == ["echo", models[1]]


# The host and the browser rule

THE_PAGE = [
    PAGE,
    f"http://{HOST}",
    f"https://{HOST}:8443",
    f"http://{HOST}:65535",
    f"https://{HOST.upper()}",
    f"HTTPS://{HOST}",
]
NOT_THE_PAGE = [
    "https://evil.example",
    f"https://{HOST}.evil.example",
    f"https://evil-{HOST}",
    f"https://www.{HOST}",
    "https://example.com",
    f"https://{HOST}.",
    f"https://{HOST}/",
    f"https://{HOST}/page",
    f"https://{HOST}:0",
    f"https://{HOST}:443443",
    f"https://{HOST}:",
    f"https://evil.example@{HOST}",
    f"https://{HOST}@evil.example",
    f"https://evil.example#{HOST}",
    f"https://evil.example?{HOST}",
    f"https://evil.example\\@{HOST}",
    f"{PAGE} https://evil.example",
    f"{PAGE}, https://evil.example",
    f"https://evil.example, {PAGE}",
    f"{PAGE}, {PAGE}",
    HOST,
    f"//{HOST}",
    f"ftp://{HOST}",
    f"chrome-extension://{HOST}",
    f"file://{HOST}",
    "null",
    "NULL",
    "*",
]
BROWSERS = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "none"},
    {"sec-fetch-SITE": "same-origin", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "x", "Referer": PAGE + "/"},
]
SERVERS = [
    {},
    {"Origin": ""},
    # As Node's own fetch sends it.
    {"Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Dest": "empty", "sec-fetch-user": "?1", "Sec-Fetch-Storage-Access": "none"},
    {"Referer": PAGE + "/"},
    {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
    {"X-Origin": "https://evil.example", "X-Forwarded-Host": HOST},
    {"Sec-CH-UA": '"Chromium";v="140"'},
]


@pytest.fixture(scope="module")
def bound(shop):
    """A key that is bound to a host."""
    return Key(shop, shop.app, host="App.Example.COM")


@pytest.fixture(scope="module")
def free(shop):
    """A key that is bound to nothing."""
    return Key(shop, shop.app)


def asked(key, headers):
    """Every way to the data plane, with the same headers."""
    yield key.chat(headers=headers)
    yield key.get("/v1/models", headers=headers)
    yield key.get(f"/apps/{key.app['id']}/v1/usage", headers=headers)


def test_a_host_is_kept_in_lower_case(bound):
    assert bound.made["host"] == HOST == bound.read()["host"]


@pytest.mark.parametrize("origin", THE_PAGE)
def test_a_bound_key_works_for_its_page(bound, origin):
    """Any scheme and any port of the host, in any case; with what browsers send beside it."""
    for answer in asked(bound, {"Origin": origin}):
        expect(answer, 200)
    expect(bound.chat(headers={"Origin": origin, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}), 200)


@pytest.mark.parametrize("origin", NOT_THE_PAGE)
def test_a_bound_key_works_for_no_other(bound, free, origin):
    """And one that is not bound works for no page at all."""
    for answer in asked(bound, {"Origin": origin}):
        refused(answer, "host_not_allowed")
    for answer in asked(free, {"Origin": origin}):
        refused(answer, "browser_not_allowed")


@pytest.mark.parametrize("origin", THE_PAGE)
def test_a_key_for_servers_works_for_no_page(free, origin):
    for answer in asked(free, {"Origin": origin}):
        refused(answer, "browser_not_allowed")


@pytest.mark.parametrize("headers", BROWSERS, ids=str)
def test_a_browser_that_names_no_page(bound, free, headers):
    refused(bound.chat(headers=headers), "host_not_allowed")
    refused(free.chat(headers=headers), "browser_not_allowed")


@pytest.mark.parametrize("headers", SERVERS, ids=str)
def test_a_server_is_no_browser(bound, free, headers):
    """What is no browser's own header makes nobody a browser, and no page either."""
    refused(bound.chat(headers=headers), "host_not_allowed")
    expect(free.chat(headers=headers), 200)


@pytest.mark.parametrize(
    "origins", [(PAGE, PAGE), (PAGE, "https://evil.example"), ("https://evil.example", PAGE), ("", PAGE)]
)
def test_several_origins_are_no_page(deployment, bound, free, origins):
    for key, code in ((bound, "host_not_allowed"), (free, "browser_not_allowed")):
        headers = [("Authorization", f"Bearer {key.token}"), *(("Origin", origin) for origin in origins)]
        answer = converse(
            deployment.server, request("GET", "/v1/models", headers), method="GET", path="/v1/models"
        ).first
        assert answer.status == 403 and answer.header("X-Latchkey-Code") == code, answer.body


def test_the_origin_is_read_in_any_spelling_of_its_name(deployment, bound):
    for name in ("origin", "ORIGIN", "oRiGiN"):
        headers = [("Authorization", f"Bearer {bound.token}"), (name, PAGE)]
        answer = converse(
            deployment.server, request("GET", "/v1/models", headers), method="GET", path="/v1/models"
        ).first
        assert answer.status == 200, answer.body


# The order


def test_what_is_wrong_is_told_one_by_one(own_deployment):
    """One key that breaks every rule, mended rule by rule: each time the first that is left is the verdict, on the
    wire, in verify and in explain, and only the call at the end is charged."""
    deployment = own_deployment()
    tenant = deployment.new_tenant(credits=None)
    other_model = deployment.new_model()["name"]
    app = tenant.application(allowed_models=["echo", other_model])
    other_app = tenant.application()
    key = Key(
        tenant,
        app,
        expired_at=at(2),
        ip_allowlist=[ELSEWHERE],
        host=HOST,
        models=[other_model],
        limited_amount=0,
        monthly_limit=0,
    )
    key.edit(enabled=False)
    deployment.edit_account(tenant.account["id"], suspended=True)
    wait_until(seconds(key.made["expired_at"]) + 0.05)
    call = {"application": other_app["id"], "origin": "https://evil.example", "model": "no-such-model"}

    def judge(code):
        headers = {"Origin": call["origin"]} if call["origin"] else {}
        question = {"address": "127.0.0.1", "origin": call["origin"], "model": call["model"]}
        verified = verify(tenant, key.token, call["application"], **question)
        explained = explain(tenant, key.id, application_id=call["application"], **question)
        assert (verified["code"], explained["code"]) == (code, code)
        answer = key.chat(application=call["application"], headers=headers, model=call["model"])
        if code is None:
            return expect(answer, 200)
        refused(answer, code)
        unnamed = tenant.client.chat(key.token, headers=headers, model=call["model"])
        refused(unnamed, code if code != "wrong_app" else "key_expired")

    judge("wrong_app")
    call["application"] = app["id"]
    judge("key_expired")
    key.edit(expired_at=None)
    judge("key_disabled")
    key.edit(enabled=True)
    judge("account_suspended")
    deployment.edit_account(tenant.account["id"], suspended=False)
    judge("ip_not_allowed")
    key.edit(ip_allowlist=["127.0.0.1"])
    judge("host_not_allowed")
    key.edit(host=None)
    judge("browser_not_allowed")
    call["origin"] = None
    judge("model_not_found")
    call["model"] = "echo"
    judge("model_not_allowed")
    key.edit(models=None)
    judge("credit_limit_reached")
    key.edit(limited_amount=None)
    judge("monthly_limit_reached")
    key.edit(monthly_limit=None)
    judge("insufficient_credits")
    deployment.grant(tenant.account["id"], 20)
    judge(None)
    assert [entry["kind"] for entry in tenant.ledger()] == ["charge", "grant"]
    assert tenant.balance() == 0


def test_the_body_is_read_after_all_that_needs_none(new_key):
    """Who may not call learns nothing of what is wrong with the body."""
    key = new_key(ip_allowlist=[ELSEWHERE])
    for body in ("{", "[]", '{"messages":[]}', '{"messages":[{"role":"user","content":"x"}],"model":"no-such-model"}'):
        refused(key.tenant.client.call("POST", "/v1/chat/completions", data=body, token=key.token), "ip_not_allowed")


def test_a_denial_tells_nothing_of_the_list(new_key):
    """Not which addresses or hosts would do, nor where the call seemed to come from."""
    key = new_key(ip_allowlist=[ELSEWHERE], host=HOST)
    told = refused(key.chat(), "ip_not_allowed")
    assert ELSEWHERE not in str(told) and "127.0.0.1" not in str(told)
    key.edit(ip_allowlist=None)
    assert HOST not in str(refused(key.chat(headers={"Origin": "https://evil.example"}), "host_not_allowed"))


def test_an_anonymous_call_is_told_apart_from_a_denied_one(new_key):
    """Without a key there is nothing to look at: no allowlist, no host."""
    client = new_key(ip_allowlist=[ELSEWHERE], host=HOST).tenant.client
    answer = client.call("GET", "/v1/models", headers={"Origin": PAGE})
    openai_error(answer, 401, "invalid_api_key", denial="missing_key")
