"""Everything that a Latchkey server answered during the run, so that the last tests can judge all of it at once.

The headers test, the OpenAPI test and the planted-secrets test look at the answers of every other test; a route that
only misbehaves in one odd corner is caught by them without a test of its own.
"""

import threading
from dataclasses import dataclass

# Longer bodies are cut: nothing that Latchkey itself says is that long, only what an upstream says.
KEPT = 256 * 1024


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str  # with its query
    status: int
    headers: tuple  # of (name, value), in order, so that a header sent twice is seen twice
    body: bytes
    is_whole: bool  # False when the body was streamed, cut, or never read to its end
    through_upstream: bool = False  # True when the body was made by an upstream, not by Latchkey

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return values[0] if values else None

    @property
    def media_type(self):
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    def __str__(self):
        return f"{self.method} {self.path[:120]} -> {self.status}"


_lock = threading.Lock()
exchanges = []


def is_recorded(server):
    """Whether what answers here is a Latchkey server; what stands in front of one adds headers of its own."""
    return getattr(server, "is_latchkey", True)


def record(method, path, status, headers, body, is_whole=True, through_upstream=False):
    exchange = Exchange(
        method.upper(),
        path,
        status,
        tuple((str(k), str(v)) for k, v in headers),
        bytes(body[:KEPT]),
        is_whole and len(body) <= KEPT,
        through_upstream,
    )
    with _lock:
        exchanges.append(exchange)
    return exchange


def record_requests(response, is_whole=True, through_upstream=False):
    """Records an answer of the `requests` package."""
    headers = list(response.raw.headers.items())
    path = response.request.path_url
    body = response.content if is_whole else b""
    return record(response.request.method, path, response.status_code, headers, body, is_whole, through_upstream)


def record_httpx(response):
    """Records an answer of the httpx that the `openai` package carries; its body must have been read."""
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw]
    path = response.request.url.raw_path.decode("ascii")
    return record(response.request.method, path, response.status_code, headers, response.content)
