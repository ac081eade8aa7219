"""Prices, pricing groups and their versions: what a call will cost is known before, and why it did, ever after."""

import time
from decimal import Decimal

import pytest

from client import Literal, absent_id, at, exact, expect, unique
from deployment import all_items
from receipts import STANDARD, away_from_midnight, books_are_right, charges, day, header, receipt
from shapes import TIME, UUID7, problem, rule
from waiting import wait_for

# The two things that have versions are tested alike: (kind, what a list is paged from).
KINDS = ["price", "multiplier"]
RANGES = {"price": "0 to 1000000000", "multiplier": "0 to 1000"}


def path_of(kind, of):
    return f"/api/v1/models/{of}/prices" if kind == "price" else f"/api/v1/groups/{of}/multipliers"


def subject(deployment, kind, value=1):
    """Something new that has a version: the name by which its versions are reached."""
    if kind == "price":
        return deployment.new_model(price=value)["id"]
    return deployment.new_group(value)["name"]


def versions(deployment, kind, of):
    return all_items(deployment.call, path_of(kind, of), read=exact)


def priced(deployment, price=STANDARD, multiplier=1, credits=1_000_000):
    """A tenant whose one key calls a model of this price in a group of this multiplier."""
    model, group = deployment.new_model(price=price), deployment.new_group(multiplier)
    tenant = deployment.new_tenant(credits=credits, default_group=group["name"])
    tenant.model, tenant.group = model, group["name"]
    tenant.app = tenant.application(model=model["name"])
    tenant.key_made = tenant.credential(tenant.app["id"])
    tenant.app_key = tenant.key_made["token"]
    return tenant


def cost_of_a_call(tenant, key=None):
    return receipt(expect(tenant.client.chat(key or tenant.app_key), 200)).cost


def announced(tenant, key=None):
    """The cost of a call with the key as GET /v1/models says it."""
    models = exact(expect(tenant.client.call("GET", "/v1/models", token=key or tenant.app_key), 200))["data"]
    return {model["id"]: model["cost"] for model in models}


# Prices


def test_a_call_costs_twenty_unless_an_admin_says_otherwise(deployment):
    """A3."""
    for fields in ({}, {"price": None}, {"price": 20}):
        assert deployment.new_model(**fields)["price"] == STANDARD
    assert deployment.new_model(price=Decimal("0.000001"))["price"] == Decimal("0.000001")
    assert deployment.new_model(price=0)["price"] == 0
    assert deployment.new_model(price=1_000_000_000)["price"] == 1_000_000_000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("literal", ["-1", "1e-7"])
def test_a_bad_price_or_multiplier_is_refused(deployment, kind, literal):
    of = subject(deployment, kind)
    top = "1000000000.000001" if kind == "price" else "1000.000001"
    for value in (literal, "null", top):
        refusal = deployment.try_version(kind, of, Literal(value))
        problem(refusal, 400, "invalid_request", field=kind)
        assert RANGES[kind] in rule(refusal, kind) and "6 decimal places" in rule(refusal, kind)
    problem(deployment.call("POST", path_of(kind, of), json={}), 400, "invalid_request", field=kind)
    if kind == "multiplier":
        body = {"name": unique("group"), "multiplier": Literal(literal)}
        problem(deployment.call("POST", "/api/v1/groups", json=body), 400, "invalid_request", field=kind)
    assert [version[kind] for version in versions(deployment, kind, of)] == [1]


