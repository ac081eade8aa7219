"""Who may what: the whole matrix of operations and callers, made by asking the running server (D5, I3; invariant 8).

ASVS 8.1.1, ASVS 8.1.2, ASVS 8.2.1, ASVS 8.2.2, ASVS 8.3.1, ASVS 8.4.1. `fixtures/authorization.json` is the matrix as it
was reviewed: one row for each operation of openapi.yaml, with what each kind of caller is answered. `ManagementTests` ask
for every cell in process. Over HTTP `make test` asks for a sample: of every row what HTTP alone tells apart, and some of
the other cells, drawn by a seed that is new in each run (LATCHKEY_TEST_SEED repeats one). `make test-long` asks for every
cell. LATCHKEY_WRITE_FIXTURES=1 does too, and writes the file anew, for a review of what has changed.

All callers ask for the same: for objects of the account `here`. Requests are chosen so that only the right to make them
is decided: their content is refused afterwards, or does no harm, or deletes what was made for just that. So "allowed"
stands for every answer that came after the decision; a refusal is its status and code.
"""

import itertools
import json
import os
import random
from dataclasses import dataclass
from functools import partial

import pytest

import planted
from client import ADMIN_SCOPES, MEMBER_SCOPES, USER_SCOPES, absent_id, expect, key_cursor, new_email, seconds
from deployment import all_items
from length import IS_LONG
from operations import OPERATIONS
from server import REPOSITORY
from shapes import forged, problem, same_bytes

FILE = REPOSITORY / "fixtures" / "authorization.json"
WRITES = os.environ.get("LATCHKEY_WRITE_FIXTURES") == "1"
IS_WHOLE = IS_LONG or WRITES
SEED = os.environ.get("LATCHKEY_TEST_SEED") or str(random.randrange(10**6))
# Of the cells that could also be asked for in process, this part of each row.
SAMPLE = 1 / 8
# Who gets in is the same everywhere else; these never come as far as the operation.
OF_HTTP = {"nobody", "key of the app", "key of another app", "root without CSRF token"}

CHAT = {"messages": [{"role": "user", "content": "hello"}]}


@dataclass(frozen=True)
class Ask:
    """One request, made by each of the callers."""

    operation: str
    body: object = ...  # texts in it may name the ids in braces
    query: str = ""
    about: str = ""  # what sets it apart from the other rows of the operation
    throwaway: str = ""  # the parameter whose object this ends: each caller gets one that still is
    ends_session: bool = False

    @property
    def name(self):
        return f"{self.operation} ({self.about})" if self.about else self.operation


