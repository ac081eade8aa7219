"""Usage, the ledger, members, platform tokens and the audit record in the console, in a real browser."""

import csv
import io
import re
import time
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

import planted
from client import expect, new_email, new_password
from console import HOSTILE, leaving
from receipts import away_from_midnight
from waiting import wait_for

# 100 characters that would run or break a page that doesn't mind them.

@pytest.fixture
def tenant(deployment):
    """1,000 credits, an app and a key in a group of its own, at 20 × 0.8 a call."""
    away_from_midnight()
    group = deployment.new_group(0.8)["name"]
    made = deployment.new_tenant(credits=1000, default_group=group)
    made.group = group
    made.app = made.application("Support desk")
    made.key = made.credential(made.app["id"], name="Website")
    return made


def call(tenant, times=1):
    for _ in range(times):
        expect(tenant.client.chat(tenant.key["token"]), 200)


def number(text):
    return Decimal(text.replace(",", "").replace("−", "-").replace("+", ""))


def figure(console, name):
    return number(console.page.locator("#tally div", has_text=name).locator("strong").inner_text())


def cells(console, selector, column):
    return [number(text) for text in console.page.locator(f"{selector} tbody tr > :nth-child({column})").all_inner_texts()]


def test_a_call_shows_at_its_cost_in_usage_and_ledger(visit, tenant):
    call(tenant, 3)
    expect(tenant.client.chat(tenant.key["token"], model="gpt-none"), 404)
    tenant.settled()
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/usage")
    assert figure(console, "Balance") == 952 and figure(console, "Spent this month") == 48
    assert figure(console, "Spent today") == 48 and figure(console, "Refused this month") == 1
    # The sum of the days is the total, and the ledger's.
    console.page.click("#days summary")
    days = cells(console, "#days-table", 3)
    assert sum(days) == 48 == tenant.usage()["amount"] and days[-1] == 48
    assert number(console.text("#days-table tfoot td:last-child")) == 48
    # The grant is of this month too.
    assert number(console.text("#entries tfoot .figure")) == 952
    console.page.select_option("[name=kind]", "charge")
    with leaving(console.page):
        console.page.click(".filters button")
    assert "kind=charge" in console.path
    amounts = console.page.locator("#entries tr[id^=entry-] .figure").all_inner_texts()
    assert [number(text) for text in amounts] == [-16, -16, -16]
    assert number(console.text("#entries tfoot .figure")) == -48
    for by, name in (("application", "Support desk"), ("key", "Website"), ("model", "echo")):
        console.open(f"/console/usage?by={by}")
        row = console.page.locator("#shares-table tbody tr")
        assert row.count() == 1 and name in row.inner_text() and "100.0%" in row.inner_text()
    assert "There is no such model" in console.text("#refused")
    console.looks_right()


def test_days_are_those_of_utc_wherever_somebody_is(visit, tenant):
    """Only the hint of a time says what it is in the zone that somebody has chosen."""
    call(tenant)
    tenant.settled()
    seen = set()
    for zone, hours in (("Pacific/Pago_Pago", -11), ("UTC", 0), ("Asia/Calcutta", 5.5), ("Pacific/Kiritimati", 14)):
        console = visit(timezone_id=zone)
        console.sign_in(tenant.person)
        console.open("/console/account/time-zone")
        console.page.select_option("[name=zone]", zone)
        console.submit()
        console.open("/console/usage")
        console.page.click("#days summary")
        assert "Day, UTC" in console.text("#days-table")
        charge = console.page.locator("#entries time").first
        at = datetime.fromisoformat(charge.get_attribute("datetime"))
        in_utc, in_zone = charge.get_attribute("title").split("; yours: ")
        assert in_utc == f"{at.day} {at:%b %Y, %H:%M} UTC"
        there = at + timedelta(hours=hours)
        offset = f"{'−' if hours < 0 else '+'}{int(abs(hours)):02}:{int(abs(hours) * 60 % 60):02}"
        assert in_zone == f"{there.day} {there:%b %Y, %H:%M} ({offset})"
        seen.add((console.text("#tally"), console.text("#days"), console.text("#entries")))
    assert len(seen) == 1


def test_a_charge_opens_into_why_it_cost_that(visit, tenant):
    call(tenant)
    tenant.settled()
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/usage?kind=charge")
    assert not console.page.locator(".why").first.is_visible()
    console.page.get_by_role("link", name="Why 16 credits?").click()
    why = console.page.locator(".why")
    why.wait_for()
    boxes = [re.sub(r"\s+", " ", text) for text in why.locator(".sum > div").all_inner_texts()]
    assert boxes[0].startswith("Price of one call 20 echo")
    assert boxes[1].startswith(f"Group {tenant.group} 0.8 multiplier since ")
    assert boxes[2] == "Charged 16 credits"
    [entry] = tenant.ledger(kind="charge")
    for name in ("id", "price_id", "multiplier_id"):
        assert entry[name] in why.inner_text()
    console.looks_right()
    why.get_by_text("Close").click()
    why.wait_for(state="hidden")


def test_the_csv_is_exactly_what_is_shown(visit, tenant):
    call(tenant, 2)
    tenant.settled()
    console = visit()
    console.sign_in(tenant.person)
    for query, count in (("", 3), ("?kind=charge", 2), ("?kind=grant", 1), ("?from=2020-01-01&to=2020-01-31", 0)):
        console.open("/console/usage" + query)
        # As the browser would store it, in a request that has a deadline.
        link = console.page.locator("a", has_text="CSV of these rows")
        fetched = "async (link) => (await fetch(link.href, {signal: AbortSignal.timeout(20000)})).text()"
        lines = list(csv.DictReader(io.StringIO(link.evaluate(fetched))))
        shown = console.page.locator("#entries tr[id^=entry-]").evaluate_all("rows => rows.map(row => row.id)")
        assert ["entry-" + line["id"] for line in lines] == shown and len(lines) == count


