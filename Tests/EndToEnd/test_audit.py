"""The audit log: who changed what somebody pays, when, and from where."""

from decimal import Decimal

import pytest

from client import at, exact, expect, unique
from deployment import all_items
from shapes import TIME, UUID7, problem


def newest(deployment, count=1):
    """The newest entries, the newest first."""
    return exact(expect(deployment.call("GET", f"/api/v1/audit?limit={count}"), 200))["items"]


@pytest.fixture
def account(deployment):
    return deployment.new_account(credits=None)


def account_events(deployment, account):
    path = f"/api/v1/accounts/{account['id']}"
    yield "account.edit", lambda: deployment.edit_account(account["id"], name=unique("renamed"))
    yield "account.suspend", lambda: deployment.edit_account(account["id"], suspended=True)
    yield "account.resume", lambda: deployment.edit_account(account["id"], suspended=False)
    yield "credits.grant", lambda: deployment.grant(account["id"], Decimal("12.5"), reason="Order 4711")
    yield "credits.adjust", lambda: expect(
        deployment.call("POST", path + "/adjustments", json={"amount": -1, "reason": "A mistake"}), 201
    )


def catalog_events(deployment):
    model, group = deployment.new_model(), unique("audited")
    prices, multipliers = f"/api/v1/models/{model['id']}/prices", f"/api/v1/groups/{group}/multipliers"
    made = {}

    def version(kind, path):
        body = {kind: 2, "effective_at": at(3600)}
        made[kind] = expect(deployment.call("POST", path, json=body), 201).json()["id"]

    yield "group.create", lambda: deployment.new_group(2, name=group)
    yield "group.edit", lambda: deployment.call("PATCH", f"/api/v1/groups/{group}", json={"retired": True})
    yield "price.create", lambda: version("price", prices)
    yield "price.withdraw", lambda: deployment.call("DELETE", f"{prices}/{made['price']}")
    yield "multiplier.create", lambda: version("multiplier", multipliers)
    yield "multiplier.withdraw", lambda: deployment.call("DELETE", f"{multipliers}/{made['multiplier']}")


def judged(deployment, action, account_id):
    """The newest entry, which must be of this action, well-formed and by the admin."""
    entry = newest(deployment)[0]
    assert entry["action"] == action
    assert {"id", "at", "actor_id", "action", "account_id", "object_id", "detail", "address"} <= set(entry)
    assert set(entry) <= {
        "id",
        "at",
        "actor_id",
        "action",
        "account_id",
        "object_id",
        "detail",
        "address",
    }
    assert UUID7.match(entry["id"]) and TIME.match(entry["at"]) and isinstance(entry["detail"], dict)
    assert entry["actor_id"] == deployment.admin.session["user"]["id"]
    assert entry["account_id"] == account_id
    assert entry["address"] == "127.0.0.1"
    return entry


def test_what_is_done_to_an_account(deployment, account):
    judged(deployment, "account.create", account["id"])
    for action, event in account_events(deployment, account):
        event()
        judged(deployment, action, account["id"])


def test_what_is_done_to_the_catalog(deployment):
    for action, event in catalog_events(deployment):
        event()
        judged(deployment, action, None)


def test_an_entry_says_what_changed(deployment, account):
    deployment.grant(account["id"], Decimal("12.5"), reason="Order 4711")
    granted = judged(deployment, "credits.grant", account["id"])
    assert "12.5" in str(granted["detail"]) and "Order 4711" in str(granted["detail"])
    group = deployment.new_group(Decimal("0.125"))
    created = judged(deployment, "group.create", None)
    assert "0.125" in str(created["detail"]) and group["name"] in str([created["object_id"], created["detail"]])
    deployment.edit_account(account["id"], credential_cap=4)
    assert "4" in str(judged(deployment, "account.edit", account["id"])["detail"])


def test_what_was_refused_is_not_in_it(deployment, account):
    """Done or not at all: no entry of something that never happened."""
    before = newest(deployment)[0]["id"]
    problem(deployment.try_grant(account["id"], -1), 400, "invalid_request")
    problem(deployment.try_adjust(account["id"], -1, reason="x"), 409, "insufficient_credits")
    problem(deployment.call("PATCH", "/api/v1/groups/standard", json={"retired": True}), 409, "group_in_use")
    problem(deployment.call("POST", "/api/v1/groups", json={"name": "standard", "multiplier": 1}), 409, "name_taken")
    problem(
        deployment.call("PATCH", f"/api/v1/accounts/{account['id']}", json={"name": "A", "balance": 1}),
        400,
        "invalid_request",
    )
    assert newest(deployment)[0]["id"] == before


def test_entries_come_newest_first_and_once(own_deployment):
    """To the last page, from the very first account on."""
    deployment = own_deployment()
    account = deployment.new_account(credits=None)
    for number in range(4):
        deployment.grant(account["id"], number + 1)
    entries = all_items(deployment.call, "/api/v1/audit", read=exact)
    assert [entry["action"] for entry in entries[:5]] == ["credits.grant"] * 4 + ["account.create"]
    times = [entry["at"] for entry in entries]
    assert times == sorted(times, reverse=True)
    seen, cursor = [], None
    while True:
        page = deployment.call("GET", "/api/v1/audit?limit=2" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [entry["id"] for entry in entries]
    # It survives a restart, as everything does.
    assert deployment.server.stop() == 0
    deployment.server.start()
    assert all_items(deployment.call, "/api/v1/audit", read=exact) == entries


def test_the_log_is_for_admins_and_cannot_be_written(deployment, pets):
    problem(pets.person.call("GET", "/api/v1/audit"), 403, "admin_only")
    problem(pets.call("GET", "/api/v1/audit"), 403, {"admin_only", "insufficient_scope"})
    problem(deployment.call("GET", "/api/v1/audit?action=x"), 400, "unknown_parameter")
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        keywords = {} if method == "DELETE" else {"json": {}}
        problem(deployment.call(method, "/api/v1/audit", **keywords), 405, "method_not_allowed")
