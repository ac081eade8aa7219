"""A server with an admin, a catalog and as many tenants as a test wants."""

import urllib.parse

import planted
from client import ADMIN_SCOPES, Client, Person, exact, expect, new_email, new_password, unique
from server import Server, admin_create, run_command
from upstream import MODES
from waiting import wait_for

CAT = "You are a cat."
DOG = "You are a dog."

# The most talkative level: if a secret can reach a log at all, it does so here and the planted-secrets test sees it.
TALKATIVE = {"LATCHKEY_LOG_LEVEL": "trace"}

# More than any test spends without wanting to: 50,000 calls at the standard price.
PLENTY = 1_000_000


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
        # Who lets others into an account, once it has somebody.
        self.roots = {self.admin.session["user"]["account_id"]: self.admin}
        self.provider = None
        self.provider_secret = None
        self.account_id = self.admin.session["user"]["account_id"]
        self.grant(self.account_id, PLENTY)

    def call(self, method, path, **keywords):
        """A management call by the admin, with a platform token."""
        return self.client.call(method, path, token=self.admin_token, **keywords)

    def new_account(self, name=None, cap=None, credits=PLENTY, **fields):
        """An account as it is after its first grant; with `credits` 0 or None there is none, and no call is served."""
        body = {"name": name or unique("Account")} | ({} if cap is None else {"credential_cap": cap}) | fields
        account = expect(self.call("POST", "/api/v1/accounts", json=body), 201).json()
        if credits:
            self.grant(account["id"], credits, "to begin with")
            account = self.account(account["id"])
        return account

    # Credits

    def account(self, account_id):
        """The account as it is now, with exact amounts."""
        return exact(expect(self.call("GET", f"/api/v1/accounts/{account_id}"), 200))

    def edit_account(self, account_id, **fields):
        return exact(expect(self.call("PATCH", f"/api/v1/accounts/{account_id}", json=fields), 200))

    def try_grant(self, account_id, amount, **fields):
        return self.call("POST", f"/api/v1/accounts/{account_id}/grants", json={"amount": amount} | fields)

    def grant(self, account_id, amount, reason=None):
        """The entry in the ledger."""
        fields = {} if reason is None else {"reason": reason}
        return exact(expect(self.try_grant(account_id, amount, **fields), 201))

    def try_adjust(self, account_id, amount, **fields):
        return self.call("POST", f"/api/v1/accounts/{account_id}/adjustments", json={"amount": amount} | fields)

    def adjust(self, account_id, amount, reason="a correction"):
        return exact(expect(self.try_adjust(account_id, amount, reason=reason), 201))

    def ledger(self, account_id, **filters):
        """All entries of an account, newest first, with exact amounts."""
        query = urllib.parse.urlencode({"account_id": account_id} | filters)
        return all_items(self.call, f"/api/v1/ledger?{query}", read=exact)

    def settled(self, account_id, deadline=10.0):
        """The account, once nothing is held: every call of it was charged or given back."""

        def is_settled():
            account = self.account(account_id)
            return account if account["held"] == 0 else None

        return wait_for("all holds to end", is_settled, deadline)

    def check_ledger(self, name="ledger-check"):
        """`latchkey ledger check`, beside the running server or after it."""
        arguments = ["ledger", "check", "--data-dir", self.server.data]
        return run_command(self.server.home, arguments, settings=self.server.settings, name=name)

    # Prices

    def echo_provider(self):
        providers = all_items(self.call, "/api/v1/providers")
        return next(provider for provider in providers if provider["kind"] == "echo")

    def new_model(self, name=None, mode=None, **fields):
        """A model of the echo provider, or with `mode` one of the upstream process's; its public name is unique."""
        provider = self.provider if mode else self.echo_provider()
        body = {"provider_id": provider["id"], "name": name or unique("model")} | fields
        body |= {"upstream_name": f"upstream-{mode}"} if mode else {}
        return exact(expect(self.call("POST", "/api/v1/models", json=body), 201))

    def try_version(self, kind, of, value, **fields):
        """A new price of a model (by its id), or a new multiplier of a group (by its name)."""
        path = f"/api/v1/models/{of}/prices" if kind == "price" else f"/api/v1/groups/{of}/multipliers"
        return self.call("POST", path, json={kind: value} | fields)

    def set_price(self, model_id, price, **fields):
        return exact(expect(self.try_version("price", model_id, price, **fields), 201))

    def set_multiplier(self, group, multiplier, **fields):
        return exact(expect(self.try_version("multiplier", group, multiplier, **fields), 201))

    def new_group(self, multiplier=1, name=None):
        body = {"name": name or unique("group"), "multiplier": multiplier}
        return exact(expect(self.call("POST", "/api/v1/groups", json=body), 201))

    # People

    def invite(self, account_id, email=None, role="root", by=None):
        """By the account's own root user, or when it has none yet by the admin."""
        body = {"email": email or new_email(), "role": role}
        inviter = by or self.roots.get(account_id, self.admin)
        response = inviter.fresh().call("POST", f"/api/v1/accounts/{account_id}/invitations", json=body)
        invitation = expect(response, 201).json()
        planted.plant("invitation token", invitation["token"])
        return invitation

    def new_person(self, account_id, email=None, password=None, role="root", by=None):
        """Somebody who was invited and has joined and signed in; a root user lets in who comes after them."""
        invitation = self.invite(account_id, email, role, by)
        password = password or new_password()
        accepted = {"token": invitation["token"], "password": password}
        user = expect(self.client.call("POST", "/api/v1/invitations/accept", json=accepted), 201).json()
        person = Person(self.client, invitation["email"], password).sign_in()
        person.user = user
        if role == "root":
            self.roots.setdefault(account_id, person)
        return person

    def new_tenant(self, name=None, cap=None, credits=PLENTY, **fields):
        return Tenant(self, self.new_account(name, cap, credits, **fields))

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
    """An account with its root user, signed in, and a platform token with every scope a root user can have."""

    def __init__(self, deployment, account):
        self.deployment, self.account = deployment, account
        self.client = deployment.client
        self.person = deployment.new_person(account["id"])
        self.user = self.person.user
        created = self.person.platform_token()
        self.token, self.token_id = created["token"], created["id"]

    def call(self, method, path, **keywords):
        return self.client.call(method, path, token=self.token, **keywords)

    def member(self):
        """Somebody who may look on, signed in."""
        return self.deployment.new_person(self.account["id"], role="member")

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

    def read_credential(self, credential_id):
        """The key as it is now, with exact amounts."""
        return exact(expect(self.call("GET", f"/api/v1/credentials/{credential_id}"), 200))

    def try_edit_credential(self, credential_id, **fields):
        return self.call("PATCH", f"/api/v1/credentials/{credential_id}", json=fields)

    def edit_credential(self, credential_id, **fields):
        return exact(expect(self.try_edit_credential(credential_id, **fields), 200))

    # Credits, as the tenant sees them

    def account_now(self):
        return exact(expect(self.call("GET", f"/api/v1/accounts/{self.account['id']}"), 200))

    def balance(self):
        return self.account_now()["balance"]

    def settled(self, deadline=10.0):
        return self.deployment.settled(self.account["id"], deadline)

    def ledger(self, **filters):
        """All of the tenant's own entries, newest first, with exact amounts."""
        query = urllib.parse.urlencode(filters)
        return all_items(self.call, "/api/v1/ledger" + (f"?{query}" if query else ""), read=exact)

    def try_usage(self, **query):
        # `from` is a word of Python's, so it is given as `from_`.
        query = {name.rstrip("_"): value for name, value in query.items()}
        return self.call("GET", "/api/v1/usage" + (f"?{urllib.parse.urlencode(query)}" if query else ""))

    def usage(self, **query):
        return exact(expect(self.try_usage(**query), 200))

    def refused_calls(self, **query):
        """How many of the tenant's own calls were not served, this month unless asked otherwise."""
        return expect(self.call("GET", f"/api/v1/refused-calls?{urllib.parse.urlencode(query)}"), 200).json()


def all_items(call, path, read=lambda response: response.json()):
    """Every item of a paged list, following its cursors; `call` is a tenant's or an admin's."""
    items, cursor = [], None
    for _ in range(1000):
        query = "limit=100" + (f"&cursor={cursor}" if cursor else "")
        page = read(expect(call("GET", path + ("&" if "?" in path else "?") + query), 200))
        assert set(page) - {"totals"} == {"items", "next_cursor"}
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items
    raise AssertionError(f"{path} never ends")
