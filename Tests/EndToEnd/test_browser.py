"""A real browser, on pages of real origins: what a key and a session are worth to a page.

Other tests send the headers that a browser would send. Here Chromium decides what it sends, which cookies go along and
what a page may read (ASVS 3.4.2, 3.5.1 to 3.5.3, 3.5.8). The gateway has an origin of its own, so every call of a page
is a call to another origin.
"""

import json
from types import SimpleNamespace

import pytest
from playwright.sync_api import Error

import planted
from browser import JSON, Tab, pages
from client import COOKIE, expect, unique
from deployment import CAT
from key_calls import refused
from receipts import STANDARD, outcome, receipt
from shapes import problem, problem_body

HOST = "app.localhost"  # browsers look for every name under localhost on the loopback
SESSION, APPS, TOTP = "/api/v1/sessions/current", "/api/v1/applications", "/api/v1/users/current/totp"
NEW_APP = '{"name":"A","kind":"chat","model":"echo"}'


@pytest.fixture(scope="module")
def port():
    with pages() as port:
        yield port


@pytest.fixture
def new_tab(deployment, browser, port):
    """Opens a page of a host: with nothing that was before, or in the browser context given."""
    made = []

    def open_page(host, path="/", context=None):
        within = context or browser.new_context()
        tab = Tab(within, f"http://{host}:{port}{path}", deployment.server.url)
        made.append(tab.page if context else within)
        return tab

    yield open_page
    for each in made:
        each.close()


# Keys


@pytest.fixture(scope="module")
def shop(_deployment, upstream):
    made = _deployment.new_tenant("Shop")
    made.app = made.application(allowed_models=["echo", "script"], system_prompt=CAT)
    return made


def nothing_was_charged(tenant, key):
    assert tenant.read_credential(key["id"])["used_amount"] == 0
    assert [entry for entry in tenant.ledger() if entry["credential_id"] == key["id"]] == []


def test_a_key_for_servers_is_refused_on_a_page_that_can_read_why(shop, new_tab):
    """The preflight passes, and the refusal is one that a script can show to whoever has put the key there."""
    key, tab = shop.credential(shop.app["id"]), new_tab(HOST)
    refused(tab.chat(key), "browser_not_allowed")
    assert {call["method"]: call["status"] for call in tab.on_the_wire(2)} == {"OPTIONS": 204, "POST": 403}
    nothing_was_charged(shop, key)
    expect(shop.client.chat(key["token"]), 200)


def test_a_bound_key_works_on_its_page(shop, new_tab):
    """And its receipt is readable there. No call is that wants to take cookies along: they count nothing here."""
    key, tab = shop.credential(shop.app["id"], host=HOST), new_tab(HOST)
    answer = expect(tab.chat(key), 200)
    assert answer.json()["choices"][0]["message"]["content"] == "Meow! You said: hello. Purr."
    made = receipt(answer)
    assert made.cost == STANDARD == shop.read_credential(key["id"])["used_amount"]
    assert outcome(shop.ledger(), made.charge) == "charge"
    headers = {"Authorization": f"Bearer {key['token']}"}
    listed = expect(tab.fetch("GET", "/v1/models", headers=headers), 200).json()["data"]
    assert [model["id"] for model in listed] == ["echo", "script"]
    assert tab.fetch("GET", "/v1/models", headers=headers, credentials="include") is None


def test_a_bound_key_streams_to_its_page(shop, new_tab, upstream):
    """The page has the first words while the upstream still waits with the rest."""
    key, tab, marker = shop.credential(shop.app["id"], host=HOST), new_tab(HOST), unique("page")
    script = ["head", "role", "content", "wait", "content", "finish", "done", "end"]
    tab.begin_stream(key, model="script", script=script, marker=marker)
    assert "[DONE]" not in tab.read_until("word ")
    upstream.release(marker)
    answer = expect(tab.end_stream(), 200)
    assert answer.text.count("word ") == 2 and answer.text.endswith("data: [DONE]\n\n")
    shop.settled()
    assert outcome(shop.ledger(), receipt(answer).charge) == "charge"


@pytest.mark.parametrize("where", ["another page", "a sandboxed frame of its own page", "a server"])
def test_a_bound_key_works_nowhere_else(shop, new_tab, where):
    key = shop.credential(shop.app["id"], host=HOST)
    if where == "a server":
        refused(shop.client.chat(key["token"]), "host_not_allowed")
    else:
        tab = new_tab("other.localhost") if where == "another page" else new_tab(HOST, "/framed").enter_frame()
        refused(tab.chat(key), "host_not_allowed")
    nothing_was_charged(shop, key)