ASKS = [
    # The data plane.
    Ask("createChatCompletion", CHAT),
    Ask("listAllowedModels"),
    Ask("getKeyUsage"),
    Ask("createChatCompletionForApplication", CHAT),
    Ask("listAllowedModelsForApplication"),
    Ask("getKeyUsageForApplication"),
    # Keys. The key that is read and edited is not the one that calls, and was never revealable.
    Ask("createCredential", {}),
    Ask("listCredentials"),
    Ask("getCredential"),
    Ask("updateCredential", {}),
    Ask("deleteCredential", throwaway="credential_id"),
    Ask("revealCredential", {"password": "not the password of anybody"}),
    Ask("rotateCredential", {"overlap_seconds": 0}),
    Ask("retireCredential"),
    Ask("explainCredential", {}),
    Ask("reportLeak", {"credential_id": "{leaked_id}", "action": "disable"}, about="action disable"),
    Ask("reportLeak", {"credential_id": "{leaked_id}", "action": "rotate"}, about="action rotate"),
    Ask("verifyKey", {}),
    # Applications.
    Ask("createApplication", {}),
    Ask("listApplications"),
    Ask("getApplication"),
    Ask("updateApplication", {}),
    Ask("deleteApplication", throwaway="application_id"),
    Ask("deleteApplication", query="?delete_credentials=true", about="with its keys", throwaway="application_id"),
    # Platform tokens.
    Ask("createPlatformToken", {}),
    Ask("createPlatformToken", {"name": "t", "scopes": ["audit:read"]}, about="a root user's scope"),
    Ask("createPlatformToken", {"name": "t", "scopes": ["accounts:read"]}, about="an admin's scope"),
    Ask("listPlatformTokens"),
    Ask("deletePlatformToken", throwaway="platform_token_id"),
    # The catalog. The provider has models, the model an app, and the versions are in effect: none can be deleted.
    Ask("createProvider", {}),
    Ask("listProviders"),
    Ask("getProvider"),
    Ask("updateProvider", {}),
    Ask("deleteProvider"),
    Ask("testProvider"),
    Ask("createModel", {}),
    Ask("listModels"),
    Ask("listModels", query="?provider_id={provider_id}", about="of a provider"),
    Ask("getModel"),
    Ask("deleteModel"),
    Ask("createPrice", {}),
    Ask("listPrices"),
    Ask("deletePrice"),
    Ask("createGroup", {}),
    Ask("listGroups"),
    Ask("getGroup"),
    Ask("updateGroup", {}),
    Ask("createMultiplier", {}),
    Ask("listMultipliers"),
    Ask("deleteMultiplier"),
    Ask("previewMultiplier", {}),
    # Accounts and people. There is one root user here, who can't be made a member.
    Ask("createAccount", {}),
    Ask("listAccounts"),
    Ask("getAccount"),
    Ask("updateAccount", {}),
    # The account here has people, and the request doesn't say that they may go.
    Ask("closeAccount"),
    Ask("createGrant", {}),
    Ask("createAdjustment", {}),
    Ask("createInvitation", {"email": "guest@example.test", "role": "member"}),
    Ask("createInvitation", {"email": "guest@example.test", "role": "root"}, about="of a root user"),
    Ask("listInvitations"),
    Ask("deleteInvitation", throwaway="invitation_id"),
    Ask("listUsers"),
    Ask("updateUser", {"role": "member"}, about="to member"),
    Ask("updateUser", {"role": "root"}, about="to root", throwaway="user_id"),
    Ask("deleteUser", throwaway="user_id"),
    Ask("createPasswordReset"),
    Ask("deleteUserSecondFactor"),
    Ask("updateKeyPolicy", {"revealable": True}),
    Ask("acceptInvitation", {}),
    Ask("acceptPasswordReset", {}),
    # One's own.
    Ask("getCurrentUser"),
    Ask("changePassword", {}),
    Ask("beginTotp"),
    Ask("confirmTotp", {}),
    Ask("deleteTotp"),
    Ask("createRecoveryCodes"),
    # Credits and records.
    Ask("getUsage"),
    Ask("getUsage", query="?account_id={account_id}", about="of the account here"),
    Ask("listRefusedCalls"),
    Ask("listRefusedCalls", query="?account_id={account_id}", about="of the account here"),
    Ask("listLedger"),
    Ask("listLedger", query="?account_id={account_id}", about="of the account here"),
    Ask("listAudit"),
    Ask("getDeploymentHealth"),
    # Sessions, and what is open.
    Ask("setUp", {}),
    Ask("createSession", {}),
    Ask("listSessions"),
    Ask("getSession"),
    Ask("endSession", throwaway="session_id"),
    Ask("deleteSession", ends_session=True),
    Ask("reauthenticate", {}),
    Ask("getHealth"),
    Ask("getReadiness"),
    Ask("getOpenAPI"),
]
NAMES = [ask.name for ask in ASKS]


def put_in(value, ids):
    """A body or a query with the ids that it names."""
    if isinstance(value, dict):
        return {name: put_in(element, ids) for name, element in value.items()}
    if isinstance(value, str):
        for name, text in ids.items():
            value = value.replace("{" + name + "}", text)
    return value


def send(ask, call, ids):
    operation = OPERATIONS[ask.operation]
    keywords = {} if ask.body is ... else {"json": put_in(ask.body, ids)}
    return call(operation.method, operation.at(ids) + put_in(ask.query, ids), **keywords)


def own_session(person):
    """The id of the session that this person calls with."""
    sessions = all_items(person.call, "/api/v1/sessions")
    return next(session["id"] for session in sessions if session["current"])