@pytest.mark.parametrize(
    "price, multiplier, cost",
    [
        ("20", "1", "20"),
        ("20", "0.5", "10"),
        ("20", "1.5", "30"),
        ("5", "0", "0"),
        ("0", "1000", "0"),
        ("0.1", "0.1", "0.01"),
        ("0.3", "3", "0.9"),
        ("1", "0.333333", "0.333333"),
        ("20", "1.000001", "20.00002"),
        # Rounded up to a millionth, whatever is behind it.
        ("0.000001", "0.5", "0.000001"),
        ("0.000001", "0.000001", "0.000001"),
        ("0.000003", "0.5", "0.000002"),
        ("1.000001", "1.000001", "1.000003"),
        ("7.777777", "0.999999", "7.77777"),
        ("0.000002", "0.5", "0.000001"),
        ("1000000000", "1000", "1000000000000"),
        ("1000000000", "999.999999", "999999999000"),
        ("999999999.999999", "999.999999", "999999998999.999001"),
    ],
)
def test_a_cost_is_price_times_multiplier_rounded_up(deployment, price, multiplier, cost):
    """The same in the lists, in the receipt and in the ledger."""
    tenant = priced(deployment, Decimal(price), Decimal(multiplier), credits=2_000_000_000_000)
    name = tenant.model["name"]
    assert announced(tenant) == {name: Decimal(cost)}
    offered = {model["name"]: model for model in all_items(tenant.call, "/api/v1/models", read=exact)}
    assert (offered[name]["price"], offered[name]["cost"]) == (Decimal(price), Decimal(cost))
    answer = expect(tenant.client.chat(tenant.app_key), 200)
    assert header(answer, "X-Latchkey-Cost") == cost
    charge = charges(books_are_right(deployment, tenant.account["id"]))[0]
    paid = (charge["price"], charge["multiplier"], charge["amount"], charge["group"])
    assert paid == (Decimal(price), Decimal(multiplier), Decimal(cost), tenant.group)


def test_each_model_has_its_own_price(deployment):
    tenant = deployment.new_tenant(credits=100)
    cheap, dear = deployment.new_model(price=3), deployment.new_model(price=40)
    app = tenant.application(model=cheap["name"], allowed_models=[cheap["name"], dear["name"], "echo"])
    key = tenant.key(app["id"])
    assert announced(tenant, key) == {cheap["name"]: 3, dear["name"]: 40, "echo": STANDARD}
    costs = [receipt(expect(tenant.client.chat(key, model=name), 200)).cost for name in (dear["name"], cheap["name"])]
    assert costs == [40, 3]
    assert receipt(tenant.client.chat(key)).cost == 3, "without a model it is the app's own"


# Versions


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_as_it_is_made_and_listed(deployment, kind):
    of = subject(deployment, kind)
    end = at(3600)
    now = expect(deployment.try_version(kind, of, Decimal("2.5")), 201)
    later = exact(expect(deployment.try_version(kind, of, 4, effective_at=end), 201))
    first = exact(now)
    owner = {"price": "model_id", "multiplier": "group"}[kind]
    for version in (first, later):
        assert set(version) == {"id", owner, kind, "effective_at", "created_at"}
        assert UUID7.match(version["id"]) and TIME.match(version["effective_at"]) and TIME.match(version["created_at"])
        assert version[owner] == of
    assert later["effective_at"] == end and first["effective_at"] <= at(1)
    assert [version[kind] for version in (first, later)] == [Decimal("2.5"), 4]
    listed = {version["id"]: version for version in versions(deployment, kind, of)}
    assert len(listed) == 3 and listed[first["id"]] == first and listed[later["id"]] == later


