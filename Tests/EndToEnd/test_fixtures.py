"""Replays every example of fixtures/ against the server: one folder per seed, one file per story.

A file holds one example object, or an array of them that are played in order. Each file has a fresh account of its own.

    {"name": "…",
     "request": {"method", "path", "headers"?, "body"? (JSON) or "body_text"? (as it is)},
     "auth": "none" | "platform_token" | "admin_token" | "session" | "session_without_csrf" | "admin_session" |
             "app_key" | "second_app_key" | "foreign_app_key" | "deleted_key" | "expired_key" | "forged_key" |
             "bearer:${variable}",
     "response": {"status", "headers"? (these at least),
                  "body"? (exactly this) or "body_text"? or "events"? (the data of an event stream)},
     "capture": {"variable": "/json/pointer into the answer"}?}

`${variable}` is put in anywhere in path, headers, bodies and expectations; the class `Story` has them all, and makes
what one stands for when a file first names it. In expectations `<uuid>`, `<time>`, `<key>` … stand for any value of
that kind (see MATCHERS), and `"<more>"` as the last element of an array for any further elements.

Whatever this page doesn't know is an error, so that a misspelt member, variable or matcher can't go unnoticed.
"""

import json
import re
from pathlib import Path

import pytest

import planted
from client import ADMIN_SCOPES, absent_id, at, expect, new_email, new_password, unique
from deployment import CAT, DOG
from server import REPOSITORY
from shapes import HINT, INVITATION_TOKEN, KEY, PLATFORM_TOKEN, TIME, UUID7, forged
from waiting import wait_for

FIXTURES = REPOSITORY / "fixtures"
FILES = sorted(FIXTURES.glob("*/*.json"))

SCHEMA = {
    "": ({"name", "request", "auth", "response"}, {"capture"}),
    "request": ({"method", "path"}, {"headers", "body", "body_text"}),
    "response": ({"status"}, {"headers", "body", "body_text", "events"}),
}


def text_like(pattern):
    return lambda value: isinstance(value, str) and bool(pattern.match(value))


MATCHERS = {
    "<uuid>": text_like(UUID7),
    "<time>": text_like(TIME),
    "<key>": text_like(KEY),
    "<platform_token>": text_like(PLATFORM_TOKEN),
    "<invitation_token>": text_like(INVITATION_TOKEN),
    "<hint>": text_like(HINT),
    "<string>": lambda value: isinstance(value, str) and value != "",
    "<int>": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "<number>": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "<bool>": lambda value: isinstance(value, bool),
    "<any>": lambda value: True,
}


