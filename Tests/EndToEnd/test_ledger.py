"""The ledger: append-only, one entry for each thing that happens to a balance, which is their sum (invariant 6)."""

import csv
import io
import re
import shutil
import sqlite3
import threading
import urllib.parse
from decimal import Decimal

import pytest

from client import USER_SCOPES, absent_id, exact, expect, in_parallel, unique
from deployment import all_items
from receipts import ENTRY, OF_THE_CALL, STANDARD, add_up, books_are_right, charges, not_charged, outcome, receipt
from server import run_command
from shapes import TIME, UUID7, problem, same_bytes
from waiting import wait_for

# What begins a formula in a spreadsheet; the control characters among them are taken in no text at all.
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://example.test","a, b")', "=cmd|' /C calc'!A0"]
HARMLESS = ["Order 4711", "a, b", 'say "hi"', "ключ", "'quoted'", "1-1", "a=b"]

COLUMNS = [
    "id",
    "account_id",
    "kind",
    "amount",
    "credential_id",
    "application_id",
    "model",
    "price_id",
    "price",
    "price_effective_at",
    "group",
    "multiplier_id",
    "multiplier",
    "multiplier_effective_at",
    "reason",
    "actor_id",
    "created_at",
]


@pytest.fixture(scope="module")
def history(_deployment, upstream):
    """A tenant with two keys and one entry of each kind, at least; nobody changes it any more."""
    made = _deployment.new_tenant(credits=None)
    made.app = made.upstream_application()
    made.one, made.two = (made.credential(made.app["id"], name=name) for name in ("one", "two"))
    _deployment.grant(made.account["id"], 500, reason="Order 4711")
    made.receipts = []
    for key, mode, status in (
        (made.one, "json", 200),
        (made.two, "json", 200),
        (made.one, "status-500", 502),
        (made.one, "json", 200),
    ):
        answer = expect(made.client.chat(key["token"], model=mode, through_upstream=True), status)
        made.receipts.append(receipt(answer) if status == 200 else not_charged(answer))
        made.settled()  # so that no entry of one call stands between those of another
    _deployment.adjust(made.account["id"], Decimal("-0.5"), reason="A rounding error")
    return made


def test_an_entry_of_each_kind(deployment, history):
    """Every member of every entry; what isn't its business is null."""
    entries = books_are_right(deployment, history.account["id"])
    assert [entry["kind"] for entry in entries] == ["adjustment", *["charge"] * 3, "grant"]
    # One model was served, with one price; one group.
    assert {entry["model"] for entry in charges(entries)} == {"json"}
    assert len({(entry["price_id"], entry["multiplier_id"]) for entry in charges(entries)}) == 1
    for entry in entries:
        assert set(entry) == ENTRY and UUID7.match(entry["id"]) and TIME.match(entry["created_at"])
        assert entry["account_id"] == history.account["id"]
        if entry["kind"] in ("grant", "adjustment"):
            assert all(entry[name] is None for name in OF_THE_CALL)
            assert entry["actor_id"] == deployment.admin.session["user"]["id"] and entry["reason"]
        else:
            assert entry["amount"] == entry["price"] == STANDARD and entry["multiplier"] == 1
            assert entry["application_id"] == history.app["id"] and entry["group"] == "standard"
            assert entry["reason"] is None and entry["actor_id"] is None
    assert [outcome(entries, made.charge) for made in history.receipts] == ["charge", "charge", "none", "charge"]
    assert add_up(entries) == Decimal("439.5")


def test_entries_come_newest_first(history):
    entries = history.ledger()
    times = [entry["created_at"] for entry in entries]
    assert times == sorted(times, reverse=True) and len(set(entry["id"] for entry in entries)) == len(entries) == 5


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 100])
def test_pages_hold_every_entry_once(history, limit):
    everything, seen, cursor = history.ledger(), [], None
    for _ in range(11):
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = exact(expect(history.call("GET", "/api/v1/ledger" + query), 200))
        assert len(page["items"]) <= limit
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == everything


