"""Pricing groups and the deployment's health in the console, in a real browser."""


import pytest

from client import exact, expect, unique
from console import HOSTILE, PHONE, leaving

# 100 characters that would run or break a page that doesn't mind them.

@pytest.fixture
def group(deployment):
    """At 0.8, with two accounts that called this month: one of them has a name that would break a page."""
    name = deployment.new_group(0.8, unique("partners"))["name"]
    for account, calls in (("Harbour Analytics", 3), (HOSTILE, 1)):
        tenant = deployment.new_tenant(account, default_group=name)
        key = tenant.key(tenant.application()["id"])
        for _ in range(calls):
            expect(tenant.client.chat(key), 200)
        tenant.settled()
    return name


def go(console, text):
    with leaving(console.page):
        console.page.locator("main").get_by_text(text, exact=True).click()


def begin(console, group, multiplier):
    """The first step: this month, so that there is something to see."""
    console.open(f"/console/groups/{group}/multiplier")
    console.fill(multiplier=multiplier).submit()
    month = console.page.locator("main .segments a").nth(1)
    if not month.get_attribute("aria-current"):
        with leaving(console.page):
            month.click()


def test_a_group_is_made_and_its_multiplier_previewed_scheduled_and_withdrawn(visit, deployment, group):
    console = visit(deployment.admin)
    page = console.page
    page.get_by_role("link", name="Groups").first.click()
    page.wait_for_url("**/console/groups")
    name = unique("g")
    page.get_by_role("link", name="Create group").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Not A Name")
    dialog.get_by_label("Multiplier").fill("0.9")
    dialog.get_by_role("button", name="Create group").click()
    dialog.get_by_text("Must be 1 to 40 characters").wait_for()
    assert dialog.get_by_label("Multiplier").input_value() == "0.9"
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Create group").click()
    page.locator("tr.new").wait_for()
    assert name in page.inner_text("tr.new") and "× 0.9" in page.inner_text("tr.new")
    row = page.locator(f"#group-{group}")
    assert "2 accounts, 0 keys" in row.inner_text()
    console.looks_right()
    row.get_by_title("New multiplier").click()
    page.wait_for_url("**/multiplier")
    console.looks_right()
    # The beginning of the next month is chosen; Now and a date can be.
    assert page.locator("[name=begin]:checked").get_attribute("value").endswith("-01T00:00")
    begin(console, group, "0.7")
    # Three calls and one, at 20 × 0.8 and at 20 × 0.7.
    assert page.inner_text(".tally div:nth-child(3) strong") == "56"
    assert "was 64. −8 credits, −12.5%, over 4 calls" in page.inner_text(".tally")
    assert "A call at 20 credits costs 14, now 16." in page.inner_text(".tally")
    rows = [[cell.strip() for cell in row.split("\t")] for row in page.locator(".compared tbody tr").all_inner_texts()]
    assert rows[0][0].startswith("Harbour Analytics") and rows[0][1:5] == ["3", "48", "42", "−6"]
    assert HOSTILE in rows[1][0] and rows[1][1:5] == ["1", "16", "14", "−2"]
    console.looks_right()
    seen = exact(deployment.call("GET", f"/api/v1/groups/{group}"))
    assert seen["scheduled"] is None
    console.submit()
    seen = exact(deployment.call("GET", f"/api/v1/groups/{group}"))
    assert f"{seen['scheduled']['multiplier']}" == "0.7"
    row = page.locator("tr.new")
    assert "v2" in row.inner_text() and "Scheduled" in row.inner_text()
    console.looks_right()
    row.get_by_title("Withdraw").click()
    with leaving(page):
        page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    assert "v2" not in console.text() and "Deleted." in console.text()
    page.get_by_role("link", name="Retire").click()
    with leaving(page):
        page.get_by_role("dialog").get_by_role("button", name="Retire").click()
    assert "Retired" in console.text("main .status")


def test_what_changed_in_another_tab_is_previewed_again(visit, deployment, group):
    console = visit(deployment.admin)
    begin(console, group, "0.7")
    deployment.set_multiplier(group, 2)
    console.submit()
    assert "Not saved." in console.text(".note") and "now 40." in console.text(".tally")
    console.looks_right()
    assert exact(deployment.call("GET", f"/api/v1/groups/{group}"))["scheduled"] is None
    go(console, "Change the draft")
    assert console.page.input_value("[name=multiplier]") == "0.7"
    console.fill(multiplier="nought").submit()
    assert "This isn’t a multiplier" in console.text()
    assert console.page.input_value("[name=multiplier]") == "nought"
    console.looks_right()
    console.fill(multiplier="0.5")
    console.submit().submit()
    seen = exact(deployment.call("GET", f"/api/v1/groups/{group}"))
    assert f"{seen['scheduled']['multiplier']}" == "0.5" and seen["multiplier"] == 2


def test_without_a_script_and_on_a_phone_a_multiplier_holds_from_now_on(visit, deployment, group):
    console = visit(deployment.admin, java_script_enabled=False)
    console.page.set_viewport_size(PHONE)
    console.open("/console/groups")
    with leaving(console.page):
        console.page.locator(f"#group-{group}").get_by_title("New multiplier").click()
    console.page.get_by_label("Now", exact=True).check()
    console.fill(multiplier="1.5").submit().submit()
    assert exact(deployment.call("GET", f"/api/v1/groups/{group}"))["multiplier"] == 1.5


def test_the_health_of_the_deployment(visit, deployment):
    console = visit(deployment.admin)
    console.open("/console/health")
    told = expect(deployment.call("GET", "/api/v1/health"), 200).json()
    checks = {check["name"]: check for check in told["checks"]}
    assert console.page.locator(".checks tbody tr").count() == len(checks) == 11
    for name, check in checks.items():
        word = {"well": "Well", "watch": "Watch", "act": "Act now"}[check["state"]]
        assert word in console.text(f"#check-{name} .status")
    # One connection at least is the one that asks.
    assert checks["connections"]["value"] >= 1 and checks["connections"]["bound"] > 100
    assert checks["database"]["state"] == "well" and checks["disk"]["value"] <= checks["disk"]["bound"]
    assert told["version"] in console.text() and told["database_bytes"] > 4096
    assert checks["clock"]["value"] == 0 and checks["key_files"]["value"] == 0
    console.looks_right()
    tenant = deployment.new_tenant()
    other = visit(tenant.person)
    other.open("/console/health")
    assert "This is for admins of the deployment." in other.text()
    assert other.page.locator("nav a[href='/console/health']").count() == 0


def test_groups_and_health_in_chinese(visit, deployment, group):
    console = visit(deployment.admin)
    console.context.add_cookies([{"name": "latchkey-language", "value": "zh-Hans", "url": deployment.server.url}])
    pages = ("groups", f"groups/{group}", f"groups/{group}/multiplier?multiplier=0.7&begin=now&month=this", "health")
    for number, path in enumerate(pages):
        console.open(f"/console/{path}")
        assert console.page.get_attribute("html", "lang") == "zh-Hans"
        console.looks_right()
