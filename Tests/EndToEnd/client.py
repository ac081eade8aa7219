"""A thin client of the HTTP contract, on `requests`. It adds nothing to a call but the recording of its answer."""

import calendar
import hashlib
import http.cookiejar
import http.cookies
import itertools
import json as json_module
import random
import re
import string
import threading
import time
import uuid
from decimal import Decimal

import requests
from requests.adapters import HTTPAdapter

import planted
import recorder

MEMBER_SCOPES = [
    "applications:read",
    "credentials:read",
    "users:read",
    "catalog:read",
    "tokens:read",
    "usage:read",
]
ROOT_SCOPES = [
    "applications:write",
    "applications:delete",
    "credentials:write",
    "credentials:delete",
    "credentials:rotate",
    "credentials:verify",
    "users:write",
    "audit:read",
]
USER_SCOPES = MEMBER_SCOPES + ROOT_SCOPES
ADMIN_SCOPES = USER_SCOPES + ["catalog:write", "accounts:read", "accounts:write", "credits:write", "health:read"]

COOKIE = "__Host-latchkey"
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
TIMEOUT = 30

_numbers = itertools.count(1)


def unique(word):
    """A name that no other test of this run uses."""
    return f"{word}-{next(_numbers)}-{uuid.uuid4().hex[:6]}"


def new_email():
    return unique("person") + "@example.test"


def new_password():
    """A password that is nobody's: long, random, and so found again wherever it is written down."""
    return planted.plant("password", "".join(random.SystemRandom().choices(string.ascii_letters + string.digits, k=24)))


def absent_id():
    """A well-formed UUIDv7 of the present time that names nothing."""
    value = (int(time.time() * 1000) << 80) | (random.getrandbits(80) & ~(0xF << 76))
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def at(seconds_from_now):
    """A time as the contract writes it."""
    moment = time.time() + seconds_from_now
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)) + f".{int(moment % 1 * 1_000_000):06d}Z"


def seconds(text):
    """A time of the contract as seconds since 1970."""
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + text[19:-1])


class Literal(str):
    """A JSON value that is sent exactly as it is written here: `1e2` and `100.0` are one number and two literals."""


def as_json(value):
    """JSON text, with every digit of a Decimal and every character of a Literal; a float would lose some of them."""
    mark = "\u0001"  # nothing that a test sends as text

    def put(number):
        if isinstance(number, Decimal):
            return f"{mark}{number:f}{mark}"
        raise TypeError(f"{type(number).__name__} is no JSON value")

    def marked(part):
        if isinstance(part, Literal):
            return f"{mark}{part}{mark}"
        if isinstance(part, dict):
            return {name: marked(element) for name, element in part.items()}
        if isinstance(part, (list, tuple)):
            return [marked(element) for element in part]
        return part

    escaped = re.escape(json_module.dumps(mark)[1:-1])
    text = json_module.dumps(marked(value), default=put)
    return re.sub(f'"{escaped}(.*?){escaped}"', lambda found: json_module.loads(f'"{found.group(1)}"'), text)


def exact(response):
    """The JSON of an answer, with its fractions as Decimals: amounts are compared to the last digit."""
    return json_module.loads(response.text, parse_float=Decimal)


class _FromAddress(HTTPAdapter):
    """Calls from another of the loopback's addresses: to the server, another client."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **keywords):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **keywords)


class Client:
    """Calls one server. May be shared by threads: each has connections of its own."""

    def __init__(self, server, source=None):
        self.server = server
        self.source = source
        self._local = threading.local()

    @property
    def _session(self):
        # The server's address changes when it is restarted; connections to the old one are of no use.
        if getattr(self._local, "url", None) != self.server.url:
            session = requests.Session()
            session.trust_env = False
            # Cookies are put in by hand: the session cookie is `Secure`, and a cookie jar rightly keeps that off plain
            # HTTP.
            session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
            if self.source:
                session.mount("http://", _FromAddress(self.source))
            self._local.session, self._local.url = session, self.server.url
        return self._local.session

    def call(
        self,
        method,
        path,
        json=...,
        data=None,
        headers=None,
        token=None,
        stream=False,
        timeout=TIMEOUT,
        through_upstream=False,
    ):
        """`json` is sent as JSON (with `Decimal` and `Literal` for exact numbers), `data` as it is with the JSON
        content type unless `headers` name another."""
        headers = dict(headers or {})
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if json is not ...:
            data = as_json(json).encode("utf-8")
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogatepass")
        if data is not None and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        response = self._session.request(
            method,
            self.server.url + path,
            data=data,
            headers=headers,
            stream=stream,
            timeout=timeout,
            allow_redirects=False,
        )
        if recorder.is_recorded(self.server):
            recorder.record_requests(response, is_whole=not stream, through_upstream=through_upstream)
        return response

    def chat(
        self,
        key,
        text="hello",
        application=None,
        stream_to_caller=False,
        headers=None,
        timeout=TIMEOUT,
        through_upstream=False,
        **fields,
    ):
        """One chat call with an app's key. Fields go into the body; `messages` replaces the single user message."""
        path = (f"/apps/{application}" if application else "") + "/v1/chat/completions"
        body = {"messages": [{"role": "user", "content": text}]} | fields
        return self.call(
            "POST",
            path,
            json=body,
            token=key,
            stream=stream_to_caller,
            headers=headers,
            timeout=timeout,
            through_upstream=through_upstream,
        )


