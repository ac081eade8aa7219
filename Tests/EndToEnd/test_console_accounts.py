"""The accounts of a deployment in the console, as its admins see them, in a real browser."""

from decimal import Decimal


import planted
from client import expect, new_email, new_password, unique
from console import HOSTILE, PHONE, WIDE, leaving
from receipts import away_from_midnight
from totp import Authenticator


def figure(console, name):
    return Decimal(console.page.locator(".tally div", has_text=name).locator("strong").inner_text().replace(",", ""))


def press(console, name):
    """A button of the dialog that leads on to another page."""
    with leaving(console.page):
        console.page.locator("dialog").get_by_role("button", name=name).click()
    console.keep()


def shown_once(console, kind):
    dialog = console.page.locator("dialog")
    dialog.locator(".secret").wait_for()
    secret = planted.plant(kind, dialog.locator(".secret").evaluate("box => box.textContent"))
    assert secret not in console.page.url
    console.keep()
    with leaving(console.page):
        dialog.get_by_text("I have stored it").click()
    assert secret not in console.page.content()
    return secret


def book(console, link, **fields):
    """The two steps in a dialog, up to the one that does it."""
    console.page.get_by_role("link", name=link).click()
    dialog = console.page.locator("dialog")
    for name, value in fields.items():
        dialog.locator(f"[name={name}]").fill(value)
    dialog.get_by_role("button", name="Go on").click()
    dialog.get_by_text("Nothing is done yet.").wait_for()
    return dialog


def test_an_account_is_made_and_somebody_comes_in_and_credits_too(visit, deployment):
    group = deployment.new_group(0.8)["name"]
    console = visit(deployment.admin)
    console.open("/console/accounts")
    console.looks_right()
    dialog = console.page.locator("dialog")
    console.page.get_by_role("link", name="Create account").click()
    name = unique("Data team")
    dialog.locator("[name=name]").fill(name)
    dialog.locator("[name=credential_cap]").select_option("5")
    dialog.locator("[name=default_group]").select_option(group)
    press(console, "Create account")
    account = console.path.split("/")[-1]
    made = deployment.account(account)
    assert made["name"] == name and made["default_group"] == group and made["credential_cap"] == 5
    assert "Nobody is in it." in console.text() and "No credits left" in console.text()
    console.looks_right()

    # Its first root user comes in.
    email, password = new_email(), new_password()
    console.page.get_by_role("link", name="Invite somebody").click()
    dialog.locator("[name=email]").fill(email)
    dialog.locator("[name=password]").fill(deployment.admin.password)
    dialog.get_by_role("button", name="Make the invitation").click()
    token = shown_once(console, "invitation token")
    assert email in console.text("#people")
    root = visit()
    root.open("/console/invitation")
    root.fill(token=token, password=password).submit().keep()
    assert root.path == "/console/applications"
    root.open("/console/accounts")
    assert "This is for admins of the deployment." in root.text()

    # Credits: what it will be, what it is.
    console.open(f"/console/accounts/{account}")
    dialog = book(console, "Grant credits", amount="1,000", reason="to begin with")
    assert "Balance now\n0" in dialog.inner_text() and "Balance after it\n1,000" in dialog.inner_text()
    assert deployment.account(account)["balance"] == 0
    press(console, "Give 1,000 credits")
    assert "The balance is now 1,000 credits." in console.text() and figure(console, "Balance") == 1000
    assert "to begin with" in console.text("#credits tr.new")


def test_what_an_account_used_is_seen_and_its_calls_are_stopped(visit, deployment):
    away_from_midnight()
    tenant = deployment.new_tenant(credits=1000, default_group=deployment.new_group(0.8)["name"])
    account, client = tenant.account["id"], deployment.client
    key = tenant.key(tenant.application("Desk")["id"])
    console = visit(deployment.admin)
    dialog = console.page.locator("dialog")
    expect(client.chat(key), 200)
    deployment.settled(account)
    console.open(f"/console/accounts/{account}")
    assert figure(console, "Spent this month") == 16 and figure(console, "Balance") == 984
    assert console.page.locator("#chart rect").count() == 1
    console.looks_right()
    console.page.get_by_role("link", name="Usage and ledger").click()
    console.page.wait_for_url("**/console/usage?account_id=*")
    assert figure(console, "Spent this month") == 16 and "Desk" not in console.text()
    console.looks_right()
    console.page.go_back()

    console.page.get_by_role("link", name="Suspend…").click()
    dialog.get_by_text("every key of the account is refused (1 call this month)").wait_for()
    press(console, "Suspend the account")
    assert "None of its keys works" in console.text()
    assert expect(client.chat(key), 403).json()["error"]["code"] == "account_suspended"
    console.looks_right()
    console.page.get_by_role("link", name="Resume…").click()
    press(console, "Resume the account")
    expect(client.chat(key), 200)


