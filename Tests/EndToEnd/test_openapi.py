"""openapi.yaml is the product's own contract: it is served as it is, and every answer of the run is what it says."""

import json
import re
from urllib.parse import quote

import jsonschema_rs
import pytest

import recorder
from book import Book
from client import absent_id, at, expect, key_cursor, new_email, new_password
from operations import DOCUMENT_PATH, METHODS, load


@pytest.fixture(scope="module")
def document():
    return load()


def test_the_document_is_served_as_it_is(client):
    answer = expect(client.call("GET", "/openapi.yaml"), 200)
    assert answer.headers["content-type"].split(";")[0] == "application/yaml"
    assert answer.content == DOCUMENT_PATH.read_bytes()


def test_the_document_is_one(document):
    """OpenAPI 3.1, every operation with a name of its own, every reference to something that is there."""
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] and document["servers"][0]["url"]
    operations = [item[method] for item in document["paths"].values() for method in METHODS if method in item]
    names = [operation.get("operationId") for operation in operations]
    assert all(names) and len(set(names)) == len(names)
    assert all(operation.get("summary") for operation in operations)
    book = Book(document)

    def walk(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                book.resolved(value, "")
            for element in value.values():
                walk(element)
        elif isinstance(value, list):
            for element in value:
                walk(element)

    walk(document)


def test_the_schemas_are_schemas(document):
    for name, schema in document["components"]["schemas"].items():
        try:
            jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})
        except jsonschema_rs.ValidationError as error:
            raise AssertionError(f"{name}: {error.message}") from error


def test_parameters_in_paths_are_declared(document):
    book = Book(document)
    for template, item in document["paths"].items():
        wanted = set(re.findall(r"\{(\w+)\}", template))
        for method in METHODS:
            if method in item:
                declared = [
                    book.resolved(p, "")[0] for p in item.get("parameters", []) + item[method].get("parameters", [])
                ]
                assert {p["name"] for p in declared if p["in"] == "path"} == wanted, f"{method} {template}"


def test_a_parameter_has_one_name_and_is_described_once(document):
    """Operations refer to parameters by name; each is used, and no two of the same place and name say the same."""
    parameters = document["components"]["parameters"]
    used = []
    for template, item in document["paths"].items():
        assert "parameters" not in item, template
        for method in METHODS:
            for parameter in item.get(method, {}).get("parameters", []):
                assert set(parameter) == {"$ref"}, f"{method} {template}: {parameter}"
                used.append(parameter["$ref"].removeprefix("#/components/parameters/"))
    assert len(used) > 80 and set(used) == set(parameters)
    described = [
        (p["in"], p["name"], p["description"], json.dumps(p["schema"], sort_keys=True)) for p in parameters.values()
    ]
    assert len(set(described)) == len(described)


# Texts on both sides of each pattern: what the schema takes the server takes, and what it refuses the server refuses.
SMALL_ID, LARGE_ID = "0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47", "0193A5B2-7C1E-7D4A-9B60-3F2D8C5E1A47"
WORDS = ["a", "9", "a.b_c-d", "a" * 32, "a" * 33, "A", ".a", "-a", "_a", "a b", "a%", "\u00e9", "\uff41", ""]
PATTERNED = {
    "parameters/Cursor": [SMALL_ID, LARGE_ID, SMALL_ID[:-1], SMALL_ID + "0", "null", "x", "standard"],
    "parameters/KeyCursor": [
        key_cursor(SMALL_ID, 0),
        key_cursor(SMALL_ID, -5),
        key_cursor(LARGE_ID, 0),
        key_cursor(SMALL_ID, "x"),
        key_cursor(SMALL_ID, "") + ".",
        key_cursor(SMALL_ID, 0)[1:],
        SMALL_ID,
        "",
    ],
    "parameters/OfStatus": ["active", "active,expired", "Active", "active,", ",active", "dead", "active expired", ""],
    "schemas/KeyLabel": WORDS,
    "schemas/KeyEnvironment": WORDS,
    "parameters/GroupCursor": ["standard", "a", "9_-", "a" * 40, "a" * 41, "Standard", "_a", "-", "a b", "\u00e9"],
    "schemas/TotpConfirmation/properties/code": ["123456", "12345", "1234567", "12345a", "123 456", "\u0661" * 6, ""],
    "schemas/SecondFactorCode": [
        "123456",
        "12345",
        "123 456",
        "abcd-efgh-jkmn-pqrs",
        " ABCD EFGH\tJKMN\r\nPQRS- ",
        "ilotilotilotilot",
        "abcd-efgh-jkmn-pqru",
        "abcd-efgh-jkmn-pqr",
        "abcd-efgh-jkmn-pqrst",
        "abcd_efgh_jkmn_pqrs",
        "\uff41bcd-efgh-jkmn-pqrs",
        "",
    ],
    "schemas/SetUp/properties/account_name": [
        "A",
        "Caf\u00e9 & Co \U0001f408",
        "a" * 100,
        "a" * 101,
        "",
        " ",
        " a",
        "a ",
        "a\u00a0",
        "a\nb",
        "a\u0000",
        "a\u0085b",
        "a\u202eb",
        "a\u200fb",
        "a\ufeffb",
    ],
}


