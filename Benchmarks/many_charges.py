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
    """`charges` calls of the ten keys of the one account, spread evenly over a year and four models."""
    database = sqlite3.connect(f"{folder}/latchkey.db", isolation_level=None)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -500000; BEGIN;")
    account = database.execute("SELECT account_id FROM balances").fetchone()[0]
    price = database.execute("SELECT id FROM model_prices LIMIT 1").fetchone()[0]
    multiplier = database.execute("SELECT id FROM group_multipliers LIMIT 1").fetchone()[0]
    today = int(time.time()) // 86_400
    database.execute("CREATE TEMP TABLE keys AS SELECT row_number() OVER (ORDER BY id) - 1 AS n, id, application_id FROM credentials")
    name = "printf('%08x-%04x-7%03x-8000-%012x', (n >> 24) & 4294967295, (n >> 8) & 65535, n & 255, 2 * n + {})"
    values = {"account": account, "price": price, "multiplier": multiplier, "cost": CALL, "n": charges,
              "start": (today - DAYS + 1) * DAY, "step": DAYS * DAY // charges, "models": MODELS}
    database.execute(
        f"""
        INSERT INTO ledger (account_id, id, kind, amount, hold_id, credential_id, application_id, model, price_id,
          multiplier_id, created_at)
        WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :n)
        SELECT :account, CASE kind WHEN 'hold' THEN {name.format(0)} ELSE {name.format(1)} END, kind, :cost,
          CASE kind WHEN 'charge' THEN {name.format(0)} END, CASE kind WHEN 'hold' THEN keys.id END,
          CASE kind WHEN 'hold' THEN keys.application_id END,
          CASE kind WHEN 'hold' THEN 'model-' || (numbers.n / 10 % :models) END,
          CASE kind WHEN 'hold' THEN :price END, CASE kind WHEN 'hold' THEN :multiplier END, :start + numbers.n * :step
        FROM numbers CROSS JOIN (SELECT 'hold' AS kind UNION ALL SELECT 'charge')
          JOIN keys ON keys.n = numbers.n % (SELECT count(*) FROM keys)
        """.replace("(n >>", "(numbers.n >>").replace(", n &", ", numbers.n &").replace("2 * n", "2 * numbers.n"),
        values,
    )
    database.execute(
        f"""
        INSERT INTO usage_days
        SELECT account_id, created_at / {DAY}, credential_id, application_id, model, price_id, multiplier_id, count(*),
          sum(amount)
        FROM ledger WHERE kind = 'hold' GROUP BY 1, 2, 3, 4, 5, 6, 7
        """
    )
    database.execute(
        "INSERT INTO credential_usage SELECT credential_id, sum(amount), 0 FROM usage_days GROUP BY credential_id"
    )
    months = {}
    for credential, day, amount in database.execute("SELECT credential_id, day, amount FROM usage_days"):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
        key = credential, (date.year - 1970) * 12 + date.month - 1
        months[key] = months.get(key, 0) + amount
    database.executemany(
        "INSERT INTO credential_months VALUES (?, ?, ?, 0)", [(*key, amount) for key, amount in months.items()]
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
