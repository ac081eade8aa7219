"""Where a call comes from: the socket's peer, or what trusted proxies say, and nothing that a caller can write
(design §6; ASVS 4.1.3, 15.3.4; checklist row 33).

The address is looked at where it matters: by a key with an allowlist, in the audit record, and by the throttle of the
sign-in. Garbage makes the address unknown, and nobody unknown is on any list.
"""

import json
import time

import pytest

from client import Client, elsewhere, exact, expect, unique
from key_calls import audited
from nginx import Nginx
from raw_http import converse, request
from server import DidNotStart

EVERYONE = ["0.0.0.0/0", "::/0"]
CALLER = "203.0.113.7"
LIE = "198.51.100.9"
UNKNOWN = "unknown"

# What a caller might write, hoping that somebody reads it.
NEVER_READ = [
    ("Forwarded", f"for={LIE}"),
    ("Forwarded", f'for="{LIE}";proto=https;by=10.0.0.1'),
    ("X-Real-IP", LIE),
    ("X_Forwarded_For", LIE),
    ("X-Forwarded_For", LIE),
    ("X_Forwarded-For", LIE),
    ("X.Forwarded.For", LIE),
    ("X-Forwarded", LIE),
    ("Forwarded-For", LIE),
    ("X-Forwarded-For-", LIE),
    ("X-Forwarded-Host", LIE),
    ("X-Original-Forwarded-For", LIE),
    ("X-Client-IP", LIE),
    ("Client-IP", LIE),
    ("True-Client-IP", LIE),
    ("CF-Connecting-IP", LIE),
    ("Fly-Client-IP", LIE),
    ("Fastly-Client-IP", LIE),
    ("X-Cluster-Client-IP", LIE),
    ("X-ProxyUser-Ip", LIE),
    ("X-Remote-Addr", LIE),
    ("Remote-Addr", LIE),
    ("Via", f"1.1 {LIE}"),
]


def forwarded(*lines):
    return [("X-Forwarded-For", line) for line in lines]


class Fence:
    """A tenant behind some server, whose key is for one address at a time."""

    def __init__(self, deployment, door=None):
        self.deployment, self.door = deployment, door or deployment.server
        self.tenant = deployment.new_tenant()
        app = self.tenant.application()
        self.key = self.tenant.credential(app["id"])

    def _answer(self, method, path, token, headers, source, body=b""):
        whole = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"), *headers]
        sent = request(method, path, whole, body)
        return converse(self.door, sent, method=method, path=path, source=source).first

    def in_the_record(self, headers, source=None):
        """Which address the audit record has of a call with these headers."""
        path, name = f"/api/v1/credentials/{self.key['id']}", unique("from")
        answer = self._answer("PATCH", path, self.tenant.token, headers, source, json.dumps({"name": name}).encode())
        assert answer.status == 200, answer.body
        page = exact(expect(self.tenant.call("GET", "/api/v1/audit?limit=1"), 200))["items"]
        assert page[0]["detail"] == {"name": name}
        return page[0]["address"]

    def try_call(self, headers, source=None):
        return self._answer("GET", "/v1/models", self.key["token"], headers, source)

    def allow(self, *addresses):
        self.tenant.edit_credential(self.key["id"], ip_allowlist=list(addresses))

    def sees(self, address, headers, source=None):
        """Asserts that a call with these headers is one from `address`, to the gateway and to the record."""
        assert self.in_the_record(headers, source) == address
        if address == UNKNOWN:
            self.allow(*EVERYONE)
        else:
            self.allow(address)
        answer = self.try_call(headers, source)
        if address == UNKNOWN:
            assert answer.status == 403 and answer.header("X-Latchkey-Code") == "ip_not_allowed", answer.body
        else:
            assert answer.status == 200, f"{address} was not let in: {answer.body}"
            self.allow(LIE if address != LIE else CALLER)
            assert self.try_call(headers, source).status == 403


@pytest.fixture(scope="module")
def fence(_proxied):
    """Behind proxies at 127.0.0.1, 127.0.0.2, 10.0.0.0/8 and 2001:db8:cafe::/48."""
    return Fence(_proxied)