def test_new_entries_do_not_move_a_page(deployment):
    """Whoever pages back through the history while calls go on misses nothing and sees nothing twice."""
    tenant = deployment.new_tenant(credits=1)
    account_id = tenant.account["id"]
    for number in range(5):
        deployment.grant(account_id, number + 1)
    before, seen, cursor = tenant.ledger(), [], None
    while True:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = exact(expect(tenant.call("GET", "/api/v1/ledger" + query), 200))
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        deployment.grant(account_id, 100)
    assert seen == before


def test_filters(history):
    everything = history.ledger()
    for kind in ("grant", "adjustment", "charge"):
        assert history.ledger(kind=kind) == [entry for entry in everything if entry["kind"] == kind]
    for key in (history.one, history.two):
        of_key = [entry for entry in everything if entry["credential_id"] == key["id"]]
        assert history.ledger(credential_id=key["id"]) == of_key
        assert history.ledger(credential_id=key["id"], kind="charge") == charges(of_key)
    assert [len(history.ledger(credential_id=key["id"])) for key in (history.one, history.two)] == [2, 1]
    assert history.ledger(credential_id=absent_id()) == []


def test_by_app_model_and_time_with_the_sums_of_it(history):
    """Whatever is asked for: the entries, their sums and the file of them are one selection."""
    everything = history.ledger()
    moments = sorted({entry["created_at"] for entry in everything})
    questions = [
        {},
        {"application_id": history.app["id"]},
        {"application_id": absent_id()},
        {"model": "json"},
        {"model": "none", "kind": "charge"},
        {"from": moments[1]},
        {"to": moments[-1]},
        {"from": moments[1], "to": moments[3]},
        {"from": moments[1], "to": moments[3], "credential_id": history.one["id"], "kind": "charge"},
    ]
    assert len(moments) == 5
    for question in questions:
        ends = {name: question[name] for name in ("from", "to") if name in question}
        expected = [
            entry
            for entry in everything
            if all(entry[name] == value for name, value in question.items() if name not in ends)
            and ends.get("from", "") <= entry["created_at"] < ends.get("to", "~")
        ]
        query = "".join(f"&{name}={value}" for name, value in question.items())
        page = exact(expect(history.call("GET", f"/api/v1/ledger?limit=1{query}"), 200))
        assert history.ledger(**question) == expected
        assert read_csv(history.call, query)[1] == [as_cells(entry) for entry in expected]
        sums = {kind: sum(e["amount"] for e in expected if e["kind"] == kind) for kind in ("grant", "adjustment", "charge")}
        assert page["totals"] == {
            "entries": len(expected),
            "granted": sums["grant"],
            "adjusted": sums["adjustment"],
            "charged": sums["charge"],
            "change": sums["grant"] + sums["adjustment"] - sums["charge"],
        }
    whole = exact(history.call("GET", "/api/v1/ledger"))["totals"]
    assert whole["change"] == history.balance()


def test_a_cursor_is_good_for_its_filter_alone(history):
    """With another filter it would silently leave entries out."""
    call, cursors = history.call, {}
    for query in ("", "&kind=charge", "&model=json"):
        cursors[query] = call("GET", f"/api/v1/ledger?limit=1{query}").json()["next_cursor"]
    for query in cursors:
        for of, cursor in cursors.items():
            answer = call("GET", f"/api/v1/ledger?limit=2{query}&cursor={cursor}")
            if of == query:
                expect(answer, 200)
            else:
                problem(answer, 400, "invalid_request", field="cursor")