class World:
    """The account `here` with everything that requests are about, and everybody who may call."""

    def __init__(self, deployment):
        self.deployment = deployment
        self.here = deployment.new_tenant("Here")
        self.elsewhere = deployment.new_tenant("Elsewhere")
        self._make_objects()
        self._make_callers()

    def _make_objects(self):
        here = self.here
        model = self.deployment.new_model()
        group = self.deployment.new_group()["name"]
        app, other_app = here.application(model=model["name"]), here.application()
        self.key, self.key_elsewhere_here = here.key(app["id"]), here.key(other_app["id"])
        about_prices = all_items(self.deployment.call, f"/api/v1/models/{model['id']}/prices")
        about_groups = all_items(self.deployment.call, f"/api/v1/groups/{group}/multipliers")
        self.ids = {
            "account_id": here.account["id"],
            "user_id": here.user["id"],
            "application_id": app["id"],
            "credential_id": here.credential(app["id"])["id"],
            "leaked_id": here.credential(app["id"])["id"],
            "platform_token_id": here.token_id,
            "invitation_id": self.deployment.invite(here.account["id"], role="member")["id"],
            "session_id": own_session(here.person),
            "provider_id": model["provider_id"],
            "model_id": model["id"],
            "price_id": about_prices[0]["id"],
            "group": group,
            "multiplier_id": about_groups[0]["id"],
        }
        self._throwaways = {}

    def _make_callers(self):
        here, deployment = self.here, self.deployment
        stale = {
            f"stale {name}": [person.another_session() for _ in range(2)]
            for name, person in (("root", here.person), ("admin", deployment.admin))
        }
        deployment.clock.forward(seconds=301)
        fresh = {
            "member": here.member(),
            "root": here.person.another_session(),
            "root elsewhere": self.elsewhere.person.another_session(),
            "admin": deployment.admin.another_session(),
        }
        # Their own sessions, and those that they sign out of.
        sessions = fresh | {name: pair[0] for name, pair in stale.items()}
        self.spare = {name: person.another_session() for name, person in fresh.items()}
        self.spare |= {name: pair[1] for name, pair in stale.items()}

        demoted = deployment.new_person(here.account["id"])
        self.former_token = demoted.platform_token(USER_SCOPES)["token"]
        path = f"/api/v1/accounts/{here.account['id']}/users/{demoted.user['id']}"
        expect(deployment.call("PATCH", path, json={"role": "member"}), 200)

        def by_token(token):
            return partial(deployment.client.call, token=token)

        self.fresh_root = fresh["root"]
        self.callers = {
            "nobody": deployment.client.call,
            "key of the app": by_token(self.key),
            "key of another app": by_token(self.key_elsewhere_here),
            "member": sessions["member"].call,
            "root": sessions["root"].call,
            "root without CSRF token": partial(sessions["root"].call, csrf=False),
            "stale root": sessions["stale root"].call,
            "root elsewhere": sessions["root elsewhere"].call,
            "admin": sessions["admin"].call,
            "stale admin": sessions["stale admin"].call,
            "member's token": by_token(fresh["member"].platform_token(MEMBER_SCOPES)["token"]),
            "former root's token": by_token(self.former_token),
        }
        self.tokens = {
            "root's tokens": {s: by_token(fresh["root"].platform_token([s])["token"]) for s in USER_SCOPES},
            "admin's tokens": {s: by_token(fresh["admin"].platform_token([s])["token"]) for s in ADMIN_SCOPES},
        }

    def throwaway(self, parameter):
        """The id of an object that may be deleted, made when the last one was."""
        if parameter not in self._throwaways:
            self._throwaways[parameter] = {
                "credential_id": lambda: self.here.credential(self.ids["application_id"]),
                "application_id": self.here.application,
                "platform_token_id": lambda: self.fresh_root.platform_token(["usage:read"]),
                "user_id": lambda: self.here.member().user,
                "invitation_id": lambda: self.deployment.invite(self.ids["account_id"], role="member"),
                "session_id": lambda: {"id": own_session(self.here.person.another_session())},
            }[parameter]()["id"]
        return self._throwaways[parameter]

    def outcome(self, ask, call):
        ids = self.ids
        if ask.throwaway:
            ids = ids | {ask.throwaway: self.throwaway(ask.throwaway)}
        answer = send(ask, call, ids)
        if ask.throwaway and answer.status_code < 300:
            del self._throwaways[ask.throwaway]
        if answer.status_code < 300:
            return "allowed"
        code = answer.headers.get("x-latchkey-code") or answer.json()["code"]
        # What is wrong with a body, and what stands in the way of a deletion, is told to whoever may do it. That an account
        # has people who decide for themselves is said to admins, who may not.
        is_told = answer.status_code in (400, 409) and code != "account_has_users"
        return "allowed" if is_told else f"{answer.status_code} {code}"

    def row(self, ask, is_asked):
        """What comes of the cells that are asked for. Of tokens, each scope is a cell."""
        row = {}
        for name, call in self.callers.items():
            if ask.ends_session and name in self.spare:
                call = self.spare[name].call
            if is_asked(name):
                row[name] = self.outcome(ask, call)
        for name, calls in self.tokens.items():
            row[name] = {s: self.outcome(ask, call) for s, call in calls.items() if is_asked(name)}
        return row