@pytest.mark.parametrize("kind", KINDS)
def test_versions_are_paged(deployment, kind):
    of = subject(deployment, kind)
    made = [
        exact(deployment.try_version(kind, of, number, effective_at=at(1000 + number)))["id"] for number in range(4)
    ]
    seen, cursor = [], None
    for _ in range(5):
        query = "?limit=1" + (f"&cursor={cursor}" if cursor else "")
        page = expect(deployment.call("GET", path_of(kind, of) + query), 200).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert cursor is None and len(seen) == len(set(seen)) == 5 and set(made) < set(seen)


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_version_binds_the_next_call_and_no_earlier_one(deployment, kind):
    """A charge keeps the version that it was made with, so it can be explained later."""
    tenant = priced(deployment, 10, 2)
    of = tenant.model["id"] if kind == "price" else tenant.group
    assert cost_of_a_call(tenant) == 20
    changed = exact(expect(deployment.try_version(kind, of, 3), 201))
    assert cost_of_a_call(tenant) == (6 if kind == "price" else 30)
    newer, older = charges(books_are_right(deployment, tenant.account["id"]))
    assert newer[f"{kind}_id"] == changed["id"] and newer[kind] == 3
    first = min(versions(deployment, kind, of), key=lambda version: version["effective_at"])
    assert older[f"{kind}_id"] == first["id"] and older[kind] == first[kind]
    assert older["amount"] == 20
    other = "multiplier" if kind == "price" else "price"
    assert newer[f"{other}_id"] == older[f"{other}_id"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_waits_for_its_time(deployment, kind):
    tenant = priced(deployment, 10, 1)
    of = tenant.model["id"] if kind == "price" else tenant.group
    moment = time.time() + 3
    planned = exact(expect(deployment.try_version(kind, of, 2, effective_at=at(3)), 201))
    name, dearer = tenant.model["name"], 2 if kind == "price" else 20
    before = cost_of_a_call(tenant)
    assert time.time() > moment or (before == 10 and announced(tenant)[name] == 10)
    wait_for("the time to come", lambda: announced(tenant)[name] == dearer, deadline=8)
    assert time.time() >= moment - 1, "it came too early"
    assert cost_of_a_call(tenant) == dearer
    assert charges(tenant.ledger())[0][f"{kind}_id"] == planned["id"]
    shown = {model["name"]: model["cost"] for model in all_items(tenant.call, "/api/v1/models", read=exact)}
    assert shown[name] == dearer
    if kind == "multiplier":
        assert exact(deployment.call("GET", f"/api/v1/groups/{of}"))["multiplier"] == 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [at(-1), "2020-01-01T00:00:00Z"])