def test_a_charge_explains_its_cost(deployment):
    """Price times multiplier, each with its version; those that hold later change nothing of it."""
    group = deployment.new_group(Decimal("0.5"))["name"]
    tenant = deployment.new_tenant(groups=[group])
    model = deployment.new_model(price=Decimal("0.000003"))
    key = tenant.key(tenant.application(model=model["name"])["id"], group=group)
    expect(tenant.client.chat(key), 200)
    (before,) = tenant.ledger(kind="charge")
    versions = {
        "price": (f"/api/v1/models/{model['id']}/prices", {"price": 7}),
        "multiplier": (f"/api/v1/groups/{group}/multipliers", {"multiplier": 2}),
    }
    for name, (path, body) in versions.items():
        (version,) = all_items(deployment.call, path, read=exact)
        assert (version["id"], version["effective_at"]) == (before[f"{name}_id"], before[f"{name}_effective_at"])
        expect(deployment.call("POST", path, json=body), 201)
    assert (before["price"], before["multiplier"]) == (Decimal("0.000003"), Decimal("0.5"))
    assert before["amount"] == Decimal("0.000002") and before["group"] == group
    expect(tenant.client.chat(key), 200)
    after, again = tenant.ledger(kind="charge")
    assert again == before
    assert (after["price"], after["multiplier"], after["amount"]) == (7, 2, 14)
    assert after["price_id"] != before["price_id"] and after["multiplier_id"] != before["multiplier_id"]