@pytest.fixture(scope="module")
def bare(_deployment):
    """On a server that trusts nobody."""
    return Fence(_deployment)


# What a trusted peer says


@pytest.mark.parametrize(
    "lines, address",
    [
        ([], "127.0.0.1"),
        ([CALLER], CALLER),
        ([f" \t {CALLER} \t "], CALLER),
        ([f"{LIE}, {CALLER}"], CALLER),
        ([f"{LIE},{LIE},{CALLER}"], CALLER),
        ([f"{CALLER}, 10.1.2.3"], CALLER),
        ([f"{CALLER},127.0.0.2,10.255.255.255"], CALLER),
        ([f"{LIE}, {CALLER}, 10.1.2.3, 127.0.0.2"], CALLER),
        ([f"10.1.2.3, {CALLER}"], CALLER),
        ([f"garbage, , 1.2.3.4:5, {CALLER}, 10.1.2.3"], CALLER),
        ([LIE, CALLER], CALLER),
        ([LIE, f"{CALLER}, 10.1.2.3"], CALLER),
        ([f"{LIE}, {CALLER}", "10.1.2.3", "127.0.0.2"], CALLER),
        (["", CALLER], CALLER),
        (["garbage", CALLER], CALLER),
        (["10.1.2.3"], "10.1.2.3"),
        (["10.1.2.3, 127.0.0.2, 10.4.5.6"], "10.1.2.3"),
        (["10.1.2.3", "127.0.0.2"], "10.1.2.3"),
        (["2001:db8::7"], "2001:db8::7"),
        (["2001:0DB8:0:0:0:0:0:7"], "2001:db8::7"),
        (["2001:db8::7, 2001:db8:cafe::1"], "2001:db8::7"),
        (["2001:db8::7, 2001:db8:cafd::1"], "2001:db8:cafd::1"),
        ([f"{LIE}, 2001:db8::7, 10.1.2.3"], "2001:db8::7"),
        (["::ffff:203.0.113.7"], CALLER),
        (["::ffff:cb00:7107"], CALLER),
        ([f"{CALLER}, ::ffff:10.1.2.3"], CALLER),
        ([f"{CALLER}, 11.1.2.3"], "11.1.2.3"),
        ([f"{CALLER}, 127.0.0.3"], "127.0.0.3"),
    ],
    ids=str,
)
def test_a_trusted_list_is_walked_from_the_right(proxied, fence, lines, address):
    """Past the hops that are ours, to the first that is not; several lines are one list (ASVS 4.1.3)."""
    fence.sees(address, forwarded(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        [""],
        [" "],
        [","],
        ["unknown"],
        ["_hidden"],
        ["localhost"],
        ["-"],
        ["null"],
        [f"{CALLER}:"],
        ["[2001:db8::7"],
        ["[2001:db8::7]:"],
        ["[203.0.113.7]:80"],
        [f"{CALLER}:65536"],
        ["2001:db8::7:443:1:2:3:4:5"],
        ["2001:db8::7%eth0"],
        [f"{CALLER}/32"],
        [f'"{CALLER}"'],
        [f"for={CALLER}"],
        [f"{CALLER} {LIE}"],
        [f"{CALLER};{LIE}"],
        ["203.0.113"],
        ["203.0.113.7.1"],
        ["203.0.113.007"],
        ["256.0.113.7"],
        ["0xcb007107"],
        ["3405803783"],
        ["1::2::3"],
        ["::ffff:203.0.113"],
        [f"{CALLER},"],
        [f"{CALLER}, "],
        [f"{CALLER}, ,10.1.2.3"],
        [f"{CALLER}, unknown"],
        [f"{CALLER}, unknown, 10.1.2.3"],
        [f"{CALLER}, 10.1.2.3:x"],
        [f"{CALLER}, [2001:db8:cafe::1"],
        [", 10.1.2.3"],
        [CALLER, ""],
        [CALLER, "garbage"],
        [CALLER, "garbage", "10.1.2.3"],
        ["9" * 4000],
        ["a" * 4000 + ", 10.1.2.3"],
    ],
    ids=lambda lines: str(lines)[:50],
)
def test_garbage_is_nobody(proxied, fence, lines):
    """Where the walk meets what is no address it ends, and no list has who it is; not even one of everybody
    (ASVS 4.1.3)."""
    fence.sees(UNKNOWN, forwarded(*lines))


