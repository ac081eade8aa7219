"""What a newcomer's client sends wrong is told, and nothing slips past a proxy or is read out of a request id."""

import pytest

from client import absent_id, expect, unique
from operations import OPERATIONS
from raw_http import converse, request
from shapes import forged, openai_error, problem, rule, same_bytes

# Request ids


def test_request_ids_tell_nothing_of_each_other(pets):
    """128 bits of chance each: who has one can't name the next, nor count what is done here in between."""
    ids = [pets.client.call("GET", "/healthz").headers["x-request-id"] for _ in range(200)]
    assert len(set(ids)) == 200 and all(len(each) == 32 and int(each, 16) for each in ids)
    for bit in range(128):
        ones = sum(int(each, 16) >> bit & 1 for each in ids)
        assert 40 < ones < 160, f"bit {bit} is 1 in {ones} of 200"
    gaps = {abs(int(one, 16) - int(next_one, 16)) for one, next_one in zip(ids, ids[1:])}
    assert min(gaps) > 2**100


# Addresses


@pytest.mark.parametrize("path", ["//api//v1/users/current", "/api//v1/users/current", "/api/v1/users/current//"])
def test_two_slashes_in_a_row_lead_nowhere(pets, path):
    """A proxy's rule on ^/api/ doesn't match `//api/`, so a server that skips the gap would be open behind it."""
    expect(pets.call("GET", "/api/v1/users/current/"), 200)
    answer = converse(
        pets.client.server,
        request("GET", path, [("Authorization", f"Bearer {pets.token}")]),
        method="GET",
        path="/two-slashes",
    ).first
    assert answer.status == 404 and answer.header("content-type") == "application/problem+json"
    assert b"two slashes" in answer.body


@pytest.mark.parametrize(
    "path", ["//v1/models", "/v1//models", "//v1//models", "/v1/models//", "//apps/{id}/v1/models"]
)
def test_two_slashes_are_refused_in_the_dialect_of_the_path(pets, path):
    path = path.replace("{id}", pets.cat["id"])
    answer = converse(
        pets.client.server,
        request("GET", path, [("Authorization", f"Bearer {pets.cat_key}")]),
        method="GET",
        path="/v1/two-slashes",
    ).first
    assert answer.status == 404 and answer.header("x-latchkey-code") == "not_found"
    assert answer.header("content-type") == "application/json" and b'"error"' in answer.body


def test_every_path_is_refused_with_two_slashes(pets):
    """As one that is documented, with one more slash before each of its parts."""
    for operation in OPERATIONS.values():
        path = operation.at({name: absent_id() for name in operation.parameters})
        for place in (index for index, letter in enumerate(path) if letter == "/"):
            doubled = path[:place] + "/" + path[place:]
            head = [("Authorization", f"Bearer {pets.token}")]
            answer = converse(
                pets.client.server, request(operation.method, doubled, head), method=operation.method, path="/v1/none"
            ).first
            assert answer.status == 404 and (b"two slashes" in answer.body or operation.method == "HEAD"), doubled