@pytest.mark.parametrize(
    "query, field",
    [
        ("kind=", "kind"),
        ("kind=refund", "kind"),
        ("kind=Charge", "kind"),
        ("kind=grant,charge", "kind"),
        ("kind=hold", "kind"),
        ("credential_id=x", "credential_id"),
        ("application_id=x", "application_id"),
        ("model=", "model"),
        ("model=a%20b", "model"),
        ("from=2026-01-01", "from"),
        ("to=yesterday", "to"),
        ("from=2026-01-01T00:00:00", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00%2B01:00", "from"),
        ("account_id=x", "account_id"),
        ("format=xml", "format"),
        ("format=CSV", "format"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=nonsense", "cursor"),
        ("format=csv&limit=10", "limit"),
    ],
)
def test_a_bad_query_is_refused(deployment, query, field):
    refusal = deployment.call("GET", f"/api/v1/ledger?{query}")
    problem(refusal, 400, {"invalid_request", "unknown_parameter"})
    assert field in refusal.text


def test_csv_has_no_pages(history):
    cursor = history.call("GET", "/api/v1/ledger?limit=1").json()["next_cursor"]
    problem(
        history.call("GET", f"/api/v1/ledger?format=csv&cursor={cursor}"), 400, {"invalid_request", "unknown_parameter"}
    )


def test_the_ledger_cannot_be_written(deployment, history):
    """Append-only, and the only ways to append are grants, adjustments and calls."""
    entry = history.ledger()[0]["id"]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        keywords = {} if method == "DELETE" else {"json": {"amount": 0}}
        problem(deployment.call(method, "/api/v1/ledger", **keywords), 405, "method_not_allowed")
        problem(deployment.call(method, f"/api/v1/ledger/{entry}", **keywords), 404, "not_found")


# CSV


def read_csv(call, query=""):
    """(header, rows) of the ledger as CSV, checked as bytes."""
    answer = expect(call("GET", f"/api/v1/ledger?format=csv{query}"), 200)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    text = answer.content.decode("utf-8")
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    head, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert all(len(row) == len(head) for row in rows)
    return head, rows


def as_cells(entry):
    """An entry as its row should be: null is nothing, numbers are plain, texts can't be formulas."""
    cells = []
    for name in COLUMNS:
        value = entry[name]
        if value is None:
            cells.append("")
        elif isinstance(value, str):
            cells.append("'" + value if value[0:1] in tuple("=+-@\t\r") else value)
        else:
            cells.append(f"{value:f}" if isinstance(value, Decimal) else str(value))
    return cells


def test_the_csv_is_the_ledger(history):
    head, rows = read_csv(history.call)
    assert head == COLUMNS
    assert rows == [as_cells(entry) for entry in history.ledger()]
    amounts = [row[COLUMNS.index("amount")] for row in rows]
    assert amounts[0] == "-0.5" and amounts[-1] == "500", "numbers are numbers, also below zero"


def test_the_csv_can_be_filtered(history):
    for query, filters in (
        ("&kind=charge", {"kind": "charge"}),
        (f"&credential_id={history.two['id']}", {"credential_id": history.two["id"]}),
        ("&kind=grant", {"kind": "grant"}),
    ):
        assert read_csv(history.call, query)[1] == [as_cells(entry) for entry in history.ledger(**filters)]
    assert read_csv(history.call, f"&credential_id={absent_id()}") == (COLUMNS, [])


def test_no_cell_is_a_formula(deployment):
    """A reason comes from an admin, a model's name from the catalog: opened in a spreadsheet, neither is run."""
    tenant = deployment.new_tenant(credits=None)
    for reason in FORMULAS + HARMLESS:
        deployment.grant(tenant.account["id"], 100, reason=reason)
    names = [f"@{unique('model')}", f"-{unique('model')}"]
    for name in names:
        model = deployment.new_model(name=name)
        expect(tenant.client.chat(tenant.key(tenant.application(model=model["name"])["id"])), 200)
    entries = books_are_right(deployment, tenant.account["id"])
    _, rows = read_csv(tenant.call)
    assert rows == [as_cells(entry) for entry in entries]
    reasons = [row[COLUMNS.index("reason")] for row in reversed(rows) if row[COLUMNS.index("kind")] == "grant"]
    assert reasons == ["'" + text for text in FORMULAS] + HARMLESS
    models = {row[COLUMNS.index("model")] for row in rows}
    assert models == {""} | {"'" + name for name in names}
    # And JSON has them as they were written.
    written = [entry["reason"] for entry in reversed(entries) if entry["kind"] == "grant"]
    assert written == FORMULAS + HARMLESS


def test_the_csv_has_more_than_a_page(deployment):
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application()["id"])
    in_parallel(lambda _: expect(tenant.client.chat(key), 200), range(130), threads=8)
    entries = books_are_right(deployment, tenant.account["id"])
    assert len(entries) == 131
    assert read_csv(tenant.call)[1] == [as_cells(entry) for entry in entries]


def test_an_account_without_entries(deployment):
    tenant = deployment.new_tenant(credits=None)
    totals = dict.fromkeys(("entries", "granted", "adjusted", "charged", "change"), 0)
    assert exact(tenant.call("GET", "/api/v1/ledger")) == {"items": [], "next_cursor": None, "totals": totals}
    assert read_csv(tenant.call) == (COLUMNS, [])


# Tenants


def test_a_ledger_is_its_accounts_own(deployment, history, strangers):
    """Invariant 8: another's entries are in no answer, whichever way they are asked for."""
    ids = {entry["id"] for entry in history.ledger()}
    assert ids
    seen = strangers.call("GET", "/api/v1/ledger?limit=100").text + read_csv(strangers.call)[1].__repr__()
    assert not [entry for entry in ids if entry in seen]
    foreign = strangers.call("GET", f"/api/v1/ledger?credential_id={history.one['id']}")
    absent = strangers.call("GET", f"/api/v1/ledger?credential_id={absent_id()}")
    same_bytes(foreign, absent)
    assert foreign.json()["items"] == []
    cursor = history.call("GET", "/api/v1/ledger?limit=1").json()["next_cursor"]
    answer = strangers.call("GET", f"/api/v1/ledger?limit=100&cursor={cursor}")
    assert not [entry for entry in ids if entry in answer.text]


@pytest.mark.parametrize("extra", ["", "&format=csv", "&kind=grant"])
def test_only_admins_name_another_account(history, strangers, extra):
    for call in (strangers.call, strangers.person.call):
        foreign = call("GET", f"/api/v1/ledger?account_id={history.account['id']}{extra}")
        assert foreign.status_code in (403, 404), foreign.text
        same_bytes(foreign, call("GET", f"/api/v1/ledger?account_id={absent_id()}{extra}"))


def test_an_admin_reads_any_account(deployment, history):
    query = urllib.parse.urlencode({"account_id": history.account["id"]})
    for call in (deployment.call, deployment.admin.call):
        assert all_items(call, f"/api/v1/ledger?{query}", read=exact) == history.ledger()
    assert read_csv(deployment.call, f"&{query}") == read_csv(history.call)
    # Without naming one it is the admin's own.
    own = deployment.call("GET", "/api/v1/ledger?limit=1").json()["items"]
    assert {entry["account_id"] for entry in own} <= {deployment.account_id}
    # An admin's token reads no more than its scopes say.
    token = deployment.admin.platform_token(USER_SCOPES)["token"]
    answer = deployment.client.call("GET", f"/api/v1/ledger?{query}", token=token)
    assert answer.status_code in (403, 404), answer.text
    assert history.account["id"] not in answer.text


def test_an_account_that_is_not_there(deployment):
    answer = deployment.call("GET", f"/api/v1/ledger?account_id={absent_id()}")
    problem(answer, 404, "not_found")


# `latchkey ledger check`

OK_LINE = re.compile(r"ledger ok: accounts=(\d+) entries=(\d+) unfolded=(\d+)\n\Z")


def counted(checked):
    """(accounts, entries, charges behind the fold) of a check that found nothing."""
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = OK_LINE.match(checked.stdout)
    assert found, f"said {checked.stdout!r}"
    return tuple(int(number) for number in found.groups())


def test_the_check_runs_beside_the_server(own_deployment, upstream):
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.upstream_application()["id"])
    accounts, entries, _ = counted(deployment.check_ledger())
    assert entries == 2 and accounts >= 2
    marker, answers = unique("checked"), []

    def call():
        answers.append(tenant.client.chat(key, model="script", script=["wait", "json"], marker=marker))

    waiting = threading.Thread(target=call)
    waiting.start()
    upstream.wait_recorded(marker)
    assert counted(deployment.check_ledger())[1] == 2
    upstream.release(marker)
    waiting.join(20)
    expect(answers[0], 200)
    deployment.settled(tenant.account["id"])
    assert counted(deployment.check_ledger())[1] == 3
    # It has disturbed nothing, and finds the same when nobody serves.
    expect(tenant.client.chat(key, through_upstream=True), 200)
    deployment.settled(tenant.account["id"])
    assert deployment.server.stop() == 0
    assert counted(deployment.check_ledger())[1:] == (4, 0)
    assert counted(deployment.check_ledger())[1:] == (4, 0)
    deployment.server.start()
    assert tenant.balance() == 60