class Story:
    """The account, the variables and the callers of one file."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.tenant = deployment.new_tenant()
        self.known = {}
        self.captured = set()

    def value(self, name):
        if name not in self.known:
            make = getattr(self, f"make_{name}", None)
            assert make, f"there is no variable ${{{name}}}"
            self.known[name] = make()
        return self.known[name]

    def remember(self, name, value):
        # A story may capture anew, in a row of creations; it may not take the name of a variable that is given.
        assert name in self.captured or not hasattr(self, f"make_{name}"), f"${{{name}}} is a given variable"
        self.captured.add(name)
        self.known[name] = value
        # A captured secret must be found again if it leaks.
        if isinstance(value, str) and planted.TOKEN.match(value):
            planted.plant("key", value)

    # Objects that several variables are parts of

    def part(self, name, make):
        if name not in self.known:
            self.known[name] = make()
        return self.known[name]

    def app(self):
        return self.part("the cat", lambda: self.tenant.application("Cat", system_prompt=CAT))

    def second_app(self):
        return self.part("the dog", lambda: self.tenant.application("Dog", system_prompt=DOG))

    def credential(self):
        return self.part("the cat's key", lambda: self.tenant.credential(self.app()["id"]))

    def second_credential(self):
        return self.part("the dog's key", lambda: self.tenant.credential(self.second_app()["id"]))

    def foreigner(self):
        return self.part("another tenant", self.deployment.new_tenant)

    def foreign_app(self):
        return self.part("another tenant's app", lambda: self.foreigner().application("Foreign"))

    def foreign_credential(self):
        return self.part("another tenant's key", lambda: self.foreigner().credential(self.foreign_app()["id"]))

    def invitation(self):
        return self.part("an invitation", lambda: self.deployment.invite(self.tenant.account["id"]))

    def provider(self):
        body = {"name": unique("provider"), "kind": "openai", "base_url": "http://127.0.0.1:9/v1"}
        return self.part(
            "a provider", lambda: expect(self.deployment.call("POST", "/api/v1/providers", json=body), 201).json()
        )

    def model(self):
        body = {"provider_id": self.provider()["id"], "name": unique("model")}
        return self.part(
            "a model", lambda: expect(self.deployment.call("POST", "/api/v1/models", json=body), 201).json()
        )

    def echo(self, path):
        items = self.deployment.call("GET", f"{path}?limit=100").json()["items"]
        return next(item["id"] for item in items if item["name"] == "echo")

    # The variables

    def make_account_id(self):
        return self.tenant.account["id"]

    def make_user_id(self):
        return self.tenant.user["id"]

    def make_email(self):
        return self.tenant.person.email

    def make_password(self):
        return self.tenant.person.password

    def make_application_id(self):
        return self.app()["id"]

    def make_second_application_id(self):
        return self.second_app()["id"]

    def make_credential_id(self):
        return self.credential()["id"]

    def make_app_key(self):
        return self.credential()["token"]

    def make_second_credential_id(self):
        return self.second_credential()["id"]

    def make_second_app_key(self):
        return self.second_credential()["token"]

    def make_forged_key(self):
        return forged(self.value("app_key"))

    def make_platform_token(self):
        return self.tenant.token

    def make_platform_token_id(self):
        return self.tenant.token_id

    def make_foreign_account_id(self):
        return self.foreigner().account["id"]

    def make_foreign_application_id(self):
        return self.foreign_app()["id"]

    def make_foreign_credential_id(self):
        return self.foreign_credential()["id"]

    def make_foreign_app_key(self):
        return self.foreign_credential()["token"]

    def make_absent_id(self):
        return absent_id()

    def make_invitation_token(self):
        return self.invitation()["token"]

    def make_invited_email(self):
        return self.invitation()["email"]

    def make_provider_id(self):
        return self.provider()["id"]

    def make_model_id(self):
        return self.model()["id"]

    def make_model_name(self):
        return self.model()["name"]

    def make_echo_provider_id(self):
        return self.echo("/api/v1/providers")

    def make_echo_model_id(self):
        return self.echo("/api/v1/models")

    def make_new_email(self):
        return new_email()

    def make_new_password(self):
        return new_password()

    def make_new_name(self):
        return unique("name")

    def make_future_time(self):
        return at(3600)

    def make_past_time(self):
        return at(-3600)

    def make_deleted_key(self):
        credential = self.tenant.credential(self.app()["id"])
        self.tenant.delete_credential(credential["id"])
        return credential["token"]

    def make_expired_key(self):
        credential = self.tenant.credential(self.app()["id"], expired_at=at(1))
        path = f"/api/v1/credentials/{credential['id']}"
        wait_for("a key to expire", lambda: self.tenant.call("GET", path).json()["status"] == "expired")
        return credential["token"]

    def make_admin_token(self):
        return self.deployment.admin.platform_token(ADMIN_SCOPES)["token"]

    # The callers

    def caller(self, auth):
        """The function that makes a call as this caller."""
        client = self.deployment.client
        if auth == "none":
            return client.call
        if auth == "session":
            return self.tenant.person.call
        if auth == "admin_session":
            return self.deployment.admin.call
        if auth == "session_without_csrf":
            return lambda *a, **k: self.tenant.person.call(*a, csrf=False, **k)
        name = auth[len("bearer:${") : -1] if re.fullmatch(r"bearer:\$\{\w+\}", auth) else auth
        assert (
            name in ("platform_token", "admin_token") or name.endswith("_key") or auth.startswith("bearer:")
        ), f"there is no auth {auth!r}"
        token = self.value(name)
        return lambda *a, **k: client.call(*a, token=token, **k)

    def put_in(self, value):
        """The same JSON value with every ${variable} replaced."""
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda found: str(self.value(found.group(1))), value)
        if isinstance(value, list):
            return [self.put_in(element) for element in value]
        if isinstance(value, dict):
            return {self.put_in(name): self.put_in(element) for name, element in value.items()}
        return value


def check_members(example):
    for part, (needed, allowed) in SCHEMA.items():
        members = set(example if part == "" else example[part])
        assert needed <= members, f"{part or 'the example'} lacks {needed - members}"
        assert members <= needed | allowed, f"{part or 'the example'} has unknown {members - needed - allowed}"
    response = set(example["response"]) & {"body", "body_text", "events"}
    assert len(response) <= 1 and not {"body", "body_text"} <= set(example["request"])


def compare(expected, actual, place=""):
    """Asserts that a JSON value is what the fixture says."""
    if isinstance(expected, str) and re.fullmatch(r"<\w+>", expected):
        assert expected in MATCHERS, f"there is no matcher {expected}"
        assert MATCHERS[expected](actual), f"at {place or '/'}: {actual!r} is no {expected}"
    elif isinstance(expected, dict):
        assert isinstance(actual, dict), f"at {place or '/'}: {actual!r} is no object"
        assert set(actual) == set(expected), f"at {place or '/'}: members differ by {set(actual) ^ set(expected)}"
        for name, value in expected.items():
            compare(value, actual[name], f"{place}/{name}")
    elif isinstance(expected, list):
        assert isinstance(actual, list), f"at {place or '/'}: {actual!r} is no array"
        if expected and expected[-1] == "<more>":
            expected = expected[:-1]
            actual = actual[: len(expected)]
        assert len(actual) == len(
            expected
        ), f"at {place or '/'}: {len(actual)} elements instead of {len(expected)}: {actual!r}"
        for number, value in enumerate(expected):
            compare(value, actual[number], f"{place}/{number}")
    else:
        # In Python True equals 1; in JSON it doesn't.
        assert actual == expected and isinstance(actual, bool) == isinstance(
            expected, bool
        ), f"at {place or '/'}: {actual!r} instead of {expected!r}"


def pointed_at(document, pointer):
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        document = document[int(name)] if isinstance(document, list) else document[name]
    return document


def play(story, example):
    check_members(example)
    sent = story.put_in(example["request"])
    headers = dict(sent.get("headers", {}))
    keywords = {"json": sent["body"]} if "body" in sent else {"data": sent["body_text"]} if "body_text" in sent else {}
    answer = story.caller(example["auth"])(sent["method"], sent["path"], headers=headers, **keywords)
    expected = example["response"]
    assert answer.status_code == expected["status"], f"{answer.status_code} {answer.text[:1000]}"
    for name, value in expected.get("headers", {}).items():
        compare(story.put_in(value), answer.headers.get(name), f"header {name}")
    document = None
    if answer.text and answer.headers.get("content-type", "").split(";")[0].endswith("json"):
        document = answer.json()
    # Only after the call: an expectation may name what the call itself has made.
    if "body" in expected:
        compare(story.put_in(expected["body"]), document)
    if "body_text" in expected:
        assert answer.text == story.put_in(expected["body_text"])
    if "events" in expected:
        lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        found = [line if line == "[DONE]" else json.loads(line) for line in lines]
        compare(story.put_in(expected["events"]), found, "events")
    for name, pointer in example.get("capture", {}).items():
        story.remember(name, pointed_at(document, pointer))


def test_every_seed_has_examples():
    """One folder per seed, and none of them empty."""
    assert {path.parent.name[:3] for path in FILES} >= {"000", "001", "002", "003", "004"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_is_answered_as_it_says(deployment, path: Path):
    examples = json.loads(path.read_text("utf-8"))
    story = Story(deployment)
    for number, example in enumerate(examples if isinstance(examples, list) else [examples]):
        try:
            play(story, example)
        except AssertionError as error:
            raise AssertionError(
                f"{path.relative_to(REPOSITORY)}, example {number + 1} ({example.get('name')}): {error}"
            ) from error
