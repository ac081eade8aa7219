"""Applications: what makes an app, what changes it, what ends it (C1, C3)."""

import pytest

import planted
from client import absent_id, expect, new_password, unique
from deployment import CAT, DOG
from shapes import TIME, UUID7, openai_error, problem, rule

FIELDS = {
    "id",
    "account_id",
    "name",
    "kind",
    "model",
    "system_prompt",
    "allowed_models",
    "parameters",
    "created_at",
    "updated_at",
}


def test_an_app_with_the_least_that_is_needed(tenant):
    made = expect(
        tenant.call("POST", "/api/v1/applications", json={"name": "Least", "kind": "chat", "model": "echo"}), 201
    ).json()
    assert set(made) == FIELDS
    assert UUID7.match(made["id"]) and TIME.match(made["created_at"]) and made["created_at"] == made["updated_at"]
    assert made["account_id"] == tenant.account["id"]
    assert (made["name"], made["kind"], made["model"]) == ("Least", "chat", "echo")
    assert (made["system_prompt"], made["allowed_models"], made["parameters"]) == (None, ["echo"], {})
    assert expect(tenant.call("GET", f"/api/v1/applications/{made['id']}"), 200).json() == made
    assert tenant.call("GET", "/api/v1/applications").json() == {"items": [made], "next_cursor": None}


def test_a_trailing_slash_means_nothing(tenant):
    made = expect(
        tenant.call("POST", "/api/v1/applications/", json={"name": "Slash", "kind": "chat", "model": "echo"}), 201
    ).json()
    for path in (f"/api/v1/applications/{made['id']}", f"/api/v1/applications/{made['id']}/"):
        assert tenant.call("GET", path).json() == made
    assert tenant.call("GET", "/api/v1/applications/").json() == tenant.call("GET", "/api/v1/applications").json()


def test_names_of_all_languages_come_back_as_they_went(tenant):
    sql = "Robert'); DROP TABLE applications;--"
    for name in ("Кот", "猫と犬", "🐈", "a" * 100, sql, "</script><b>", "e\u0301"):
        assert tenant.application(name=name)["name"] == name


def test_an_unknown_model_is_named_with_its_place(pets):
    refusal = pets.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "gpt-none"})
    assert rule(refusal, "model") == "names no model of this deployment"
    body = {"name": "A", "kind": "chat", "model": "echo", "allowed_models": ["echo", "gpt-none"]}
    refusal = pets.call("POST", "/api/v1/applications", json=body)
    problem(refusal, 400, "invalid_request", field="allowed_models[1]")
    assert rule(refusal, "allowed_models[1]") == "names no model of this deployment"


