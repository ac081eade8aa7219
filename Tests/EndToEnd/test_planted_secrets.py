"""Invariant 2, at the end of the run: no secret of the whole run is in a log, an error body or a byte of a database.

Every key, password, platform token, session cookie, invitation, set-up token and provider secret that the harness sees
is planted (planted.py), and the servers log at their most talkative. What is found is told without repeating it.
"""

import pathlib
import sqlite3

import pytest

import planted
from client import unique

pytestmark = pytest.mark.at_the_end


def leaks_in(files, transform=lambda data: data):
    search = planted.Search()
    found = {}
    for path in files:
        leaks = search.leaks(transform(path.read_bytes()))
        if leaks:
            found[str(path)] = [len(leaks), *leaks[:5]]
    return found


@pytest.fixture(scope="module", autouse=True)
def something_was_planted(_deployment, pets, relay):
    """Also when this file runs alone there is one secret of each kind, used."""
    assert pets.client.chat(pets.cat_key).status_code == 200
    assert relay.client.chat(relay.app_key, model="json", through_upstream=True).status_code == 200
    assert pets.client.chat("sk-" + "A" * 51).status_code == 401
    for kind in ("key", "password", "platform token", "session cookie", "invitation token", "provider secret"):
        assert planted.kinds().get(kind), f"no {kind} is planted"


def test_no_secret_is_in_a_log():
    files = planted.log_files()
    assert files and any(path.stat().st_size for path in files), "there are no logs to search"
    assert leaks_in(files) == {}


def test_no_secret_is_on_standard_output():
    """The set-up token of an empty database is the one documented exception, on its own line."""
    files = planted.stdout_files()
    assert any(b"latchkey is listening" in path.read_bytes() for path in files)
    assert leaks_in(files, planted.without_documented_line) == {}


def test_no_secret_is_in_a_database(_deployment):
    """Every byte of every file in every data directory, but for the two key files: database, log and shared memory."""
    files = planted.database_files()
    assert {"latchkey.db", "latchkey.db-wal", "latchkey.db-shm"} <= {path.name for path in files}
    assert leaks_in(files) == {}


def test_the_search_would_have_seen_it(_deployment):
    """The control: a name that is meant to be in the database is found in the same files by the same search."""
    name = unique("CanaryApplication")
    _deployment.new_tenant().application(name=name)
    search = planted.Search({name: "canary"})
    assert any(search.leaks(path.read_bytes()) for path in planted.database_files())
    # And the database is the one that the server reads, not an empty twin.
    with sqlite3.connect(f"file:{_deployment.server.data}/latchkey.db?mode=ro", uri=True) as database:
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 5


def test_no_secret_is_in_a_refusal(recorded):
    """Every refusal that any test got; a presented key is never repeated (BerriAI/litellm#18731)."""
    refusals = [exchange for exchange in recorded if exchange.status >= 400]
    assert refusals
    search = planted.Search()
    found = {}
    for exchange in refusals:
        headers = "\n".join(f"{name}: {value}" for name, value in exchange.headers).encode()
        leaks = search.leaks(exchange.body) + search.leaks(headers)
        if leaks:
            found[f"{exchange.method} {exchange.status}"] = leaks[:3]
    assert found == {}


def test_secrets_at_rest_are_argon2id_or_sealed(_deployment):
    """What stands where the secrets would: PHC strings with the standard parameters (OWASP's floor), nothing weaker."""
    content = b"".join(
        path.read_bytes() for path in planted.database_files() if _deployment.server.data in path.parents
    )
    assert content.count(b"$argon2id$v=19$m=19456,t=2,p=1$") > 10
    for other in (b"$argon2i$", b"$argon2d$", b"$2b$", b"$2y$", b"$pbkdf2"):
        assert other not in content


def test_a_crash_would_leave_no_core_file(pets):
    """A core file would hold every key in plain."""
    limits = (pathlib.Path("/proc") / str(pets.client.server.process.pid) / "limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