def test_figures_move_within_two_seconds_and_nothing_else_does(visit, tenant):
    call(tenant)
    tenant.settled()
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/usage?kind=charge")
    page = console.page
    page.get_by_role("link", name="Why 16 credits?").click()
    page.locator(".why").wait_for()
    page.focus("[name=from]")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1')); scrollTo(0, 300)")
    place = page.evaluate("scrollY")
    page.wait_for_timeout(1500)
    call(tenant)
    began = time.monotonic()
    wait_for("the balance to move", lambda: page.wait_for_timeout(20) or figure(console, "Balance") == 968, 5)
    # A debug build on a busy machine; what is asked of it is two seconds.
    assert time.monotonic() - began < 4
    wait_for("the row", lambda: page.wait_for_timeout(20) or page.locator("#entries tr[id^=entry-]").count() == 2, 5)
    assert page.locator(".rail .foot .balance strong").inner_text() == "968"
    assert page.evaluate("document.activeElement.name") == "from"
    assert page.evaluate("getSelection().toString()") == "Usage"
    assert page.locator(".why:visible").count() == 1
    assert abs(page.evaluate("scrollY") - place) < 120
    # When the session has ended, the page says so, once it looks again.
    console.context.clear_cookies()
    wait_for("the sign-in", lambda: page.wait_for_timeout(50) or console.path.startswith("/console/sign-in"), 20)


def test_without_a_script_all_of_it_can_be_read(visit, tenant):
    call(tenant)
    tenant.settled()
    console = visit(java_script_enabled=False)
    console.sign_in(tenant.person)
    console.open("/console/usage")
    assert figure(console, "Balance") == 984
    console.page.get_by_role("link", name="Why 16 credits?").click()
    console.page.locator(".why").wait_for()
    with leaving(console.page):
        console.page.click("text=By key")
    assert "by=key" in console.path and "Website" in console.text("#shares")


def test_members_are_invited_changed_and_removed(visit, tenant):
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/members")
    console.looks_right()
    console.page.click("text=Invite somebody")
    email = new_email()
    dialog = console.page.locator("dialog")
    dialog.locator("[name=email]").fill(email)
    dialog.locator("[name=password]").fill("wrong words of somebody")
    dialog.get_by_text("Make the invitation").click()
    dialog.get_by_text("That isn’t your password.").wait_for()
    assert dialog.locator("[name=email]").input_value() == email
    dialog.locator("[name=password]").fill(tenant.person.password)
    dialog.get_by_text("Make the invitation").click()
    dialog.locator(".secret").wait_for()
    token = planted.plant("invitation token", dialog.locator(".secret").evaluate("box => box.textContent"))
    console.keep()
    assert token.startswith("lki-") and token not in console.page.url
    with leaving(console.page):
        dialog.get_by_text("I have stored it").click()
    assert email in console.text() and token not in console.page.content()
    other = visit()
    other.open("/console/invitation")
    password = new_password()
    other.fill(token=token, password=password).submit().keep()
    other.open("/console/members")
    assert "You look on as a member." in other.text() and tenant.person.email in other.text()
    assert other.page.locator("text=Invite somebody").count() == 0
    other.looks_right()
    other.open("/console/audit")
    assert "This is for root users of the account." in other.text()
    other.looks_right()
    console.open("/console/members")
    row = console.page.locator("tr", has_text=email)
    row.get_by_title("Remove").click()
    dialog.locator("[name=password]").fill(tenant.person.password)
    with leaving(console.page):
        dialog.get_by_text("Remove for good").click()
    console.keep()
    assert email not in console.text("table")
    other.open("/console/usage")
    assert other.path.startswith("/console/sign-in")


def test_a_platform_token_is_shown_once_and_revoked(visit, tenant):
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/tokens/new")
    console.looks_right()
    console.fill(name=HOSTILE, password=tenant.person.password)
    console.page.check("[value='usage:read']")
    console.submit().keep()
    token = planted.plant("platform token", console.page.locator(".secret").evaluate("box => box.textContent"))
    console.looks_right()
    expect(tenant.client.call("GET", "/api/v1/usage", token=token), 200)
    expect(tenant.client.call("GET", "/api/v1/applications", token=token), 403)
    console.open("/console/members")
    console.looks_right()
    assert token not in console.page.content()
    console.page.locator("tr", has_text="onerror").get_by_title("Revoke").click()
    with leaving(console.page):
        console.page.locator("dialog .danger").click()
    expect(tenant.client.call("GET", "/api/v1/usage", token=token), 401)


def test_the_audit_record_says_who_did_what(visit, tenant):
    tenant.application(HOSTILE)
    console = visit()
    console.sign_in(tenant.person)
    console.open("/console/audit")
    assert "Created an application" in console.text() and HOSTILE in console.text()
    console.looks_right()
    console.page.select_option("[name=action]", "credential.create")
    with leaving(console.page):
        console.page.click(".filters button")
    assert console.page.locator("tbody tr").count() == 1 and "Website" in console.text("tbody")


def test_all_of_it_in_chinese(visit, tenant):
    call(tenant)
    tenant.settled()
    console = visit()
    console.open("/console/sign-in")
    with leaving(console.page):
        console.page.click("text=简体中文")
    console.sign_in(tenant.person)
    for path, word in (("usage", "每日积分"), ("members", "邀请成员"), ("audit", "审计")):
        console.open(f"/console/{path}")
        assert word in console.text()
        console.looks_right()