def test_the_check_runs_while_calls_do(deployment):
    """Each run sees one moment of the books, and at no moment are they wrong."""
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application()["id"])
    stop = threading.Event()

    def calls():
        while not stop.is_set():
            tenant.client.chat(key)

    calling = [threading.Thread(target=calls, daemon=True) for _ in range(4)]
    for thread in calling:
        thread.start()
    try:
        seen = [counted(deployment.check_ledger())[1] for _ in range(6)]
    finally:
        stop.set()
        for thread in calling:
            thread.join(30)
    assert seen == sorted(seen) and seen[0] < seen[-1], "no calls were made meanwhile"
    books_are_right(deployment, tenant.account["id"])


FORGERIES = [
    "UPDATE ledger SET amount = amount + 1 WHERE kind = 'grant'",
    "UPDATE charges SET amount = amount - 1",
    "UPDATE charges SET time_offset = time_offset + 86400000000",
    "DELETE FROM charges",
    "DELETE FROM charge_index",
    "UPDATE charge_subjects SET model = 'parrot'",
    "DELETE FROM ledger WHERE kind = 'grant'",
    "UPDATE fold SET position = 0",
    "UPDATE balances SET granted = granted + 1",
    "UPDATE balances SET posted = posted - 1 WHERE posted > 0",
    "DELETE FROM balances",
    "UPDATE credential_usage SET posted = posted - 1",
    "UPDATE credential_months SET posted = posted - 1",
    "DELETE FROM credential_usage",
    "UPDATE usage_days SET amount = amount - 1",
    "UPDATE usage_days SET calls = calls + 1",
    "DELETE FROM usage_days",
]