def grouped(outcomes):
    """Which scopes have which outcome; the most frequent outcome is that of `the others`."""
    groups = {}
    for scope, outcome in outcomes.items():
        groups.setdefault(outcome, []).append(scope)
    commonest = max(groups, key=lambda outcome: len(groups[outcome]))
    if len(groups) == 1:
        return {commonest: "all"}
    return {o: scopes for o, scopes in sorted(groups.items()) if o != commonest} | {commonest: "the others"}


def ungrouped(groups, scopes):
    """The outcome of each scope."""
    named = {scope: outcome for outcome, some in groups.items() if isinstance(some, list) for scope in some}
    rest = next(outcome for outcome, some in groups.items() if some in ("all", "the others"))
    return {scope: named.get(scope, rest) for scope in scopes}


@pytest.fixture(scope="module")
def world(_clocked):
    return World(_clocked)


def sampled(name):
    """Which cells of a row are asked for."""
    chance = random.Random(f"{SEED} {name}")
    return lambda caller: IS_WHOLE or caller in OF_HTTP or chance.random() < SAMPLE


def as_written(ask, row):
    """A whole row, as it stands in the file."""
    operation = OPERATIONS[ask.operation]
    written = {"operation": ask.name, "request": f"{operation.method} {operation.path}{ask.query}"}
    return written | {name: grouped(cell) if isinstance(cell, dict) else cell for name, cell in row.items()}


@pytest.fixture(scope="module")
def found(world):
    """The matrix as the server makes it now: all of it, or the sample."""
    print(f"LATCHKEY_TEST_SEED={SEED}")
    rows = {ask.name: world.row(ask, sampled(ask.name)) for ask in ASKS}
    fresh_until = seconds(world.fresh_root.session["fresh_until"])
    assert world.deployment.server.now() < fresh_until, "it took so long that what was fresh has become stale"
    if WRITES:
        lines = ",\n".join(json.dumps(as_written(ask, rows[ask.name])) for ask in ASKS)
        FILE.write_text(f"[\n{lines}\n]\n", "utf-8")
    return rows


@pytest.fixture(scope="module")
def reviewed(found):
    return {row["operation"]: row for row in json.loads(FILE.read_text("utf-8"))}


# The matrix


def test_every_operation_has_a_row_and_every_row_an_operation(reviewed):
    """A new operation is decided about here, or this is red; so is a row that nothing stands behind any more."""
    assert {name.split(" (")[0] for name in reviewed} == set(OPERATIONS)
    assert list(reviewed) == NAMES and len(set(NAMES)) == len(NAMES)
    for name, row in reviewed.items():
        operation = OPERATIONS[name.split(" (")[0]]
        assert row["request"].split("?")[0] == f"{operation.method} {operation.path}"


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_server_decides_as_it_was_reviewed(found, reviewed, name):
    """ASVS 8.2.1: every route with every role, with every single scope, and with nothing."""
    row = dict(reviewed[name])
    for tokens, scopes in (("root's tokens", USER_SCOPES), ("admin's tokens", ADMIN_SCOPES)):
        row[tokens] = ungrouped(row[tokens], scopes)
        assert found[name][tokens].items() <= row[tokens].items(), f"{tokens}, LATCHKEY_TEST_SEED={SEED}"
    for caller in found[name].keys() - {"root's tokens", "admin's tokens"}:
        assert found[name][caller] == row[caller], f"{caller}, LATCHKEY_TEST_SEED={SEED}"
    if IS_WHOLE:
        assert found[name].keys() == row.keys() - {"operation", "request"}
        assert all(found[name][tokens].keys() == row[tokens].keys() for tokens in ("root's tokens", "admin's tokens"))


def test_the_sample_has_cells_of_every_kind(found):
    """So that the test above can't become empty: of every row, and of every kind of caller over all rows."""
    for name, row in found.items():
        assert OF_HTTP <= row.keys(), name
    kinds = {kind for row in found.values() for kind in row}
    asked = {kind: sum(bool(row.get(kind)) for row in found.values()) for kind in kinds}
    assert len(asked) == 14 and min(asked.values()) > 0, f"LATCHKEY_TEST_SEED={SEED}: {asked}"
    assert sum(len(row["root's tokens"]) + len(row["admin's tokens"]) for row in found.values()) > 100


