"""What the platform sets, no caller can set (invariant 9; ASVS 8.2.3, ASVS 15.3.3).

Every field that is the server's own is sent to every write operation of openapi.yaml, one at a time, beside a body that
is otherwise right: each is refused by name, and nothing has changed. A new write operation has to be added to BODIES, and
a field of a request that has the name of a server's own one to SETTABLE, or a test here is red.
"""

import pytest

import planted
from client import absent_id, expect, new_email, new_password, session_cookie, unique
from deployment import all_items
from operations import OPERATIONS
from shapes import problem, rule

LATER = "2099-01-01T00:00:00Z"

# Each is also sent as null. The values are such that taking one over would do something.
SERVER_OWNED = {
    "id": absent_id(),
    "user_id": absent_id(),
    "account_id": absent_id(),
    "application_id": absent_id(),
    "credential_id": absent_id(),
    "provider_id": absent_id(),
    "actor_id": absent_id(),
    "creator": absent_id(),
    "owner": absent_id(),
    "account": absent_id(),
    "user": {"admin": True},
    "role": "root",
    "admin": True,
    "is_admin": True,
    "isAdmin": True,
    "root": True,
    "email": "thief@example.test",
    "scopes": ["accounts:write"],
    "second_factor": False,
    "balance": 1_000_000,
    "held": 0,
    "available": 1_000_000,
    "used_amount": 0,
    "monthly_used": 0,
    "cost": 0,
    "credential_cap": 10,
    "default_group": "standard",
    "groups": ["standard"],
    "revealable_keys": True,
    "suspended": False,
    "retired": False,
    "token": "sk-000000000000000000000000000000000000000000000000000",
    "secret": "a secret of one's own choice",
    "secrets": [],
    "username": "somebody",
    "password": "somebody's password",
    "password_hash": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
    "phc": "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA",
    "type": "Identity",
    "kind": "grant",
    "hint": "sk-aaa…aa",
    "status": "active",
    "enabled": True,
    "reveal": "available",
    "reveals": 0,
    "revealed_at": LATER,
    "leak_reported_at": LATER,
    "has_secret": False,
    "created_at": LATER,
    "updated_at": LATER,
    "expires_at": LATER,
    "last_used_at": LATER,
    "ends_at": LATER,
    "safe_to_retire": True,
    "fresh_until": LATER,
    "idle_expires_at": LATER,
    "csrf_token": "csrf",
    "allowed": True,
    "charged": True,
    "charge_id": absent_id(),
    "hold_id": absent_id(),
    "sequence": 1,
    "hash": "0" * 64,
    "__proto__": {"admin": True},
}

# Which of these names a request may have after all. What is not here is refused.
SETTABLE = {
    "createCredential": {"application_id"},
    "updateCredential": {"enabled"},
    "revealCredential": {"password"},
    "explainCredential": {"application_id"},
    "reportLeak": {"token", "credential_id"},
    "verifyKey": {"application_id"},
    "createApplication": {"kind"},
    "createPlatformToken": {"scopes", "expires_at"},
    "createProvider": {"kind", "secret"},
    "updateProvider": {"secret"},
    "createModel": {"provider_id"},
    "updateGroup": {"retired"},
    "createAccount": {"credential_cap", "default_group", "groups"},
    "updateAccount": {"credential_cap", "default_group", "groups", "suspended"},
    "createInvitation": {"email", "role"},
    "updateUser": {"role"},
    "acceptInvitation": {"token", "password"},
    "acceptPasswordReset": {"token", "password"},
    "setUp": {"token", "email", "password"},
    "createSession": {"email", "password"},
    "reauthenticate": {"password"},
}


