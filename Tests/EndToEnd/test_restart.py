"""Restart, after SIGTERM and after kill -9: everything is there, keys work, deleted keys don't (invariants 7, 11)."""

import threading

import pytest

from client import Client, expect
from deployment import CAT, all_items
from shapes import openai_error, problem
from waiting import wait_for


def everything(deployment, tenant):
    """All that the tenant and the admin can read."""
    seen = {
        path: all_items(tenant.call, path)
        for path in ("/api/v1/applications", "/api/v1/credentials", "/api/v1/platform-tokens")
    }
    seen |= {
        path: all_items(deployment.call, path) for path in ("/api/v1/accounts", "/api/v1/providers", "/api/v1/models")
    }
    return seen


@pytest.mark.parametrize("way", ["SIGTERM", "kill -9"])
def test_everything_is_there_after_a_restart(own_deployment, upstream, way):
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(cap=5)
    cat = tenant.application("Cat", system_prompt=CAT, parameters={"temperature": 0.5})
    relayed = tenant.upstream_application()
    kept, deleted, relay = (
        tenant.credential(cat["id"], name="kept"),
        tenant.credential(cat["id"]),
        tenant.key(relayed["id"]),
    )
    tenant.delete_credential(deleted["id"])
    gone = tenant.application("Gone")
    expect(tenant.call("DELETE", f"/api/v1/applications/{gone['id']}"), 204)
    signed_out = deployment.new_person(tenant.account["id"])
    expect(signed_out.sign_out(), 204)
    before = everything(deployment, tenant)

    if way == "SIGTERM":
        assert deployment.server.stop() == 0
    else:
        deployment.server.kill()
    deployment.server.start()

    assert everything(deployment, tenant) == before
    client = deployment.client
    answer = expect(client.chat(kept["token"], "hi"), 200).json()
    assert answer["choices"][0]["message"]["content"] == "Meow! You said: hi. Purr."
    # The provider's sealed secret opens again.
    assert client.chat(relay, model="json", through_upstream=True).status_code == 200
    openai_error(client.chat(deleted["token"]), 401, "invalid_api_key", denial="invalid_key")
    # Sessions and what was signed out survive as well.
    current = expect(tenant.person.call("GET", "/api/v1/sessions/current"), 200).json()
    assert current["csrf_token"] == tenant.person.csrf, "the CSRF token of an open page has to stay valid"
    problem(signed_out.call("GET", "/api/v1/sessions/current"), 401, "unauthenticated")
    # Creations before the restart still count: two of ten were the kept and the deleted, one the relay's.
    statuses = []
    for _ in range(9):
        made = tenant.try_credential(cat["id"])
        statuses.append(made.status_code)
        if made.status_code == 201:
            tenant.delete_credential(made.json()["id"])
    assert statuses == [201] * 7 + [429] * 2


@pytest.mark.race
def test_an_acknowledged_key_survives_a_crash_at_once(own_deployment):
    """The answer to a creation is a promise: the commit is durable before it. Killed right after, the key works."""
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    app = tenant.application()
    for _ in range(3):
        key = tenant.key(app["id"])
        deployment.server.kill()
        deployment.server.start()
        assert deployment.client.chat(key).status_code == 200


@pytest.mark.race
def test_an_acknowledged_deletion_survives_a_crash_at_once(own_deployment):
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    app = tenant.application()
    for _ in range(3):
        credential = tenant.credential(app["id"])
        assert deployment.client.chat(credential["token"]).status_code == 200
        tenant.delete_credential(credential["id"])
        deployment.server.kill()
        deployment.server.start()
        openai_error(deployment.client.chat(credential["token"]), 401, "invalid_api_key", denial="invalid_key")


@pytest.mark.race
def test_a_crash_in_the_middle_of_creations_leaves_whole_keys(own_deployment):
    """kill -9 while keys are being made: each acknowledged one works, the list and the day's count agree with it."""
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    app = tenant.application()
    acknowledged = []

    def create_until_it_breaks():
        try:
            while True:
                made = tenant.try_credential(app["id"])
                if made.status_code != 201:
                    return
                acknowledged.append(made.json())
        except OSError:  # the connection went with the server: what was meant to happen
            return

    creators = [threading.Thread(target=create_until_it_breaks) for _ in range(2)]
    for creator in creators:
        creator.start()
    wait_for("two keys", lambda: len(acknowledged) >= 2, interval=0.001)
    deployment.server.kill()
    for creator in creators:
        creator.join(30)
        assert not creator.is_alive()
    deployment.server.start()
    listed = {item["id"] for item in all_items(tenant.call, "/api/v1/credentials")}
    assert {credential["id"] for credential in acknowledged} <= listed
    assert len(listed) <= 10
    for credential in acknowledged:
        assert deployment.client.chat(credential["token"]).status_code == 200


def test_a_graceful_stop_lets_a_call_end(own_deployment, upstream):
    """SIGTERM in the middle of a stream: the caller gets all of it, then the server is gone."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.upstream_application()["id"])
    stream = deployment.client.chat(key, model="stream", stream=True, stream_to_caller=True, through_upstream=True)
    lines = stream.iter_lines()
    assert next(lines).startswith(b"data: ")
    ended = []
    stopping = threading.Thread(target=lambda: ended.append(deployment.server.stop()))
    stopping.start()
    rest = list(lines)
    stopping.join(30)
    assert ended == [0]
    assert b"data: [DONE]" in rest


def test_a_stopped_server_takes_no_calls(own_deployment):
    deployment = own_deployment()
    deployment.server.stop()
    assert not deployment.server.is_running
    with pytest.raises(OSError):
        Client(deployment.server).call("GET", "/healthz")
