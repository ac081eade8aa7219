"""What the platform sets, no caller can set (invariant 9; ASVS 8.2.3, ASVS 15.3.3).

Every field that is the server's own is sent to every write operation of openapi.yaml, one at a time, beside a body that
is otherwise right: each is refused by name, and nothing has changed. A new write operation has to be added to
right_bodies.py, and a field of a request that has the name of a server's own one to SETTABLE, or a test here is red.
"""

import pytest

import planted
from client import absent_id, expect, session_cookie
from operations import OPERATIONS
from right_bodies import WITH_BODY, WRITES, World
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
    "key_rotation_age_days": 3650,
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
    "closed_at": LATER,
    "expires_at": LATER,
    "last_used_at": LATER,
    "rotation_due_at": LATER,
    "ends_at": LATER,
    "safe_to_retire": True,
    "fresh_until": LATER,
    "idle_expires_at": LATER,
    "csrf_token": "csrf",
    "allowed": True,
    "charged": True,
    "charge_id": absent_id(),
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
    "updateKeyPolicy": {"key_rotation_age_days"},
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


# More can be said of one of them than that it is the server's.
TYPE = "is set by the server: every key that can be made now is of the type Token"


def said(name, field):
    """The rule that a server-owned field of an operation breaks."""
    return TYPE if (name, field) == ("createCredential", "type") else "is set by the server"


@pytest.fixture(scope="module")
def world(homes):
    made = World(homes / "assigned")
    yield made
    made.close()


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
    with world.unchanged():
        for field, value in SERVER_OWNED.items():
            if field in SETTABLE.get(name, ()):
                continue
            for body in (right | {field: value}, {field: None} | right):
                answer = world.send(name, body)
                problem(answer, 400, "invalid_request", field=field)
                assert [error["field"] for error in answer.json()["errors"]] == [field]
                told = rule(answer, field)
                assert told in (said(name, field), "is not a known field"), answer.text


SAID_TO_BE_THE_SERVERS = {
    "createCredential": "id user_id account_id type token username password used_amount monthly_used created_at updated_at "
    "status hint reveal reveals revealed_at leak_reported_at last_used_at rotation_due_at secrets",
    "updateCredential": "id user_id account_id application_id type token username password used_amount monthly_used "
    "created_at updated_at status hint reveal reveals revealed_at leak_reported_at last_used_at rotation_due_at secrets "
    "revealable",
    "updateUser": "id account_id email admin second_factor created_at",
    "updateAccount": "id balance held available revealable_keys key_rotation_age_days created_at updated_at closed_at",
    "createAccount": "id balance held available revealable_keys key_rotation_age_days suspended created_at updated_at "
    "closed_at",
    "createPlatformToken": "id user_id token hint created_at",
    "createInvitation": "id account_id token expires_at admin",
    "createApplication": "id account_id created_at updated_at",
}


@pytest.mark.parametrize("name", SAID_TO_BE_THE_SERVERS)
def test_a_field_of_the_answer_is_said_to_be_the_servers(world, name):
    """Whoever sends back what they read is told why it is refused."""
    for field in SAID_TO_BE_THE_SERVERS[name].split():
        answer = world.send(name, world.BODIES[name][1] | {field: SERVER_OWNED.get(field, True)})
        assert rule(answer, field) == said(name, field), field


@pytest.mark.parametrize(
    "field, value", [("credential_cap", 10), ("suspended", False), ("name", "Mine"), ("balance", 1)]
)
def test_an_account_is_not_edited_by_its_own_people(world, field, value):
    """What an admin may set, a root user may not, in their own account least of all."""
    path = f"/api/v1/accounts/{world.tenant.account['id']}"
    with world.unchanged():
        for call in (world.person.fresh().call, world.tenant.call, world.member.call):
            answer = call("PATCH", path, json={field: value})
            assert answer.status_code == 403, answer.text
            assert answer.json()["code"] in ("admin_only", "insufficient_scope"), answer.text


@pytest.mark.parametrize("name", ["createApplication", "updateApplication"])
def test_parameters_of_an_application_are_no_way_round(world, name):
    """The one object in a request: it may have the parameters of a model and nothing else."""
    with world.unchanged():
        for field in ("account_id", "model", "messages", "admin", "user"):
            answer = world.send(name, world.BODIES[name][1] | {"parameters": {field: "x"}})
            problem(answer, 400, "invalid_request", field="parameters")


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
    with world.unchanged():
        for parameter in ("admin=true", "role=root", "balance=1000000", "user_id=" + absent_id()):
            answer = call(operation.method, f"{operation.at(ids)}?{parameter}", **keywords)
            problem(answer, 400, "unknown_parameter")


# The bodies above were right: each is taken when nothing is added to it


@pytest.mark.parametrize("name", WITH_BODY)
def test_the_same_body_without_the_extra_field_is_taken(world, name):
    """So what was refused above was refused for the field alone; and who was invited as a member is one."""
    who, right, status = world.BODIES[name]
    answer = expect(world.send(name, right), status)
    if status >= 400:
        problem(answer, status, {"invalid_request", "no_second_factor"})
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
