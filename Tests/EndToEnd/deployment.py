"""A server with an admin, a catalog and as many tenants as a test wants."""

import planted
from client import ADMIN_SCOPES, Client, Person, expect, new_email, new_password, unique
from server import Server, admin_create
from upstream import MODES

CAT = "You are a cat."
DOG = "You are a dog."


class Deployment:
    def __init__(self, home, settings=None, arguments=()):
        self.server = Server(home, settings, arguments)
        self.client = Client(self.server)
        email, password = new_email(), new_password()
        made = admin_create(self.server.data, email, password, account="Operators", settings=settings)
        assert made.returncode == 0, f"admin create ended with {made.returncode}: {made.stderr}"
        self.server.start()
        self.admin = Person(self.client, email, password).sign_in()
        self.admin_token = self.admin.platform_token(ADMIN_SCOPES)["token"]
        self.provider = None
        self.provider_secret = None

    def call(self, method, path, **keywords):
        """A management call by the admin, with a platform token."""
        return self.client.call(method, path, token=self.admin_token, **keywords)

    def new_account(self, name=None, cap=None):
        body = {"name": name or unique("Account")} | ({} if cap is None else {"credential_cap": cap})
        return expect(self.call("POST", "/api/v1/accounts", json=body), 201).json()

    def invite(self, account_id, email=None):
        response = self.call("POST", f"/api/v1/accounts/{account_id}/invitations", json={"email": email or new_email()})
        invitation = expect(response, 201).json()
        planted.plant("invitation token", invitation["token"])
        return invitation

    def new_person(self, account_id, email=None, password=None):
        invitation = self.invite(account_id, email)
        password = password or new_password()
        accepted = {"token": invitation["token"], "password": password}
        user = expect(self.client.call("POST", "/api/v1/invitations/accept", json=accepted), 201).json()
        person = Person(self.client, invitation["email"], password).sign_in()
        person.user = user
        return person

    def new_tenant(self, name=None, cap=None):
        return Tenant(self, self.new_account(name, cap))

    def add_upstream(self, upstream):
        """An admin's provider for the upstream process, with one model for each of its modes."""
        self.provider_secret = planted.plant("provider secret", unique("provider-secret") + new_password())
        body = {
            "name": unique("upstream"),
            "kind": "openai",
            "base_url": upstream.url + "/v1",
            "secret": self.provider_secret,
        }
        self.provider = expect(self.call("POST", "/api/v1/providers", json=body), 201).json()
        for mode in MODES:
            # The public name differs from the upstream's own, so that a model that is not replaced is noticed.
            model = {"provider_id": self.provider["id"], "name": mode, "upstream_name": f"upstream-{mode}"}
            expect(self.call("POST", "/api/v1/models", json=model), 201)
        return self

    def close(self):
        self.server.close()


class Tenant:
    """An account with its root user, signed in, and a platform token with every scope a user can have."""

    def __init__(self, deployment, account):
        self.deployment, self.account = deployment, account
        self.client = deployment.client
        self.person = deployment.new_person(account["id"])
        self.user = self.person.user
        created = self.person.platform_token()
        self.token, self.token_id = created["token"], created["id"]

    def call(self, method, path, **keywords):
        return self.client.call(method, path, token=self.token, **keywords)

    def application(self, name=None, model="echo", **fields):
        body = {"name": name or unique("App"), "kind": "chat", "model": model} | fields
        return expect(self.call("POST", "/api/v1/applications", json=body), 201).json()

    def upstream_application(self, **fields):
        """An app that may use every mode of the upstream process."""
        return self.application(**({"model": "json", "allowed_models": MODES} | fields))

    def try_credential(self, application_id, **fields):
        response = self.call("POST", "/api/v1/credentials", json={"application_id": application_id} | fields)
        if response.status_code == 201:
            planted.plant("key", response.json()["token"])
        return response

    def credential(self, application_id, **fields):
        return expect(self.try_credential(application_id, **fields), 201).json()

    def key(self, application_id, **fields):
        return self.credential(application_id, **fields)["token"]

    def delete_credential(self, credential_id):
        return expect(self.call("DELETE", f"/api/v1/credentials/{credential_id}"), 204)


def all_items(call, path):
    """Every item of a paged list, following its cursors; `call` is a tenant's or an admin's."""
    items, cursor = [], None
    for _ in range(1000):
        query = "limit=100" + (f"&cursor={cursor}" if cursor else "")
        page = expect(call("GET", path + ("&" if "?" in path else "?") + query), 200).json()
        assert set(page) == {"items", "next_cursor"}
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError(f"{path} never ends")