@pytest.mark.parametrize("header", NEVER_READ, ids=str)
def test_no_other_header_is_read_from_a_proxy_either(proxied, fence, header):
    """One that a proxy doesn't know would pass through it as the caller wrote it (ASVS 4.1.3)."""
    fence.sees("127.0.0.1", [header])
    fence.sees(CALLER, [header, *forwarded(CALLER)])
    fence.sees(CALLER, [*forwarded(CALLER), header])


@pytest.mark.parametrize("name", ["x-forwarded-for", "X-FORWARDED-FOR", "x-Forwarded-FOR"])
def test_its_name_is_read_in_any_case(proxied, fence, name):
    fence.sees(CALLER, [(name, CALLER)])
    fence.sees(CALLER, [("X-Forwarded-For", LIE), (name, CALLER)])


def test_very_long_lists(proxied, fence):
    """Read to the client and no further, in no time; what is too long for a header is refused as such."""
    fence.sees(CALLER, forwarded(", ".join([LIE] * 400 + [CALLER])))
    fence.sees(CALLER, forwarded(", ".join([LIE, CALLER] + ["10.1.2.3"] * 400)))
    fence.sees("10.0.0.1", forwarded(", ".join(["10.0.0.1"] + ["10.1.2.3"] * 400)))
    fence.sees(CALLER, forwarded(LIE, CALLER, *["10.1.2.3"] * 40))
    fence.sees(UNKNOWN, forwarded("," * 5000))
    fence.allow(LIE)
    began = time.monotonic()
    huge = fence.try_call(forwarded(", ".join([LIE] * 100_000)))
    assert huge.status == 431, huge.body
    assert time.monotonic() - began < 5


# What anybody else says


@pytest.mark.parametrize("source", ["127.0.0.3", "127.0.0.9", "127.1.0.1"])
@pytest.mark.parametrize("headers", [*([header] for header in NEVER_READ[:6]), forwarded(LIE)], ids=str)
def test_an_untrusted_peer_is_its_own_address(proxied, fence, source, headers):
    fence.sees(source, headers, source)


@pytest.mark.parametrize(
    "lines",
    [
        [LIE],
        [f"{LIE}, 10.1.2.3, 127.0.0.1"],
        ["10.1.2.3"],
        ["127.0.0.1"],
        [LIE, "127.0.0.1"],
        ["garbage"],
        [""],
        ["::1"],
        ["2001:db8:cafe::1"],
        [", ".join(["127.0.0.1"] * 400)],
    ],
    ids=lambda lines: str(lines)[:50],
)
def test_its_list_is_not_read(proxied, fence, bare, lines):
    """Neither from a peer that is no proxy, nor by a server that has none; so garbage does it no harm either.
    (ASVS 4.1.3, 15.3.4)"""
    fence.sees("127.0.0.9", forwarded(*lines), "127.0.0.9")
    bare.sees("127.0.0.9", forwarded(*lines), "127.0.0.9")
    bare.sees("127.0.0.1", forwarded(*lines))


@pytest.mark.parametrize("header", NEVER_READ, ids=str)
def test_a_server_without_proxies_reads_no_header(bare, header):
    bare.sees("127.0.0.1", [header, *forwarded(LIE)])


def test_every_trusted_peer_is_believed(proxied, fence):
    """127.0.0.2 is one as well; 127.0.0.3 is none."""
    fence.sees(CALLER, forwarded(CALLER), "127.0.0.2")
    fence.sees(CALLER, forwarded(f"{CALLER}, 127.0.0.1"), "127.0.0.2")
    fence.sees("127.0.0.3", forwarded(CALLER), "127.0.0.3")


