"""The console as a person uses it: a page of Chromium that tells what it minded, and what axe finds on it."""

import contextlib
import re
import subprocess
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

import planted
from client import COOKIE

# What Chromium writes for each page that is answered with 4xx, as a form that was typed wrong is.
ANSWERED_SO = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d \(")
# A name that is markup, has marks and pictures, and fills its field.
HOSTILE = '"\u0301><img src=x onerror=alert(1)> \u732b\U0001f408' + "w" * 66
ODD = {
    "markup": "<b onclick=alert(1)>bold</b>\"'&",
    "right to left": "مفتاح الموقع",
    "emoji": "🔑🗝️ key",
    "long": "W" * 100,
}
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


@contextlib.contextmanager
def leaving(page):
    """Until another page is there, or the same one made anew. (For Playwright a new address of the same page is a
    navigation too.)"""
    page.evaluate("window.isLeft = true")
    yield
    deadline = time.monotonic() + 30
    while True:
        # Between two pages there is nothing to ask.
        with contextlib.suppress(Error):
            if page.evaluate("!window.isLeft && document.readyState === 'complete'"):
                return
        assert time.monotonic() < deadline, f"no other page came after {page.url}"
        page.wait_for_timeout(20)


class Console:
    """One person's browser, open at the console of a server."""

    def __init__(self, browser, server, **options):
        self.server = server
        self.context = browser.new_context(viewport=WIDE, locale="en-GB", **options)
        self.page = self.context.new_page()
        self.minded = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.minded.append(str(error)))
        # A violation is written to the console too, but not where it was only reported.
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective))"
        )

    def _hear(self, message):
        if message.type in ("error", "warning") and not ANSWERED_SO.match(message.text):
            self.minded.append(message.text)

    def open(self, path):
        return self.page.goto(self.server.url + path)

    @property
    def path(self):
        return self.page.url.removeprefix(self.server.url)

    def fill(self, **fields):
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)
        return self

    def submit(self):
        """Presses the page's one filled button, and waits for the page that comes of it."""
        with leaving(self.page):
            self.page.click("main :is(.primary, .danger):is(button)")
        return self

    def sign_in(self, person):
        self.open("/console/sign-in")
        self.fill(email=person.email, password=person.password).submit()
        return self.keep()

    def keep(self):
        """Notes the secret of the session, which must be written down nowhere."""
        for cookie in self.context.cookies():
            if cookie["name"] == COOKIE:
                planted.plant("session cookie", cookie["value"])
        return self

    def text(self, selector="main"):
        return self.page.inner_text(selector)

    def looks_right(self):
        """Nothing serious or critical for axe (WCAG 2.2 AA) in light and dark, and no sideways scrolling on a phone."""
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found = Axe().run(self.page).response["violations"]
            serious = [(each["id"], [node["html"][:120] for node in each["nodes"]])
                for each in found if each["impact"] in ("serious", "critical")]
            assert serious == [], f"{self.path} in {scheme}: {serious}"
        self.page.set_viewport_size(PHONE)
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], f"{self.path} is {wide} wide on a phone"
        self.page.set_viewport_size(WIDE)
        self.page.emulate_media(color_scheme="light")
        return self

    def close(self):
        """Ends the browser's visit, which must have gone without a word of the browser's own."""
        self.context.close()
        assert self.minded == []


def shown_secret(page):
    return planted.plant("key", page.locator("code.secret").inner_text().replace(" ", ""))


def create_key(at, name, revealable=False):
    """Fills the dialog in and sends it; the dialog then shows the secret."""
    page = at.page
    page.get_by_role("link", name="Create API Key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    if revealable:
        dialog.get_by_role("radio", name="Can be shown again with my password").check()
    dialog.get_by_label("Monthly limit").fill("1,000")
    dialog.get_by_role("button", name="Create key").click()
    dialog.locator("code.secret").wait_for()
    return dialog


def store_key(page):
    page.get_by_label("I have stored it").check()
    page.get_by_role("button", name="Done").click()
    page.locator("tr.new").wait_for()


def fits(page):
    """No sideways scrolling."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide} px wider than the window"


def read_qr_code(picture, home):
    """What Debian's reader sees in a screenshot."""
    file = home / "qr.png"
    file.write_bytes(picture)
    command = ["zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", file]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
