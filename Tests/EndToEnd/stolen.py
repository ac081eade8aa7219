"""What a thief can do with a stolen data directory: the locks of design §5 once more, in Python and not by our own
code.

Argon2id (RFC 9106), HKDF-SHA256 (RFC 5869), AES-256-GCM and HPKE (RFC 9180) as they are written, over the rows as they
stand in the database. With the right password it opens what the server would show, which proves that it tries the right
thing; the tests then show what it takes.
"""

import base64
import hashlib
import hmac
import re
import sqlite3
import unicodedata
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def plain64(text):
    """Base64 in either alphabet, without padding."""
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)


def extract(salt, secret):
    return hmac.new(salt or bytes(32), secret, hashlib.sha256).digest()


def expand(key, info, length=32):
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha256).digest()
        out += block
        number += 1
    return out[:length]


def hkdf(secret, info, salt=b""):
    return expand(extract(salt, secret), info)


def open_box(key, sealed, context):
    """A `v1.` box: nonce, ciphertext and tag under AES-256-GCM. None when it doesn't open."""
    assert sealed.startswith("v1.")
    data = plain64(sealed[3:])
    try:
        return AESGCM(key).decrypt(data[:12], data[12:], context.encode())
    except InvalidTag:
        return None


def open_copy(private_key, sealed, context):
    """HPKE in its base mode, one shot (RFC 9180 §6.1): DHKEM(X25519), HKDF-SHA256, AES-256-GCM. None when it doesn't
    open."""
    assert sealed.startswith("v1.")
    data = plain64(sealed[3:])
    encapsulated, ciphertext = data[:32], data[32:]
    mine = X25519PrivateKey.from_private_bytes(private_key)
    shared = mine.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    kem = b"KEM" + (0x0020).to_bytes(2, "big")
    pair = encapsulated + public_of(private_key)
    secret = _labeled_expand(kem, _labeled_extract(kem, b"", b"eae_prk", shared), b"shared_secret", pair, 32)
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x0020, 0x0001, 0x0002))
    hashes = _labeled_extract(suite, b"", b"psk_id_hash", b"") + _labeled_extract(
        suite, b"", b"info_hash", b"latchkey reveal v1"
    )
    schedule = _labeled_extract(suite, secret, b"secret", b"")
    key = _labeled_expand(suite, schedule, b"key", b"\0" + hashes, 32)
    nonce = _labeled_expand(suite, schedule, b"base_nonce", b"\0" + hashes, 12)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, context.encode())
    except InvalidTag:
        return None


def _labeled_extract(suite, salt, label, secret):
    return extract(salt, b"HPKE-v1" + suite + label + secret)


def _labeled_expand(suite, key, label, info, length):
    return expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def public_of(private_key):
    key = X25519PrivateKey.from_private_bytes(private_key).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


class Lock:
    """A user's private key at rest: `v1$m=…,t=…,p=…$<salt>$<box>`."""

    def __init__(self, text):
        version, parameters, salt, self.box = text.split("$")
        assert version == "v1"
        numbers = dict(part.split("=") for part in parameters.split(","))
        self.memory, self.passes, self.lanes = (int(numbers[name]) for name in "mtp")
        self.salt = plain64(salt)

    def tag(self, password, pepper):
        """What the password makes: the one way from it to the key, as dear as every other guess."""
        if isinstance(password, str):
            password = unicodedata.normalize("NFKC", password).encode()
        made = Argon2id(
            salt=self.salt,
            length=32,
            iterations=self.passes,
            lanes=self.lanes,
            memory_cost=self.memory,
            secret=pepper,
        )
        return made.derive(password)


@dataclass
class Victim:
    id: str
    password_phc: str
    public_key: bytes
    lock: Lock


class StolenDirectory:
    """A data directory in a thief's hands: the database, master.key and pepper.key."""

    def __init__(self, directory):
        directory = Path(directory)
        self.database = directory / "latchkey.db"
        self.master, self.pepper = (
            plain64((directory / name).read_text().strip().rstrip("=")) for name in ("master.key", "pepper.key")
        )
        assert len(self.master) == len(self.pepper) == 32
        self.sealing = hkdf(self.master, b"latchkey sealing v1")
        self.reveal = hkdf(self.master, b"latchkey reveal v1")

    def rows(self, query, *parameters):
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, parameters).fetchall()

    def victim(self, email):
        query = """
            SELECT users.id, password_phc, public_key, private_key
            FROM users JOIN reveal_keys ON reveal_keys.user_id = users.id WHERE email = ?
            """
        ((user, phc, public, private),) = self.rows(query, email)
        opened = open_box(self.sealing, public, f"reveal public key:{user}")
        assert opened and opened.startswith(b"v1."), "the public key is there for who has the master key"
        return Victim(user, phc, plain64(opened[3:].decode()), Lock(private))

    def copies(self, victim):
        """The sealed copies for a user: (what each is bound to, the copy)."""
        return [
            (f"credential:{credential}:{key}", sealed)
            for credential, key, sealed in self.rows(
                """
                SELECT sealed_copies.credential_id, credentials.secret_id, sealed FROM sealed_copies
                JOIN credentials ON credentials.id = sealed_copies.credential_id
                JOIN reveal_keys ON reveal_keys.id = sealed_copies.reveal_key_id WHERE reveal_keys.user_id = ?
                """,
                victim.id,
            )
        ]

    def unlock(self, victim, password, pepper=None, reveal=None, owner=None):
        """The private key of a user; None when the password, or what else it takes, is not the right one."""
        tag = victim.lock.tag(password, self.pepper if pepper is None else pepper)
        return self.unlock_with_tag(victim, tag, reveal, owner)

    def unlock_with_tag(self, victim, tag, reveal=None, owner=None):
        key = hkdf(tag, (owner or victim.id).encode(), self.reveal if reveal is None else reveal)
        return open_box(key, victim.lock.box, "reveal key")

    def values(self):
        """Every value that the directory holds: each cell of each table, its parts, and the two keys."""
        tables = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {self.master, self.pepper}
        for table in tables:
            for row in self.rows(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, bytes):
                        found.add(cell)
                    elif cell is not None:
                        # What is between marks; `/` also stands in base64.
                        parts = [str(cell), *re.split(r"[$.:, ]", str(cell)), *re.split(r"[$.:,|/ ]", str(cell))]
                        found |= {part.encode() for part in parts if part}
        return found


def candidates(values):
    """The 32 bytes that a value could stand for: itself, decoded, cut, digested."""
    for value in values:
        yield hashlib.sha256(value).digest()
        forms = [value]
        for decode in (lambda text: plain64(text.decode("ascii")), lambda text: bytes.fromhex(text.decode("ascii"))):
            try:
                forms.append(decode(value))
            except ValueError:
                pass
        for form in forms:
            for start in range(len(form) - 31) if len(form) < 4096 else ():
                yield form[start : start + 32]
