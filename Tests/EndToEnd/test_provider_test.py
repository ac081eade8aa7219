"""The test of a provider: what it says of upstreams that are really there, really broken, or not there at all."""

import re
import socket
import time

import pytest

import planted
from authority import Authority
from client import absent_id, expect, new_password, unique
from models_there import SECRET_PLACE, ModelsThere
from operations import load
from server import REPOSITORY
from shapes import problem


@pytest.fixture
def there():
    made = []

    def make(**keywords):
        made.append(ModelsThere(**keywords))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def secret():
    return planted.plant("provider secret", unique("provider-secret") + new_password())


def provider(deployment, url, secret=None):
    body = {"name": unique("provider"), "kind": "openai", "base_url": url} | ({"secret": secret} if secret else {})
    return expect(deployment.call("POST", "/api/v1/providers", json=body), 201).json()


def outcome(deployment, url, secret=None):
    made = provider(deployment, url, secret)
    answer = expect(deployment.call("POST", f"/api/v1/providers/{made['id']}/test"), 200)
    if secret:
        assert secret not in answer.text
    return answer.json()


def test_a_good_one_is_told_with_its_models(deployment, there, secret):
    upstream = there(names=["gpt-4o", "o3", "<b>no name</b>"] + [f"m{i}" for i in range(20)])
    found = outcome(deployment, upstream.url(), secret)
    assert found.pop("duration_ms") < 10_000
    assert found == {
        "reachable": True,
        "status": 200,
        "model_count": 23,
        "models": ["gpt-4o", "o3"] + [f"m{i}" for i in range(8)],
        "fault": None,
        "detail": None,
    }
    assert upstream.asked == [("/v1/models", "Bearer " + secret)]


BROKEN = {
    "401": ({"status": 401, "body": b'{"error": "inside-information"}'}, 401, "credential_refused"),
    "403": ({"status": 403, "body": b"no"}, 403, "credential_refused"),
    "404": ({"status": 404, "body": b"no"}, 404, "no_model_list"),
    "429": ({"status": 429, "body": b""}, 429, "rate_limited"),
    "503": ({"status": 503, "body": b""}, 503, "server_error"),
    "422": ({"status": 422, "body": b""}, 422, "unexpected_status"),
    "elsewhere": ({"status": 302, "body": b"", "fields": {"location": "/inside-information"}}, 302, "redirected"),
    "a page": ({"body": b"<html>inside-information</html>"}, 200, "not_openai"),
    "other JSON": ({"body": b'{"inside-information": []}'}, 200, "not_openai"),
    "too much": ({"names": ["m" * 90] * 800}, 200, "answer_too_large"),
}


@pytest.mark.parametrize("how, status, fault", BROKEN.values(), ids=BROKEN)
def test_a_wrong_answer_is_told_in_our_own_words(deployment, there, secret, how, status, fault):
    made = provider(deployment, there(**how).url(), secret)
    answer = expect(deployment.call("POST", f"/api/v1/providers/{made['id']}/test"), 200)
    assert "inside-information" not in answer.text and secret not in answer.text
    found = answer.json()
    assert (found["reachable"], found["status"], found["fault"]) == (True, status, fault)
    assert found["model_count"] is None and found["models"] == [] and found["detail"].endswith(".")


def test_an_upstream_that_answers_with_the_secret_is_not_repeated(deployment, there, secret):
    upstream = there(body=('{"data": [{"id": "%s"}, {"id": "x-%s"}, {"id": "o3"}]}' % (SECRET_PLACE, SECRET_PLACE)).encode())
    found = outcome(deployment, upstream.url(), secret)
    assert found["model_count"] == 3 and found["models"] == ["o3"]


def test_nobody_there(deployment, secret):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        found = outcome(deployment, f"http://127.0.0.1:{unused.getsockname()[1]}/v1", secret)
    assert (found["reachable"], found["status"], found["fault"]) == (False, None, "connection_refused")
    found = outcome(deployment, "http://nowhere.invalid/v1", secret)
    assert (found["reachable"], found["status"], found["fault"]) == (False, None, "name_not_found")


