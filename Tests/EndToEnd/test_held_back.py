"""Who loses a right while their call is still on its way has lost it for that call (invariant 7)."""

import json
import socket

import planted
from client import expect, new_email
from shapes import problem


class HeldBack:
    """A call whose head is sent, and whose body waits."""

    def __init__(self, server, method, path, body, headers):
        self.body = json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + self.body[:1])

    def finish(self):
        """Sends the rest; the status and the body of the answer."""
        self.socket.sendall(self.body[1:])
        answer = b""
        while piece := self.socket.recv(65536):
            answer += piece
        self.socket.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)


def test_a_token_that_is_deleted_while_its_call_waits_makes_no_key(deployment, tenant):
    app = tenant.application()
    headers = {"Authorization": f"Bearer {tenant.token}"}
    held = HeldBack(
        deployment.server, "POST", "/api/v1/credentials", {"application_id": app["id"], "name": "late"}, headers
    )
    expect(tenant.person.call("DELETE", f"/api/v1/platform-tokens/{tenant.token_id}"), 204)
    status, body = held.finish()
    assert (status, body["code"]) == (401, "unauthenticated")
    assert expect(tenant.person.call("GET", "/api/v1/credentials"), 200).json()["items"] == []


def test_who_is_demoted_while_their_call_waits_invites_nobody(deployment, tenant):
    path = f"/api/v1/accounts/{tenant.account['id']}"
    colleague = deployment.new_person(tenant.account["id"], role="root")
    answer = colleague.fresh().call(
        "POST", "/api/v1/platform-tokens", json={"name": "late", "scopes": ["users:write", "users:read"]}
    )
    token = planted.plant("platform token", expect(answer, 201).json()["token"])
    invitation = {"email": new_email(), "role": "member"}
    held = HeldBack(
        deployment.server, "POST", path + "/invitations", invitation, {"Authorization": f"Bearer {token}"}
    )
    demotion = tenant.person.fresh().call(
        "PATCH", f"{path}/users/{colleague.user['id']}", json={"role": "member"}
    )
    expect(demotion, 200)
    status, body = held.finish()
    assert (status, body["code"]) == (403, "root_only")
    found = expect(tenant.person.call("GET", path + "/invitations"), 200).json()["items"]
    assert invitation["email"] not in [each["email"] for each in found]
    problem(
        deployment.client.call("POST", path + "/invitations", json=invitation, token=token), 403, "root_only"
    )