# What holds for every row, whatever the file says


def test_nobody_and_no_key_gets_into_the_management_api(reviewed):
    """E2. What is open says so in the document; everything else asks for a session or a platform token."""
    for name, row in reviewed.items():
        operation = OPERATIONS[name.split(" (")[0]]
        outside = {row[caller] for caller in ("nobody", "key of the app", "key of another app")}
        if not operation.schemes:
            assert outside == {"allowed"}, name
        elif operation.is_management:
            assert outside == {"401 unauthenticated"}, name


def test_no_session_and_no_platform_token_opens_an_app(reviewed):
    """E2, the other way."""
    for name, row in reviewed.items():
        if OPERATIONS[name.split(" (")[0]].schemes != {"appKey"}:
            continue
        for caller in ("nobody", "member", "root", "stale root", "root elsewhere", "admin", "stale admin"):
            assert row[caller] == "401 missing_key", f"{name}: {caller}"
        for caller in ("member's token", "former root's token"):
            assert row[caller] == "401 invalid_key", f"{name}: {caller}"
        assert row["root's tokens"] == row["admin's tokens"] == {"401 invalid_key": "all"}, name
        is_addressed = "{application_id}" in row["request"]
        assert row["key of the app"] == "allowed", name
        assert row["key of another app"] == ("403 wrong_app" if is_addressed else "allowed"), name


def test_a_token_opens_what_the_document_says_and_nothing_else(reviewed):
    """The scopes that openapi.yaml lists with an operation, whoever of root user and admin may have them."""
    for name, row in reviewed.items():
        operation = OPERATIONS[name.split(" (")[0]]
        if "platformToken" not in operation.schemes:
            if operation.schemes == {"sessionCookie"}:
                for caller in ("root's tokens", "admin's tokens"):
                    assert row[caller] == {"403 session_required": "all"}, name
            continue
        by_root = ungrouped(row["root's tokens"], USER_SCOPES)
        by_admin = ungrouped(row["admin's tokens"], ADMIN_SCOPES)
        opened = {scope for by in (by_root, by_admin) for scope, outcome in by.items() if outcome == "allowed"}
        if not operation.scopes:
            assert set(by_root.values()) == {"allowed"}, name
        elif name.startswith("reportLeak"):
            assert opened == {"credentials:rotate" if "rotate" in name else "credentials:write"}, name
        elif name in ("createInvitation (of a root user)", "updateUser (to root)", "deleteApplication (with its keys)"):
            assert not opened, f"{name}: a person makes root users, and two scopes delete an app with its keys"
        elif name.endswith(" (of the account here)"):
            assert opened == {"usage:read"} and "allowed" not in by_admin.values(), name
        else:
            # What would open it, were it not for whose object it is.
            closed = ("404 not_found", "409 account_has_users")
            foreign = {scope for scope, outcome in by_admin.items() if outcome in closed}
            assert opened | (foreign & operation.scopes) == operation.scopes, name
        for scope, outcome in by_root.items():
            if scope not in operation.scopes and operation.scopes:
                assert outcome != "allowed", f"{name}: {scope}"


def test_a_session_does_all_that_the_tokens_of_its_user_do(reviewed):
    """No right is for tokens alone; a session has every scope that its user may use."""
    for name, row in reviewed.items():
        if OPERATIONS[name.split(" (")[0]].schemes == {"appKey"}:
            continue
        assert row["root"] == "allowed" or "allowed" not in row["root's tokens"], name
        assert row["admin"] == "allowed" or "allowed" not in row["admin's tokens"], name


def test_nobody_from_elsewhere_gets_at_an_object_from_here(reviewed):
    """ASVS 8.4.1. To a root user of another account each is absent; so it is to admins, but for accounts and people."""
    operators_own = ("account_id", "provider_id", "model_id", "group")
    for name, row in reviewed.items():
        operation = OPERATIONS[name.split(" (")[0]]
        if not operation.is_management or not operation.parameters:
            continue
        assert row["root elsewhere"] in ("404 not_found", "403 admin_only"), name
        if not set(operation.parameters) & set(operators_own):
            assert row["admin"] == "404 not_found" and "allowed" not in row["admin's tokens"], name


def test_a_member_does_nothing_that_a_root_user_may_not(reviewed):
    for name, row in reviewed.items():
        assert row["member"] == row["root"] or row["member"] in ("403 root_only", "404 not_found"), name
        assert (
            row["member's token"] == row["former root's token"] or "insufficient_scope" in row["member's token"]
        ), name


