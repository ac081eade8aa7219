"""The console's API Keys in a browser: the steps of the seeds, and what must be visibly better (issue 11)."""

import re
import subprocess
import sys

import pytest
from playwright._impl._driver import compute_driver_executable

from client import expect
from console import ODD, PHONE, create_key, fits, leaving, shown_secret, store_key

KEY = re.compile(r"sk-[0-9A-Za-z]{51}")
DENIED = """() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException("Write permission denied.", "NotAllowedError"))
}"""


@pytest.fixture
def tenant(deployment):
    made = deployment.new_tenant()
    made.app = made.application("Support desk")
    return made


def go(at, path):
    at.open(path)
    return at.page


def test_the_seeds_steps_from_the_list_to_the_deletion(deployment, visit, tenant):
    """Create, copy and store, use at once, view behind the password, edit, disable, delete with a confirmation."""
    at = visit(tenant.person)
    page = at.page
    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="API Keys").click()
    page.get_by_role("heading", name="No keys yet").wait_for()
    at.looks_right()
    at.context.grant_permissions(["clipboard-read", "clipboard-write"])

    # Create: a limit is told in calls while it is typed
    page.get_by_role("link", name="Create API Key").first.click()
    dialog = page.get_by_role("dialog", name="Create an API key")
    dialog.get_by_label("Monthly limit").fill("1,000")
    assert dialog.locator("output.worth").first.inner_text() == "= 50 calls at 20."
    dialog.get_by_role("radio", name="90 days").check()
    assert dialog.locator(".ends.in-90").is_visible() and not dialog.locator(".ends.never").is_visible()
    at.looks_right()
    page.keyboard.press("Escape")
    dialog = create_key(at, "Production", revealable=True)
    at.looks_right()

    # Copy: honest, and announced
    secret = shown_secret(page)
    assert KEY.fullmatch(secret)
    dialog.locator(".boxed").get_by_role("button", name="Copy").click()
    dialog.get_by_role("button", name="Copied").wait_for()
    assert dialog.get_by_role("status").inner_text() == "Copied"
    assert page.evaluate("navigator.clipboard.readText()") == secret
    assert deployment.client.chat(secret).status_code == 200

    # It is not left by accident
    page.keyboard.press("Escape")
    assert dialog.locator("code.secret").is_visible()
    store_key(page)
    assert page.locator("tr.new").inner_text().count("New") == 1
    assert secret not in page.content()

    # The list, by the seed's columns
    row = page.get_by_role("row", name="Production")
    for text in ["Support desk", "Active", "20 / 1,000", "49 calls left", "Permanent", "Any"]:
        assert text in row.inner_text(), (text, row.inner_text())
    at.looks_right()

    # View: behind the password, each time
    for _ in range(2):
        row.get_by_role("link", name="View").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Your password").fill(tenant.person.password)
        dialog.get_by_role("button", name="View").click()
        dialog.locator("code.secret").wait_for()
        assert dialog.locator("code.secret").inner_text().replace(" ", "") == secret
        dialog.get_by_role("link", name="Hide").click()
        page.locator("code.secret").wait_for(state="detached")

    # Edit and disable
    row.get_by_role("link", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Test Project")
    dialog.get_by_role("radio", name="Disabled").check()
    dialog.get_by_role("button", name="Save changes").click()
    page.get_by_role("row", name="Test Project").get_by_text("Switched off by hand").wait_for()
    assert deployment.client.chat(secret).status_code == 401

    # Delete: what ends, the name, the password; a wrong one loses nothing
    with leaving(page):
        page.get_by_role("link", name="Test Project", exact=True).click()
    at.looks_right()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    for text in ["Support desk", "Calls in the last 24 h", "Secrets that end"]:
        assert text in dialog.inner_text()
    dialog.get_by_label("Type “Test Project” to confirm").fill("Test Project")
    dialog.get_by_label("Your password").fill("not the password of anybody")
    dialog.get_by_role("button", name="Delete for ever").click()
    dialog.get_by_text("That isn’t your password. Nothing was deleted.").wait_for()
    assert dialog.get_by_label("Type “Test Project” to confirm").input_value() == "Test Project"
    at.looks_right()
    dialog.get_by_label("Your password").fill(tenant.person.password)
    dialog.get_by_role("button", name="Delete for ever").click()
    page.get_by_role("heading", name="No keys yet").wait_for()
    assert deployment.client.chat(secret).status_code == 401


def test_copied_is_said_only_when_it_was(deployment, visit, tenant):
    at = visit(tenant.person)
    at.open("/console/keys")
    create_key(at, "one")
    at.page.evaluate(DENIED)
    secret = shown_secret(at.page)
    at.page.locator(".boxed").get_by_role("button", name="Copy").click()
    at.page.get_by_text("press Ctrl + C").first.wait_for()
    assert at.page.get_by_text("Copied", exact=True).count() == 0
    assert at.page.evaluate("getSelection().toString().replaceAll(/\\s/g, '')") == secret
    store_key(at.page)


def test_a_revealed_secret_hides_after_a_minute(deployment, visit, tenant):
    at = visit(tenant.person)
    expect(tenant.try_credential(tenant.app["id"], name="one", revealable=True), 201)
    at.page.clock.install()
    at.open("/console/keys")
    at.page.get_by_role("link", name="View").click()
    dialog = at.page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill(tenant.person.password)
    dialog.get_by_role("button", name="View").click()
    dialog.locator("code.secret").wait_for()
    at.page.clock.fast_forward(61_000)
    dialog.get_by_text("Hidden again.").first.wait_for()
    assert at.page.locator("code.secret").count() == 0


def test_everything_goes_without_a_script(deployment, visit, tenant):
    at = visit(tenant.person, java_script_enabled=False)
    page = go(at, "/console/keys")
    page.get_by_role("link", name="Create API Key").first.click()
    # A date that has passed is refused beside its field, and nothing is lost
    page.get_by_label("Name", exact=True).fill("By hand")
    page.get_by_label("Monthly limit").fill("1,000")
    page.get_by_role("radio", name="Date…").check()
    page.get_by_label("Ends at, in UTC").fill("2020-01-01T00:00")
    page.get_by_role("button", name="Create key").click()
    page.get_by_text("This time has passed.").wait_for()
    assert page.get_by_label("Name", exact=True).input_value() == "By hand"
    page.get_by_role("radio", name="Permanent").check()
    page.get_by_role("button", name="Create key").click()
    secret = shown_secret(page)
    assert deployment.client.chat(secret).status_code == 200
    # Done waits
    page.get_by_role("button", name="Done").click()
    assert page.locator("code.secret").is_visible()
    store_key(page)
    # The new secret of a rotation, then the old one retired
    page.get_by_role("link", name="By hand", exact=True).click()
    page.get_by_role("link", name="Rotate…").click()
    page.get_by_role("radio", name="In 1 hour").check()
    page.get_by_role("button", name="Make a new secret").click()
    newer = shown_secret(page)
    assert newer != secret
    page.get_by_label("I have stored it").check()
    page.get_by_role("button", name="Done").click()
    page.get_by_text("Not safe to retire yet.").wait_for()
    page.get_by_role("link", name="Retire…").click()
    page.get_by_role("button", name="Retire it now").click()
    page.get_by_role("heading", name="By hand").wait_for()
    assert deployment.client.chat(secret).status_code == 401
    assert deployment.client.chat(newer).status_code == 200


def test_names_break_no_page(deployment, visit, tenant):
    ids = [tenant.credential(tenant.app["id"], name=name)["id"] for name in ODD.values()]
    at = visit(tenant.person)
    at.page.set_viewport_size(PHONE)
    said = []
    at.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    at.open("/console/keys")
    fits(at.page)
    for id in ids:
        for step in ["", "/edit", "/rotate", "/delete"]:
            at.open(f"/console/keys/{id}{step}")
            fits(at.page)
    assert said == [], "a script ran"


def test_a_phone_reaches_everything(deployment, visit, tenant):
    key = tenant.credential(tenant.app["id"], name="Night shift", revealable=True, monthly_limit=1000)
    at = visit(tenant.person)
    at.page.set_viewport_size(PHONE)
    paths = ["", "/new", f"/{key['id']}", f"/{key['id']}?model=echo&address=1.2.3.4&origin="]
    paths += [f"/{key['id']}/{step}" for step in ("edit", "rotate", "reveal", "delete")]
    for path in paths:
        at.page.set_viewport_size(PHONE)
        at.open("/console/keys" + path)
        fits(at.page)
        at.looks_right()
    at.page.set_viewport_size(PHONE)
    at.open("/console/keys")
    for name in ["View", "Edit", "Delete"]:
        box = at.page.get_by_role("link", name=name).bounding_box()
        assert box["height"] >= 44 and box["x"] + box["width"] <= 360, (name, box)
    create_key(at, "Pocket")
    fits(at.page)
    store_key(at.page)


def test_snippets_run_as_they_are_shown(visit, tenant, tmp_path):
    at = visit(tenant.person)
    at.open("/console/keys")
    create_key(at, "Snippets")
    shown_secret(at.page)
    node, _ = compute_driver_executable()
    runs = {"curl": ["bash", "-c"], "Python": [sys.executable, "-c"], "JavaScript": [node, "--input-type=module", "-e"]}
    for name, command in runs.items():
        at.page.get_by_role("radio", name=name).check()
        text = at.page.locator(".pane:visible pre").inner_text()
        ran = subprocess.run([*command, text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, (name, ran.stderr)
        assert "Hello" in ran.stdout, (name, ran.stdout)
    at.page.get_by_role("radio", name="Dify").check()
    assert f"API endpoint URL: {at.server.url}/v1" in at.page.locator(".pane:visible pre").inner_text()
    store_key(at.page)


def test_explain_says_every_step(deployment, visit, tenant):
    key = tenant.credential(tenant.app["id"], name="Office", ip_allowlist=["10.4.0.0/16"])
    at = visit(tenant.person)
    page = go(at, f"/console/keys/{key['id']}")
    page.get_by_label("From address").fill("203.0.113.7")
    page.get_by_role("button", name="Explain").click()
    page.get_by_text("The address isn’t allowed.").wait_for()
    assert page.locator(".steplist li").count() == 10
    assert page.locator(".steplist li.denied").count() == 1
    page.get_by_label("From address").fill("10.4.9.9")
    page.get_by_role("button", name="Explain").click()
    page.get_by_text("It would cost 20 credits").wait_for()
    at.looks_right()


def test_a_session_that_ended_meanwhile_loses_nothing(deployment, visit, tenant):
    at = visit(tenant.person)
    page = go(at, "/console/keys/new")
    page.get_by_label("Name", exact=True).fill("Kept")
    at.context.clear_cookies()
    page.get_by_role("button", name="Create key").click()
    page.get_by_text("Your session has ended.").wait_for()
    page.get_by_label("Email").fill(tenant.person.email)
    page.get_by_label("Password").fill(tenant.person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Send it now").click()
    shown_secret(page)
    store_key(page)
    assert "Kept" in page.locator("tr.new").inner_text()
