"""Every input has a bound in time that grows with its length: the processor time of the worst bodies, addresses and
headers that there are, for every operation of openapi.yaml.

Twice the length may take about twice the time. Text that is compared by canonical equivalence, or normalised, takes
four times as long: 60 KB of combining marks took two seconds."""

import functools
import http.client
import json
from pathlib import Path

import pytest

from client import COOKIE, absent_id
from operations import OPERATIONS, Operations
from raw_http import converse
from right_bodies import World

DOCUMENT = Operations()
MARKS = "\u0301\u0323"
MESSAGES = [{"role": "user", "content": "hello"}]
# What a body, and a head, may have at most; some bytes are left for the rest of it.
OPEN, MANAGED, CHAT, HEAD = 60_000, 250_000, 500_000, 70_000

# Seconds of a core. To read 250 KB takes up to 0.1 s in a debug build; one Argon2id takes 0.05 s.
PER_BYTE, AT_ANY_LENGTH = 1.5e-6, 0.15
# What takes less is not looked at twice: the square of anything here is more.
LITTLE = 0.05


def cpu(server):
    """Seconds of processor time of all threads, to the nanosecond (`stat` counts hundredths)."""
    total = 0
    for task in Path(f"/proc/{server.process.pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            pass  # it ended meanwhile
    return total / 1e9


@functools.cache
def marks(size):
    """Text of about so many bytes: one letter, and each second mark belongs before the others."""
    return "a" + MARKS[0] * (size // 4) + MARKS[1] * (size // 4)


@functools.cache
def escaped(size):
    return "%CC%81" * (size // 12) + "%CC%A3" * (size // 12)


def cost(server, send, runs=1):
    """The least of a few runs, since others work on this machine as well. `send` returns a status."""
    spent = []
    for _ in range(runs):
        before = cpu(server)
        status = send()
        spent.append(cpu(server) - before)
        assert status < 500, status
    return min(spent)


def fault(size, whole, half):
    if whole > AT_ANY_LENGTH + PER_BYTE * size:
        return f"{whole:.3f} s for {size} bytes"
    return f"{half:.3f} s for half of what took {whole:.3f} s" if whole > 2.6 * half + 0.02 else None


def faults(server, name, send, size):
    """What takes too long, as sentences: `send` takes a size. What seems to is looked at again, and more often."""
    if cost(server, lambda: send(size)) < LITTLE:
        return []
    found = None
    for runs in (1, 3, 5):
        found = fault(size, *(cost(server, lambda: send(length), runs) for length in (size, size // 2)))
        if not found:
            return []
    return [f"{name}: {found}"]


class Callers:
    """For each operation, somebody who gets as far as its body, and the server that is called."""

    def __init__(self, home):
        self.world = World(home)
        self.server, self.client = self.world.deployment.server, self.world.deployment.client
        self.key = self.world.tenant.key(self.world.ids["application_id"])

    def server_of(self, operation):
        return self.world.fresh if operation.id == "setUp" else self.server

    def right_body(self, operation):
        return self.world.BODIES[operation.id][1] if operation.is_management else {"messages": MESSAGES}

    def send(self, operation, body):
        """A body as it is written here."""
        path = operation.at({name: absent_id() for name in operation.parameters} | self.world.ids)
        if operation.id in self.world.BODIES:
            return self.world.BODIES[operation.id][0](operation.method, path, data=body).status_code
        return self.client.call(operation.method, path, data=body, token=self.key).status_code

    def get(self, operation, path):
        """Any address, which a library would spend more on than the server."""
        admin = self.world.deployment.admin.fresh()
        headers = {"Cookie": f"{COOKIE}={admin.cookie}", "X-CSRF-Token": admin.csrf}
        if "appKey" in operation.schemes:
            headers = {"Authorization": f"Bearer {self.key}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        connection.request(operation.method, path, headers=headers if operation.schemes else {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status


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
        for filling in (lambda size: f'"{marks(size)}"', lambda size: "9" * size):

            def send(size):
                body = json.dumps(callers.right_body(operation) | {field: "the filling"})
                return callers.send(operation, body.replace('"the filling"', filling(size)))

            found += faults(callers.server_of(operation), f"{field} = {filling(9)}", send, bound(operation))
    assert not found, found


@pytest.mark.parametrize("operation", WITH_BODY, ids=lambda operation: operation.id)
def test_no_names_cost_more_than_their_length(callers, operation):
    def send(size):
        return callers.send(operation, f'{{"{marks(size // 2)}":1,"{marks(size // 2)}{MARKS[0]}":1}}')

    assert faults(callers.server_of(operation), "two names", send, bound(operation)) == []


SHAPES = {
    "many names": lambda size: "{" + ",".join(f'"{marks(200)}{number}":1' for number in range(size // 212)) + "}",
    "short names": lambda size: "{" + ",".join(f'"{number}":1' for number in range(size // 10)) + "}",
    "numbers": lambda size: "[" + "1," * (size // 2 - 1) + "1]",
    "depth": lambda size: "[" + ("[" * 60 + "]" * 60 + ",") * (size // 121) + "1]",
    "too deep": lambda size: "[" * size,
    "escapes": lambda size: '{"a":"' + "\\u0301\\u0323" * (size // 12) + '"}',
    "blanks": lambda size: " " * size + "{}",
    "a string without end": lambda size: '{"a":"' + "x" * size,
    "messages": lambda size: '{"messages":[' + ",".join(['{"role":"user","content":"cat"}'] * (size // 32)) + "]}",
}


@pytest.mark.parametrize("name", ["createSession", "createApplication", "createChatCompletion"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_body_costs_more_than_its_length(callers, name, shape):
    operation = OPERATIONS[name]

    def send(size):
        return callers.send(operation, SHAPES[shape](size))

    assert faults(callers.server, shape, send, bound(operation)) == []


@pytest.mark.parametrize("role", ["system", "user"])
def test_a_conversation_costs_no_more_than_its_length(callers, role):
    """The built-in upstream looks for words in the prompt and counts them."""
    operation = OPERATIONS["createChatCompletion"]

    def send(size):
        message = f'{{"role":"{role}","content":"{marks(size)}"}}'
        return callers.send(operation, f'{{"messages":[{message},{json.dumps(MESSAGES[0])}]}}')

    assert faults(callers.server, role, send, CHAT) == []


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.id)
def test_no_address_costs_more_than_its_length(callers, operation):
    """Each parameter of the path, and a parameter of the query by its name and by its value, made of marks."""
    item = DOCUMENT.document["paths"][operation.path]
    named = item.get("parameters", []) + item[operation.method.lower()].get("parameters", [])
    queries = [each["name"] for each in map(DOCUMENT.resolved, named) if each["in"] == "query"]
    absent = {name: absent_id() for name in operation.parameters}
    sends = {
        parameter: lambda size, parameter=parameter: operation.at(absent | {parameter: escaped(size)})
        for parameter in operation.parameters
    } | {
        name: lambda size, name=name: f"{operation.at(absent)}?{name}{escaped(size)}"
        for name in [f"{query}=" for query in queries] + [""]
    }
    found = []
    for name, path in sends.items():
        found += faults(callers.server, name, lambda size: callers.get(operation, path(size)), HEAD)
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
        return converse(callers.server, raw, method="POST", path="/v1/chat/completions").first.status

    assert faults(callers.server, header, send, HEAD) == []


def test_a_raw_mark_in_an_address_is_refused_before_anything_looks_at_it(callers):
    """RFC 3986 §2: an address is visible ASCII."""
    raw = b"GET /v1/" + marks(1000).encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = converse(callers.server, raw, method="GET", path="/unparsable").first
    assert answer.status == 400 and json.loads(answer.body)["code"] == "malformed_request"