def test_the_log_tells_peer_and_client_apart(proxied, fence):
    address = "203.0.113.191"
    fence.allow(LIE)
    assert fence.try_call(forwarded(address)).status == 403
    lines = [line for line in proxied.server.stderr.splitlines() if f"client={address}" in line]
    assert lines and all("peer=127.0.0.1" in line and "status=403" in line for line in lines)


# The throttle of the sign-in


def attempts(client, email, addresses):
    """The statuses of wrong sign-ins, one for each X-Forwarded-For."""
    body = {"email": email, "password": "a wrong password"}
    return [
        client.call("POST", "/api/v1/sessions", json=body, headers={"X-Forwarded-For": address}).status_code
        for address in addresses
    ]


@pytest.fixture
def owner(proxied):
    """Somebody whose password is being guessed."""
    return proxied.new_tenant(credits=None).person


def can_sign_in(owner, address):
    return owner.try_sign_in(headers={"X-Forwarded-For": address}).status_code == 201


def test_a_lie_does_not_go_around_the_throttle(proxied, owner):
    """A new address in the header with every guess, from a peer that nobody trusts: it is one source all the same, and
    shuts out nobody but itself (ASVS 6.3.1)."""
    guesser = elsewhere(proxied.server)
    lies = [f"203.0.113.{number}" for number in range(12)]
    assert attempts(guesser, owner.email, lies) == [401] * 10 + [429] * 2
    assert attempts(guesser, owner.email, ["127.0.0.1", "garbage"]) == [429, 429]
    assert can_sign_in(owner, "203.0.113.200")


def test_a_lie_to_a_proxy_does_not_go_around_it_either(proxied, owner):
    """What stands left of the address that the proxy added is the caller's own invention."""
    client = Client(proxied.server)
    lies = [f"198.51.100.{number}, 192.0.2.66, 10.0.0.1" for number in range(12)]
    assert attempts(client, owner.email, lies) == [401] * 10 + [429] * 2
    assert can_sign_in(owner, "192.0.2.67")
    assert not can_sign_in(owner, "192.0.2.66")
    assert not can_sign_in(owner, "::ffff:192.0.2.66"), "the same address"


def test_callers_behind_one_proxy_are_counted_apart(proxied, owner):
    """One who guesses shuts out none of the others."""
    client = Client(proxied.server)
    assert attempts(client, owner.email, ["192.0.2.70"] * 11) == [401] * 10 + [429]
    assert attempts(client, owner.email, [f"192.0.2.{number}" for number in range(71, 83)]) == [401] * 12
    assert can_sign_in(owner, "192.0.2.99")


def test_garbage_is_one_source(proxied, owner):
    """Who makes the address unknown doesn't become somebody new each time, and takes nothing from those who are known
    (ASVS 6.3.1)."""
    client = Client(proxied.server)
    garbage = [f"garbage-{number}" for number in range(8)] + ["", "192.0.2.80:", "192.0.2.80:x", "[::1"]
    assert attempts(client, owner.email, garbage) == [401] * 10 + [429] * 2
    assert can_sign_in(owner, "192.0.2.81")


def test_an_ipv6_network_is_one_source(proxied, owner):
    """A customer has at least a /64 to choose addresses from."""
    client = Client(proxied.server)
    addresses = [f"2001:db8:1:1:{number:x}::{number:x}" for number in range(1, 13)]
    assert attempts(client, owner.email, addresses) == [401] * 10 + [429] * 2
    assert can_sign_in(owner, "2001:db8:1:2::1")


def test_the_sign_in_itself_is_recorded_with_its_address(proxied):
    """Also that of a re-authentication: who looks for a stranger in the record finds where they came from."""
    tenant = proxied.new_tenant(credits=None)
    person = tenant.person
    headers = {"X-Forwarded-For": f"{LIE}, 192.0.2.90"}
    expect(person.try_sign_in(headers=headers), 201)
    assert audited(tenant, "session.create")[-1]["address"] == "192.0.2.90"
    answer = expect(person.try_reauthenticate(headers={"X-Forwarded-For": "2001:db8::90"}), 200)
    person.take(answer)
    assert audited(tenant, "session.reauthenticate")[-1]["address"] == "2001:db8::90"


