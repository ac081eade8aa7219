"""HTTP by bare socket: for requests that no library would send, and answers that none would show as they came."""

import socket
import time
import urllib.parse
from dataclasses import dataclass, field

import recorder


@dataclass
class RawAnswer:
    status: int
    headers: list
    body: bytes
    is_whole: bool

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None


@dataclass
class Conversation:
    """What came of sending some bytes."""

    answers: list = field(default_factory=list)
    sent: int = 0
    received: bytes = b""
    was_closed: bool = False  # by the server, within the deadline

    @property
    def first(self):
        assert self.answers, f"no answer; received {self.received[:300]!r}, closed: {self.was_closed}"
        return self.answers[0]


def converse(
    server, pieces, deadline=15.0, until_closed=False, method="RAW", path="/", through_upstream=False, source=None
):
    """Sends `pieces` (bytes, or an iterable of bytes that may be endless) and gathers what the server answers.

    Sending stops at the first sign of an answer or of a closed connection. With `until_closed` the reading goes on
    until the server closes or falls silent for half a second after its first answer: that shows a second, smuggled
    answer. `source` is the address to call from.
    """
    address = urllib.parse.urlsplit(server.url)
    end = time.monotonic() + deadline
    conversation = Conversation()
    source = (source, 0) if source else None
    with socket.create_connection((address.hostname, address.port), deadline, source) as connection:
        connection.setblocking(False)
        if isinstance(pieces, bytes):
            pieces = [pieces]
        _send(connection, iter(pieces), conversation, end)
        _read(connection, conversation, end, until_closed)
    rest = conversation.received
    while rest:
        answer, rest = parse(rest, conversation.was_closed)
        if answer is None:
            break
        if answer.status < 200:
            continue
        conversation.answers.append(answer)
        if recorder.is_recorded(server):
            recorder.record(method, path, answer.status, answer.headers, answer.body, answer.is_whole, through_upstream)
    return conversation


def _send(connection, pieces, conversation, end):
    pending = b""
    while time.monotonic() < end:
        if not pending:
            pending = next(pieces, None)
            if pending is None:
                return
        _receive(connection, conversation)
        if conversation.received or conversation.was_closed:
            return
        try:
            count = connection.send(pending)
            conversation.sent += count
            pending = pending[count:]
        except BlockingIOError:
            _wait(connection, 0.05, writing=True)
        except (BrokenPipeError, ConnectionResetError):
            return


def _read(connection, conversation, end, until_closed):
    quiet_since = None
    while time.monotonic() < end and not conversation.was_closed:
        if _receive(connection, conversation):
            quiet_since = None
            continue
        answer, rest = parse(conversation.received, conversation.was_closed)
        if answer is not None and answer.status >= 200 and answer.is_whole:
            if not until_closed:
                return
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > 0.5:
                return
        _wait(connection, 0.05)


def _wait(connection, seconds, writing=False):
    import select

    select.select([connection], [connection] if writing else [], [], seconds)


def _receive(connection, conversation):
    try:
        data = connection.recv(65536)
    except BlockingIOError:
        return False
    except ConnectionResetError:
        conversation.was_closed = True
        return False
    if not data:
        conversation.was_closed = True
        return False
    conversation.received += data
    return True


def parse(data, is_over):
    """(the first answer in `data`, the bytes after it); (None, data) while its head is not whole."""
    head, found, rest = data.partition(b"\r\n\r\n")
    if not found:
        return None, b""
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1])
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
    lower = {name.lower(): value for name, value in headers}
    if status < 200 or status in (204, 304):
        return RawAnswer(status, headers, b"", True), rest
    if lower.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while True:
            size_line, found, after = rest.partition(b"\r\n")
            if not found:
                return RawAnswer(status, headers, body, False), b""
            size = int(size_line.split(b";")[0], 16)
            if len(after) < size + 2:
                return RawAnswer(status, headers, body + after[:size], False), b""
            body, rest = body + after[:size], after[size + 2 :]
            if size == 0:
                return RawAnswer(status, headers, body, True), rest
    if "content-length" in lower:
        length = int(lower["content-length"])
        return RawAnswer(status, headers, rest[:length], len(rest) >= length), rest[length:]
    return RawAnswer(status, headers, rest, is_over), b""


def request(method, target, headers=(), body=b"", host="latchkey.test"):
    """The bytes of a request; Content-Length only when there is a body and `headers` say nothing about its length."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    named = {name.lower() for name, _ in headers}
    if body and not named & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