def test_a_correction_sent_twice_is_done_once_also_without_a_script(visit, deployment):
    account = deployment.new_account(name=HOSTILE, credits=100)["id"]
    console = visit(deployment.admin, java_script_enabled=False)
    console.open(f"/console/accounts/{account}")
    console.page.get_by_role("link", name="Correct the balance").click()
    console.fill(amount="-30", reason=HOSTILE).submit()
    assert "Balance now\n100" in console.text() and "Balance after it\n70" in console.text()
    inputs = console.page.locator(".sheet form:not(#change) input").all()
    fields = {each.get_attribute("name"): each.get_attribute("value") for each in inputs}
    console.submit()
    assert "The balance is now 70 credits." in console.text() and HOSTILE in console.text("#credits")
    # As "back" and "reload" send it.
    again = console.context.request.post(
        f"{console.server.url}/console/accounts/{account}/adjustment", form=fields,
        headers={"Origin": console.server.url}, max_redirects=0)
    assert again.status == 303 and again.headers["location"].endswith(f"{account}#credits")
    assert deployment.account(account)["balance"] == 70
    # What is not there is not taken.
    console.open(f"/console/accounts/{account}/adjustment")
    console.fill(amount="-71", reason="too much").submit()
    assert "this will be refused" in console.text()
    console.submit()
    assert "There are not as many credits left." in console.text()
    assert console.page.input_value("[name=amount]") == "-71"
    assert deployment.account(account)["balance"] == 70
    # The console suspends and resumes without a script too.
    console.open(f"/console/accounts/{account}")
    console.page.get_by_role("link", name="Suspend…").click()
    console.submit()
    assert deployment.account(account)["suspended"]


def test_people_get_back_in_and_an_account_ends(visit, deployment):
    tenant = deployment.new_tenant(name=unique("Closing"))
    email = tenant.person.email
    tenant.person.fresh()
    begun = expect(tenant.person.call("POST", "/api/v1/users/current/totp"), 201).json()
    planted.plant("second factor", begun["secret"])
    app = Authenticator(deployment.server, begun["secret"])
    codes = expect(
        tenant.person.call("POST", "/api/v1/users/current/totp/confirmation", json={"code": app.code()}), 200
    ).json()["recovery_codes"]
    for code in codes:
        planted.plant("recovery code", code)
    console = visit(deployment.admin)
    path = f"/console/accounts/{tenant.account['id']}"
    console.open(path)
    console.looks_right()
    dialog = console.page.locator("dialog")
    row = console.page.locator("#people tr", has_text=email)
    row.get_by_title("Remove the second factor").click()
    dialog.locator("[name=password]").fill(deployment.admin.password)
    press(console, "Remove the second factor")
    assert "Off" in row.inner_text()
    row.get_by_title("Password reset").click()
    dialog.locator("[name=password]").fill(deployment.admin.password)
    dialog.get_by_role("button", name="Make the password reset").click()
    token = shown_once(console, "password reset token")
    other = visit()
    other.open("/console/reset")
    password = new_password()
    other.fill(token=token, password=password).submit().keep()
    other.fill(email=email, password=password).submit().keep()
    assert other.path == "/console/applications"

    console.page.get_by_role("link", name="What was done in it").click()
    console.page.wait_for_url("**/console/audit?of=*")
    assert "Used a password reset" in console.text() and tenant.account["name"] in console.text(".segments")
    console.looks_right()

    console.open(path)
    console.page.get_by_role("link", name="Close…").click()
    dialog.get_by_text(email).wait_for()
    console.looks_right()
    dialog.locator("[name=name]").fill("another name")
    dialog.locator("[name=password]").fill(deployment.admin.password)
    dialog.get_by_role("button", name="Close the account for good").click()
    dialog.get_by_text("The account stays open.").wait_for()
    dialog.locator("[name=name]").fill(tenant.account["name"])
    dialog.locator("[name=password]").fill(deployment.admin.password)
    press(console, "Close the account for good")
    assert "its people are gone" in console.text() and console.page.get_by_role("link", name="Suspend…").count() == 0
    assert deployment.account(tenant.account["id"])["closed_at"]
    console.looks_right()
    other.open("/console/applications")
    assert other.path.startswith("/console/sign-in")


def test_names_break_no_page_and_a_phone_reaches_everything(visit, deployment):
    group = deployment.new_group()["name"]
    tenant = deployment.new_tenant(name=HOSTILE, groups=[group])
    deployment.grant(tenant.account["id"], 5, HOSTILE)
    console = visit(deployment.admin)
    said = []
    console.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    path = f"/console/accounts/{tenant.account['id']}"
    steps = ["", "/edit", "/grant", "/adjustment", "/suspend", "/close", "/members/invite"]
    steps += [f"/members/{tenant.user['id']}/{step}" for step in ("role", "remove", "password-reset")]
    for step in steps:
        console.open(path + step)
        console.looks_right()
    assert said == [], "a script ran"
    console.page.set_viewport_size(PHONE)
    console.open(path)
    for title in ("Change role", "Password reset", "Remove"):
        box = console.page.locator("#people").get_by_title(title, exact=True).bounding_box()
        assert box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= 360, (title, box)
    console.page.get_by_role("link", name="More").click()
    assert console.page.locator(".more").get_by_role("link", name="Accounts").is_visible()
    console.page.set_viewport_size(WIDE)
    console.page.click(".me summary")
    with leaving(console.page):
        console.page.locator(".me").get_by_text("简体中文").click()
    for step in ("", "/grant", "/close"):
        console.open(path + step)
        console.looks_right()
    console.open("/console/accounts")
    assert "创建账户" in console.text()
    console.looks_right()