@pytest.mark.parametrize(
    "parameters, field",
    [
        ({"temperature": 2.01}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"presence_penalty": -2.5}, "presence_penalty"),
        ({"frequency_penalty": 3}, "frequency_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"seed": "x"}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"stop": []}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": 1}, "stop"),
        ({"model": "echo"}, "model"),
        ({"stream": True}, "stream"),
        ({"api_base": "http://evil.example"}, "api_base"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_parameter_is_named(pets, parameters, field):
    body = {"name": "A", "kind": "chat", "model": "echo", "parameters": parameters}
    refusal = pets.call("POST", "/api/v1/applications", json=body)
    problem(refusal, 400, "invalid_request")
    fields = [error["field"] for error in refusal.json()["errors"]]
    # A parameter that doesn't exist is a fault of `parameters`, a bad value one of the parameter.
    wanted = "parameters" if field in ("model", "stream", "api_base") else f"parameters.{field}"
    assert any(named.startswith(wanted) for named in fields), refusal.text


def test_good_parameters_are_kept(tenant):
    parameters = {
        "temperature": 0,
        "top_p": 0.9,
        "presence_penalty": -2,
        "frequency_penalty": 2,
        "max_tokens": 100,
        "max_completion_tokens": 200,
        "seed": -7,
        "stop": ["a", "b"],
    }
    made = tenant.application(parameters=parameters)
    assert made["parameters"] == parameters
    assert tenant.application(parameters={"stop": "END"})["parameters"] == {"stop": "END"}


def test_unknown_fields_are_refused_by_name(pets):
    for method, path, body in (
        ("POST", "/api/v1/applications", {"name": "A", "kind": "chat", "model": "echo"}),
        ("PATCH", f"/api/v1/applications/{pets.cat['id']}", {}),
    ):
        refusal = pets.call(method, path, json=body | {"sytem_prompt": "You are a cat."})
        problem(refusal, 400, "invalid_request", field="sytem_prompt")
        assert rule(refusal, "sytem_prompt") == "is not a known field"


def test_an_edit_changes_what_it_names_and_binds_the_next_call(tenant, client):
    """C3: the manner changes with the prompt, under the same key, with the very next call."""
    app = tenant.application("Pet", system_prompt=CAT)
    key = tenant.key(app["id"])

    def say():
        return expect(client.chat(key, "hi"), 200).json()["choices"][0]["message"]["content"]

    assert say() == "Meow! You said: hi. Purr."
    edited = expect(tenant.call("PATCH", f"/api/v1/applications/{app['id']}", json={"system_prompt": DOG}), 200).json()
    assert (
        edited == app | {"system_prompt": DOG, "updated_at": edited["updated_at"]}
        and edited["updated_at"] > app["updated_at"]
    )
    assert say() == "Woof! You said: hi. Wag, wag."
    expect(tenant.call("PATCH", f"/api/v1/applications/{app['id']}", json={"system_prompt": None}), 200)
    assert say() == "You said: hi."


def test_an_edit_of_the_models_binds_the_next_call(tenant, client):
    app = tenant.application(model="echo", allowed_models=["echo", "json", "gzip"])
    path = f"/api/v1/applications/{app['id']}"
    key = tenant.key(app["id"])
    assert client.chat(key, model="json", through_upstream=True).status_code == 200
    expect(tenant.call("PATCH", path, json={"allowed_models": ["echo", "gzip"]}), 200)
    openai_error(client.chat(key, model="json"), 403, "model_not_allowed", denial="model_not_allowed")
    # The model has to stay among the allowed ones, whichever of the two is edited.
    problem(tenant.call("PATCH", path, json={"model": "json"}), 400, "invalid_request")
    problem(tenant.call("PATCH", path, json={"allowed_models": ["gzip"]}), 400, "invalid_request")
    edited = expect(tenant.call("PATCH", path, json={"model": "json", "allowed_models": ["json"]}), 200).json()
    assert (edited["model"], edited["allowed_models"]) == ("json", ["json"])
    openai_error(client.chat(key, model="echo"), 403, "model_not_allowed", denial="model_not_allowed")


@pytest.mark.parametrize(
    "body, field",
    [
        ({"kind": "chat"}, "kind"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"model": "gpt-none"}, "model"),
        ({"model": None}, "model"),
        ({"allowed_models": []}, "allowed_models"),
        ({"parameters": {"temperature": 9}}, "parameters.temperature"),
    ],
    ids=str,
)
def test_a_bad_edit_is_refused_whole(pets, body, field):
    before = pets.call("GET", f"/api/v1/applications/{pets.cat['id']}").json()
    refusal = pets.call("PATCH", f"/api/v1/applications/{pets.cat['id']}", json={"system_prompt": "changed"} | body)
    problem(refusal, 400, "invalid_request", field=field)
    assert pets.call("GET", f"/api/v1/applications/{pets.cat['id']}").json() == before


def test_deleting_an_app_with_keys_needs_a_confirmation(tenant, client):
    """The refusal says how many keys would stop working; with the confirmation they do, at once."""
    app, other = tenant.application("Doomed"), tenant.application("Other")
    keys = [tenant.credential(app["id"]) for _ in range(2)]
    kept = tenant.key(other["id"])
    assert client.chat(keys[0]["token"]).status_code == 200
    path = f"/api/v1/applications/{app['id']}"
    for query in ("", "?delete_credentials=false"):
        refusal = tenant.call("DELETE", path + query)
        problem(refusal, 409, "confirmation_required")
        assert "2" in refusal.json()["detail"]
    assert client.chat(keys[0]["token"]).status_code == 200
    expect(tenant.call("DELETE", path + "?delete_credentials=true"), 204)
    for key in keys:
        openai_error(client.chat(key["token"]), 401, "invalid_api_key", denial="invalid_key")
        problem(tenant.call("GET", f"/api/v1/credentials/{key['id']}"), 404, "not_found")
    problem(tenant.call("GET", path), 404, "not_found")
    assert client.chat(kept).status_code == 200


def test_an_app_without_live_keys_goes_without_confirmation(tenant):
    app = tenant.application()
    tenant.delete_credential(tenant.credential(app["id"])["id"])
    expect(tenant.call("DELETE", f"/api/v1/applications/{app['id']}"), 204)
    problem(tenant.call("DELETE", f"/api/v1/applications/{app['id']}"), 404, "not_found")