_sources = iter(f"127.{a}.{b}.{c}" for a in range(1, 255) for b in range(255) for c in range(1, 255))


def elsewhere(server):
    """A client at an address of the loopback that nobody has called from: to the throttle, a new source."""
    return Client(server, source=next(_sources))


def session_cookie(response):
    """The session cookie that an answer sets, as a Morsel with its attributes."""
    lines = [value for name, value in response.raw.headers.items() if name.lower() == "set-cookie"]
    assert len(lines) == 1, f"expected one Set-Cookie, got {len(lines)}"
    jar = http.cookies.SimpleCookie()
    jar.load(lines[0])
    assert list(jar) == [COOKIE], f"cookies set: {list(jar)}"
    return jar[COOKIE]


class Person:
    """Somebody with an e-mail address and a password, signed in or not."""

    def __init__(self, client, email, password):
        self.client, self.email, self.password = client, email, password
        self.cookie = self.csrf = None
        self.session = None

    def try_sign_in(self, password=None, code=None, **keywords):
        body = {"email": self.email, "password": self.password if password is None else password}
        body |= {} if code is None else {"code": code}
        return self.client.call("POST", "/api/v1/sessions", json=body, **keywords)

    def sign_in(self, code=None):
        return self.take(expect(self.try_sign_in(code=code), 201))

    def try_reauthenticate(self, password=None, code=None, **keywords):
        body = {"password": self.password if password is None else password}
        body |= {} if code is None else {"code": code}
        return self.call("POST", "/api/v1/sessions/current/reauthentication", json=body, **keywords)

    def reauthenticate(self, code=None):
        return self.take(expect(self.try_reauthenticate(code=code), 200))

    def fresh(self):
        """The same person with a session that may do everything: proved again when the last proof is minutes old."""
        if seconds(self.session["fresh_until"]) < self.client.server.now() + 60:
            proved = self.try_reauthenticate()
            # A session that has ended meanwhile can't be proved; then there is a new one.
            self.take(proved) if proved.status_code == 200 else self.sign_in()
        return self

    def another_session(self, code=None):
        """The same person in another browser."""
        return Person(self.client, self.email, self.password).sign_in(code)

    def take(self, response):
        """Goes on in the session that an answer has opened or made fresh."""
        self.cookie = planted.plant("session cookie", session_cookie(response).value)
        self.session = response.json()
        self.csrf = self.session["csrf_token"]
        return self

    def call(self, method, path, headers=None, csrf=True, **keywords):
        """A call with the session cookie, and with the CSRF token where the contract wants it."""
        headers = {"Cookie": f"{COOKIE}={self.cookie}"} | dict(headers or {})
        if csrf and method in UNSAFE:
            headers.setdefault("X-CSRF-Token", self.csrf)
        return self.client.call(method, path, headers=headers, **keywords)

    def sign_out(self):
        return self.call("DELETE", "/api/v1/sessions/current")

    def platform_token(self, scopes=None, name=None, expires_at=...):
        body = {"name": name or unique("token"), "scopes": USER_SCOPES if scopes is None else scopes}
        if expires_at is not ...:
            body["expires_at"] = expires_at
        created = expect(self.fresh().call("POST", "/api/v1/platform-tokens", json=body), 201).json()
        planted.plant("platform token", created["token"])
        return created


def expect(response, status):
    """The response, when it has this status; otherwise a failure that shows it."""
    asked = f"{response.request.method} {response.request.path_url}"
    if response.status_code != status:
        raise AssertionError(f"{asked}: expected {status}, got {response.status_code} {response.text[:2000]}")
    return response


def in_parallel(work, items, threads=16, deadline=120.0):
    """`work(item)` for all items, on threads that start together; the results in order. What one raises is raised."""
    items = list(items)
    results, errors = [None] * len(items), []
    todo = iter(list(enumerate(items)))
    lock, start = threading.Lock(), threading.Barrier(min(threads, len(items)))

    def run():
        start.wait(deadline)
        while True:
            with lock:
                at_index, item = next(todo, (None, None))
            if at_index is None:
                return
            try:
                results[at_index] = work(item)
            except BaseException as error:  # given to the test below
                errors.append(error)
                return

    workers = [threading.Thread(target=run, daemon=True) for _ in range(min(threads, len(items)))]
    end = time.monotonic() + deadline
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
        assert not worker.is_alive(), f"not done within {deadline} s"
    if errors:
        raise errors[0]
    return results


def key_cursor(key, value, sort="-created_at"):
    """A cursor of a list of keys without a filter, as if the page before had ended with this key."""
    mark = hashlib.sha256(f"{sort}\0\0\0\0\0\0".encode()).hexdigest()[:16]
    return f"{mark}.{key}.{value}"