# The setting


@pytest.mark.parametrize(
    "value",
    ["localhost", "10.0.0.0/33", "10.0.0.1;10.0.0.2", "10.0.0.1,", ",", "10.0.0.1:80", "*", "10.0.0.1 10.0.0.2", "all"],
)
def test_a_bad_list_of_proxies_stops_the_start(own_server, value):
    """A misread list would trust the wrong ones, or none, without a word."""
    with pytest.raises(DidNotStart) as failure:
        own_server(settings={"LATCHKEY_LISTEN_TRUSTED_PROXIES": value}).start()
    assert failure.value.code != 0
    assert "LATCHKEY_LISTEN_TRUSTED_PROXIES" in failure.value.stderr + failure.value.stdout


# Behind a real nginx


@pytest.fixture
def run_nginx(home):
    """Starts one nginx after another, and stops them all."""
    made = []

    def run(target, address="127.0.0.1"):
        made.append(Nginx(home / f"nginx-{len(made)}", target, address))
        return made[-1]

    yield run
    for each in reversed(made):
        each.close()


SPOOFS = [
    [],
    forwarded(LIE),
    forwarded("127.0.0.1"),
    forwarded(f"{LIE}, 10.1.2.3, 127.0.0.1"),
    forwarded(LIE, "10.1.2.3"),
    forwarded("127.0.0.1", "127.0.0.2"),
    forwarded("garbage"),
    forwarded(""),
    forwarded("[::1]:80"),
    forwarded(", ".join([LIE] * 300)),
    [("x-forwarded-for", LIE)],
    [("X_Forwarded_For", LIE)],
    [("X-Forwarded_For", LIE), *forwarded(LIE)],
    [("Forwarded", f"for={LIE}"), ("X-Real-IP", LIE), ("X-Client-IP", LIE)],
]


def test_behind_nginx_a_caller_is_who_called_nginx(proxied, run_nginx):
    """`proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for`, as everybody writes it, and a caller that tries
    all of it: to the key, to the record and to the throttle it is the address that nginx was called from
    (ASVS 4.1.3)."""
    front = run_nginx(proxied.server.url)
    fence = Fence(proxied, door=front)
    for headers in SPOOFS:
        for source in ("127.0.0.9", "127.0.0.77"):
            fence.sees(source, headers, source)
    owner = proxied.new_tenant(credits=None).person
    guesser = Client(front, source="127.0.0.78")
    lies = [f"203.0.113.{number}" for number in range(12)]
    assert attempts(guesser, owner.email, lies) == [401] * 10 + [429] * 2
    assert expect(
        Client(front, source="127.0.0.79").call(
            "POST", "/api/v1/sessions", json={"email": owner.email, "password": owner.password}
        ),
        201,
    )


def test_behind_two_of_them(proxied, run_nginx):
    """The outer one calls from 127.0.0.2, the inner one from 127.0.0.1; both are trusted, and the list is walked past
    both. Who calls the inner one directly is seen as well."""
    inner = run_nginx(proxied.server.url)
    outer = run_nginx(inner.url, address="127.0.0.2")
    through_both, through_one = Fence(proxied, door=outer), Fence(proxied, door=inner)
    for headers in SPOOFS:
        through_both.sees("127.0.0.9", headers, "127.0.0.9")
        through_one.sees("127.0.0.9", headers, "127.0.0.9")


def test_an_nginx_that_is_not_trusted_is_the_caller(deployment, proxied, run_nginx):
    """One that calls from an address that is not on the list speaks for nobody but itself."""
    stranger = Fence(proxied, door=run_nginx(proxied.server.url, address="127.0.0.3"))
    nobody = Fence(deployment, door=run_nginx(deployment.server.url))
    for headers in SPOOFS:
        stranger.sees("127.0.0.3", headers, "127.0.0.9")
        nobody.sees("127.0.0.1", headers, "127.0.0.9")
