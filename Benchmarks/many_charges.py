"""Fills a data directory with charges, as the server would have written them over a year, and times reading them.

Written straight into the database of a stopped server: ten million calls would take the better part of an hour. That all
of it is as the server's own, `latchkey ledger check` proves afterwards.
"""

import datetime
import json
import sqlite3
import statistics
import subprocess
import time

import requests

DAYS = 365
MODELS = 4
CALL = 20_000_000
DAY = 86_400_000_000


def fill(folder, charges):
    """`charges` calls of the ten keys of the one account, spread evenly over a year and four models; all of them folded."""
    database = sqlite3.connect(f"{folder}/latchkey.db", isolation_level=None)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN;")
    number, account = database.execute("SELECT number, account_id FROM balances").fetchone()
    price = database.execute("SELECT id FROM model_prices LIMIT 1").fetchone()[0]
    multiplier = database.execute("SELECT id FROM group_multipliers LIMIT 1").fetchone()[0]
    keys = database.execute("SELECT id, application_id FROM credentials ORDER BY id").fetchall()
    database.executemany(
        "INSERT INTO charge_subjects VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (model * len(keys) + key, account, *keys[key], f"model-{model}", price, multiplier)
            for model in range(MODELS)
            for key in range(len(keys))
        ],
    )
    values = {"cost": CALL, "n": charges, "subjects": MODELS * len(keys), "account": number}
    values |= {"start": (int(time.time()) // 86_400 - DAYS + 1) * DAY // 1000, "step": DAYS * DAY // 1000 // charges}
    # The number of a charge is the milliseconds of its call, and 21 bits.
    database.execute(
        """
        INSERT INTO charges (n, id, subject, amount, time_offset)
        WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :n)
        SELECT n + 1, (:start + n * :step) << 21, n % :subjects, :cost, 0 FROM numbers
        """,
        values,
    )
    database.execute("INSERT INTO charge_index SELECT :account, id, n FROM charges", values)
    database.execute("UPDATE fold SET position = (SELECT max(n) FROM charges), number = (SELECT max(id) FROM charges)")
    database.execute(
        f"""
        INSERT INTO usage_days
        SELECT account_id, (charges.id >> 21) * 1000 / {DAY}, credential_id, application_id, model, price_id,
          multiplier_id, count(*), sum(amount)
        FROM charges JOIN charge_subjects ON charge_subjects.id = charges.subject GROUP BY 1, 2, 3, 4, 5, 6, 7
        """
    )
    database.execute(
        "INSERT INTO credential_usage SELECT credential_id, sum(amount) FROM usage_days GROUP BY credential_id"
    )
    months = {}
    for credential, day, amount in database.execute("SELECT credential_id, day, amount FROM usage_days"):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
        key = credential, (date.year - 1970) * 12 + date.month - 1
        months[key] = months.get(key, 0) + amount
    database.executemany(
        "INSERT INTO credential_months VALUES (?, ?, ?)", [(*key, amount) for key, amount in months.items()]
    )
    database.execute("UPDATE balances SET posted = ?", (charges * CALL,))
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def measure(address, headers):
    """The slowest of the reports that a console would ask for, in milliseconds, each the median of many."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    year = f"from={today - datetime.timedelta(days=DAYS - 1)}&to={today}"
    slowest = 0
    for query in ("by=day", "by=model", f"{year}&by=day", f"{year}&by=credential,model"):
        times = []
        for _ in range(30):
            began = time.perf_counter()
            answer = requests.get(f"{address}/api/v1/usage?{query}", headers=headers, timeout=60)
            times.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
        if query.startswith("from"):
            assert answer.json()["calls"] > 0
        slowest = max(slowest, statistics.median(times))
    return slowest


def check(binary, folder):
    """Seconds that the proof of the ledger takes."""
    began = time.perf_counter()
    subprocess.run([binary, "ledger", "check", "--data-dir", folder], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began
