"""A right body of every write operation, so that a test may make it wrong in one place and know why it is refused."""

import contextlib

import planted
from client import Client, expect, new_email, new_password, unique
from deployment import TALKATIVE, Deployment, all_items
from operations import OPERATIONS
from server import Server

WRITES = [o.id for o in OPERATIONS.values() if o.is_management and o.method != "GET"]
# Whatever is no deletion; an operation that takes no body is sent an empty object.
WITH_BODY = [name for name in WRITES if OPERATIONS[name].method != "DELETE"]


class World:
    """A tenant with one of everything, an admin, and for each operation who calls it with which right body. On a
    deployment of its own, where a picture of everything is small."""

    def __init__(self, home):
        self.deployment = deployment = Deployment(home, TALKATIVE)
        # Nobody has set it up, and its set-up token is good once.
        self.fresh = Server(home / "fresh", TALKATIVE).start()
        self.seen = None
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
            "updateCredential": (session, {"name": "n", "limited_amount": 1000}, 200),
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
            # Nobody listens there, which the answer says.
            "testProvider": (admin, {}, 200),
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
            "updateKeyPolicy": (session, {"revealable": True, "key_rotation_age_days": 180}, 200),
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
            "setUp": (
                Client(self.fresh).call,
                {"token": self.fresh.setup_token, "email": new_email(), "password": new_password()},
                201,
            ),
            "createSession": (nobody, {"email": self.person.email, "password": self.person.password}, 201),
            "reauthenticate": (session, {"password": self.person.password}, 200),
        }

    def close(self):
        self.deployment.close()
        self.fresh.close()

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

    @contextlib.contextmanager
    def unchanged(self):
        """Nothing that is done in here changes anything. One test's last picture is the next one's first."""
        before, self.seen = self.seen or self.picture(), None
        yield
        self.seen = self.picture()
        assert self.seen == before
