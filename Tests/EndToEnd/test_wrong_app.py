"""Invariant 1: a key opens one app. At another app's address it is refused, inside one account and across (C1, C2)."""

import itertools

import pytest

from client import absent_id
from raw_http import converse, request
from shapes import openai_error, same_bytes

ROUTES = ["/v1/chat/completions", "/v1/models"]


def knock(client, route, key, application=None):
    """A valid call to one of the two routes of the data plane."""
    path = (f"/apps/{application}" if application else "") + route
    if route == "/v1/models":
        return client.call("GET", path, token=key)
    return client.call("POST", path, token=key, json={"messages": [{"role": "user", "content": "hi"}]})


@pytest.mark.parametrize("route", ROUTES)
def test_each_key_opens_its_own_app_and_no_other(client, pets, strangers, route):
    """Every key at every app's address: three apps, two accounts, one right pair each."""
    apps = {pets.cat["id"]: pets.cat_key, pets.dog["id"]: pets.dog_key, strangers.app["id"]: strangers.app_key}
    for (owner, key), addressed in itertools.product(apps.items(), apps):
        answer = knock(client, route, key, addressed)
        if owner == addressed:
            assert answer.status_code == 200, answer.text
        else:
            openai_error(answer, 403, "wrong_app", denial="wrong_app")


@pytest.mark.parametrize("route", ROUTES)
def test_another_app_and_an_absent_app_look_the_same(client, pets, strangers, route):
    """Invariant 8 at the data plane: own other app, foreign app, no app, not even an id, all the same bytes."""
    own_other = knock(client, route, pets.cat_key, pets.dog["id"])
    openai_error(own_other, 403, "wrong_app", denial="wrong_app")
    for application in (strangers.app["id"], absent_id(), "not-an-id", pets.cat["id"].upper()):
        same_bytes(own_other, knock(client, route, pets.cat_key, application))


def test_the_key_alone_selects_the_app(client, pets):
    """C1: without an app in the address there is nothing that could select another app."""
    for extra in ({}, {"application_id": pets.dog["id"]}, {"app": pets.dog["id"]}):
        answer = client.chat(pets.cat_key, "hi", **extra)
        assert answer.json()["choices"][0]["message"]["content"] == "Meow! You said: hi. Purr."
    for name in ("X-Application-Id", "X-Latchkey-Application", "OpenAI-Project", "X-Original-URI"):
        answer = client.chat(pets.cat_key, "hi", headers={name: pets.dog["id"]})
        assert answer.json()["choices"][0]["message"]["content"] == "Meow! You said: hi. Purr."


def test_the_denial_comes_before_the_model_and_the_body(client, pets):
    """Design §6: right app comes before model, so a key learns nothing about the app at which it knocked."""
    first = knock(client, "/v1/chat/completions", pets.cat_key, pets.dog["id"])
    unknown_model = client.chat(pets.cat_key, application=pets.dog["id"], model="gpt-none")
    forbidden_model = client.chat(pets.cat_key, application=pets.dog["id"], model="json")
    same_bytes(first, unknown_model)
    same_bytes(first, forbidden_model)


def test_two_keys_of_one_app_open_the_same_app(client, tenant):
    """E6: several keys per application."""
    app = tenant.application(system_prompt="You are a cat.")
    keys = [tenant.key(app["id"], name=name) for name in ("development", "production")]
    for key in keys:
        answer = client.chat(key, "hi", application=app["id"])
        assert answer.json()["choices"][0]["message"]["content"] == "Meow! You said: hi. Purr."


def test_a_path_cannot_be_bent_into_another_app(client, pets):
    """Encoded and dotted paths are decoded once and never resolve to an app that the key does not open."""
    cat, dog = pets.cat["id"], pets.dog["id"]
    targets = [
        f"/apps/{cat}/../{dog}/v1/models",
        f"/apps/{cat}%2f..%2f{dog}/v1/models",
        f"/apps/{dog}%00/v1/models",
        f"/apps/%2e%2e/{dog}/v1/models",
        f"/apps/{dog}%252f/v1/models",
        f"//apps/{dog}/v1/models",
        f"/apps//{dog}/v1/models",
        f"/apps/{dog};{cat}/v1/models",
        f"/apps/{dog}/v1/models#{cat}",
    ]
    for target in targets:
        head = [("Authorization", f"Bearer {pets.cat_key}"), ("Connection", "close")]
        answer = converse(client.server, request("GET", target, head), method="GET", path=target).first
        assert 400 <= answer.status < 500, f"{target}: {answer.status} {answer.body[:200]}"