def test_a_write_takes_the_csrf_token(reviewed):
    """ASVS 3.5.1: with a session, whatever is not a GET."""
    for name, row in reviewed.items():
        operation = OPERATIONS[name.split(" (")[0]]
        if "sessionCookie" in operation.schemes and operation.method != "GET":
            assert row["root without CSRF token"] == "403 csrf_failed", name
        else:
            assert row["root without CSRF token"] == row["root"], name


# As the contract has it: what takes a proof of the last minutes (ASVS 7.5.3).
FRESH = {
    "deleteCredential",
    "deleteApplication (with its keys)",
    "rotateCredential",
    "retireCredential",
    "reportLeak (action rotate)",
    "createPlatformToken",
    "createPlatformToken (a root user's scope)",
    "createPlatformToken (an admin's scope)",
    "beginTotp",
    "confirmTotp",
    "deleteTotp",
    "createRecoveryCodes",
    "updateKeyPolicy",
    # Whoever could let somebody in, or get into what is somebody else's, could go round all of the above.
    "createInvitation",
    "createInvitation (of a root user)",
    "deleteInvitation",
    "updateUser (to member)",
    "updateUser (to root)",
    "deleteUser",
    "createPasswordReset",
    "deleteUserSecondFactor",
    "closeAccount",
}


def test_what_needs_a_proof_is_refused_to_a_stale_session_and_nothing_else_is(reviewed):
    for name, row in reviewed.items():
        for caller in ("root", "admin"):
            wanted = "403 reauthentication_required" if name in FRESH else row[caller]
            assert row[f"stale {caller}"] == wanted, f"{name}: {caller}"


@pytest.mark.parametrize("caller", ["nobody", "key of the app", "member", "stale root", "root elsewhere", "admin"])
def test_another_spelling_of_a_request_opens_nothing_more(world, reviewed, caller):
    """HEAD for GET, and a slash at the end: the same right, for every operation that is refused."""
    call = world.callers[caller]
    for ask in ASKS:
        operation, refusal = OPERATIONS[ask.operation], reviewed[ask.name][caller]
        if refusal == "allowed":
            continue
        ids = world.ids | ({ask.throwaway: world.throwaway(ask.throwaway)} if ask.throwaway else {})
        path, query = operation.at(ids), put_in(ask.query, ids)
        keywords = {} if ask.body is ... else {"json": put_in(ask.body, ids)}
        slashed = call(operation.method, path + "/" + query, **keywords)
        assert slashed.status_code == int(refusal[:3]), f"{ask.name}: {slashed.status_code} {slashed.text}"
        if operation.method == "GET":
            assert call("HEAD", path + query).status_code == int(refusal[:3]), ask.name


# ASVS 8.2.2: a foreign id gets the same bytes as an absent one

WITH_IDS = [ask for ask in ASKS if OPERATIONS[ask.operation].parameters]


@pytest.fixture(scope="module")
def strangers_calls(world):
    """Who must not see what is here. The admin sees accounts and the catalog, but no tenant's apps, keys and tokens."""
    elsewhere = world.elsewhere
    member = elsewhere.member()
    return {
        "root": elsewhere.person.another_session().call,
        "root's token": elsewhere.call,
        "member": member.call,
        "member's token": partial(world.deployment.client.call, token=member.platform_token(MEMBER_SCOPES)["token"]),
        "admin": world.deployment.admin.another_session().call,
        "admin's token": partial(
            world.deployment.client.call,
            token=world.deployment.admin.another_session().platform_token(ADMIN_SCOPES)["token"],
        ),
        "key": partial(world.deployment.client.call, token=elsewhere.key(elsewhere.application()["id"])),
    }


# Admins see accounts and the catalog; at the data plane only keys get further than the door.
TENANTS_OWN = {"application_id", "credential_id", "platform_token_id", "session_id"}
STRANGERS = [
    (caller, ask)
    for ask in WITH_IDS
    for caller in ("root", "root's token", "member", "member's token", "admin", "admin's token", "key")
    if OPERATIONS[ask.operation].is_management or caller == "key"
    if set(OPERATIONS[ask.operation].parameters) <= TENANTS_OWN or not caller.startswith("admin")
]


