"""Pictures of the console's main pages, light and dark, wide and on a phone, taken from a demo that stays.

Each page is taken in every run, so that a picture can be made anew at any time; `make images` keeps them in docs/images,
which the README shows. They are small: a palette is enough for pages of few colours."""

import io
import os
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from PIL import Image

import planted
from client import Client, Person, expect
from console import PHONE, WIDE, Console
from server import REPOSITORY
from staying import Staying

FOLDER = REPOSITORY / "docs" / "images"
# In bytes.
LARGEST = 120_000
# In pixels. What is below is rows like those above.
TALLEST = 1600
VIEWS = [(scheme, size) for size in (WIDE, PHONE) for scheme in ("light", "dark")]


class Album:
    def __init__(self, console, folder):
        self.console, self.folder, self.names = console, folder, set()

    def take(self, name):
        """One picture of the page as it is, in each view."""
        page = self.console.page
        for scheme, size in VIEWS:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size(size)
            # On a phone the bar at the foot would stand in the middle of a whole page.
            whole = size == WIDE and page.locator("dialog[open]").count() == 0
            taken = Image.open(io.BytesIO(page.screenshot(full_page=whole)))
            taken = taken.crop((0, 0, taken.width, min(taken.height, TALLEST)))
            assert len(taken.getcolors(1 << 24)) > 8, f"{name} is blank"
            file = self.folder / f"{name}-{scheme}-{size['width']}.png"
            taken.convert("RGB").quantize(96).save(file, optimize=True)
            assert file.stat().st_size <= LARGEST, file.name
            self.names.add(file.name)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(WIDE)

    def visit(self, name, path):
        self.console.open(path)
        self.take(name)


@pytest.fixture
def album(home, browser, tmp_path):
    staying = Staying(home)
    staying.read_until("Ctrl-C ends the server")
    server = SimpleNamespace(url=staying.field("Console").removesuffix("/console"))
    console = Console(browser, server)
    album = Album(console, FOLDER if os.environ.get("LATCHKEY_IMAGES") == "keep" else tmp_path)
    album.folder.mkdir(exist_ok=True)
    album.person = Person(Client(server), staying.field("e-mail"), planted.plant("password", staying.field("password")))
    yield album
    console.close()
    staying.close()


def test_every_main_page_has_its_picture(album):
    console, person = album.console, album.person
    page = console.page
    album.visit("sign-in", "/console/sign-in")
    console.sign_in(person)
    person.sign_in()
    items = lambda path: expect(person.call("GET", path), 200).json()["items"]
    [cat] = [each["id"] for each in items("/api/v1/applications") if "cat" in each["name"].lower()]
    keys = {each["name"]: each["id"] for each in items("/api/v1/credentials")}

    album.visit("applications", "/console/applications")
    console.open(f"/console/applications/{cat}")
    page.get_by_role("link", name="Use my password…").click()
    page.get_by_role("dialog").get_by_label("Your password").fill(person.password)
    page.get_by_role("dialog").get_by_role("button", name="View").click()
    page.get_by_role("dialog").wait_for(state="detached")
    page.get_by_label("Say something to").fill("Is the window seat still free?")
    page.get_by_role("button", name="Send").click()
    page.locator(".receipt").wait_for()
    album.take("application")
    album.visit("keys", "/console/keys")
    album.visit("key", f"/console/keys/{keys['Website']}")
    # The month of most of the demo's week.
    album.visit("usage", f"/console/usage?month={datetime.now(UTC) - timedelta(days=3):%Y-%m}")
    page.locator("#entries a[href^='#why']").first.click()
    page.locator(".why").first.wait_for()
    album.take("charge")
    for name in ("members", "audit", "accounts", "providers", "groups", "health"):
        album.visit(name, f"/console/{name}")
    album.visit("group-preview", "/console/groups/standard/multiplier?multiplier=1.25&begin=now")

    # The steps of a key, in their dialogs
    console.open("/console/keys")
    page.get_by_role("link", name="Create API Key").click()
    page.get_by_role("dialog").wait_for()
    page.fill("[name=name]", "Spring campaign")
    album.take("key-new")
    page.get_by_role("dialog").locator("button.primary").click()
    page.locator("#secret").wait_for()
    planted.plant("key", "".join(page.locator("#secret").inner_text().split()))
    album.take("key-created")
    console.open(f"/console/keys/{keys['Website']}")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("dialog").wait_for()
    album.take("key-delete")
    console.open("/console/keys?search=nothing-has-this")
    album.take("nothing")
    console.open("/console/nowhere")
    album.take("error")

    kept = {file.name for file in FOLDER.glob("*.png")}
    assert kept == album.names, "run `make images`"
