"""Every input has a bound in time that grows with its length: the processor time of the worst bodies, addresses and
headers that there are, for every operation of openapi.yaml.

Twice the length may take about twice the time. Text that is compared by canonical equivalence, or normalised, takes
four times as long: 60 KB of combining marks took two seconds."""

import json
from pathlib import Path

import pytest

from client import Literal, absent_id
from operations import OPERATIONS, Operations
from raw_http import converse
from right_bodies import World

MARKS = "\u0301\u0323"
MESSAGES = [{"role": "user", "content": "hello"}]
# What a body, and a head, may have at most; some bytes are left for the rest of it.
OPEN, MANAGED, CHAT, HEAD = 60_000, 250_000, 500_000, 70_000

# Seconds of a core. A linear reading of 250 KB takes 0.1 s in a debug build; one Argon2id takes 0.05 s.
PER_BYTE = 1.5e-6
AT_ANY_LENGTH = 0.15


def cpu(server):
    """Seconds of processor time of all threads, to the nanosecond (`stat` counts hundredths)."""
    total = 0
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass  # it ended meanwhile
    return total / 1e9


def marks(size):
    """Text of about so many bytes: one letter, and each second mark belongs before the others."""
    half = size // 4
    return "a" + MARKS[0] * half + MARKS[1] * half


def digits(size):
    return Literal("9" * size)


def cost(server, send):
    """The least of a few runs, since others work on this machine as well."""
    least = None
    for _ in range(3):
        before = cpu(server)
        answer = send()
        spent = cpu(server) - before
        status = answer.status_code if hasattr(answer, "status_code") else answer.first.status
        assert status < 500, status
        least = spent if least is None else min(least, spent)
        if least < 0.01:
            break
    return least


