"""Ten million charges of a year: how long the reports that a console asks for take, and the proof of the ledger.

They are written straight into the database of a stopped server, log and totals, as the fold would have left them: calls
would take minutes. That all of it is as the server's own, `latchkey ledger check` proves.
"""

import datetime
import sqlite3
import statistics
import time

from deployment import COST, Admin, Latchkey, check_ledger, furnish
from options import CHARGES
from programs import Upstream

DAYS, MODELS = 365, 4
MICRO = COST * 1_000_000
DAY = 86_400_000_000
# Behind the milliseconds of a charge's number; Sources/Metering/EntryIDs.swift.
SERIAL_BITS = 21
NINE_MORE = 9


def measure(folder):
    data = f"{folder}/many-charges"
    with Upstream(folder) as upstream:
        app, _ = furnish(data, upstream.base)
    with Latchkey(data) as server:
        admin = Admin(server)
        for _ in range(NINE_MORE):
            admin.key(app)
    if not fill(f"{data}/latchkey.db", CHARGES):
        print("The ledger has another shape here: reports of many charges are not measured.")
        return {}
    figures = {"ledger_check_s": check_ledger(data)}
    with Latchkey(data) as server:
        figures["usage_query_ms"] = slowest_report(Admin(server))
    return figures


def fill(path, charges):
    """`charges` calls of all keys, spread evenly over a year and four models; false where there is no such log."""
    database = sqlite3.connect(path, isolation_level=None)
    if not database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'charges'").fetchone():
        return False
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN;")
    values = {
        "price": database.execute("SELECT id FROM model_prices LIMIT 1").fetchone()[0],
        "multiplier": database.execute("SELECT id FROM group_multipliers LIMIT 1").fetchone()[0],
        "cost": MICRO, "n": charges, "models": MODELS, "bits": SERIAL_BITS,
        "start": (int(time.time()) // 86_400 - DAYS + 1) * DAY, "step": DAYS * DAY // charges,
    }  # fmt: skip
    # A subject for each key and model.
    run(
        database, values,
        """
        WITH RECURSIVE models (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM models WHERE n + 1 < :models)
        INSERT INTO charge_subjects (id, account_id, credential_id, application_id, model, price_id, multiplier_id)
        SELECT row_number() OVER (ORDER BY credentials.id, models.n), account_id, credentials.id, application_id,
          'model-' || models.n, :price, :multiplier
        FROM credentials CROSS JOIN models
        """,
        """
        WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :n)
        INSERT INTO charges (n, id, subject, amount, time_offset)
        SELECT n + 1, (((:start + n * :step) / 1000) << :bits) | (n & 16383),
          n % (SELECT count(*) FROM charge_subjects) + 1, :cost, (:start + n * :step) % 1000
        FROM numbers
        """,
        "INSERT INTO charge_index SELECT (SELECT number FROM balances), id, n FROM charges ORDER BY id",
        "UPDATE fold SET position = (SELECT max(n) FROM charges), number = max(number, (SELECT max(id) FROM charges))",
        "UPDATE balances SET posted = posted + :n * :cost",
        f"""
        INSERT INTO usage_days
        SELECT account_id, ((charges.id >> :bits) * 1000 + time_offset) / {DAY}, credential_id, application_id, model,
          price_id, multiplier_id, count(*), sum(amount)
        FROM charges JOIN charge_subjects ON charge_subjects.id = subject GROUP BY 1, 2, 3, 4, 5, 6, 7
        """,
        "INSERT INTO credential_usage SELECT credential_id, sum(amount) FROM usage_days GROUP BY credential_id",
    )  # fmt: skip
    months = {}
    for credential, day, amount in database.execute("SELECT credential_id, day, amount FROM usage_days"):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
        key = credential, (date.year - 1970) * 12 + date.month - 1
        months[key] = months.get(key, 0) + amount
    database.executemany(
        "INSERT INTO credential_months VALUES (?, ?, ?)", [(*key, amount) for key, amount in months.items()]
    )
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return True


def run(database, values, *statements):
    for statement in statements:
        database.execute(statement, {name: value for name, value in values.items() if f":{name}" in statement})


def slowest_report(admin):
    """In milliseconds: the slowest of the reports that a console would ask for, each the median of many."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    year = f"from={today - datetime.timedelta(days=DAYS - 1)}&to={today}"
    slowest = 0
    for query in ("by=day", "by=model", f"{year}&by=day", f"{year}&by=credential,model"):
        times = []
        for _ in range(30):
            began = time.perf_counter()
            answer = admin.call("GET", f"/api/v1/usage?{query}").json()
            times.append((time.perf_counter() - began) * 1000)
        assert answer["calls"] > 0 or not query.startswith("from")
        slowest = max(slowest, statistics.median(times))
    return slowest