def test_a_version_does_not_begin_in_the_past(deployment, kind, value):
    of = subject(deployment, kind)
    refusal = deployment.try_version(kind, of, 2, effective_at=value)
    problem(refusal, 400, "invalid_request", field="effective_at")
    assert rule(refusal, "effective_at") == "must be in the future, or null for now"
    assert len(versions(deployment, kind, of)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_null_means_now(deployment, kind):
    of = subject(deployment, kind)
    made = exact(expect(deployment.try_version(kind, of, 7, effective_at=None), 201))
    assert made["effective_at"] <= at(1)


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_versions_at_one_time(deployment, kind):
    """Which of them counts would be anybody's guess."""
    of, other = subject(deployment, kind), subject(deployment, kind)
    moment = "2099-01-01T00:00:00Z"
    made = exact(expect(deployment.try_version(kind, of, 2, effective_at=moment), 201))
    problem(deployment.try_version(kind, of, 3, effective_at=moment), 409, "version_exists")
    same = deployment.try_version(kind, of, 3, effective_at="2099-01-01T02:00:00+02:00")
    problem(same, 409, "version_exists")
    expect(deployment.try_version(kind, other, 3, effective_at=moment), 201)
    # Withdrawn, it makes room.
    expect(deployment.call("DELETE", f"{path_of(kind, of)}/{made['id']}"), 204)
    expect(deployment.try_version(kind, of, 3, effective_at=moment), 201)


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_not_begun_can_be_withdrawn(deployment, kind):
    tenant = priced(deployment, 10, 1)
    of = tenant.model["id"] if kind == "price" else tenant.group
    planned = exact(expect(deployment.try_version(kind, of, 5, effective_at=at(2)), 201))
    control = subject(deployment, kind)
    expect(deployment.try_version(kind, control, 5, effective_at=at(2)), 201)
    path = f"{path_of(kind, of)}/{planned['id']}"
    expect(deployment.call("DELETE", path), 204)
    problem(deployment.call("DELETE", path), 404, "not_found")
    assert planned["id"] not in {version["id"] for version in versions(deployment, kind, of)}

    def control_has_begun():
        begun = [version for version in versions(deployment, kind, control) if version["effective_at"] < at(0)]
        return len(begun) == 2

    wait_for("the time at which it would have begun", control_has_begun, deadline=8)
    assert cost_of_a_call(tenant) == 10


@pytest.mark.parametrize("kind", KINDS)
def test_what_has_begun_stays(deployment, kind):
    of = subject(deployment, kind)
    expect(deployment.try_version(kind, of, 2), 201)
    listed = versions(deployment, kind, of)
    assert len(listed) == 2
    for version in listed:  # the one that is in effect, and the one that was
        problem(deployment.call("DELETE", f"{path_of(kind, of)}/{version['id']}"), 409, "version_in_effect")
    assert versions(deployment, kind, of) == listed


@pytest.mark.parametrize("kind", KINDS)
def test_a_version_belongs_to_one_thing(deployment, kind):
    of, other = subject(deployment, kind), subject(deployment, kind)
    planned = exact(expect(deployment.try_version(kind, of, 2, effective_at=at(3600)), 201))
    for wrong in (f"{path_of(kind, other)}/{planned['id']}", f"{path_of(kind, of)}/{absent_id()}"):
        problem(deployment.call("DELETE", wrong), 404, "not_found")
    assert planned["id"] in {version["id"] for version in versions(deployment, kind, of)}
    nothing = absent_id() if kind == "price" else "no-such-group"
    problem(deployment.call("GET", path_of(kind, nothing)), 404, "not_found")
    problem(deployment.try_version(kind, nothing, 1), 404, "not_found")


def test_a_deleted_model_stays_in_the_books(deployment):
    """Its prices can't be read any more, but every charge still says what it was made with."""
    tenant = priced(deployment, 30, 1)
    assert cost_of_a_call(tenant) == 30
    price_id = charges(tenant.ledger())[0]["price_id"]
    model = tenant.model
    expect(tenant.call("PATCH", f"/api/v1/applications/{tenant.app['id']}", json={"model": "echo"}), 200)
    expect(deployment.call("DELETE", f"/api/v1/models/{model['id']}"), 204)
    problem(deployment.call("GET", path_of("price", model["id"])), 404, "not_found")
    problem(deployment.try_version("price", model["id"], 1), 404, "not_found")
    problem(deployment.call("DELETE", f"{path_of('price', model['id'])}/{price_id}"), 404, "not_found")
    again = deployment.new_model(name=model["name"], price=5)
    assert again["id"] != model["id"]
    assert [version["price"] for version in versions(deployment, "price", again["id"])] == [5]
    old = charges(books_are_right(deployment, tenant.account["id"]))[-1]
    assert (old["model"], old["price"], old["price_id"], old["amount"]) == (model["name"], 30, price_id, 30)


# Groups


def test_the_standard_group_is_there_from_the_start(deployment):
    group = exact(expect(deployment.call("GET", "/api/v1/groups/standard"), 200))
    mine = {"name", "multiplier", "retired", "created_at", "updated_at"}
    assert set(group) == mine | {"effective_at", "scheduled", "used_by"}
    assert (group["name"], group["multiplier"], group["retired"]) == ("standard", 1, False)
    account = deployment.new_account()
    assert (account["default_group"], account["groups"]) == ("standard", [])


def test_a_group_as_it_is_made(deployment):
    name = unique("made")
    group = exact(expect(deployment.call("POST", "/api/v1/groups", json={"name": name, "multiplier": 0.5}), 201))
    assert (group["name"], group["multiplier"], group["retired"]) == (name, Decimal("0.5"), False)
    assert TIME.match(group["created_at"])
    assert exact(deployment.call("GET", f"/api/v1/groups/{name}")) == group
    problem(deployment.call("POST", "/api/v1/groups", json={"name": name, "multiplier": 1}), 409, "name_taken")
    problem(deployment.call("POST", "/api/v1/groups", json={"name": "standard", "multiplier": 1}), 409, "name_taken")


@pytest.mark.parametrize("name", ["a", "0", "9-to-5", "under_score-and-dash", "x" * 40, "a--", "0_"])
def test_a_name_of_a_group(deployment, name):
    """Taken once; a second run of the same server would find it there."""
    answer = deployment.call("POST", "/api/v1/groups", json={"name": name, "multiplier": 1})
    assert answer.status_code == 201, answer.text
    assert expect(deployment.call("GET", f"/api/v1/groups/{name}"), 200).json()["name"] == name


@pytest.mark.parametrize("field", ["name", "multiplier", "created_at", "nonsense"])
def test_what_an_edit_of_a_group_cannot_set(deployment, field):
    """Its name never changes, and its multiplier has versions of its own."""
    group = deployment.new_group()
    path = f"/api/v1/groups/{group['name']}"
    problem(deployment.call("PATCH", path, json={field: "other"}), 400, "invalid_request", field=field)
    assert exact(deployment.call("GET", path)) == group


def test_a_group_that_is_not_there(deployment):
    problem(deployment.call("GET", "/api/v1/groups/no-such-group"), 404, "not_found")
    problem(deployment.call("PATCH", "/api/v1/groups/no-such-group", json={"retired": True}), 404, "not_found")


def test_groups_are_listed_by_name(deployment):
    """To the last page, each once; the cursor is a place among the names, whatever is added meanwhile."""
    made = {deployment.new_group()["name"] for _ in range(3)}
    names = [group["name"] for group in all_items(deployment.call, "/api/v1/groups")]
    assert names == sorted(names) and len(names) == len(set(names)) and made | {"standard"} <= set(names)
    seen, cursor = [], None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = expect(deployment.call("GET", "/api/v1/groups" + query), 200).json()
        assert len(page["items"]) <= 2
        seen += [group["name"] for group in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        if len(seen) == 2:
            deployment.new_group(name="0-" + unique("before"))  # before the place that was reached
    assert seen == names


def test_a_tenant_sees_the_groups_that_it_may_use(deployment):
    """Other tenants' terms are nobody's business."""
    one, two, other = (deployment.new_group(n) for n in (2, 3, 4))
    tenant = deployment.new_tenant(default_group=one["name"], groups=[two["name"]])
    seen = {group["name"]: group["multiplier"] for group in all_items(tenant.call, "/api/v1/groups", read=exact)}
    assert seen == {one["name"]: 2, two["name"]: 3}
    assert other["name"] not in tenant.call("GET", "/api/v1/groups?limit=100").text
    plain = deployment.new_tenant()
    assert [group["name"] for group in all_items(plain.call, "/api/v1/groups")] == ["standard"]
    # To whom it is not offered, a group can't be told from none; nor can one's own be read with its versions.
    for name in (other["name"], two["name"], "no-such-group"):
        problem(tenant.person.call("GET", f"/api/v1/groups/{name}"), 403, "admin_only")


def test_a_keys_group_prices_its_calls(deployment):
    cheap, dear = deployment.new_group(Decimal("0.5")), deployment.new_group(3)
    tenant = deployment.new_tenant(groups=[dear["name"], cheap["name"]])
    assert tenant.account["groups"] == sorted([cheap["name"], dear["name"]])
    app = tenant.application()
    plain = tenant.key(app["id"])
    chosen = tenant.credential(app["id"], group=cheap["name"])
    named = tenant.credential(app["id"], group="standard")
    assert (chosen["group"], named["group"]) == (cheap["name"], "standard")
    costs = [cost_of_a_call(tenant, key) for key in (plain, chosen["token"], named["token"])]
    assert costs == [20, 10, 20]
    assert [announced(tenant, key)["echo"] for key in (plain, chosen["token"])] == [20, 10]
    tenant.edit_credential(chosen["id"], group=dear["name"])
    assert cost_of_a_call(tenant, chosen["token"]) == 60
    tenant.edit_credential(chosen["id"], group=None)
    assert cost_of_a_call(tenant, chosen["token"]) == 20
    groups = [charge["group"] for charge in reversed(charges(books_are_right(deployment, tenant.account["id"])))]
    assert groups == ["standard", cheap["name"], "standard", dear["name"], "standard"]


def test_an_accounts_default_group_prices_the_rest(deployment):
    double = deployment.new_group(2)
    tenant = deployment.new_tenant()
    app = tenant.application()
    key, named = tenant.key(app["id"]), tenant.key(app["id"], group="standard")
    assert (cost_of_a_call(tenant, key), cost_of_a_call(tenant, named)) == (20, 20)
    deployment.edit_account(tenant.account["id"], default_group=double["name"], groups=["standard"])
    assert (cost_of_a_call(tenant, key), cost_of_a_call(tenant, named)) == (40, 20)
    offered = {model["name"]: model for model in all_items(tenant.call, "/api/v1/models", read=exact)}
    assert (offered["echo"]["price"], offered["echo"]["cost"]) == (20, 40)
    for_the_admin = {model["name"]: model for model in all_items(deployment.call, "/api/v1/models", read=exact)}
    assert for_the_admin["echo"]["cost"] == 20, "the cost is that of the caller's own account"


def test_a_group_that_is_taken_away_falls_back_to_the_default(deployment):
    """From the next call on, and to the group of the account as it is then."""
    cheap, double = deployment.new_group(Decimal("0.25")), deployment.new_group(2)
    tenant = deployment.new_tenant(groups=[cheap["name"]])
    key = tenant.key(tenant.application()["id"], group=cheap["name"])
    assert cost_of_a_call(tenant, key) == 5
    deployment.edit_account(tenant.account["id"], groups=[])
    assert cost_of_a_call(tenant, key) == announced(tenant, key)["echo"] == 20
    deployment.edit_account(tenant.account["id"], default_group=double["name"])
    assert cost_of_a_call(tenant, key) == 40
    groups = [charge["group"] for charge in charges(tenant.ledger())]
    assert groups == [double["name"], "standard", cheap["name"]]


def test_a_key_chooses_among_its_accounts_groups(deployment):
    """A foreign group and none are the same; so is one that was taken away."""
    foreign, own = deployment.new_group(0), deployment.new_group(1)
    tenant = deployment.new_tenant(groups=[own["name"]])
    app = tenant.application()
    made = tenant.credential(app["id"])
    deployment.edit_account(tenant.account["id"], groups=[])
    for name in (foreign["name"], own["name"], "no-such-group"):
        for refusal in (
            tenant.try_credential(app["id"], group=name),
            tenant.try_edit_credential(made["id"], group=name),
        ):
            problem(refusal, 400, "invalid_request", field="group")
            assert rule(refusal, "group") == "names no pricing group that this account may choose"


def test_an_accounts_groups_must_be_there(deployment):
    account, fine, retired = deployment.new_account(), deployment.new_group(), deployment.new_group()
    expect(deployment.call("PATCH", f"/api/v1/groups/{retired['name']}", json={"retired": True}), 200)
    path = f"/api/v1/accounts/{account['id']}"
    words = "names no pricing group that can be chosen"
    for name in ("no-such-group", retired["name"]):
        refusal = deployment.call("PATCH", path, json={"default_group": name})
        problem(refusal, 400, "invalid_request", field="default_group")
        assert rule(refusal, "default_group") == words
        refusal = deployment.call("PATCH", path, json={"groups": [fine["name"], name]})
        problem(refusal, 400, "invalid_request", field="groups[1]")
        assert rule(refusal, "groups[1]") == words
        for fields, field in (({"default_group": name}, "default_group"), ({"groups": [name]}, "groups[0]")):
            refusal = deployment.call("POST", "/api/v1/accounts", json={"name": "A"} | fields)
            problem(refusal, 400, "invalid_request", field=field)
    assert deployment.account(account["id"]) == account


def test_a_retired_group_is_kept_and_not_chosen(deployment):
    group = deployment.new_group(2)
    path = f"/api/v1/groups/{group['name']}"
    tenant = deployment.new_tenant(default_group=group["name"])
    by_choice = deployment.new_tenant(groups=[group["name"]])
    app, other = tenant.application(), by_choice.application()
    key, chosen = tenant.key(app["id"]), by_choice.credential(other["id"], group=group["name"])
    retired = exact(expect(deployment.call("PATCH", path, json={"retired": True}), 200))
    assert retired["retired"] is True and retired["multiplier"] == 2
    # Who has it keeps it, and its price can still change.
    assert (cost_of_a_call(tenant, key), cost_of_a_call(by_choice, chosen["token"])) == (40, 40)
    deployment.set_multiplier(group["name"], 3)
    assert cost_of_a_call(tenant, key) == 60
    # It can't be chosen anew.
    problem(by_choice.try_credential(other["id"], group=group["name"]), 400, "invalid_request", field="group")
    another = by_choice.credential(other["id"])
    problem(by_choice.try_edit_credential(another["id"], group=group["name"]), 400, "invalid_request", field="group")
    problem(
        deployment.call(
            "PATCH", f"/api/v1/accounts/{deployment.new_account()['id']}", json={"groups": [group["name"]]}
        ),
        400,
        "invalid_request",
        field="groups[0]",
    )
    expect(deployment.call("PATCH", path, json={"retired": False}), 200)
    assert cost_of_a_call(by_choice, by_choice.key(other["id"], group=group["name"])) == 60


def test_the_standard_group_cannot_be_retired(deployment):
    problem(deployment.call("PATCH", "/api/v1/groups/standard", json={"retired": True}), 409, "group_in_use")
    assert deployment.call("GET", "/api/v1/groups/standard").json()["retired"] is False


# What another multiplier would have meant


def preview(deployment, group, /, **body):
    return deployment.call("POST", f"/api/v1/groups/{group}/preview", json=body)


def test_a_preview_prices_the_charges_again(deployment):
    away_from_midnight()
    group = deployment.new_group(2)
    tenants = [deployment.new_tenant(default_group=group["name"]) for _ in range(2)]
    other = deployment.new_tenant(groups=[group["name"]])
    small = deployment.new_model(price=Decimal("0.000001"))
    for tenant, model, calls in ((tenants[0], "echo", 3), (tenants[1], small["name"], 3), (other, "echo", 1)):
        key = tenant.key(tenant.application(model=model)["id"])
        for _ in range(calls):
            expect(tenant.client.chat(key), 200)
    before = [deployment.ledger(tenant.account["id"]) for tenant in tenants]
    seen = exact(expect(preview(deployment, group["name"], multiplier=Decimal("0.5"), days=30), 200))
    assert (seen["group"], seen["multiplier"], seen["days"]) == (group["name"], Decimal("0.5"), 30)
    assert seen["until"][:10] == day() and seen["from"][:10] == day(time.time() - 29 * 86400)
    # Each call is rounded up by itself: three halves of a millionth are three millionths.
    assert (seen["calls"], seen["charged"], seen["would_be"]) == (6, Decimal("120.000006"), Decimal("30.000003"))
    assert seen["difference"] == Decimal("-90.000003")
    assert seen["accounts"] == [
        {
            "account_id": tenants[0].account["id"],
            "name": tenants[0].account["name"],
            "calls": 3,
            "charged": 120,
            "would_be": 30,
        },
        {
            "account_id": tenants[1].account["id"],
            "name": tenants[1].account["name"],
            "calls": 3,
            "charged": Decimal("0.000006"),
            "would_be": Decimal("0.000003"),
        },
    ]
    # It is a question, and changes nothing.
    assert exact(deployment.call("GET", f"/api/v1/groups/{group['name']}"))["multiplier"] == 2
    assert [deployment.ledger(tenant.account["id"]) for tenant in tenants] == before
    dearer = exact(expect(preview(deployment, group["name"], multiplier=1000, days=1), 200))
    assert (dearer["would_be"], dearer["difference"]) == (Decimal("60000.003"), Decimal("59880.002994"))


def test_a_preview_knows_only_charges(deployment, upstream):
    """What was not served cost nothing and would cost nothing; and a group without calls is a row of zeros."""
    group = deployment.new_group(1)
    tenant = deployment.new_tenant(default_group=group["name"])
    key = tenant.key(tenant.application(model="status-500")["id"])
    expect(tenant.client.chat(key), 502)
    tenant.settled()
    seen = exact(expect(preview(deployment, group["name"], multiplier=1000, days=366), 200))
    assert (seen["calls"], seen["charged"], seen["would_be"], seen["difference"], seen["accounts"]) == (0, 0, 0, 0, [])


def test_a_preview_of_a_month_and_what_it_asks_for(deployment):
    group = deployment.new_group(1)["name"]
    seen = exact(expect(preview(deployment, group, multiplier=2, month=day()[:7]), 200))
    assert seen["from"] == day()[:8] + "01" and seen["until"] == day()
    assert (seen["multiplier_now"], seen["effective_at"]) == (1, None)
    for body, field in (({}, "days"), ({"days": 1, "month": day()[:7]}, "month"), ({"month": "9999-01"}, "month")):
        problem(preview(deployment, group, multiplier=2, **body), 400, "invalid_request", field=field)


def test_what_was_previewed_is_set_only_while_nothing_has_changed(deployment):
    group = deployment.new_group(1)["name"]
    later = at(3600)
    basis = exact(expect(preview(deployment, group, multiplier=2, days=1, effective_at=later), 200))["basis"]
    for body in ({"multiplier": 3, "effective_at": later}, {"multiplier": 2}):
        answer = deployment.call("POST", f"/api/v1/groups/{group}/multipliers", json=body | {"basis": basis})
        problem(answer, 409, "preview_outdated")
    version = deployment.set_multiplier(group, 2, effective_at=later, basis=basis)
    problem(deployment.try_version("multiplier", group, 2, effective_at=later, basis=basis), 409, "preview_outdated")
    seen = exact(deployment.call("GET", f"/api/v1/groups/{group}"))
    assert seen["scheduled"] == version and seen["multiplier"] == 1
    # A preview refuses the beginning that saving would refuse.
    problem(preview(deployment, group, multiplier=2, days=1, effective_at=later), 409, "version_exists")


def test_admins_are_told_who_uses_a_group(deployment):
    group = deployment.new_group()["name"]
    deployment.new_account(default_group=group)
    tenant = deployment.new_tenant(groups=[group])
    app = tenant.application()
    tenant.credential(app["id"], group=group)
    tenant.credential(app["id"])
    used = {"accounts": 1, "credentials": 1}
    assert deployment.call("GET", f"/api/v1/groups/{group}").json()["used_by"] == used
    listed = {each["name"]: each for each in all_items(deployment.call, "/api/v1/groups")}
    assert listed[group]["used_by"] == used
    mine = {each["name"]: each for each in all_items(tenant.call, "/api/v1/groups")}[group]
    assert set(mine) == {"name", "multiplier", "retired", "created_at", "updated_at"}


def test_a_preview_of_nothing(deployment):
    problem(preview(deployment, "no-such-group", multiplier=1, days=1), 404, "not_found")