# Sessions


@pytest.fixture
def visitor(deployment, browser):
    """Somebody who has signed in with this browser, on a page of the gateway's own origin. Its answers forbid a page
    every connection; that is lifted here, as pages of the product's own would have to."""
    person = deployment.new_tenant("Visitor").person
    context, url = browser.new_context(bypass_csp=True), deployment.server.url
    own = Tab(context, url + "/healthz", url)
    body = json.dumps({"email": person.email, "password": person.password})
    session = expect(own.fetch("POST", "/api/v1/sessions", body, JSON), 201).json()
    [cookie] = context.cookies()
    planted.plant("session cookie", cookie["value"])
    assert (cookie["name"], cookie["path"], cookie["sameSite"]) == (COOKIE, "/", "Strict")
    assert cookie["secure"] and cookie["httpOnly"] and own.page.evaluate("document.cookie") == ""
    yield SimpleNamespace(own=own, context=context, csrf=session["csrf_token"])
    context.close()


# A page of another site, to which no cookie is given, and one of the gateway's own: another port of one host is the
# same site, so there the cookie goes along, and only the server is left to tell the two apart.
PAGES = pytest.mark.parametrize("host, is_same_site", [(HOST, False), ("127.0.0.1", True)])


def is_closed(call, is_same_site):
    """Asserts what went over the wire: the cookie where it may, and no word that lets a page read the answer."""
    sent = [entry["cookie"]["name"] for entry in call["cookies"] if not entry["blockedReasons"]]
    assert sent == ([COOKIE] if is_same_site and call["method"] != "OPTIONS" else [])
    assert not [name for name in call["answered"] if name.lower().startswith("access-control-")]


@PAGES
def test_a_page_of_another_origin_reads_nothing_of_a_session(visitor, new_tab, host, is_same_site):
    """ASVS 3.3.1, 3.3.2, 3.3.4, 3.4.2, 3.5.8: not even where the cookie goes along. A call without CORS names no origin
    and is answered, and Cross-Origin-Resource-Policy has the browser keep the answer from the page."""
    assert expect(visitor.own.fetch("GET", SESSION), 200).json()["csrf_token"] == visitor.csrf
    tab = new_tab(host, context=visitor.context)
    for mode in ("cors", "no-cors"):
        assert tab.fetch("GET", SESSION, mode=mode, credentials="include") is None
    calls = tab.on_the_wire(2)
    assert [call["status"] for call in calls] == ([403, 200] if is_same_site else [401, 401])
    for call in calls:
        is_closed(call, is_same_site)


@PAGES
def test_a_page_of_another_origin_changes_nothing(visitor, new_tab, host, is_same_site):
    """ASVS 3.5.1 to 3.5.3: by JSON and the right CSRF token, by what needs no preflight, or by a form."""
    own, with_token = visitor.own, JSON | {"X-CSRF-Token": visitor.csrf}
    before = expect(own.fetch("GET", APPS), 200).json()["items"]
    tab = new_tab(host, context=visitor.context)
    assert tab.fetch("POST", APPS, NEW_APP, with_token, credentials="include") is None
    for path, body in ((APPS, NEW_APP), (TOTP, None)):
        assert tab.fetch("POST", path, body, mode="no-cors", credentials="include") is None
    form = tab.submit(APPS, NEW_APP[:-1] + ',"x":"', '"}')
    calls = tab.on_the_wire(4)
    status, code = (403, "csrf_failed") if is_same_site else (401, "unauthenticated")
    assert sorted((call["method"], call["status"]) for call in calls) == [("OPTIONS", 405)] + [("POST", status)] * 3
    for call in calls:
        is_closed(call, is_same_site)
    problem_body(form.headers["content-type"], form.json(), status, code)
    # The controls: nothing has come of it, and from a page of the gateway's own the same call works.
    assert expect(own.fetch("GET", APPS), 200).json()["items"] == before
    problem(own.fetch("POST", TOTP + "/confirmation", '{"code":"000000"}', with_token), 409, "no_enrolment")
    expect(own.fetch("POST", APPS, NEW_APP, with_token), 201)


# The browser of these tests itself


@pytest.mark.parametrize("script", ["new Promise(() => {})", "() => { while (true) {} }"], ids=["waits", "is busy"])
def test_a_page_that_never_answers_fails_its_own_test_alone(chromium, script):
    page = chromium.new_context().new_page()
    with pytest.raises(AssertionError, match="longer than 1 s"), chromium.within(1):
        with pytest.raises(Error, match="closed"):
            page.evaluate(script)
    assert chromium.new_context().new_page().evaluate("6 * 7") == 42
