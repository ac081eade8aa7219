"""Keys by the thousand: minted beside the server and put into the database of a stopped one.

The server makes ten keys of an account a day, each with a hash of Argon2id and a commit. What is made here is just the
same: the token with its keyed tag and its checksum, and its hash with the parameters of a deployment. Hashes take the
time that they take (30 ms each), so keys are kept in .build for the next run; their pepper is that of deployment.py.
"""

import base64
import concurrent.futures
import ctypes
import ctypes.util
import hashlib
import hmac
import json
import os
import random
import sqlite3
import time
import zlib
from dataclasses import dataclass

from deployment import PEPPER
from options import ROOT

KEPT = ROOT / ".build" / "bench-keys.json"
PREFIX = "sk-"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MEMORY, PASSES = 19456, 2
# Filler keys are never used: any hash will do for them.
NO_HASH = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@dataclass
class Key:
    token: str
    phc: str

    @property
    def secret_id(self):
        return self.token[len(PREFIX) :][:12]


def mint(count):
    """So many keys, as many of them as there are from earlier runs."""
    kept = [Key(**each) for each in json.loads(KEPT.read_text())] if KEPT.exists() else []
    if len(kept) < count:
        chance = random.SystemRandom()
        tokens = [token(chance) for _ in range(count - len(kept))]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            kept += [Key(*made) for made in zip(tokens, threads.map(phc, tokens))]
        KEPT.parent.mkdir(exist_ok=True)
        KEPT.write_text(json.dumps([vars(key) for key in kept]))
    return kept[:count]


# Tokens, as Sources/Secrets/TokenFormat.swift has them


def digits(number, count):
    return "".join(DIGITS[number // 62**place % 62] for place in reversed(range(count)))


def derived(secret, purpose):
    """HKDF-SHA256 without a salt, 32 bytes (RFC 5869)."""
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    return hmac.digest(extracted, purpose + b"\x01", hashlib.sha256)


TAG_KEY = derived(PEPPER, b"latchkey token tag v1")


def token(chance):
    text = PREFIX + "".join(chance.choices(DIGITS, k=34))
    tag = int.from_bytes(hmac.digest(TAG_KEY, text.encode(), hashlib.sha256)[:8], "big")
    text += digits(tag, 11)
    return text + digits(zlib.crc32(text.encode()), 6)


class _Context(ctypes.Structure):
    """`Argon2_Context` of libargon2's argon2.h: the entry that takes the pepper as the secret value."""

    _fields_ = [
        ("out", ctypes.c_char_p), ("outlen", ctypes.c_uint32), ("pwd", ctypes.c_char_p), ("pwdlen", ctypes.c_uint32),
        ("salt", ctypes.c_char_p), ("saltlen", ctypes.c_uint32), ("secret", ctypes.c_char_p),
        ("secretlen", ctypes.c_uint32), ("ad", ctypes.c_char_p), ("adlen", ctypes.c_uint32),
        ("t_cost", ctypes.c_uint32), ("m_cost", ctypes.c_uint32), ("lanes", ctypes.c_uint32),
        ("threads", ctypes.c_uint32), ("version", ctypes.c_uint32), ("allocate", ctypes.c_void_p),
        ("free", ctypes.c_void_p), ("flags", ctypes.c_uint32),
    ]  # fmt: skip


_argon2 = ctypes.CDLL(ctypes.util.find_library("argon2") or "libargon2.so.1")


def phc(text):
    """The hash of a token, with today's parameters."""
    salt, out, text = os.urandom(16), ctypes.create_string_buffer(32), text.encode()
    context = _Context(
        ctypes.cast(out, ctypes.c_char_p), 32, text, len(text), salt, 16, PEPPER, len(PEPPER), None, 0, PASSES, MEMORY,
        1, 1, 0x13, None, None, 0,
    )  # fmt: skip
    assert _argon2.argon2id_ctx(ctypes.byref(context)) == 0
    encoded = [base64.b64encode(part).decode().rstrip("=") for part in (salt, out.raw)]
    return f"$argon2id$v=19$m={MEMORY},t={PASSES},p=1${encoded[0]}${encoded[1]}"


# Rows


def identifier():
    """A UUID of version 7 (RFC 9562)."""
    value = int(time.time() * 1000) << 80 | random.getrandbits(80)
    text = f"{value & ~(0xF << 76 | 0x3 << 62) | 7 << 76 | 2 << 62:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def insert(data, keys, keys_each, filler=0):
    """Gives keys to new accounts, so many to each, with one app each like that of the benchmark; then accounts that
    hold so many keys more which nobody has. The server must be stopped.
    - Returns: the accounts of the keys. They have no credits yet.
    """
    database = sqlite3.connect(f"{data}/latchkey.db", isolation_level=None)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -400000; BEGIN;")
    insert = Inserter(database)
    accounts = []
    for start in range(0, len(keys), keys_each):
        account, app, user = insert.account()
        accounts.append(account)
        insert.keys(account, app, user, [(key.secret_id, key.phc) for key in keys[start : start + keys_each]])
    for start in range(0, filler, keys_each):
        account, app, user = insert.account()
        ids = ["F" + digits(start + number, 11) for number in range(min(keys_each, filler - start))]
        insert.keys(account, app, user, [(each, NO_HASH) for each in ids])
    database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return accounts


class Inserter:
    """Writes rows as those of the account, the user, the app and the key that are there already, whatever columns they
    have: only what has to be another is another."""

    def __init__(self, database):
        self.database = database
        self.made = {table: self.row(table) for table in ("accounts", "users", "applications", "credentials")}
        self.models = database.execute("SELECT position, model FROM application_models").fetchall()
        self.statements = {
            table: f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
            for table, row in self.made.items()
        }

    def row(self, table):
        # Without the columns that follow from others, which nobody sets.
        names = [name for _, name, *_ in self.database.execute(f"PRAGMA table_info({table})")]
        return dict(zip(names, self.database.execute(f"SELECT {', '.join(names)} FROM {table} LIMIT 1").fetchone()))

    def add(self, table, rows):
        made = self.made[table]
        self.database.executemany(self.statements[table], (tuple((made | row).values()) for row in rows))

    def account(self):
        account, app, user = identifier(), identifier(), identifier()
        self.add("accounts", [{"id": account}])
        self.add("users", [{"id": user, "account_id": account, "email": f"{user}@example.com", "is_admin": 0}])
        self.add("applications", [{"id": app, "account_id": account}])
        self.database.executemany(
            "INSERT INTO application_models (application_id, position, model) VALUES (?, ?, ?)",
            [(app, *model) for model in self.models],
        )
        return account, app, user

    def keys(self, account, app, user, keys):
        common = {"account_id": account, "application_id": app, "user_id": user}
        self.add(
            "credentials",
            [common | {"id": identifier(), "secret_id": secret_id, "phc": phc} for secret_id, phc in keys],
        )