def test_a_confirmation_is_true_or_false(tenant):
    app = tenant.application()
    tenant.key(app["id"])
    for query in (
        "delete_credentials=yes",
        "delete_credentials=1",
        "delete_credentials=",
        "force=true",
        "delete_credentials=true&delete_credentials=false",
    ):
        refusal = tenant.call("DELETE", f"/api/v1/applications/{app['id']}?{query}")
        assert refusal.status_code in (400, 409), f"{query}: {refusal.status_code}"
    expect(tenant.call("GET", f"/api/v1/applications/{app['id']}"), 200)


def test_deleting_an_app_gives_the_slots_back_but_not_the_days_creations(deployment):
    """Invariant 3, by the way of deleting the app."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    for _ in range(3):
        tenant.credential(app["id"])
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")
    expect(tenant.call("DELETE", f"/api/v1/applications/{app['id']}?delete_credentials=true"), 204)
    app = tenant.application()
    statuses = []
    for _ in range(8):
        made = tenant.try_credential(app["id"])
        statuses.append(made.status_code)
        if made.status_code == 201:
            tenant.delete_credential(made.json()["id"])
    assert statuses == [201] * 7 + [429]


def test_an_absent_app(pets):
    for method in ("GET", "PATCH", "DELETE"):
        keywords = {"json": {"name": "B"}} if method == "PATCH" else {}
        problem(pets.call(method, f"/api/v1/applications/{absent_id()}", **keywords), 404, "not_found")


# The catalog that apps choose from


def test_a_fresh_deployment_has_the_echo(own_deployment):
    """A newcomer can make an app before any provider is configured."""
    deployment = own_deployment()
    providers = deployment.call("GET", "/api/v1/providers").json()["items"]
    assert [(p["name"], p["kind"], p["base_url"], p["has_secret"]) for p in providers] == [
        ("echo", "echo", None, False)
    ]
    models = deployment.call("GET", "/api/v1/models").json()["items"]
    assert [(m["name"], m["provider_id"]) for m in models] == [("echo", providers[0]["id"])]


def test_a_provider_never_shows_its_secret(deployment):
    provider = deployment.provider
    assert set(provider) == {"id", "name", "kind", "base_url", "has_secret", "created_at", "updated_at"}
    assert provider["has_secret"] is True
    shown = expect(deployment.call("GET", f"/api/v1/providers/{provider['id']}"), 200)
    assert deployment.provider_secret not in shown.text
    assert deployment.provider_secret not in deployment.call("GET", "/api/v1/providers").text


def test_what_is_in_use_cannot_be_deleted(deployment, relay):
    problem(deployment.call("DELETE", f"/api/v1/providers/{deployment.provider['id']}"), 409, "provider_in_use")
    models = deployment.call("GET", "/api/v1/models?limit=100").json()["items"]
    used = next(m for m in models if m["name"] in relay.app["allowed_models"])
    problem(deployment.call("DELETE", f"/api/v1/models/{used['id']}"), 409, "model_in_use")


def test_a_provider_from_its_creation_to_its_end(deployment, upstream):
    name = unique("provider")
    secret = planted.plant("provider secret", new_password())
    made = expect(
        deployment.call(
            "POST",
            "/api/v1/providers",
            json={"name": name, "kind": "openai", "base_url": upstream.url + "/v1", "secret": secret},
        ),
        201,
    ).json()
    path = f"/api/v1/providers/{made['id']}"
    problem(deployment.call("POST", "/api/v1/providers", json={"name": name, "kind": "echo"}), 409, "name_taken")
    model = expect(
        deployment.call(
            "POST",
            "/api/v1/models",
            json={"provider_id": made["id"], "name": unique("vendor/model:1@x"), "upstream_name": "m"},
        ),
        201,
    ).json()
    problem(
        deployment.call("POST", "/api/v1/models", json={"provider_id": made["id"], "name": model["name"]}),
        409,
        "name_taken",
    )
    cleared = expect(deployment.call("PATCH", path, json={"secret": None, "name": name + "2"}), 200).json()
    assert cleared["has_secret"] is False and cleared["name"] == name + "2"
    expect(deployment.call("DELETE", f"/api/v1/models/{model['id']}"), 204)
    expect(deployment.call("DELETE", path), 204)
    problem(deployment.call("GET", path), 404, "not_found")


def test_an_echo_has_no_address_and_every_other_provider_has_one(deployment):
    for body in ({"kind": "echo", "base_url": "http://127.0.0.1:9/v1"}, {"kind": "openai"}):
        refusal = deployment.call("POST", "/api/v1/providers", json={"name": "P"} | body)
        problem(refusal, 400, "invalid_request", field="base_url")