@pytest.mark.parametrize("caller, ask", STRANGERS, ids=lambda value: value if isinstance(value, str) else value.name)
def test_a_foreign_id_is_answered_like_an_absent_one(world, strangers_calls, ask, caller):
    """Every operation with an id in its path: the id from here and one of nothing, in all combinations."""
    operation = OPERATIONS[ask.operation]
    ids = dict(world.ids)
    if ask.throwaway:
        ids[ask.throwaway] = world.throwaway(ask.throwaway)
    answers = []
    for foreign in itertools.product((True, False), repeat=len(operation.parameters)):
        mixed = ids | {name: absent_id() for name, is_real in zip(operation.parameters, foreign) if not is_real}
        answers.append(send(ask, strangers_calls[caller], mixed))
    assert answers[0].status_code in (401, 403, 404), answers[0].text
    for answer in answers[1:]:
        same_bytes(answers[0], answer)


@pytest.mark.parametrize("name", ["updateUser (to member)", "updateUser (to root)", "deleteUser", "deleteInvitation"])
def test_foreign_people_are_absent_ones_in_ones_own_account(world, strangers_calls, name):
    """The id of somebody from here, in the account of whoever asks."""
    ask = next(ask for ask in ASKS if ask.name == name)
    own = world.ids | {"account_id": world.elsewhere.account["id"]}
    absent = own | {"user_id": absent_id(), "invitation_id": absent_id()}
    for caller in ("root", "root's token"):
        foreign = send(ask, strangers_calls[caller], own)
        problem(
            foreign, *((403, "session_required") if "(to root)" in name and "token" in caller else (404, "not_found"))
        )
        same_bytes(foreign, send(ask, strangers_calls[caller], absent))


def test_an_invitation_does_not_tell_who_has_an_account_elsewhere(world, stranger):
    """ASVS 6.3.8: an address from here and one that nobody has are invited alike, and the one from here stays here."""
    path = f"/api/v1/accounts/{stranger.account['id']}/invitations"
    answers = []
    for email in (world.here.person.email, new_email()):
        answers.append(expect(stranger.person.fresh().call("POST", path, json={"email": email, "role": "member"}), 201))
        planted.plant("invitation token", answers[-1].json()["token"])
    taken, free = (
        {k: v for k, v in a.json().items() if k not in ("id", "token", "email", "expires_at")} for a in answers
    )
    assert taken == free and set(answers[0].json()) == set(answers[1].json())
    assert [h for h in answers[0].headers if h != "Date"] == [h for h in answers[1].headers if h != "Date"]
    invited = {i["email"] for i in all_items(stranger.person.call, path)}
    assert {world.here.person.email} <= invited
    problem(
        stranger.person.call("POST", path, json={"email": stranger.person.email, "role": "member"}), 409, "email_taken"
    )


IN_BODIES = [
    ("POST", "/api/v1/credentials", {"application_id": "{application_id}"}),
    ("POST", "/api/v1/credentials", {"application_id": "{application_id}", "models": ["echo"], "revealable": True}),
    ("POST", "/api/v1/leaks", {"credential_id": "{credential_id}", "action": "disable"}),
    ("POST", "/api/v1/leaks", {"credential_id": "{credential_id}", "action": "rotate"}),
    ("POST", "/api/v1/verify", {"key": "{own_key}", "application_id": "{application_id}"}),
    (
        "POST",
        "/api/v1/verify",
        {"key": "{own_key}", "application_id": "{application_id}", "charge": True, "request_id": "r"},
    ),
    ("POST", "/api/v1/credentials/{own_credential}/explain", {"application_id": "{application_id}"}),
    ("GET", "/api/v1/credentials?application_id={application_id}", None),
    ("GET", "/api/v1/usage?credential_id={credential_id}&by=credential", None),
    ("GET", "/api/v1/usage?application_id={application_id}&by=application", None),
    ("GET", "/api/v1/usage?application_id={application_id}&credential_id={credential_id}", None),
    ("GET", "/api/v1/ledger?credential_id={credential_id}", None),
    ("GET", "/api/v1/ledger?credential_id={credential_id}&format=csv", None),
    ("GET", "/api/v1/ledger?account_id={account_id}", None),
    ("GET", "/api/v1/audit?account_id={account_id}", None),
]


@pytest.fixture(scope="module")
def stranger(world):
    """A tenant with an app and a key of their own, and something in every list."""
    made = world.deployment.new_tenant("Stranger")
    made.app = made.application()
    made.own_credential = made.credential(made.app["id"])
    made.own_key = made.own_credential["token"]
    expect(world.deployment.client.chat(made.own_key), 200)
    expect(world.deployment.client.chat(world.key), 200)
    made.settled(), world.here.settled()
    return made