@pytest.mark.parametrize(
    "method, path, meant",
    [
        ("POST", "/chat/completions", "/v1/chat/completions"),
        ("POST", "/v1/v1/chat/completions", "/v1/chat/completions"),
        ("POST", "/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("GET", "/models", "/v1/models"),
        ("GET", "/v1/v1/models", "/v1/models"),
        ("POST", "/apps/{id}/chat/completions", "/apps/{id}/v1/chat/completions"),
        ("POST", "/apps/{id}/v1/v1/chat/completions", "/apps/{id}/v1/chat/completions"),
        ("GET", "/apps/{id}/models", "/apps/{id}/v1/models"),
    ],
)
def test_a_wrong_base_url_is_told_the_right_address(pets, method, path, meant):
    """In OpenAI's shape, since it is one of its clients that was configured so."""
    path, meant = (text.replace("{id}", pets.cat["id"]) for text in (path, meant))
    error = openai_error(pets.client.call(method, path, token=pets.cat_key), 404, "not_found", denial="not_found")
    assert f" {meant}:" in error["message"]


def test_an_operation_that_is_not_served_is_told_which_are(pets):
    for path in ("/v1/embeddings", "/v1", "/apps/x/v1/responses"):
        error = openai_error(pets.client.call("POST", path, token=pets.cat_key), 404, "not_found")
        assert "/v1/chat/completions" in error["message"]
    problem(pets.client.call("GET", "/nowhere"), 404, "not_found")
    problem(pets.client.call("GET", "/api/v1/nowhere", token=pets.token), 404, "not_found")


# Methods


@pytest.mark.parametrize("method", ["QUERY", "PROPFIND", "PURGE", "MKCOL", "SEARCH"])
def test_a_method_that_nobody_serves_is_a_405_where_there_is_something(pets, method):
    for path, allowed in (
        ("/api/v1/users/current", {"GET", "HEAD"}),
        (f"/api/v1/applications/{pets.cat['id']}", {"GET", "HEAD", "PATCH", "DELETE"}),
        ("/v1/models", {"GET", "HEAD"}),
        ("/healthz", {"GET", "HEAD"}),
    ):
        answer = converse(pets.client.server, request(method, path), method=method, path=path).first
        assert answer.status == 405, (path, answer.body)
        assert set(answer.header("allow").split(", ")) == allowed
    answer = converse(pets.client.server, request(method, "/nowhere"), method=method, path="/nowhere").first
    assert answer.status == 404


def test_a_method_without_a_name_in_http_is_a_405(pets):
    answer = converse(pets.client.server, request("BREW", "/v1/models"), method="BREW", path="/unparsable").first
    assert answer.status == 405 and answer.header("allow")


# The form of a key


@pytest.mark.parametrize(
    "value, says",
    [
        ("Token {key}", "another scheme than Bearer"),
        ("Basic {key}", "another scheme than Bearer"),
        ("{key}", "Bearer and a blank are missing"),
        ("Bearer{key}", "Bearer and a blank are missing"),
        ("Bearer", "nothing follows the word Bearer"),
        ('Bearer "{key}"', "quotation marks"),
        ("Bearer '{key}'", "quotation marks"),
        ("Bearer \u201c{key}\u201d", "quotation marks"),
        ("Bearer Bearer {key}", "Bearer is there twice"),
        ("Bearer bearer {key}", "Bearer is there twice"),
        ("Bearer {cut}", "53 characters, and a key of this server has 54"),
        ("Bearer {key}x", "55 characters, and a key of this server has 54"),
        ("Bearer {key} extra", "60 characters, and a key of this server has 54"),
        ("Bearer {mistyped}", "its checksum does not fit"),
        ("Bearer {dotted}", "a character that no key has"),
        ("Bearer {token}", "this is a platform token"),
        ("Bearer x", "begins with sk-"),
        ("Bearer $OPENAI_API_KEY", "begins with sk-"),
    ],
)
def test_a_key_in_the_wrong_form_is_told_what_is_wrong(pets, value, says):
    """None of it takes a secret to know, none of it is repeated, and programs see one code."""
    key = pets.cat_key
    value = value.format(
        key=key,
        cut=key[:-1],
        mistyped=key[:20] + ("A" if key[20] != "A" else "B") + key[21:],
        dotted=key[:20] + "." + key[21:],
        token=pets.token,
    )
    for path in ("/v1/models", f"/apps/{pets.cat['id']}/v1/models"):
        answer = pets.client.call("GET", path, headers={"Authorization": value.encode()})
        error = openai_error(answer, 401, "invalid_api_key", denial="invalid_key")
        assert error["message"].startswith("Incorrect API key provided") and says in error["message"]
        assert key[4:20] not in answer.text and pets.token[4:20] not in answer.text


def test_of_a_well_formed_key_nothing_is_told(tenant, client):
    """Design §6: forged, unknown and deleted are one answer, to the byte."""
    app = tenant.application()
    key = tenant.credential(app["id"])
    tenant.delete_credential(key["id"])
    first = client.chat(key["token"])
    openai_error(first, 401, "invalid_api_key", denial="invalid_key")
    for _ in range(5):
        same_bytes(first, client.chat(forged(key["token"])))


# Models


def test_a_wrong_model_is_told_which_may_be_named(deployment, tenant):
    names = [deployment.new_model(name=unique("text-model"))["name"] for _ in range(3)]
    app = tenant.application(model=names[0], allowed_models=names)
    foreign = deployment.new_model(name=unique("foreign"))["name"]
    key, bound = tenant.key(app["id"]), tenant.key(app["id"], models=names[:1])
    for model, status, code in (("gpt-none", 404, "model_not_found"), (foreign, 403, "model_not_allowed")):
        error = openai_error(tenant.client.chat(key, model=model), status, code, param="model")
        assert error["message"].endswith(f"This key may use: {', '.join(names)}.")
        error = openai_error(tenant.client.chat(bound, model=model), status, code, param="model")
        assert error["message"].endswith(f"This key may use: {names[0]}.") and foreign not in error["message"]


def test_the_list_of_models_is_bounded(deployment, tenant):
    names = [deployment.new_model(name=unique("of-many"))["name"] for _ in range(23)]
    key = tenant.key(tenant.application(model=names[0], allowed_models=names)["id"])
    message = openai_error(tenant.client.chat(key, model="none"), 404, "model_not_found")["message"]
    assert message.endswith(f"{names[19]}, and 3 more (GET /v1/models).") and names[20] not in message


# Fields


def test_the_type_of_a_key_is_the_servers(pets):
    for value in ("Identity", "Token", None, 1):
        refusal = pets.try_credential(pets.cat["id"], type=value)
        assert "every key that can be made now is of the type Token" in rule(refusal, "type")


@pytest.mark.parametrize(
    "url, meant",
    [
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1"),
        ("http://localhost:11434/v1/Chat/Completions//", "http://localhost:11434/v1"),
    ],
)
def test_a_base_url_that_goes_too_far_is_told_where_to_end(deployment, url, meant):
    body = {"name": unique("too-far"), "kind": "openai", "base_url": url}
    assert rule(deployment.call("POST", "/api/v1/providers", json=body), "base_url").endswith(f": {meant}")
    expect(deployment.call("POST", "/api/v1/providers", json=body | {"base_url": meant}), 201)
