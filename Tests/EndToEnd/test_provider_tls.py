"""TLS to providers: whose certificates are believed, and what the log says of one that is not (issue 9, C4)."""

import socket
import threading

import pytest

from authority import Authority, SecureUpstream
from client import expect, in_parallel, unique
from server import run_command
from shapes import openai_error
from waiting import wait_for


@pytest.fixture(scope="module")
def authorities(homes):
    folder = homes / "authorities"
    folder.mkdir()
    return Authority(folder, "ours"), Authority(folder, "another")


@pytest.fixture
def secure():
    made = []

    def make(*arguments, **keywords):
        made.append(SecureUpstream(*arguments, **keywords))
        return made[-1]

    yield make
    for each in made:
        each.close()


class Provider:
    """A provider at an address, its one model, and a tenant's key for it."""

    def __init__(self, deployment, url):
        self.deployment, self.model = deployment, unique("model")
        body = {"name": unique("provider"), "kind": "openai", "base_url": url}
        provider = expect(deployment.call("POST", "/api/v1/providers", json=body), 201).json()
        body = {"provider_id": provider["id"], "name": self.model}
        expect(deployment.call("POST", "/api/v1/models", json=body), 201)
        self.tenant = deployment.new_tenant()
        self.key = self.tenant.key(self.tenant.application(model=self.model)["id"])

    def call(self):
        return self.deployment.client.chat(self.key, model=self.model)

    def answers(self):
        answer = expect(self.call(), 200).json()
        assert answer["choices"][0]["message"]["content"] == "told in confidence"

    def said(self):
        return [
            line
            for line in self.deployment.server.stderr.splitlines()
            if "an upstream failed" in line and self.model in line
        ]

    def fails(self, reason):
        """The caller hears that it failed and pays nothing; the log says why."""
        before = self.tenant.balance()
        openai_error(self.call(), 502, "upstream_failed")
        assert self.tenant.settled()["balance"] == before
        (line,) = wait_for("a line of the log", lambda: self.said() or None)
        assert reason in line, line
        assert "Error" not in line and "NIO" not in line
        # Nothing of what the other side said.
        assert "ours" not in line and "certified" not in line


@pytest.fixture(scope="module")
def trusting(homes, authorities):
    """A deployment that trusts our own authority besides the system's."""
    from deployment import Deployment

    made = Deployment(homes / "trusting", {"LATCHKEY_GATEWAY_CA_FILE": authorities[0].file})
    yield made
    made.close()


def url(upstream, host="localhost", scheme="https"):
    return f"{scheme}://{host}:{upstream.server_port}/v1"


def test_an_authority_can_be_added(trusting, authorities, secure):
    upstream = secure(authorities[0].certify("certified"))
    Provider(trusting, url(upstream)).answers()
    Provider(trusting, url(secure(authorities[0].certify("certified-ip", "127.0.0.1")), "127.0.0.1")).answers()


def test_without_it_the_log_names_an_unknown_issuer(deployment, authorities, secure):
    Provider(deployment, url(secure(authorities[0].certify("certified-0")))).fails("unknown issuer")


WRONG = {
    "expired": ({"begin": -9, "end": -2}, "has expired, on 20"),
    "not yet valid": ({"begin": 2, "end": 9}, "is not valid before 20"),
    "another host": ({"host": "elsewhere.example"}, "for another host name than localhost"),
}


@pytest.mark.parametrize("fields, reason", WRONG.values(), ids=WRONG)
def test_the_log_says_what_is_wrong_with_a_certificate(trusting, authorities, secure, fields, reason):
    Provider(trusting, url(secure(authorities[0].certify("certified-1", **fields)))).fails(reason)


def test_the_log_says_what_is_wrong_with_an_address(trusting, authorities, secure):
    certificate = authorities[0].certify("certified-2", "127.0.0.2")
    Provider(trusting, url(secure(certificate), "127.0.0.1")).fails("for another host name than 127.0.0.1")


def test_the_log_says_what_is_wrong_with_a_connection(trusting, secure):
    Provider(trusting, url(secure())).fails("does not speak TLS")
    Provider(trusting, url(secure(hangs_up=True))).fails("broke off the TLS handshake")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"https://127.0.0.1:{unused.getsockname()[1]}/v1"
        Provider(trusting, closed).fails("Connection refused")
    Provider(trusting, "https://nowhere.invalid/v1").fails("no address was found for the host name nowhere.invalid")


def test_a_certificate_is_looked_at_once_however_many_calls_fail(trusting, authorities, secure):
    """Otherwise every call to a provider with a bad certificate would be two connections."""
    upstream = secure(authorities[1].certify("certified-3"))
    provider = Provider(trusting, url(upstream))
    for answer in in_parallel(lambda _: provider.call(), range(12), threads=6):
        openai_error(answer, 502, "upstream_failed")
    assert len(wait_for("the log", lambda: provider.said() if len(provider.said()) == 12 else None)) == 12
    assert all("unknown issuer" in line for line in provider.said())
    assert upstream.connections <= 12 + 1


def test_a_look_at_a_certificate_waits_for_nobody(quick, authorities):
    """The second connection gets no answer: the caller hears of the failure all the same, in time."""
    context_holder = SecureUpstream(authorities[1].certify("certified-4"))
    seen = []
    original = context_holder.finish_request
    silent = threading.Event()

    def once(request, address):
        seen.append(address)
        original(request, address) if len(seen) == 1 else silent.wait(20)

    context_holder.finish_request = once
    try:
        provider = Provider(quick, url(context_holder))
        openai_error(provider.call(), 502, "upstream_failed")
        (line,) = wait_for("a line of the log", lambda: provider.said() or None)
        assert "a second look failed" in line
    finally:
        silent.set()
        context_holder.close()


def test_ssl_cert_file_takes_the_place_of_the_systems(own_deployment, authorities, secure):
    """As everywhere; and the setting still adds to it."""
    ours, another = authorities
    by_us, by_another = secure(ours.certify("certified-5")), secure(another.certify("certified-6"))
    replaced = own_deployment("replaced", {"SSL_CERT_FILE": ours.file})
    Provider(replaced, url(by_us)).answers()
    Provider(replaced, url(by_another)).fails("unknown issuer")
    both = own_deployment("both", {"SSL_CERT_FILE": ours.file, "LATCHKEY_GATEWAY_CA_FILE": another.file})
    Provider(both, url(by_us)).answers()
    Provider(both, url(by_another)).answers()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "LATCHKEY_GATEWAY_CA_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "malformed"])
def test_a_file_of_authorities_that_cannot_be_used_stops_the_start_by_name(home, name, content):
    file = home / "ca.pem"
    if content:
        file.write_text(content)
    finished = run_command(home, ["serve", "--data-dir", home / "data", "--port", "0"], settings={name: file})
    assert finished.returncode == 78
    assert str(file) in finished.stderr and name in finished.stderr
