"""`latchkey demo`: what a newcomer runs first has to work, to be understood, and to leave nothing behind (issue, point 9)."""

import re
import signal
from decimal import Decimal
from types import SimpleNamespace

import pytest

import planted
from client import Client, Person, exact, expect
from console import Console
from server import run_command
from staying import Staying


@pytest.fixture(scope="module")
def demo(homes):
    home = homes / "demo"
    temporary = home / "tmp"
    temporary.mkdir(parents=True)
    return run_command(home, ["demo"], settings={"TMPDIR": temporary}, deadline=60, name="demo"), temporary


def test_the_demo_does_all_of_it(demo):
    """Exit 0 only if the cat and the dog answered, and the wrong, the forged and the deleted key were refused."""
    finished, _ = demo
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    said = finished.stdout
    assert "Meow!" in said and "Woof!" in said
    assert "wrong_app" in said or "403" in said
    assert said.count("401") >= 2 or said.count("invalid") >= 2
    # The parts of the story, in the order in which a reader meets them.
    places = [said.lower().find(word) for word in ("cat", "dog", "forged", "deleted")]
    assert -1 not in places and places == sorted(places)


def test_the_demo_leaves_nothing_behind(demo):
    """A temporary directory that stays would hold a database and its keys."""
    _, temporary = demo
    assert list(temporary.rglob("*")) == []


# With --stay


@pytest.fixture
def staying(home):
    made = Staying(home)
    yield made
    made.close()


def test_a_demo_that_stays_has_a_week_to_show(staying, browser):
    """Whoever signs in as it says sees the week, and every figure has its charge; Ctrl-C leaves nothing."""
    staying.read_until("Ctrl-C ends the server")
    address = staying.field("Console")
    assert re.fullmatch(r"http://localhost:\d+/console", address)
    server = SimpleNamespace(url=address.removesuffix("/console"))
    person = Person(Client(server), staying.field("e-mail"), planted.plant("password", staying.field("password")))
    person.sign_in()

    # The week: charges on each of its days, and the sum is the ledger's
    entries, cursor = [], ""
    while cursor is not None:
        page = exact(expect(person.call("GET", f"/api/v1/ledger?limit=100{cursor}"), 200))
        entries += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    charges = [entry for entry in entries if entry["kind"] == "charge"]
    assert len({entry["created_at"][:10] for entry in charges}) >= 7 and len(charges) > 100
    account = exact(expect(person.call("GET", f"/api/v1/accounts/{person.session['user']['account_id']}"), 200))
    granted = sum(Decimal(entry["amount"]) for entry in entries if entry["kind"] == "grant")
    assert account["balance"] == granted - sum(Decimal(entry["amount"]) for entry in charges)

    # Keys in each state that a page shows, and calls that were refused
    listed = expect(person.call("GET", "/api/v1/credentials"), 200).json()["items"]
    keys = {key["name"]: key for key in listed}
    assert {name: keys[name]["status"] for name in ("Website", "Newsletter", "Trade fair", "Old laptop")} == {
        "Website": "active", "Newsletter": "active", "Trade fair": "expired", "Old laptop": "exhausted"}
    assert (keys["Newsletter"]["used_amount"], keys["Newsletter"]["limited_amount"]) == (380, 400)
    refused = expect(person.call("GET", "/api/v1/refused-calls?by=code&days=8"), 200).json()
    assert {line["code"] for line in refused["items"]} >= {"wrong_app", "key_expired", "credit_limit_reached"}

    # And a person in a browser, from the sign-in to a call of their own
    at = Console(browser, server).sign_in(person)
    months = [entry["created_at"][:7] for entry in charges]
    at.open(f"/console/usage?month={max(months, key=months.count)}&by=key")
    assert "Website" in at.text() and "Night shift" in at.text()
    at.open("/console/keys")
    for text in ["Website", "1 call left", "Expired", "Credit limit used"]:
        assert text in at.text(), text
    at.open("/console/applications")
    at.page.get_by_role("link", name="The cat").first.click()
    found = at.page.locator(".trying")
    found.get_by_role("link", name="Use my password…").click()
    dialog = at.page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill(person.password)
    dialog.get_by_role("button", name="View").click()
    dialog.wait_for(state="detached")
    found.get_by_label("Say something to").fill("Hello")
    found.get_by_role("button", name="Send").click()
    found.locator(".receipt").wait_for()
    assert "Meow! You said: Hello" in found.inner_text() and "20 credits" in found.inner_text()
    at.close()
    assert list(staying.temporary.iterdir()) != []
    assert staying.end(signal.SIGINT) == 0
    assert list(staying.temporary.rglob("*")) == []


@pytest.mark.parametrize("which, after, code", [
    (signal.SIGTERM, "Ctrl-C ends the server", 0),
    (signal.SIGHUP, "All of it happened as told", 130),
    (signal.SIGTERM, "Latchkey is running", 130),
], ids=["at its end", "in its history", "in its story"])
def test_whatever_ends_it_leaves_nothing(staying, which, after, code):
    assert staying.read_until(after).end(which) == code
    assert list(staying.temporary.rglob("*")) == []
