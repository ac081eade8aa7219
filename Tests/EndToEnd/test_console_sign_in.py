"""Coming in by the console, in a real browser: set-up, sign-in, second factor, invitation, applications, and out again;
with a mouse, with the keyboard alone, and with JavaScript off."""

import subprocess
import urllib.parse

import pytest

import planted
from client import new_email, new_password, unique
from console import HOSTILE, leaving, read_qr_code
from deployment import CAT
from server import SETUP_LINE, Server
from totp import code_at


@pytest.fixture
def root(deployment):
    return deployment.new_tenant().person


def test_the_first_admin_is_made_in_the_browser(visit, own_home_server):
    console = visit(server=own_home_server)
    console.open("/")
    assert console.path == "/console/set-up"
    console.looks_right()
    [token] = SETUP_LINE.findall(own_home_server.stdout)
    email, password = new_email(), new_password()
    console.fill(token=planted.plant("set-up token", token), email=email, password="short")
    # The browser asks for so many before it sends; whoever goes around it is asked by the server.
    assert console.page.get_attribute("[name=password]", "minlength") == "15"
    console.page.evaluate("document.forms[0].noValidate = true")
    console.submit()
    assert "Must have at least 15 characters" in console.text() and console.page.input_value("[name=email]") == email
    console.looks_right()
    console.fill(password=password).submit().keep()
    assert console.path == "/console/applications" and "No applications yet" in console.text()
    console.looks_right()
    # The door is closed for good.
    console.context.clear_cookies()
    console.open("/console/set-up")
    assert console.path == "/console/sign-in"


def test_a_wrong_password_keeps_what_was_typed(visit, root):
    console = visit()
    console.open("/console/applications")
    assert console.path.startswith("/console/sign-in?next=")
    console.looks_right()
    console.fill(email=root.email, password="not the password of anybody").submit()
    assert "The email, the password or the code is wrong." in console.text()
    assert console.page.input_value("[name=email]") == root.email
    assert console.page.input_value("[name=password]") == ""
    assert console.page.evaluate("document.activeElement.name") == "password"
    console.looks_right()
    console.fill(password=root.password).submit().keep()
    assert console.path == "/console/applications"


@pytest.mark.parametrize("has_script", [True, False], ids=["with script", "without script"])
def test_an_application_from_its_making_to_its_end(visit, root, has_script):
    console = visit(java_script_enabled=has_script)
    console.sign_in(root)
    page = console.page
    page.click("text=Create application")
    form = "dialog[open] " if has_script else "main "
    page.wait_for_selector(form + "[name=name]")
    if has_script:
        console.looks_right()
    page.fill(form + "[name=name]", HOSTILE)
    page.fill(form + "[name=system_prompt]", "You are\na cat.")
    page.click(form + "button.primary")
    page.wait_for_selector("tr.new")
    assert HOSTILE in console.text("tr.new th") and "New" in console.text("tr.new th")
    if has_script:
        console.looks_right()
    page.reload()
    assert page.query_selector("tr.new") is None
    page.click("tbody a[title=Edit]")
    page.wait_for_selector(form + "[name=name]")
    assert page.input_value(form + "[name=system_prompt]") == "You are\na cat."
    page.fill(form + "[name=name]", "  ")
    page.click(form + "button.primary")
    page.wait_for_selector(form + ".wrong [name=name]")
    page.fill(form + "[name=name]", "Cat")
    page.click(form + "button.primary")
    page.wait_for_selector("tr.new")
    assert console.text("tr.new .name") == "Cat"
    page.click("tbody a[title=Delete]")
    page.wait_for_selector(form + "[name=name]")
    page.fill(form + "[name=name]", "cat")
    page.click(form + "button.danger")
    page.wait_for_selector(form + ".wrong [name=name]")
    page.fill(form + "[name=name]", "Cat")
    page.click(form + "button.danger")
    page.wait_for_selector("text=No applications yet")


def test_an_application_says_how_to_connect(visit, deployment):
    """Its first lines are run as they are shown, with a key in their place."""
    tenant = deployment.new_tenant()
    app = tenant.application(system_prompt=CAT)
    key = tenant.key(app["id"])
    console = visit()
    console.sign_in(tenant.person)
    with leaving(console.page):
        console.page.click("tbody a.name")
    assert console.path == f"/console/applications/{app['id']}" and CAT in console.text()
    console.looks_right()
    assert key[-10:] not in console.page.content()
    lines = console.page.text_content(".in-curl pre").replace("YOUR_KEY", key)
    answer = subprocess.run(["sh", "-c", lines], capture_output=True, text=True, check=True, timeout=30).stdout
    assert "Meow" in answer


def test_the_keyboard_is_enough(visit, root):
    console = visit()
    console.open("/console/sign-in")
    keyboard = console.page.keyboard
    keyboard.type(root.email)
    keyboard.press("Tab")
    keyboard.type(root.password)
    with leaving(console.page):
        keyboard.press("Enter")
    console.keep()
    keyboard.press("Tab")
    assert console.page.evaluate("document.activeElement.className") == "skip"
    console.page.focus("text=Create application")
    keyboard.press("Enter")
    console.page.wait_for_selector("dialog[open]")
    assert console.page.evaluate("document.activeElement.name") == "name"
    keyboard.press("Escape")
    console.page.wait_for_selector("dialog", state="detached")
    assert console.page.evaluate("document.activeElement.textContent").strip() == "Create application"