def faults(server, name, send, size):
    """What takes too long, as sentences: `send` takes a size."""
    whole = cost(server, lambda: send(size))
    if whole > AT_ANY_LENGTH + PER_BYTE * size:
        return [f"{name}: {whole:.3f} s for {size} bytes"]
    if whole < 0.03:
        return []
    half = cost(server, lambda: send(size // 2))
    return [f"{name}: {half:.3f} s for half of what took {whole:.3f} s"] if whole > 2.8 * half + 0.02 else []


class Callers:
    """For each operation, somebody who gets as far as its body, and the server that is called."""

    def __init__(self, home):
        self.world = World(home)
        self.server, self.client = self.world.deployment.server, self.world.deployment.client
        self.app = self.world.ids["application_id"]
        self.key = self.world.tenant.key(self.app)

    def server_of(self, operation):
        return self.world.fresh if operation.id == "setUp" else self.server

    def right_body(self, operation):
        return self.world.BODIES[operation.id][1] if operation.is_management else {"messages": MESSAGES}

    def call(self, operation, path=None, **keywords):
        path = path or operation.at({name: absent_id() for name in operation.parameters} | self.world.ids)
        if operation.id in self.world.BODIES:
            return self.world.BODIES[operation.id][0](operation.method, path, **keywords)
        if "appKey" in operation.schemes:
            return self.client.call(operation.method, path, token=self.key, **keywords)
        return self.world._admin(operation.method, path, **keywords)


@pytest.fixture(scope="module")
def callers(homes):
    made = Callers(homes / "text-time")
    yield made
    made.world.close()


def bound(operation):
    return CHAT if "appKey" in operation.schemes else MANAGED if operation.schemes else OPEN


WITH_BODY = [operation for operation in OPERATIONS.values() if operation.fields]


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.id)
def test_no_field_costs_more_than_its_length(callers, operation):
    """Each field in turn is made of combining marks, or of digits; the others are right."""
    found = []
    for field in sorted(operation.fields):
        for filling in (marks, digits):

            def send(size):
                return callers.call(operation, json=callers.right_body(operation) | {field: filling(size)})

            name = f"{field} of {filling.__name__}"
            found += faults(callers.server_of(operation), name, send, bound(operation))
    assert not found, found


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.id)
def test_no_names_cost_more_than_their_length(callers, operation):
    def send(size):
        names = {marks(size // 2): 1, marks(size // 2) + MARKS[0]: 1}
        return callers.call(operation, data=json.dumps(names, ensure_ascii=False))

    assert faults(callers.server_of(operation), "two names", send, bound(operation)) == []


def many_names(size):
    return json.dumps({marks(200) + str(number): 1 for number in range(size // 210)}, ensure_ascii=False)


def nested(size):
    return "[" + ("[" * 60 + "]" * 60 + ",") * (size // 121) + "1]"


SHAPES = {
    "many names": many_names,
    "short names": lambda size: json.dumps({str(number): 1 for number in range(size // 12)}),
    "numbers": lambda size: "[" + "1," * (size // 2 - 1) + "1]",
    "depth": nested,
    "too deep": lambda size: "[" * size,
    "escapes": lambda size: '{"a":"' + "\\u0301\\u0323" * (size // 12) + '"}',
    "blanks": lambda size: " " * size + "{}",
    "a string without end": lambda size: '{"a":"' + "x" * size,
    "texts": lambda size: '{"messages":[' + ",".join(['{"role":"user","content":"cat"}'] * (size // 32)) + "]}",
}


@pytest.mark.parametrize("name", ["createSession", "createApplication", "createChatCompletion"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_body_costs_more_than_its_length(callers, name, shape):
    operation = OPERATIONS[name]

    def send(size):
        return callers.call(operation, data=SHAPES[shape](size))

    assert faults(callers.server, shape, send, bound(operation)) == []


@pytest.mark.parametrize("said", ["system", "user"])
def test_a_conversation_costs_no_more_than_its_length(callers, said):
    """The built-in upstream looks for words in the prompt and counts them."""

    def send(size):
        messages = [{"role": said, "content": marks(size)}, {"role": "user", "content": "hello"}]
        return callers.client.call("POST", "/v1/chat/completions", json={"messages": messages}, token=callers.key)

    assert faults(callers.server, said, send, CHAT) == []


def escaped(size):
    return "%CC%81%CC%A3" * (size // 12)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.id)
def test_no_address_costs_more_than_its_length(callers, operation):
    """Each parameter of the path, and a parameter of the query by its name and by its value, made of marks."""
    document = Operations()
    item = document.document["paths"][operation.path]
    named = item.get("parameters", []) + item[operation.method.lower()].get("parameters", [])
    queries = [each["name"] for each in map(document.resolved, named) if each["in"] == "query"]
    plain = operation.at({name: absent_id() for name in operation.parameters})
    found = []
    for parameter in operation.parameters:

        def in_path(size):
            ids = {name: absent_id() for name in operation.parameters} | {parameter: escaped(size)}
            return callers.call(operation, path=operation.at(ids))

        found += faults(callers.server_of(operation), parameter, in_path, HEAD)
    for query in [f"{name}=" for name in queries] + [""]:

        def in_query(size):
            return callers.call(operation, path=f"{plain}?{query}{escaped(size)}")

        found += faults(callers.server_of(operation), query or "a name", in_query, HEAD)
    assert not found, found


@pytest.mark.parametrize(
    "header",
    ["Authorization", "Cookie", "Origin", "Content-Type", "Connection", "X-CSRF-Token", "Idempotency-Key", "User-Agent"]
    + ["X-Forwarded-For", "Accept", "Host"],
)
@pytest.mark.parametrize("beginning", ["", "Bearer ", "http://", "application/json; charset="])
def test_no_header_costs_more_than_its_length(callers, header, beginning):
    """Bytes that are no ASCII may stand in a field's value (RFC 9110 §5.5)."""
    body = json.dumps({"messages": MESSAGES})

    def send(size):
        fields = [("Content-Type", "application/json"), ("Authorization", f"Bearer {callers.key}")]
        fields = [field for field in fields if field[0] != header]
        head = ["POST /v1/chat/completions HTTP/1.1"] + ([] if header == "Host" else ["Host: a"])
        head += [f"{name}: {value}" for name, value in fields + [(header, beginning + marks(size))]]
        raw = "\r\n".join(head + [f"Content-Length: {len(body)}", "", body]).encode()
        return converse(callers.server, raw, method="POST", path="/v1/chat/completions")

    assert faults(callers.server, header, send, HEAD) == []


def test_a_raw_mark_in_an_address_is_refused_before_anything_looks_at_it(callers):
    """RFC 3986 §2: an address is visible ASCII."""
    raw = b"GET /v1/" + marks(1000).encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = converse(callers.server, raw, method="GET", path="/unparsable").first
    assert answer.status == 400 and json.loads(answer.body)["code"] == "malformed_request"
