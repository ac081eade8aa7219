"""The console's *Try it* in a browser: a real call with a key of one's own, its receipt, and refusals in words."""

import json
import re
import time

import pytest

import planted
from client import at as moment
from client import expect
from console import ODD, PHONE, fits
from deployment import CAT, DOG
from waiting import wait_for

KEY = re.compile(r"sk-[0-9A-Za-z]{51}")


@pytest.fixture
def tenant(deployment):
    made = deployment.new_tenant(credits=1000)
    made.app = made.application("Cat", system_prompt=CAT)
    return made


def box(at, app):
    at.open(f"/console/applications/{app['id']}")
    at.page.locator("[data-try]").wait_for()
    return at.page.locator(".trying")


def give(found, secret):
    found.get_by_label("Its secret").fill(secret)
    return found


def say(found, text):
    """Sends a message, and gives the turn that answers it, once it is over."""
    found.get_by_label("Say something to").fill(text)
    found.get_by_role("button", name="Send").click()
    place = found.locator(".theirs").count() - 1
    found.locator(".theirs:not([aria-busy])").nth(place).wait_for()
    return found.locator(".theirs").nth(place)


def charge_of(turn):
    return turn.locator(".receipt a").get_attribute("title")


def test_a_call_streams_and_its_receipt_is_the_ledgers(deployment, visit, tenant):
    """With a key that can be shown again: the password, and the secret is never on the screen."""
    key = tenant.credential(tenant.app["id"], name="Tester", revealable=True)
    at = visit(tenant.person)
    found, page = box(at, tenant.app), at.page
    sent = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    pieces = page.evaluate_handle("""() => {
        const seen = []
        new MutationObserver(() => seen.push(document.querySelector(".theirs .spoken")?.innerText ?? ""))
            .observe(document.querySelector(".talk"), {subtree: true, childList: true, characterData: true})
        return seen
    }""")
    found.get_by_role("link", name="Use my password…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill("not the password of anybody")
    dialog.get_by_role("button", name="View").click()
    dialog.get_by_text("That isn’t your password.").wait_for()
    dialog.get_by_label("Your password").fill(tenant.person.password)
    dialog.get_by_role("button", name="View").click()
    dialog.wait_for(state="detached")
    assert found.get_by_label("Its secret").input_value() == key["token"]
    assert page.evaluate("document.activeElement.id") == "try-message"
    at.looks_right()

    turn = say(found, "Hello there")
    assert turn.locator(".spoken").inner_text() == "Meow! You said: Hello there. Purr."
    assert "Meow! You said:" in pieces.json_value(), "it came in one piece"
    [entry] = [entry for entry in tenant.ledger() if entry["kind"] == "charge"]
    assert charge_of(turn) == entry["id"] and entry["credential_id"] == key["id"]
    assert turn.locator(".receipt b").inner_text() == f"{entry['amount']} credits" == "20 credits"
    assert "980 left for this key" in turn.locator(".receipt").inner_text() and tenant.balance() == 980
    page.locator(".rail .foot .balance strong", has_text="980").wait_for()
    # Said once, when it was whole.
    assert "Purr." in page.locator("main [role=status]").inner_text()

    # A conversation goes on, and starts over
    say(found, "And <b>again</b>\n& again")
    last = [request for request in sent if request.url.endswith("/chat/completions")][-1]
    assert [each["role"] for each in json.loads(last.post_data)["messages"]] == ["user", "assistant", "user"]
    assert found.locator(".mine .spoken").last.inner_text() == "And <b>again</b>\n& again"
    assert found.locator("b", has_text="again").count() == 0
    at.looks_right()

    # The secret goes to the gateway as a bearer, without a cookie, and is written down nowhere
    headers = last.all_headers()
    assert headers["authorization"] == f"Bearer {key['token']}" and "cookie" not in headers
    assert last.url == f"{at.server.url}/apps/{tenant.app['id']}/v1/chat/completions"
    assert all(key["token"] not in request.url for request in sent)
    assert not KEY.search(page.content())
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    with page.context.expect_page() as opened:
        turn.locator(".receipt a").click()
    opened.value.locator(f"#why-{entry['id']}").wait_for()
    opened.value.close()
    found.get_by_role("button", name="Start over").click()
    assert found.locator(".talk li").count() == 0
    page.reload()
    assert found.get_by_label("Its secret").input_value() == ""


def test_a_refusal_is_told_in_words_with_code_and_next_step(deployment, visit, tenant):
    dog = tenant.application("Dog", system_prompt=DOG)
    cat = tenant.app["id"]
    ending = tenant.credential(cat, name="Ending", expired_at=moment(2))
    keys = {
        "Full": (tenant.credential(cat, name="Full", limited_amount=10), "The credit limit has no room for it.", "429", "credit_limit_reached"),
        "Month": (tenant.credential(cat, name="Month", monthly_limit=10), "The monthly limit has no room for it.", "429", "monthly_limit_reached"),
        "Bound": (tenant.credential(cat, name="Bound", host="shop.example"), "The key is for another website.", "403", "host_not_allowed"),
        "Away": (tenant.credential(cat, name="Away", ip_allowlist=["192.0.2.1"]), "The address isn’t allowed.", "403", "ip_not_allowed"),
        "Off": (tenant.credential(cat, name="Off"), "The key is disabled.", "401", "key_disabled"),
        "Ending": (ending, "The key has expired.", "401", "key_expired"),
    }
    tenant.edit_credential(keys["Off"][0]["id"], enabled=False)
    time.sleep(2.5)
    at = visit(tenant.person)
    found, page = box(at, tenant.app), at.page

    def refused(secret, sentence, status, code):
        turn = say(give(found, secret), "Hello")
        told = turn.locator(".refused").inner_text()
        assert sentence in told and f"{status} {code}" in told, told
        assert "0 credits" in turn.locator(".receipt").inner_text()
        assert found.get_by_label("Say something to").input_value() == "Hello", "what was typed is lost"
        return turn

    for name, (key, *told) in keys.items():
        turn = refused(key["token"], *told)
        # The key was told by its secret, and its page is one step away
        assert name in found.get_by_label("With the key").locator("option:checked").inner_text()
        assert turn.get_by_role("link", name="Open the key").get_attribute("href") == f"/console/keys/{key['id']}"
    refused(tenant.key(dog["id"]), "The key opens another application.", "403", "wrong_app")
    good = tenant.credential(cat, name="Good")
    forged = planted.plant("key", good["token"][:20] + ("x" if good["token"][20] != "x" else "y") + good["token"][21:])
    refused(forged, "The key is malformed, forged or deleted.", "401", "invalid_key")
    at.looks_right()
    assert tenant.balance() == 1000

    # What can be no key isn't sent
    before = found.locator(".theirs").count()
    give(found, "sk-with blanks in it")
    found.get_by_role("button", name="Send").click()
    found.get_by_text("Paste the whole secret").wait_for()
    assert found.locator(".theirs").count() == before
    # The account's credits are told apart from the key's
    poor = deployment.new_tenant(credits=0)
    app = poor.application("Poor")
    key = poor.key(app["id"])
    turn = say(give(box(visit(poor.person), app), key), "Hello")
    assert "The account hasn’t enough credits." in turn.inner_text() and "Ask an admin" in turn.inner_text()


def test_stop_ends_the_answer_and_tells_what_it_cost(deployment, visit, tenant, upstream):
    app = tenant.application("Endless", model="endless", allowed_models=["endless"])
    key = tenant.credential(app["id"], name="one")
    at = visit(tenant.person)
    found, page = give(box(at, app), key["token"]), at.page
    found.get_by_label("Say something to").fill("Go on")
    page.keyboard.press("Enter")
    found.locator(".spoken", has_text="word3 ").wait_for()
    found.get_by_role("button", name="Stop").click()
    turn = found.locator(".theirs:not([aria-busy])")
    turn.wait_for()
    assert "Stopped. An answer that has begun is charged." in turn.inner_text()
    assert page.evaluate("document.activeElement.id") == "try-message"
    tenant.settled()
    [entry] = [entry for entry in tenant.ledger() if entry["kind"] == "charge"]
    assert charge_of(turn) == entry["id"]
    text = turn.locator(".spoken").inner_text()
    time.sleep(0.3)
    assert turn.locator(".spoken").inner_text() == text, "it goes on"


def test_an_answer_that_breaks_off_says_so(deployment, visit, tenant, upstream):
    app = tenant.application("Broken", model="late-stream-error", allowed_models=["late-stream-error"])
    key = tenant.key(app["id"])
    turn = say(give(box(visit(tenant.person), app), key), "Hello")
    assert "The answer broke off." in turn.inner_text() and turn.locator(".spoken").inner_text()


def test_an_answer_without_an_end_is_cut(deployment, visit, tenant):
    """More than the gateway lets through, so the browser makes it up."""
    key = tenant.key(tenant.app["id"])
    at = visit(tenant.person)
    found = give(box(at, tenant.app), key)
    event = 'data: {"choices": [{"index": 0, "delta": {"content": "' + "word " * 200 + '"}}]}\n\n'
    at.page.route("**/chat/completions", lambda route: route.fulfill(content_type="text/event-stream", body=event * 1200))
    turn = say(found, "Hello")
    assert "Cut off: this box shows a million characters at most." in turn.inner_text()
    assert len(turn.locator(".spoken").inner_text()) < 1 << 20


def test_who_is_signed_out_meanwhile_sends_nothing_and_loses_nothing(deployment, visit, tenant):
    key = tenant.credential(tenant.app["id"], name="one")
    at = visit(tenant.person)
    found = give(box(at, tenant.app), key["token"])
    at.context.clear_cookies()
    turn = say(found, "A long message")
    assert "Nothing was sent: your session has ended" in turn.inner_text()
    assert found.get_by_label("Say something to").input_value() == "A long message"
    assert tenant.balance() == 1000


def test_a_pass_opens_nothing_elsewhere(deployment, visit, tenant):
    """A pass of a page is no use to a page of another site, nor without a browser's word for where it is from."""
    key = tenant.key(tenant.app["id"])
    at = visit(tenant.person)
    box(at, tenant.app)
    path = f"/console/applications/{tenant.app['id']}/pass"
    shown = at.page.evaluate("path => fetch(path).then(answer => answer.text())", path)
    page = {"Origin": at.server.url, "X-Latchkey-Pass": shown}
    expect(deployment.client.chat(key, headers=page | {"Sec-Fetch-Site": "same-origin"}), 200)
    for site in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = expect(deployment.client.chat(key, headers=page | site), 403)
        assert answer.headers["X-Latchkey-Code"] == "browser_not_allowed"


def test_without_a_script_it_says_what_it_needs(deployment, visit, tenant):
    tenant.credential(tenant.app["id"], name="one")
    at = visit(tenant.person, java_script_enabled=False)
    at.open(f"/console/applications/{tenant.app['id']}")
    found = at.page.locator(".trying")
    assert "needs JavaScript. The snippets of “Connect” make the same call." in found.inner_text()
    assert not found.locator("#try-secret").is_visible()


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_names_and_a_phone_break_nothing(deployment, visit, tenant, language):
    app = tenant.application(ODD["markup"])
    keys = [tenant.credential(app["id"], name=name, revealable=True) for name in ODD.values()]
    at = visit(tenant.person, extra_http_headers={"Accept-Language": language})
    said = []
    at.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    at.page.set_viewport_size(PHONE)
    found = box(at, app)
    found.locator("#try-secret").fill(keys[-1]["token"])
    found.locator("#try-message").fill("<img src=x onerror=alert(1)> " + "W" * 300)
    found.locator("[data-at=send]").click()
    wait_for("the receipt", lambda: (at.page.wait_for_timeout(20), found.locator(".receipt").count())[1])
    assert "<img src=x" in found.locator(".theirs .spoken").inner_text()
    assert found.locator("img").count() == 0
    fits(at.page)
    at.looks_right()
    assert said == [], "a script ran"