@pytest.mark.parametrize("way", ["session", "platform token"])
@pytest.mark.parametrize("method, path, body", IN_BODIES, ids=lambda value: str(value)[:70])
def test_a_foreign_id_elsewhere_in_a_request_is_an_absent_one_too(world, stranger, way, method, path, body):
    """In bodies and in filters."""
    call = stranger.person.fresh().call if way == "session" else stranger.call
    own = {"own_key": stranger.own_key, "own_credential": stranger.own_credential["id"]}
    absent = {name: absent_id() for name in ("application_id", "credential_id", "account_id")}

    def ask(ids):
        return call(method, put_in(path, ids), **({} if body is None else {"json": put_in(body, ids)}))

    foreign = ask(own | {name: world.ids[name] for name in absent})
    same_bytes(foreign, ask(own | absent))
    assert foreign.status_code in (200, 400, 403, 404), foreign.text
    for secret in (world.ids["credential_id"], world.ids["application_id"], world.key):
        assert secret not in foreign.text


def test_a_foreign_key_that_leaked_is_an_unknown_one(world, stranger):
    """Who finds a key of somebody else learns nothing by reporting it, and does nothing to it."""
    call = stranger.person.fresh().call
    for action in ("disable", "rotate"):
        unknown = call("POST", "/api/v1/leaks", json={"token": forged(world.key), "action": action})
        problem(unknown, 404, "not_found")
        same_bytes(unknown, call("POST", "/api/v1/leaks", json={"token": world.key, "action": action}))
        same_bytes(unknown, call("POST", "/api/v1/leaks", json={"token": "sk-nothing", "action": action}))
    expect(world.deployment.client.chat(world.key), 200)


def test_verify_tells_nothing_of_the_state_of_a_foreign_key(world, stranger):
    """Whoever holds it learns that it is not for this app, and nothing about what its owner has done with it."""
    here = world.deployment.new_tenant()
    app = here.application()
    body = {"key": (made := here.credential(app["id"]))["token"], "application_id": stranger.app["id"]}
    path = f"/api/v1/credentials/{made['id']}"
    asked = [expect(stranger.call("POST", "/api/v1/verify", json=body), 200)]
    for edit in ({"enabled": False}, {"ip_allowlist": ["203.0.113.7"]}, {"limited_amount": 0}, {"host": "a.test"}):
        expect(here.call("PATCH", path, json=edit), 200)
        asked.append(stranger.call("POST", "/api/v1/verify", json=body))
    world.deployment.edit_account(here.account["id"], suspended=True)
    asked.append(stranger.call("POST", "/api/v1/verify", json=body))
    assert (asked[0].json()["code"], asked[0].json()["credential_id"]) == ("wrong_app", None)
    for answer in asked[1:]:
        same_bytes(asked[0], answer)


@pytest.mark.parametrize("path", ["applications", "credentials", "platform-tokens", "ledger", "audit"])
def test_a_foreign_cursor_is_but_a_place(world, stranger, path):
    """A cursor made of a foreign id gives what its neighbour gives, which names nothing."""
    kind = {"applications": "application_id", "platform-tokens": "platform_token_id"}.get(path, "credential_id")
    foreign = world.ids[kind]
    neighbour = foreign[:-1] + ("0" if foreign[-1] != "0" else "1")
    if path == "credentials":
        foreign, neighbour = key_cursor(foreign, 0), key_cursor(neighbour, 0)
    page = stranger.call("GET", f"/api/v1/{path}?cursor={foreign}")
    expect(page, 200)
    same_bytes(page, stranger.call("GET", f"/api/v1/{path}?cursor={neighbour}"))


def test_nothing_here_was_touched(world, found):
    """After all of the calls above: the objects that all asked for are as they were."""
    here = world.here
    credential = here.read_credential(world.ids["credential_id"])
    assert (credential["status"], credential["name"], credential["reveals"]) == ("active", "", 0)
    expect(world.deployment.client.chat(world.key), 200)
    users = {user["id"]: user["role"] for user in all_items(here.call, f"/api/v1/accounts/{here.account['id']}/users")}
    assert users[here.user["id"]] == "root"
    for name in ("provider", "model", "group"):
        assert world.ids[name if name == "group" else f"{name}_id"] in str(
            all_items(world.deployment.call, f"/api/v1/{name}s")
        )
