"""The one table of wrong values: for every field of every operation by openapi.yaml, whose schema refuses them; and for
some fields by hand, where a schema can't say what is wrong."""

import re

from client import Literal, absent_id, at, key_cursor
from operations import Operations

# Of every kind, and some that have been trouble elsewhere.
ODD = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    10**30,
    "",
    " ",
    "x",
    "x" * 5000,
    "\u0000",
    "\u202e",
    "😀",
    "' OR '1'='1",
    "%s%n",
    "../../etc/passwd",
    "{{7*7}}",
    [],
    [[]],
    [None],
    {},
    {"a": {}},
]
# As a parameter of an address, where everything is text.
ODD_TEXTS = ["", "0", "-1", "101", "1.5", "1e1", "abc", "99999999999999999999", "yes", "x", "%00", "%F0%9F%98%80", "'"]

_document = Operations()


def _alternatives(schema):
    """The schemas of which one has to fit."""
    schema = _document.resolved(schema)
    parts = [part for word in ("anyOf", "oneOf") for part in schema.get(word, [])]
    return [each for part in parts for each in _alternatives(part)] if parts else [schema]


def borders(schema):
    """What is just outside of each bound that a schema sets, and inside of it."""
    found = []
    for each in _alternatives(schema):
        for word in ("minimum", "maximum", "exclusiveMinimum"):
            found += [each[word] + step for step in (-1, 0, 1) if word in each]
        for word in ("minLength", "maxLength"):
            found += ["x" * (each[word] + step) for step in (-1, 1) if word in each]
        if "items" in each:
            inner = _alternatives(each["items"])[0]
            good = inner.get("enum", ["standard"])[0]
            found += [[good] * (each.get("maxItems", 1) + 1), [good, good], good]
            found += [[good, value] for value in ODD + borders(each["items"])]
    return found


def fields(schema, before=()):
    """(the names that lead there, its schema) of each field of a body, and of the fields inside of its objects."""
    for name, inner in _document.resolved(schema).get("properties", {}).items():
        yield (*before, name), inner
        for each in _alternatives(inner):
            yield from fields(each, (*before, name))


def put(body, names, value):
    """The body with one field set."""
    first, *rest = names
    return body | {first: put(body.get(first, {}), rest, value) if rest else value}


def body_of(operation):
    """(the schema of an operation's body, where it stands in the document)"""
    path = operation.path.replace("~", "~0").replace("/", "~1")
    place = f"/paths/{path}/{operation.method.lower()}/requestBody/content/application~1json/schema"
    request = _document.document["paths"][operation.path][operation.method.lower()].get("requestBody")
    return (request["content"]["application/json"]["schema"], place) if request else (None, None)


def values(schema):
    return ODD + borders(schema)


def parameters(operation):
    """(name, schema) of each parameter in the query of an operation."""
    item = _document.document["paths"][operation.path]
    both = item.get("parameters", []) + item[operation.method.lower()].get("parameters", [])
    return [(each["name"], each["schema"]) for each in map(_document.resolved, both) if each["in"] == "query"]


def as_value(text, schema):
    """What the text of a parameter means to a schema."""
    kind = _document.resolved(schema).get("type")
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


# What a schema can't say, by operation and field. Each value is refused.