def test_the_check_finds_what_is_wrong(own_deployment, home):
    """A check that can't fail proves nothing: every number of the books, changed behind the server's back."""
    deployment = own_deployment()
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.application()["id"])
    expect(tenant.client.chat(key), 200)
    deployment.settled(tenant.account["id"])
    assert deployment.server.stop() == 0
    missed = []
    for number, forgery in enumerate(FORGERIES):
        copy = home / f"forged-{number}"
        shutil.copytree(deployment.server.data, copy)
        with sqlite3.connect(copy / "latchkey.db", isolation_level=None) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in triggers:
                database.execute(f"DROP TRIGGER {name}")
            assert database.execute(forgery).rowcount > 0, forgery
        database.close()
        checked = run_command(home, ["ledger", "check", "--data-dir", copy], name="forged")
        if checked.returncode != 1 or not re.match(r"ledger differs: \S.*\n\Z", checked.stdout):
            missed.append(f"{forgery}: {checked.returncode} {checked.stdout} {checked.stderr[-200:]}")
    assert not missed, "\n".join(missed)


def test_the_check_needs_a_ledger(home):
    for directory in (home / "nothing-here", home):
        checked = run_command(home, ["ledger", "check", "--data-dir", directory], name="no-ledger")
        assert checked.returncode != 0 and "ledger ok" not in checked.stdout
    assert not (home / "nothing-here").exists() and not (home / "latchkey.db").exists(), "a check makes no database"


# Restarts


def test_the_books_survive_a_restart(own_deployment):
    deployment = own_deployment()
    tenant = deployment.new_tenant(credits=100)
    made = tenant.credential(tenant.application()["id"], limited_amount=60, monthly_limit=50)
    for _ in range(2):
        expect(tenant.client.chat(made["token"]), 200)
    deployment.settled(tenant.account["id"])
    before = (tenant.ledger(), tenant.account_now(), tenant.read_credential(made["id"]), tenant.usage())
    assert deployment.server.stop() == 0
    deployment.server.start()
    after = (tenant.ledger(), tenant.account_now(), tenant.read_credential(made["id"]), tenant.usage())
    assert after == before
    assert tenant.client.chat(made["token"]).headers["x-latchkey-code"] == "monthly_limit_reached"


def test_a_crash_gives_back_what_calls_held(own_deployment, upstream):
    """Invariant 5: whose answer had not begun pays nothing, and nothing stays held."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant(credits=100)
    key = tenant.key(tenant.upstream_application()["id"], limited_amount=100)
    expect(tenant.client.chat(key, through_upstream=True), 200)
    deployment.settled(tenant.account["id"])
    marker = unique("crash")

    def call(_):
        with pytest.raises(OSError):
            tenant.client.chat(key, model="script", script=["wait", "json"], marker=marker)

    calling = threading.Thread(target=lambda: in_parallel(call, range(3)))
    calling.start()
    upstream.wait_recorded(marker, count=3)
    wait_for("three holds", lambda: tenant.account_now()["held"] == 3 * STANDARD)
    deployment.server.kill()
    calling.join(30)
    deployment.server.start()
    account = tenant.account_now()
    assert (account["balance"], account["held"]) == (80, 0)
    entries = books_are_right(deployment, tenant.account["id"])
    assert len(charges(entries)) == 1
    # What was given back can be spent.
    expect(tenant.client.chat(key, through_upstream=True), 200)
    deployment.settled(tenant.account["id"])
    assert deployment.server.stop() == 0
    deployment.server.start()
    assert tenant.balance() == 60


@pytest.mark.at_the_end
def test_the_books_of_the_whole_run_are_right(_deployment, _quick):
    """All that any test of this run did to the two shared servers, added up."""
    for deployment in (_deployment, _quick):
        accounts, entries, _ = counted(deployment.check_ledger())
        assert accounts > 0 and entries > 0
