"""Names and texts that callers send are compared by their bytes: neither equivalent spellings nor look-alikes meet."""

import json

import pytest

from client import expect, new_password
from deployment import all_items
from shapes import openai_error, problem, rule

KELVIN, K = "\u212a", "K"


def test_two_spellings_are_two_names_of_an_object(pets):
    """RFC 8259 §8.3: names are equal when their code units are."""
    for body in ('{"caf\\u00e9":1,"cafe\\u0301":2}', '{"caf\u00e9":1,"cafe\u0301":2}'):
        answer = pets.call("POST", "/api/v1/applications", data=body)
        assert problem(answer, 400, "invalid_request")["errors"][0]["rule"] in ("is required", "is not a known field")
    for body in ('{"cafe\\u0301":1,"cafe\u0301":2}', '{"a":1,"\\u0061":2}'):
        problem(pets.call("POST", "/api/v1/applications", data=body), 400, "malformed_json")


def test_members_that_only_look_like_a_field_are_none(tenant, deployment):
    """The Kelvin sign is K to Unicode; here it is another letter, in a name and in a value."""
    answer = tenant.call("POST", "/api/v1/applications", json={"name": "A", "\u212aind": "chat", "model": "echo"})
    problem(answer, 400, "invalid_request")
    for kind in ("chat\u0301", "ch\u00e1t"):
        answer = tenant.call("POST", "/api/v1/applications", json={"name": "A", "kind": kind, "model": "echo"})
        assert rule(answer, "kind")


def test_a_model_has_one_spelling_cached_or_not(deployment, tenant):
    """A call that names another is 404 before the model was used and after, and stands in no ledger."""
    model = deployment.new_model(name="K2-Instruct-of-text")["name"]
    other = model.replace(K, KELVIN)
    app = tenant.application(model=model)
    key = tenant.key(app["id"])
    for _ in range(2):
        for name in (other, model + "\u0301", model.replace("t", "t\u0300")):
            openai_error(tenant.client.chat(key, model=name), 404, "model_not_found", denial="model_not_found")
            question = {"key": key, "application_id": app["id"], "model": name}
            assert expect(tenant.call("POST", "/api/v1/verify", json=question), 200).json()["code"] == "model_not_found"
        assert tenant.client.chat(key, model=model).json()["model"] == model
    assert {entry["model"] for entry in tenant.ledger()} <= {model, None}
    problem(tenant.call("GET", f"/api/v1/usage?model={other}"), 400, "invalid_request", field="model")


def test_names_keep_their_spelling(tenant):
    """Two apps whose names are equivalent are two names, each as it was given."""
    for name in ("caf\u00e9", "cafe\u0301"):
        assert tenant.application(name=name)["name"].encode() == name.encode()
    names = [app["name"] for app in all_items(tenant.call, "/api/v1/applications")]
    assert len(set(names)) == 2


def test_a_prompt_that_is_spelt_in_another_way_is_another_prompt(tenant):
    app = tenant.application(system_prompt="caf\u00e9")
    path = f"/api/v1/applications/{app['id']}"
    edited = expect(tenant.call("PATCH", path, json={"system_prompt": "cafe\u0301"}), 200).json()
    assert edited["system_prompt"].encode() == "cafe\u0301".encode()


@pytest.mark.parametrize(
    "prompt, sound",
    [
        ("cats", "Meow!"),
        ("CAT.", "Meow!"),
        ("kitten-like", "Meow!"),
        ("cat\u0301", None),
        ("\u0441at", None),
        ("ca\u200dt", None),
    ],
)
def test_the_echos_words_are_the_bytes_of_them(tenant, prompt, sound):
    """A word with a mark on it, or with a letter of another script in it, is another word."""
    app = tenant.application(system_prompt=prompt)
    answer = tenant.client.chat(tenant.key(app["id"])).json()["choices"][0]["message"]["content"]
    assert answer.startswith(sound or "You said")


def test_a_password_with_too_many_marks_in_a_row_is_refused(deployment):
    """Before it is normalised: that takes a time that grows with their square."""
    body = {"email": "nobody@example.test", "password": "a" + "\u0301" * 31}
    assert "30 combining marks" in rule(deployment.client.call("POST", "/api/v1/sessions", json=body), "password")
    body["password"] = "a" + "\u0301" * 30 + "b" + "\u0301" * 30
    problem(deployment.client.call("POST", "/api/v1/sessions", json=body), 401, "sign_in_failed")


def test_a_password_is_the_same_on_two_keyboards(deployment, tenant):
    """NFKC (NIST SP 800-63B-4): it is text that people type, not a name."""
    start = new_password()
    person = deployment.new_person(tenant.account["id"], password=start + "\u00e9", role="member")
    expect(person.try_sign_in(start + "e\u0301"), 201)


def test_fields_are_bounded_in_bytes_first(tenant):
    """100 characters of four bytes are a name; one more byte than that is none, whatever it is made of."""
    longest = "\U0001f600" * 100
    assert tenant.application(name=longest)["name"] == longest
    for name in (longest + "a", "a" + "\u0301" * 200):
        answer = tenant.call("POST", "/api/v1/applications", json={"name": name, "kind": "chat", "model": "echo"})
        assert "1 to 100 characters" in rule(answer, "name")
        assert json.dumps(name) not in answer.text