TEXT = ["a\u0000b", "a\nb", "a\tb", "a\u202eb", " a", "a "]
LONG_GONE = "2020-01-01T00:00:00Z"
NO_TIME = [
    "tomorrow",
    "2099-13-01T00:00:00Z",
    "2099-02-30T00:00:00Z",
    "2099-01-01T00:00:00",
    "2099-01-01",
    "2099-01-01T00:00:00.1234567890Z",
    "-1",
    4070908800,
]
PAST = [LONG_GONE, at(-3600), at(-60)]
# More than six places, more than Int64 holds, and what is no number.
NO_AMOUNT = ["0.0000001", "1e-7", "1.0000001", "9223372036854.775808", "1e20", "1e400", '"NaN"', "9" * 100]
NO_AMOUNT = [Literal(text) for text in [*NO_AMOUNT, "1" + "0" * 4000, "1e-400"]]
NO_PRICE = [Literal(text) for text in ("-0.000001", "0.0000001", "1000000000.000001", "1e10", "1e400")]
NO_MULTIPLIER = [Literal(text) for text in ("-0.000001", "0.0000001", "1000.000001", "1e400")]
NO_MODEL = ["no-such-model", "gpt-none", "a b", "é"]
HUNDRED_AND_ONE = [f"10.0.{number}.0/24" for number in range(101)]
NO_ADDRESSES = [
    "somewhere",
    "localhost",
    "127.0.0.1/33",
    "::1/129",
    "127.0.0.1/-1",
    "127.0.0.1/",
    "127.0.0.1/08",
    "10.0.0.0/255.0.0.0",
    "127.1",
    "0x7f000001",
    "127.0.0.01",
    "256.0.0.1",
    "127.0.0.1:80",
    "[::1]",
    "fe80::1%eth0",
    "1::2::3",
    " 127.0.0.1",
    "10.0.0.1-10.0.0.9",
    "10.0.0.1,10.0.0.2",
]
NO_HOST = [
    "exa mple.com",
    "https://app.example.com",
    "app.example.com:443",
    "app.example.com/",
    "app.example.com.",
    "*.example.com",
    "app..example.com",
    "-app.example.com",
    "app_1.example.com",
    "bücher.example",
    "[::1]",
    " app.example.com",
    "a" * 64 + ".example.com",
    ".".join(["a" * 49] * 6),
]
NO_WORD = ["", "Production", ".hidden", "-x", "_x", "a b", "a,b", "é", "a\u0301", "a\u0000", "a%", "x" * 33, "a\n"]
NO_ADDRESS_OF_A_CALL = ["", "somewhere", "203.0.113.7:80", "203.0.113.0/24", "203.0.113.7, 10.0.0.1", "[::1]"]
NO_EMAIL = ["nobody", "a@", "@b.test", "a b@c.test", "a@b.test\r\nBcc: x@y.test", "a" * 250 + "@b.test"]
NO_PASSWORD = ["too short", "passwordpassword", "123456789012345", "correcthorsebatterystaple", "x" * 4097]
NO_BASE_URL = [
    "ftp://x/v1",
    "javascript:alert(1)",
    "http://user:pw@x/v1",
    "http://x/v1?a=b",
    "http://x/v1#f",
    "http://x/\r\nX-A: b",
    "//x/v1",
    "http://",
]
BEYOND = {
    "createApplication updateApplication": {
        "name": TEXT,
        "model": NO_MODEL,
        "system_prompt": ["nul\u0000"],
        "allowed_models": [["json"], ["echo", "gpt-none"]],
        "parameters": [{name: "x"} for name in ("model", "stream", "api_base")],
    },
    "createCredential updateCredential": {
        "name": TEXT,
        "expired_at": NO_TIME + PAST,
        "limited_amount": NO_AMOUNT,
        "monthly_limit": NO_AMOUNT,
        "group": ["no-such-group"],
        # The last are models that the operator has and the app may not use, and names that are not quite its own.
        "models": [[name] for name in (*NO_MODEL, "*", "ECHO", "echo ", "json")] + [["echo", "echo", "no-such-model"]],
        "ip_allowlist": [[text] for text in NO_ADDRESSES] + [["127.0.0.1", "127.0.0.1", "somewhere"], HUNDRED_AND_ONE],
        "host": NO_HOST,
        # None of a list is taken when one is wrong; eleven are too many even where some are the same.
        "labels": [[text] for text in NO_WORD] + [["good", text] for text in NO_WORD] + [["a"] * 11],
        "environment": NO_WORD,
    },
    "createCredential": {"enabled": [False]},
    "updateCredential": {"revealable": [True], "reveal": ["lost"]},
    "explainCredential": {
        "model": [""],
        "address": NO_ADDRESS_OF_A_CALL,
        "origin": ["", "https://" + "a" * 600],
        "time": NO_TIME + PAST[:2],
        "key": ["sk-x"],
        "charge": [True],
    },
    "verifyKey": {
        "key": ["", "x" * 513],
        "address": NO_ADDRESS_OF_A_CALL,
        "origin": ["x" * 513],
        "request_id": ["ключ", "a\nb"],
        "cost": [0],
        "time": ["2030-01-01T00:00:00Z"],
    },
    "reportLeak": {"token": ["x" * 513], "source": TEXT[:4], "overlap_seconds": [60]},
    "rotateCredential": {"name": ["x"]},
    "createPlatformToken": {
        "name": TEXT,
        "scopes": [["applications:everything"], ["applications:read", 1]],
        "expires_at": NO_TIME + PAST,
    },
    "createProvider updateProvider": {"name": TEXT, "base_url": NO_BASE_URL, "secret": ["with\nline"]},
    "createModel": {"name": ["a b", "é"], "provider_id": [absent_id()], "price": NO_PRICE},
    "createPrice": {"price": NO_PRICE, "effective_at": NO_TIME + PAST},
    "createGroup": {
        "name": ["A", "-a", "_a", "a b", "ä", "a/b", "a.b", "a\n", " a", "%61"],
        "multiplier": NO_MULTIPLIER,
    },
    "updateGroup": {"name": ["other"], "multiplier": [1]},
    "createMultiplier": {
        "multiplier": NO_MULTIPLIER,
        "effective_at": NO_TIME + PAST,
        "basis": ["0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0"],
    },
    "previewMultiplier": {
        "multiplier": NO_MULTIPLIER,
        "group": ["standard"],
        "month": ["2026-13", "2026-1", "9999-12", "2026-11-01"],
        "effective_at": NO_TIME + PAST,
    },
    "createAccount updateAccount": {"name": TEXT, "default_group": ["no-such-group"], "groups": [["no-such-group"]]},
    "createGrant": {"amount": NO_AMOUNT + [Literal("0.0"), Literal("-0")], "reason": TEXT},
    "createAdjustment": {
        "amount": NO_AMOUNT + [Literal("0.000"), Literal("-0"), Literal("-9223372036854.775809")],
        "reason": TEXT,
    },
    "createInvitation": {"email": NO_EMAIL, "role": ["Root", "admin"]},
    "updateUser": {"role": ["ROOT", "admin"]},
    "acceptInvitation acceptPasswordReset": {"password": NO_PASSWORD},
    "setUp": {"email": NO_EMAIL, "password": NO_PASSWORD, "account_name": TEXT},
}
# Of parameters.
NO_TIME_AT_ALL = ["", "tomorrow", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "10000-01-01T00:00:00Z"]
NO_QUERY = {
    "listCredentials": {
        "cursor": [absent_id(), key_cursor(absent_id(), "01"), key_cursor(absent_id(), 0, sort="name")],
        "search": ["%E2%80%AE", "%C3%A9" * 51, "a%0Ab"],
        "status": ["active,active", "active,%20expired", "ACTIVE"],
        "sort": ["-", "--name", "name,created_at", "id", "NAME"],
        "label": ["a%20b", "a,b", "A"],
        "environment": ["a%20b", "Production"],
    },
    "getUsage": {
        "by": ["", "hour", "day,", "Day", "day%20credential"],
        "from": ["", "yesterday", "2026-02-30", "2026-1-1", "2026-01-01T00:00:00Z"],
        "to": ["2026-13-01", "20260101"],
    },
    "listRefusedCalls": {
        "from": ["", "yesterday", "2026-02-30"],
        "to": ["2026-13-01", "20260101"],
        "days": ["", "0", "36", "-1", "1.0", "%201"],
        "by": ["", "hour", "day,", "Day", "day,day", "day%20code", "model"],
    },
    "listLedger": {"from": NO_TIME_AT_ALL, "to": NO_TIME_AT_ALL},
    "listAudit": {"from": NO_TIME_AT_ALL, "to": NO_TIME_AT_ALL, "action": ["", "credential", "Credential.create"]},
}