class World:
    """A tenant with one of everything, an admin, and for each operation who calls it with which right body."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.tenant = tenant = deployment.new_tenant("Assigned")
        self.person = tenant.person
        self.member = tenant.member()
        app = tenant.application()
        self.key = tenant.credential(app["id"], revealable=True)
        planted.plant("key", self.key["token"])
        model, group = deployment.new_model(), deployment.new_group()
        self.provider = self._provider()
        self.ids = {
            "application_id": app["id"],
            "credential_id": self.key["id"],
            "account_id": tenant.account["id"],
            "user_id": self.member.user["id"],
            "provider_id": self.provider["id"],
            "model_id": model["id"],
            "group": group["name"],
        }
        self.invitation = deployment.invite(tenant.account["id"], role="member")
        self.password = new_password()
        path = f"/api/v1/accounts/{tenant.account['id']}/users/{tenant.member().user['id']}/password-resets"
        self.reset = expect(self._admin("POST", path), 201).json()
        planted.plant("reset token", self.reset["token"])
        nobody, admin, session = deployment.client.call, self._admin, self._session
        # operationId: (who calls, a right body, what it is answered with when nothing is added to it)
        self.BODIES = {
            "createCredential": (session, {"application_id": app["id"], "name": "n"}, 201),
            "updateCredential": (session, {"name": "n"}, 200),
            "revealCredential": (session, {"password": self.person.password}, 200),
            "rotateCredential": (session, {"overlap_seconds": 60}, 200),
            "retireCredential": (session, {}, 200),
            "explainCredential": (session, {"address": "127.0.0.1"}, 200),
            "reportLeak": (session, {"credential_id": self.key["id"], "action": "rotate"}, 200),
            "verifyKey": (session, {"key": "sk-nothing", "application_id": app["id"]}, 200),
            "createApplication": (session, {"name": "n", "kind": "chat", "model": "echo"}, 201),
            "updateApplication": (session, {"name": "n"}, 200),
            "createPlatformToken": (session, {"name": "n", "scopes": ["usage:read"]}, 201),
            "createProvider": (
                admin,
                {"name": unique("p"), "kind": "openai", "base_url": "http://127.0.0.1:9/v1"},
                201,
            ),
            "updateProvider": (admin, {"name": unique("p")}, 200),
            "createModel": (admin, {"provider_id": model["provider_id"], "name": unique("m")}, 201),
            "createPrice": (admin, {"price": 7}, 201),
            "createGroup": (admin, {"name": unique("g"), "multiplier": 1}, 201),
            "updateGroup": (admin, {"retired": False}, 200),
            "createMultiplier": (admin, {"multiplier": 2}, 201),
            "previewMultiplier": (admin, {"multiplier": 2, "days": 1}, 200),
            "createAccount": (admin, {"name": "n"}, 201),
            "updateAccount": (admin, {"name": "n"}, 200),
            "createGrant": (admin, {"amount": 1}, 201),
            "createAdjustment": (admin, {"amount": 1, "reason": "n"}, 201),
            "createInvitation": (session, {"email": new_email(), "role": "member"}, 201),
            "updateUser": (session, {"role": "member"}, 200),
            "updateKeyPolicy": (session, {"revealable": True}, 200),
            "acceptInvitation": (nobody, {"token": self.invitation["token"], "password": self.password}, 201),
            "acceptPasswordReset": (nobody, {"token": self.reset["token"], "password": new_password()}, 204),
            "changePassword": (
                session,
                {"current_password": self.person.password, "new_password": self.person.password},
                204,
            ),
            "createPasswordReset": (admin, {}, 201),
            "beginTotp": (session, {}, 201),
            # Not the code that was begun with; there is no second factor, and so no codes.
            "confirmTotp": (session, {"code": "123456"}, 400),
            "createRecoveryCodes": (session, {}, 409),
            "setUp": (nobody, {"token": "lks-x", "email": new_email(), "password": new_password()}, 409),
            "createSession": (nobody, {"email": self.person.email, "password": self.person.password}, 201),
            "reauthenticate": (session, {"password": self.person.password}, 200),
        }

    def _provider(self):
        body = {"name": unique("p"), "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "secret": new_password()}
        return expect(self.deployment.call("POST", "/api/v1/providers", json=body), 201).json()

    def _session(self, *arguments, **keywords):
        return self.person.fresh().call(*arguments, **keywords)

    def _admin(self, *arguments, **keywords):
        return self.deployment.admin.fresh().call(*arguments, **keywords)

    def send(self, name, body):
        operation = OPERATIONS[name]
        return self.BODIES[name][0](operation.method, operation.at(self.ids), json=body)

    def newest_entry(self):
        """Of the audit record, but for the proofs that come between two pictures now and then."""
        entries = expect(self.deployment.call("GET", "/api/v1/audit?limit=100"), 200).json()["items"]
        return next(entry for entry in entries if not entry["action"].startswith("session."))

    def picture(self):
        """All that a write could change. Every write leaves an entry in the audit record, too."""
        self.person.fresh(), self.deployment.admin.fresh()
        tenant, admin = self.tenant.call, self.deployment.call
        of_tenant = ("applications", "credentials", "ledger", f"accounts/{self.tenant.account['id']}/users")
        of_deployment = ("accounts", "providers", "models", "groups")
        return {
            "audit": self.newest_entry(),
            "account": self.tenant.account_now(),
            "tokens": all_items(self.person.call, "/api/v1/platform-tokens"),
            "session": expect(self.person.call("GET", "/api/v1/sessions/current"), 200).json()["user"],
            "prices": all_items(admin, f"/api/v1/models/{self.ids['model_id']}/prices"),
            "multipliers": all_items(admin, f"/api/v1/groups/{self.ids['group']}/multipliers"),
            **{path: all_items(tenant, f"/api/v1/{path}") for path in of_tenant},
            **{path: all_items(admin, f"/api/v1/{path}") for path in of_deployment},
        }


@pytest.fixture(scope="module")
def world(_deployment):
    return World(_deployment)


WRITES = [o.id for o in OPERATIONS.values() if o.is_management and o.method != "GET"]
# Whatever is no deletion; an operation that takes no body is sent an empty object.
WITH_BODY = [name for name in WRITES if OPERATIONS[name].method != "DELETE"]


def test_every_write_operation_is_in_the_table(world):
    assert set(world.BODIES) == set(WITH_BODY)
    for name in set(WRITES) - set(WITH_BODY):
        assert not OPERATIONS[name].has_body, name


@pytest.mark.parametrize("name", WITH_BODY)
def test_the_document_lets_nobody_set_what_is_the_servers(name):
    """A request's schema may name these fields, and no other that looks like one of the server's own."""
    assert OPERATIONS[name].fields & set(SERVER_OWNED) == SETTABLE.get(name, set())


@pytest.mark.parametrize("name", WITH_BODY)
def test_what_is_the_servers_is_refused_by_name_and_changes_nothing(world, name):
    """One by one, as a value and as null, before and behind the fields that belong there."""
    right = world.BODIES[name][1]
    before = world.picture()
    for field, value in SERVER_OWNED.items():
        if field in SETTABLE.get(name, ()):
            continue
        for body in (right | {field: value}, {field: None} | right):
            answer = world.send(name, body)
            problem(answer, 400, "invalid_request", field=field)
            assert [error["field"] for error in answer.json()["errors"]] == [field]
            assert rule(answer, field) in ("is set by the server", "is not a known field"), answer.text
    assert world.picture() == before


SAID_TO_BE_THE_SERVERS = {
    "createCredential": "id user_id account_id type token username password used_amount monthly_used created_at updated_at "
    "status hint reveal reveals revealed_at leak_reported_at secrets",
    "updateCredential": "id user_id account_id application_id type token username password used_amount monthly_used "
    "created_at updated_at status hint reveal reveals revealed_at leak_reported_at secrets revealable",
    "updateUser": "id account_id email admin second_factor created_at",
    "updateAccount": "id balance held available revealable_keys created_at updated_at",
    "createAccount": "id balance held available revealable_keys suspended created_at updated_at",
    "createPlatformToken": "id user_id token hint created_at",
    "createInvitation": "id account_id token expires_at admin",
    "createApplication": "id account_id created_at updated_at",
}


@pytest.mark.parametrize("name", SAID_TO_BE_THE_SERVERS)
def test_a_field_of_the_answer_is_said_to_be_the_servers(world, name):
    """Whoever sends back what they read is told why it is refused."""
    for field in SAID_TO_BE_THE_SERVERS[name].split():
        answer = world.send(name, world.BODIES[name][1] | {field: SERVER_OWNED.get(field, True)})
        assert rule(answer, field) == "is set by the server", field


@pytest.mark.parametrize(
    "field, value", [("credential_cap", 10), ("suspended", False), ("name", "Mine"), ("balance", 1)]
)
def test_an_account_is_not_edited_by_its_own_people(world, field, value):
    """What an admin may set, a root user may not, in their own account least of all."""
    path = f"/api/v1/accounts/{world.tenant.account['id']}"
    before = world.picture()
    for call in (world.person.fresh().call, world.tenant.call, world.member.call):
        answer = call("PATCH", path, json={field: value})
        assert answer.status_code == 403 and answer.json()["code"] in ("admin_only", "insufficient_scope"), answer.text
    assert world.picture() == before


@pytest.mark.parametrize("name", ["createApplication", "updateApplication"])
def test_parameters_of_an_application_are_no_way_round(world, name):
    """The one object in a request: it may have the parameters of a model and nothing else."""
    before = world.picture()
    for field in ("account_id", "model", "messages", "admin", "user"):
        answer = world.send(name, world.BODIES[name][1] | {"parameters": {field: "x"}})
        problem(answer, 400, "invalid_request", field="parameters")
    assert world.picture() == before


MANAGEMENT = [operation.id for operation in OPERATIONS.values() if operation.is_management]


@pytest.mark.parametrize("name", MANAGEMENT)
def test_the_address_sets_nothing_either(world, name):
    """A parameter that an operation doesn't know is refused there, and not just overlooked."""
    operation = OPERATIONS[name]
    ids = world.ids | {name: absent_id() for name in operation.parameters if name not in world.ids}
    if operation.method == "DELETE":
        ids = {parameter: absent_id() for parameter in operation.parameters}
    # Admins get furthest; not with their own session where it could end.
    call = world.deployment.admin.another_session().call if name == "deleteSession" else world._admin
    keywords = {"json": world.BODIES[name][1]} if name in world.BODIES else {}
    before = world.picture()
    for parameter in ("admin=true", "role=root", "balance=1000000", "user_id=" + absent_id()):
        answer = call(operation.method, f"{operation.at(ids)}?{parameter}", **keywords)
        problem(answer, 400, "unknown_parameter")
    assert world.picture() == before


# The bodies above were right: each is taken when nothing is added to it


@pytest.mark.parametrize("name", WITH_BODY)
def test_the_same_body_without_the_extra_field_is_taken(world, name):
    """So what was refused above was refused for the field alone; and who was invited as a member is one."""
    who, right, status = world.BODIES[name]
    answer = expect(world.send(name, right), status)
    if status >= 400:
        problem(answer, status, {"invalid_request", "no_second_factor", "already_set_up"})
        return
    if name == "changePassword":
        world.person.cookie = planted.plant("session cookie", session_cookie(answer).value)
    if name in ("reauthenticate", "createSession"):
        world.person.take(answer)
    if name == "acceptInvitation":
        user = answer.json()
        assert (user["role"], user["admin"], user["email"]) == ("member", False, world.invitation["email"])
        assert user["account_id"] == world.tenant.account["id"]
    if answer.text:
        body = answer.json()
        for secret in {"token", "secret"} & set(body):
            planted.plant(name, body[secret])
