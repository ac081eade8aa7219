"""What the documents promise that the product comes from, done in the console as they say it; test_console_keys.py has
the steps of the two that walk through the list of keys."""

import subprocess
import sys


from client import expect
from console import leaving, shown_secret, store_key
from deployment import CAT, DOG


def test_a_quick_start_with_a_monthly_limit(deployment, visit):
    """Log in, "API Keys", generate, name, monthly limit, save; 20 credits a call, shown at once; it stops by itself at the
    limit, says until when, and holds one of ten slots."""
    tenant = deployment.new_tenant()
    tenant.application("Data analysis")
    at = visit(tenant.person)
    page = at.page
    page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="API Keys").click()
    page.get_by_role("link", name="Create API Key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Dify")
    dialog.get_by_label("Monthly limit").fill("40")
    dialog.get_by_role("button", name="Create key").click()
    dialog.locator("code.secret").wait_for()
    secret = shown_secret(page)
    # What is pasted where in Dify
    page.get_by_role("radio", name="Dify").check()
    shown = page.locator(".pane:visible pre").inner_text()
    assert f"{at.server.url}/v1" in shown and secret in shown
    store_key(page)
    assert "1 of 10 keys in use" in at.text()

    at.open("/console/usage")
    for left in (980, 960):
        assert expect(deployment.client.chat(secret), 200).headers["x-latchkey-cost"] == "20"
        page.locator("#tally strong", has_text=str(left)).wait_for(timeout=10_000)
    expect(deployment.client.chat(secret), 429)
    at.open("/console/keys")
    row = page.get_by_role("row", name="Dify").inner_text()
    assert "40 / 40" in row and "Disabled" in row and "Monthly limit used; back 1 " in row and "00:00 UTC" in row


def test_a_cat_and_a_dog_of_one_account(deployment, visit, tmp_path):
    """Two apps, each with its own prompt and key, and one program: the key alone decides who answers."""
    tenant = deployment.new_tenant()
    at = visit(tenant.person)
    page = at.page
    programs = {}
    for name, prompt in (("Cat", CAT), ("Dog", DOG)):
        at.open("/console/applications/new")
        page.fill("[name=name]", name)
        page.select_option("[name=model]", "echo")
        page.fill("[name=system_prompt]", prompt)
        at.submit()
        with leaving(page):
            page.get_by_role("link", name=name, exact=True).click()
        page.get_by_role("link", name="Create a key for it").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Name", exact=True).fill(f"{name} simulator")
        dialog.get_by_role("button", name="Create key").click()
        dialog.locator("code.secret").wait_for()
        secret = shown_secret(page)
        dialog.get_by_role("radio", name="Python").check()
        programs[name] = dialog.locator(".pane:visible pre").inner_text()
        store_key(page)
        assert secret in programs[name]
    said = {}
    for name, program in programs.items():
        ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        said[name] = ran.stdout
    assert "Meow" in said["Cat"] and "Woof" not in said["Cat"]
    assert "Woof" in said["Dog"] and "Meow" not in said["Dog"]