def asked(deployment, place, text):
    """The answer to this text where the schema stands, and the name of its field."""
    match place.rsplit("/", 1)[1]:
        case "Cursor":
            return deployment.call("GET", "/api/v1/applications?cursor=" + quote(text)), "cursor"
        case "KeyCursor":
            return deployment.call("GET", "/api/v1/credentials?cursor=" + quote(text)), "cursor"
        case "OfStatus":
            return deployment.call("GET", "/api/v1/credentials?status=" + quote(text)), "status"
        case "KeyLabel":
            return deployment.call("GET", "/api/v1/credentials?label=" + quote(text)), "label"
        case "KeyEnvironment":
            return deployment.call("GET", "/api/v1/credentials?environment=" + quote(text)), "environment"
        case "GroupCursor":
            return deployment.call("GET", "/api/v1/groups?cursor=" + quote(text)), "cursor"
        case "code":
            body = {"code": text}
            return deployment.admin.call("POST", "/api/v1/users/current/totp/confirmation", json=body), "code"
        case "SecondFactorCode":
            body = {"email": new_email(), "password": new_password(), "code": text}
            return deployment.client.call("POST", "/api/v1/sessions", json=body), "code"
        case "account_name":
            body = {"token": "lks-x", "email": new_email(), "password": new_password(), "account_name": text}
            return deployment.client.call("POST", "/api/v1/setup", json=body), "account_name"


@pytest.mark.parametrize("place", PATTERNED)
def test_the_server_takes_what_a_pattern_takes_and_nothing_else(deployment, document, place):
    pointer = "/components/" + place + ("/schema" if place.startswith("parameters/") else "")
    validator = Book(document).validator(pointer)
    outcomes = set()
    for text in PATTERNED[place]:
        answer, field = asked(deployment, place, text)
        errors = answer.json().get("errors", []) if answer.status_code == 400 else []
        is_taken = not [error for error in errors if error["field"] == field]
        assert validator.is_valid(text) == is_taken, f"{text!r}: {answer.status_code} {answer.text}"
        outcomes.add(is_taken)
    assert outcomes == {True, False}


def test_every_documented_operation_is_served(deployment, document):
    """Each operation, called with an id of nothing and no body, is known: anything but 404 for the path, 405 or 5xx."""
    for template, item in document["paths"].items():
        path = re.sub(r"\{\w+\}", "0193a5b2-7c1e-7d4a-9b60-3f2d8c5e1a47", template)
        for method in METHODS:
            if method in item:
                answer = deployment.client.call(method.upper(), path)
                assert (
                    answer.status_code not in (404, 405) and answer.status_code < 500
                ), f"{method} {template}: {answer.status_code}"


def test_the_examples_of_the_document_fit_its_own_schemas(document):
    """An example that its schema refuses misleads whoever copies it."""
    book = Book(document)
    wrong = []

    def check(media, pointer, where):
        if "schema" not in media:
            return
        _, place = book.resolved(media["schema"], pointer + "/schema")
        examples = [media["example"]] if "example" in media else []
        examples += [book.resolved(example, "")[0].get("value") for example in media.get("examples", {}).values()]
        for example in examples:
            error = None if isinstance(example, str) else book.error(place, example)
            if error:
                wrong.append(f"{where}: {error}")

    def visit(value, pointer):
        if isinstance(value, dict):
            if isinstance(value.get("content"), dict):
                for name, media in value["content"].items():
                    check(media, f"{pointer}/content/{name.replace('/', '~1')}", pointer)
            for name, element in value.items():
                visit(element, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
        elif isinstance(value, list):
            for number, element in enumerate(value):
                visit(element, f"{pointer}/{number}")

    visit(document["paths"], "/paths")
    visit(document["components"].get("responses", {}), "/components/responses")
    assert not wrong, wrong


def test_an_answer_that_is_not_as_documented_is_found(document):
    """What judges the whole run, held against one right answer and some that are not."""
    book, content_type = Book(document), ("Content-Type", "application/json")
    user = document["components"]["schemas"]["User"]
    body = {name: None for name in user["properties"]} | {
        "id": absent_id(),
        "account_id": absent_id(),
        "email": "a@b.test",
        "role": "root",
        "admin": False,
        "second_factor": False,
        "created_at": at(0),
    }

    def fault(path="/api/v1/users/current", status=200, headers=(), **fields):
        answer = json.dumps(body | fields).encode()
        return book.fault(recorder.Exchange("GET", path, status, (content_type, *headers), answer, True))

    assert fault() is None and fault(id=absent_id(), created_at=at(1)) is None
    for wrong in (
        {"path": "/api/v1/users/nobody"},
        {"status": 201},
        {"headers": [("X-Latchkey-Unheard-Of", "1")]},
        {"id": "1"},
        {"role": "boss"},
        {"created_at": "yesterday"},
        {"created_at": None},
        {"admin": 0},
    ):
        assert fault(**wrong), wrong


@pytest.mark.at_the_end
def test_every_answer_of_the_run_is_as_documented(document, recorded):
    """Status, content type and schema of every answer that any test of this run got."""
    book = Book(document)
    faults, judged = {}, 0
    for exchange in recorded:
        # Pages are no part of the API; they are tested by test_console_*.py.
        if exchange.path == "/" or exchange.path.startswith("/console"):
            continue
        # What could not be parsed as a request has no route.
        if (
            exchange.method == "RAW"
            or not exchange.path.startswith("/")
            or exchange.path in ("/unparsable", "/long", "/x")
        ):
            continue
        # Below the routes: a head that is too large or no HTTP is refused before anybody knows for which route it was.
        allowed = exchange.header("allow") if exchange.header("connection") == "close" else None
        is_no_method = exchange.status == 405 and allowed == "DELETE, GET, HEAD, PATCH, POST"
        if exchange.status == 431 or b'"malformed_request"' in exchange.body or is_no_method:
            continue
        judged += 1
        fault = book.fault(exchange)
        if fault:
            faults.setdefault(fault, str(exchange))
    assert not faults, "\n".join(f"{fault}   ({example})" for fault, example in sorted(faults.items()))
    assert judged > 0.9 * len(recorded), f"only {judged} of {len(recorded)} answers were looked up in the document"
