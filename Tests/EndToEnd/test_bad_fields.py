"""What openapi.yaml forbids is refused by name: every operation, every field, every kind of wrong value.

A new field is tried without a line here. What a schema can't say stands in the table BEYOND of wrong_values.py.
"""

from urllib.parse import unquote

import pytest

from book import Book
from client import absent_id, expect
from operations import OPERATIONS, load
from right_bodies import WITH_BODY, World
from wrong_values import BEYOND, NO_QUERY, ODD, ODD_TEXTS, as_value, body_of, fields, parameters, put, values

BOOK = Book(load())
BODIES = [name for name in WITH_BODY if body_of(OPERATIONS[name])[0]]
QUERIES = [(o.id, name, schema) for o in OPERATIONS.values() if o.is_management for name, schema in parameters(o)]


@pytest.fixture(scope="module")
def world(homes):
    made = World(homes / "bad-fields")
    yield made
    made.close()


def told(answer):
    """The fields that a refusal names; none when it is no refusal of a field."""
    if answer.status_code != 400 or answer.json().get("code") != "invalid_request":
        return []
    return [error["field"] for error in answer.json().get("errors", []) if error["rule"]]


def is_named(names, answer):
    """The field, an element of it or one that it is in."""
    whole = ".".join(names)
    return any(whole.startswith(one) or one.startswith((whole + "[", whole + ".")) for one in told(answer))


def about(value, answer):
    return f"{value!r:.60} -> {answer.status_code} {answer.text[:200]}"


def test_there_is_much_to_try():
    """Of no field everything is true."""
    assert len(BODIES) > 25 and sum(len(list(fields(body_of(OPERATIONS[name])[0]))) for name in BODIES) > 90
    assert len(QUERIES) > 30


@pytest.mark.parametrize("name", BODIES)
def test_what_the_document_forbids_is_refused_by_name(world, name):
    """One field at a time, beside fields that are right; and nothing has changed."""
    schema, place = body_of(OPERATIONS[name])
    right, wrong, tried = world.BODIES[name][1], [], 0
    assert BOOK.error(place, right) is None, "this body is right"
    with world.unchanged():
        for names, inner in fields(schema):
            for value in values(inner):
                body = put(right, names, value)
                if BOOK.error(place, body) is None:
                    continue
                tried += 1
                answer = world.send(name, body)
                if not is_named(names, answer):
                    wrong.append(f"{'.'.join(names)} = {about(value, answer)}")
                    if answer.ok:
                        world.person.sign_in()  # whatever it did to the session
        assert not wrong, "\n".join(wrong)
    assert tried >= 10


BY_HAND = [(name, table) for names, table in BEYOND.items() for name in names.split()]


@pytest.mark.parametrize("name, table", BY_HAND, ids=[f"{name}: {', '.join(table)}" for name, table in BY_HAND])
def test_what_no_schema_can_forbid_is_refused_by_name(world, name, table):
    right, wrong = world.BODIES[name][1], []
    with world.unchanged():
        for field, tried in table.items():
            for value in tried:
                answer = world.send(name, right | {field: value})
                if not is_named((field,), answer):
                    wrong.append(f"{field} = {about(value, answer)}")
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", BODIES)
def test_a_field_that_is_required_is_missed_by_name(world, name):
    right, (_, place) = world.BODIES[name][1], body_of(OPERATIONS[name])
    with world.unchanged():
        for field in right:
            body = {other: value for other, value in right.items() if other != field}
            if BOOK.error(place, body) is not None:
                answer = world.send(name, body)
                assert is_named((field,), answer), about(field, answer)


@pytest.mark.parametrize("name, parameter, schema", QUERIES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_wrong_parameter_is_refused_by_name(world, name, parameter, schema):
    operation, by_hand = OPERATIONS[name], NO_QUERY.get(name, {}).get(parameter, [])
    ids = {part: absent_id() if operation.method == "DELETE" else world.ids[part] for part in operation.parameters}
    validator = BOOK.of(schema)
    wrong = []
    for text in ODD_TEXTS + by_hand:
        if text not in by_hand and validator.is_valid(as_value(unquote(text), schema)):
            continue
        answer = world._admin(operation.method, f"{operation.at(ids)}?{parameter}={text}")
        if not is_named((parameter,), answer):
            wrong.append(about(text, answer))
    assert not wrong, "\n".join(wrong)
    for same in ("1", "x"):
        answer = world._admin(operation.method, f"{operation.at(ids)}?{parameter}={same}&{parameter}={same}")
        assert answer.status_code == 400, about("twice", answer)


CALL = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize("name", ["createChatCompletion", "createChatCompletionForApplication"])
def test_what_the_document_forbids_of_a_call_is_refused_by_name(pets, name):
    """As the OpenAI routes say it: `param` names the field. Nothing is charged."""
    operation, (schema, place) = OPERATIONS[name], body_of(OPERATIONS[name])
    path, before, wrong, tried = operation.at({"application_id": pets.cat["id"]}), pets.balance(), [], 0
    bodies = [(field, put(CALL, (field,), value)) for (field, *rest), inner in fields(schema) for value in values(inner)]
    bodies += [("messages", {"messages": [CALL["messages"][0], value]}) for value in ODD]
    bodies += [("messages", {"messages": [{"role": value, "content": "hello"}]}) for value in ODD]
    for field, body in [*bodies, ("messages", {})]:
        if BOOK.error(place, body) is None:
            continue
        tried += 1
        answer = pets.client.call("POST", path, json=body, token=pets.cat_key)
        error = answer.json().get("error", {})
        if (answer.status_code, error.get("code")) != (400, "invalid_request") or not error["param"].startswith(field):
            wrong.append(f"{field} = {about(body.get(field), answer)}")
    assert not wrong, "\n".join(wrong)
    assert tried > 50 and pets.balance() == before


# Ids of nothing, and secrets of nobody: what the document allows can be sent, and does nothing to anybody.
HARMLESS = {
    "token": "x",
    "password": "x" * 15,
    "current_password": "x",
    "new_password": "x" * 15,
    "key": "x",
    "code": "x",
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_odd_and_allowed_is_no_5xx(world, name):
    """Taken or refused, and never a fault of the server."""
    operation, (schema, place) = OPERATIONS[name], body_of(OPERATIONS[name])
    ids = {parameter: absent_id() for parameter in operation.parameters}
    base = {
        field: absent_id() if field.endswith("_id") else HARMLESS.get(field, value)
        for field, value in world.BODIES[name][1].items()
    }
    for names, inner in fields(schema):
        for value in values(inner):
            body = put(base, names, value)
            if BOOK.error(place, body) is None:
                answer = world.BODIES[name][0](operation.method, operation.at(ids), json=body)
                assert answer.status_code < 500, f"{names} = {about(value, answer)}"
    # Whoever calls is still there.
    expect(world._session("GET", "/api/v1/users/current"), 200)
    expect(world._admin("GET", "/api/v1/users/current"), 200)
