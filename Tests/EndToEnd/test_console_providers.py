"""Providers, models and prices in the console, in a real browser."""

from datetime import datetime, timedelta, timezone

import pytest

import planted
from client import expect, new_password, unique
from console import HOSTILE, PHONE, leaving
from models_there import ModelsThere


@pytest.fixture
def there():
    made = ModelsThere(names=["gpt-4o", "o3"])
    yield made
    made.close()


def press(console, text, within="main"):
    with leaving(console.page):
        console.page.click(f"{within} >> text={text}")


def test_a_provider_from_its_adding_to_its_end(visit, deployment, there):
    """Added, tested good and bad, edited with its credential kept, with a model and prices, and all of it deleted."""
    name, model = unique("Far"), unique("gpt")
    secret = planted.plant("provider secret", unique("provider-secret") + new_password())
    console = visit(deployment.admin)
    page = console.page
    page.click(".rail >> text=Providers")
    page.wait_for_url("**/console/providers")
    console.looks_right()
    page.click("text=Add provider")
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=name]").fill(name)
    dialog.locator("[name=base_url]").fill("far.example")
    dialog.locator("[name=base_url]").evaluate("field => field.form.noValidate = true")
    dialog.locator("[name=secret]").fill(secret)
    # What the built-in kind has no use for is not asked.
    dialog.locator("[value=echo]").check()
    assert not dialog.locator("[name=secret]").is_visible()
    dialog.locator("[value=openai]").check()
    dialog.locator("button.primary").click()
    dialog.locator(".wrong [name=base_url]").wait_for()
    console.looks_right()
    assert dialog.locator("[name=name]").input_value() == name and dialog.locator("[name=secret]").input_value() == ""
    dialog.locator("[name=base_url]").fill(there.url())
    dialog.locator("[name=secret]").fill(secret)
    with leaving(page):
        dialog.locator("button.primary").click()
    assert "Created." in console.text() and "It serves no model yet." in console.text()
    console.looks_right()

    press(console, "Test connection")
    assert "It answers." in console.text("#test") and "gpt-4o" in console.text("#test")
    assert there.asked == [("/v1/models", "Bearer " + secret)]
    console.looks_right()
    there.status = 401
    press(console, "Test connection")
    assert "It refuses the stored credential" in console.text("#test") and "HTTP 401" in console.text("#test")
    console.looks_right()

    page.click("main >> text=Edit")
    dialog.locator("[name=name]").fill(name + " 2")
    console.looks_right()
    with leaving(page):
        dialog.locator("button.primary").click()
    there.status = 200
    press(console, "Test connection")
    assert there.asked[-1] == ("/v1/models", "Bearer " + secret), "a blank field keeps the credential"
    assert secret not in page.content()

    page.click("main >> text=Add model")
    dialog.locator("[name=name]").fill(model)
    dialog.locator("[name=price]").fill("1,000")
    console.looks_right()
    with leaving(page):
        dialog.locator("button.primary").click()
    row = page.locator("tr.new")
    assert model in row.inner_text() and "1,000" in row.inner_text()
    row.locator("a.name").click()
    page.wait_for_url("**/console/models/*")
    assert "A call costs 1,000 credits" in console.text()
    page.click("main >> text=Set a price")
    later = datetime.now(timezone.utc) + timedelta(days=3)
    dialog.locator("[name=price]").fill("1500")
    dialog.locator("label", has_text="A later time").click()
    dialog.locator("[name=effective_at]").fill(later.strftime("%Y-%m-%dT%H:%M"))
    console.looks_right()
    with leaving(page):
        dialog.locator("button.primary").click()
    assert "Scheduled" in console.text("tr.new") and later.strftime("%H:%M UTC") in console.text("tr.new")
    console.looks_right()
    page.click("[title=Withdraw]")
    dialog.get_by_text("Withdraw 1,500 credits from").wait_for()
    console.looks_right()
    with leaving(page):
        dialog.locator("button.danger").click()
    assert "Deleted." in console.text() and "Scheduled" not in console.text()

    page.click(".crumbs >> text=" + name)
    page.wait_for_url("**/console/providers/*")
    page.click("main >> text=Delete provider…")
    dialog.locator("button.danger").click()
    dialog.get_by_text("Models use this provider. Delete them first.").wait_for()
    dialog.get_by_text("Keep it").click()
    page.click(f"tr:has-text('{model}') [title=Delete]")
    with leaving(page):
        dialog.locator("button.danger").click()
    page.click("main >> text=Delete provider…")
    with leaving(page):
        dialog.locator("button.danger").click()
    assert console.path == "/console/providers" and name not in console.text()


def test_without_a_script_on_a_phone(visit, deployment, there):
    console = visit(deployment.admin, java_script_enabled=False)
    page = console.page
    page.set_viewport_size(PHONE)
    console.open("/console/providers")
    press(console, "Add provider")
    console.fill(name=unique("Phone"), base_url=there.url(), secret="a-phone's-secret").submit()
    press(console, "Test connection")
    assert "It answers." in console.text("#test")
    press(console, "Add model")
    name = unique("phone")
    console.fill(name=name, price="20").submit()
    press(console, name)
    press(console, "Set a price")
    page.check("[name=start][value=now]", force=True)
    console.fill(price="30").submit()
    assert "A call costs 30 credits" in console.text() and "Over" in console.text()
    press(console, "Delete model…")
    console.submit()
    press(console, "Delete provider…")
    console.submit()
    assert console.path == "/console/providers"


def test_names_break_no_page(visit, deployment):
    body = {"name": HOSTILE, "kind": "openai", "base_url": "http://127.0.0.1:9/" + "w" * 470}
    made = expect(deployment.call("POST", "/api/v1/providers", json=body), 201).json()
    body = {"provider_id": made["id"], "name": unique("x" * 60), "upstream_name": "w" * 100, "price": "999999999.999999"}
    body["price"] = 999999999.999999
    model = expect(deployment.call("POST", "/api/v1/models", json=body), 201).json()
    console = visit(deployment.admin)
    ours = f"/console/providers/{made['id']}"
    theirs = f"/console/models/{model['id']}"
    for path in (
        "/console/providers", ours, ours + "/edit", ours + "/delete", ours + "/models/new", theirs,
        theirs + "/prices/new", theirs + "/delete",
    ):
        console.open(path)
        console.looks_right()
        # What is too wide for its card would be cut off there.
        tables = "[...document.querySelectorAll('table')].every(t => t.offsetWidth <= t.parentElement.clientWidth)"
        assert console.page.evaluate(tables), path
    console.open(ours)
    assert HOSTILE in console.text("h1")
    press(console, "Test connection")
    assert "refuses connections" in console.text("#test")
    console.looks_right()
    # Others don't even see that there are providers.
    other = visit(deployment.new_tenant().person)
    assert "Providers" not in other.text(".rail")
    other.open(ours)
    assert "This is for admins of the deployment." in other.text()


def test_all_of_it_in_chinese(visit, deployment):
    console = visit(deployment.admin)
    console.open("/console/account")
    press(console, "简体中文")
    echo = deployment.echo_provider()
    model = deployment.new_model()
    for path, word in (
        ("providers", "添加提供商"), (f"providers/{echo['id']}", "测试连接"), (f"models/{model['id']}", "设定价格"),
    ):
        console.open("/console/" + path)
        assert word in console.text()
        console.looks_right()