def test_one_that_is_too_slow(quick, there):
    began = time.monotonic()
    found = outcome(quick, there(delay=20).url())
    assert found["fault"] == "timed_out" and not found["reachable"]
    assert time.monotonic() - began < 12 and 0 < found["duration_ms"] < 12_000


def test_certificates(own_deployment, homes, there):
    folder = homes / "tested-authorities"
    folder.mkdir()
    ours, another = Authority(folder, "ours"), Authority(folder, "another")
    trusting = own_deployment("tested", {"LATCHKEY_GATEWAY_CA_FILE": ours.file})
    good = there(certificate=ours.certify("good"))
    assert outcome(trusting, good.url("localhost", "https"))["fault"] is None
    for certificate, fault in (
        (ours.certify("wrong-name", host="elsewhere.example"), "certificate_for_other_name"),
        (ours.certify("expired", begin=-9, end=-2), "certificate_expired"),
        (another.certify("unknown"), "certificate_untrusted"),
    ):
        upstream = there(certificate=certificate)
        found = outcome(trusting, upstream.url("localhost", "https"), "secret-for-nobody-else")
        assert (found["reachable"], found["fault"]) == (False, fault)
        assert upstream.asked == [], "nothing is sent to a stranger"
    assert outcome(trusting, there().url("localhost", "https"))["fault"] == "tls_failed"


def test_the_built_in_one_needs_nobody(deployment):
    echo = deployment.echo_provider()
    found = expect(deployment.call("POST", f"/api/v1/providers/{echo['id']}/test", json={}), 200).json()
    assert found == {
        "reachable": True,
        "status": None,
        "duration_ms": 0,
        "model_count": None,
        "models": [],
        "fault": None,
        "detail": None,
    }


def test_a_test_is_for_admins_takes_no_fields_and_is_paced(own_deployment):
    alone = own_deployment("paced-tests")
    path = f"/api/v1/providers/{alone.echo_provider()['id']}/test"
    problem(alone.new_tenant().person.call("POST", path), 403, "admin_only")
    problem(alone.call("POST", path, json={"base_url": "http://127.0.0.1"}), 400, "invalid_request")
    problem(alone.call("POST", f"/api/v1/providers/{absent_id()}/test"), 404, "not_found")
    before = len(alone.call("GET", "/api/v1/audit?limit=100").json()["items"])
    for _ in range(20):
        expect(alone.call("POST", path), 200)
    refusal = alone.call("POST", path)
    problem(refusal, 429, "too_many_tests")
    assert 1 <= int(refusal.headers["retry-after"]) <= 3
    # It changes nothing, so it is recorded nowhere.
    assert len(alone.call("GET", "/api/v1/audit?limit=100").json()["items"]) == before


def test_models_of_one_provider(deployment, there):
    made = provider(deployment, there().url())
    names = [unique("m") for _ in range(3)]
    for name in names:
        body = {"provider_id": made["id"], "name": name}
        model = expect(deployment.call("POST", "/api/v1/models", json=body), 201).json()
    path = f"/api/v1/models?provider_id={made['id']}&limit=2"
    first = expect(deployment.call("GET", path), 200).json()
    assert [item["name"] for item in first["items"]] == names[:0:-1]
    rest = expect(deployment.call("GET", f"{path}&cursor={first['next_cursor']}"), 200).json()
    assert [item["name"] for item in rest["items"]] == names[:1] and rest["next_cursor"] is None
    problem(deployment.call("GET", f"/api/v1/models?cursor={first['next_cursor']}"), 400, "invalid_request")
    assert expect(deployment.call("GET", f"/api/v1/models/{model['id']}"), 200).json() == model
    tenant = deployment.new_tenant()
    problem(tenant.person.call("GET", path), 403, "admin_only")
    problem(tenant.person.call("GET", f"/api/v1/models/{model['id']}"), 403, "admin_only")


def test_the_guide_says_what_to_do_about_each_fault():
    [section] = re.findall(
        r"^## The test of a provider$(.*?)^## ", (REPOSITORY / "docs/operating.md").read_text(), re.MULTILINE | re.DOTALL
    )
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)  # the head of the table, then its rows
    listed = load()["components"]["schemas"]["ProviderTest"]["properties"]["fault"]["enum"]
    assert [*told[1:], None] == listed and len(told) > 15