def test_a_second_factor_by_its_picture_and_by_a_recovery_code(visit, root, home):
    console = visit()
    console.sign_in(root)
    console.open("/console/account")
    console.looks_right()
    console.open("/console/account/second-factor")
    console.fill(password="not the password of anybody").submit()
    assert "That isn’t your password." in console.text()
    console.fill(password=root.password).submit().keep()
    console.looks_right()
    address = urllib.parse.urlsplit(read_qr_code(console.page.locator(".qr").screenshot(), home))
    assert (address.scheme, address.netloc) == ("otpauth", "totp") and root.email in urllib.parse.unquote(address.path)
    [secret] = urllib.parse.parse_qs(address.query)["secret"]
    planted.plant("second factor", secret)
    assert console.page.text_content("#totp-secret") == secret
    now = console.server.now()
    console.fill(code=code_at(secret, now)).submit()
    codes = console.page.text_content(".codes").split()
    assert len(codes) == 10
    for code in codes:
        planted.plant("recovery code", code)
    console.looks_right()
    # It stays until the person says that they have stored it: leaving asks.
    asked = []
    console.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    console.page.click("h1")
    console.open("/console/account")
    assert asked == ["beforeunload"] and "On" in console.text()

    other = visit()
    other.open("/console/sign-in")
    other.fill(email=root.email, password=root.password).submit()
    assert "Enter your code" in other.text() and root.password not in other.page.content()
    other.looks_right()
    other.fill(code=code_at(secret, now + 3600)).submit()
    assert "That code is wrong" in other.text()
    other.fill(code=codes[0]).submit().keep()
    assert other.path == "/console/applications"
    other.open("/console/account")
    assert other.page.locator("tbody tr").count() == 2
    with leaving(other.page):
        other.page.click("text=End >> nth=-1")
    assert "Ended." in other.text() and other.page.locator("tbody tr").count() == 1
    console.open("/console/account")
    assert console.path.startswith("/console/sign-in")


def test_an_invitation_is_accepted_and_the_language_stays(visit, deployment):
    account = deployment.new_account()
    invitation = deployment.invite(account["id"])
    console = visit()
    console.open("/console/invitation")
    with leaving(console.page):
        console.page.click("text=简体中文")
    assert console.path == "/console/invitation" and "接受邀请" in console.text()
    console.fill(token=invitation["token"], password=new_password()).submit().keep()
    assert console.path == "/console/applications" and "还没有应用" in console.text()
    console.looks_right()
    assert console.page.get_attribute("html", "lang") == "zh-Hans"


def test_out_is_out(visit, root):
    """The cookie is gone, the session is dead, and the browser's memory shows nothing."""
    console = visit()
    console.sign_in(root)
    [cookie] = [each for each in console.context.cookies() if each["name"] == "__Host-latchkey"]
    console.page.click(".me summary")
    with leaving(console.page):
        console.page.click(".me form[action='/console/sign-out'] button")
    assert console.path == "/console/sign-in" and "You are signed out." in console.text()
    assert [each for each in console.context.cookies() if each["name"] == "__Host-latchkey"] == []
    console.page.go_back()
    console.page.wait_for_url("**/console/sign-in*")
    console.context.add_cookies([cookie])
    console.open("/console/applications")
    assert console.path.startswith("/console/sign-in")


def test_a_session_that_ended_meanwhile_loses_nothing(visit, root):
    console = visit()
    console.sign_in(root)
    console.open("/console/applications/new")
    console.fill(name="Kept through it", system_prompt="Two\nlines")
    console.context.clear_cookies()
    console.submit()
    assert "Your session has ended." in console.text()
    console.looks_right()
    console.fill(email=root.email, password=root.password).submit().keep()
    assert "has not been sent" in console.text()
    console.looks_right()
    console.submit()
    console.page.wait_for_selector("tr.new")
    assert console.text("tr.new .name") == "Kept through it"


@pytest.mark.parametrize("is_allowed", [True, False])
def test_copied_is_said_only_when_it_is_so(visit, root, is_allowed):
    console = visit(permissions=["clipboard-read", "clipboard-write"] if is_allowed else [])
    console.sign_in(root)
    if not is_allowed:
        console.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))")
    console.open("/console/" + unique("nothing"))
    console.looks_right()
    number = console.text("main code")
    console.page.click("main .copy")
    if is_allowed:
        console.page.wait_for_selector(".copy.done")
        assert console.page.evaluate("navigator.clipboard.readText()") == number
        assert console.page.text_content("[role=status]") == "Copied"
    else:
        console.page.wait_for_selector("[data-selected-help]")
        assert console.page.evaluate("getSelection().toString()") == number
        assert "Copied" not in console.text() and "press Ctrl + C" in console.text()


@pytest.fixture
def own_home_server(home):
    """A server that nobody has been at."""
    server = Server(home)
    server.start()
    yield server
    server.close()
