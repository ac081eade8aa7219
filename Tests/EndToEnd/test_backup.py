"""`latchkey backup` beside a running server and `latchkey restore`: what comes back is one moment of it, proved before
anything is said, and nothing half is ever left under the name that was asked for."""

import os
import re
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from backups import KEY_FILES, backup, restore, with_keys
from client import Client, Person, exact, expect
from deployment import CAT, Deployment, all_items
from server import BINARY, Server, environment, run_command
from waiting import wait_for

LEDGER = re.compile(r"ledger ok: accounts=(\d+) entries=(\d+)")
AUDIT = re.compile(r"audit ok: entries=(\d+) .*head=(\d+:\S+)")


def check(kind, data):
    return run_command(Path(data).parent, [kind, "check", "--data-dir", data], name="check")


def is_ok(finished):
    assert finished.returncode == 0, f"{finished.returncode} {finished.stdout} {finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def house(homes):
    """A deployment that this file has for itself, with some history."""
    made = Deployment(homes / "backed-up")
    made.tenant = made.new_tenant()
    made.app = made.tenant.application(system_prompt=CAT)
    made.key = made.tenant.key(made.app["id"])
    for _ in range(3):
        expect(made.client.chat(made.key), 200)
    yield made
    made.close()


@pytest.fixture(scope="module")
def saved(house, homes):
    """A backup of it that nobody changes, and its keys."""
    to = homes / "saved" / "latchkey.backup"
    made = backup(house.server.data, to)
    assert made.returncode == 0, made.stderr
    return to


@pytest.fixture
def spoilt(saved, home):
    """Copies of that backup, with something done to them."""

    def spoil(*statements):
        path = home / "spoilt.backup"
        path.write_bytes(saved.read_bytes())
        with sqlite3.connect(path) as database:
            for statement in statements:
                database.execute(statement)
        database.close()
        return path

    return spoil


class Load:
    """Callers of a server, until it is left; every answer counts."""

    def __init__(self, server, key, threads=4):
        self.server, self.key, self.statuses, self.over = server, key, [], threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(threads)]

    def work(self):
        client = Client(self.server)
        while not self.over.is_set():
            self.statuses.append(client.chat(self.key).status_code)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for("some calls", lambda: len(self.statuses) > 8)
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(30)


# There and back


def test_a_loaded_server_is_copied_and_comes_back(house, home, own_server):
    """Every call is answered meanwhile, and the copy is a beginning of the ledger, to the entry."""
    to = home / "latchkey.backup"
    account = house.tenant.account_now()["id"]
    with Load(house.server, house.key) as load:
        before = len(load.statuses)
        made = backup(house.server.data, to)
        wait_for("more calls", lambda: len(load.statuses) > before + 8)
    said = is_ok(made)
    assert set(load.statuses) == {200}
    assert LEDGER.search(said) and AUDIT.search(said) and f"backup ok: {to}" in said
    assert all(name in said for name in KEY_FILES), "it doesn't say what is missing from it"
    ledger = [entry["id"] for entry in house.ledger(account)][::-1]

    data = with_keys(home / "data", house.server.data)
    said = is_ok(restore(to, data))
    assert f"restore ok: {data}" in said and "Keys that were deleted later work again." in said
    assert LEDGER.search(is_ok(check("ledger", data))) and AUDIT.search(is_ok(check("audit", data)))

    server = own_server(name="restored")
    server.data = data
    server.start()
    client = Client(server)
    admin = Person(client, house.admin.email, house.admin.password).sign_in()
    entries = [entry["id"] for entry in all_items(admin.call, f"/api/v1/ledger?account_id={account}", read=exact)][::-1]
    common = [entry for entry in entries if entry in set(ledger)]
    assert len(common) > 10 and common == ledger[: len(common)]
    expect(client.chat(house.key), 200)
    expect(house.client.chat(house.key), 200)


def test_the_file_is_whole_private_and_by_itself(saved):
    """One file in SQLite's rollback mode: no log beside it is a part of it."""
    assert [path.name for path in saved.parent.glob(f"{saved.name}*")] == [saved.name]
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert saved.read_bytes()[18:20] == b"\x01\x01"
    with sqlite3.connect(f"file:{saved}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_no_key_is_in_it(saved, house):
    content = saved.read_bytes()
    for name in KEY_FILES:
        assert (house.server.data / name).read_bytes().strip() not in content
    assert house.key.encode() not in content and house.admin.password.encode() not in content


def test_a_stopped_server_is_copied_as_well(home, own_server):
    server = own_server().start()
    server.stop()
    is_ok(backup(server.data, home / "stopped.backup"))
    server.start()


def test_the_audit_record_goes_on_and_tells_of_the_restore(saved, house, home, own_server):
    data = with_keys(home / "data", house.server.data)
    entries, head = AUDIT.search(is_ok(restore(saved, data))).groups()
    after = run_command(home, ["audit", "check", "--data-dir", data, "--head", head])
    assert AUDIT.search(is_ok(after)).group(1) == str(int(entries) + 1)
    server = own_server(name="restored")
    server.data = data
    server.start()
    admin = Person(Client(server), house.admin.email, house.admin.password).sign_in()
    listed = expect(admin.call("GET", "/api/v1/audit?limit=5"), 200).json()["items"]
    entry = next(entry for entry in listed if entry["action"] == "deployment.restore")
    assert (entry["actor_id"], entry["detail"]) == (None, {"head": head})


# What is refused


def test_no_file_is_overwritten(saved, house, home):
    before = saved.read_bytes()
    again = backup(house.server.data, saved)
    assert again.returncode == 1 and "exists already" in again.stderr and str(saved) in again.stderr
    assert saved.read_bytes() == before
    absent = run_command(home, ["backup", home / "absent" / "x.backup", "--data-dir", house.server.data])
    assert absent.returncode == 1 and "can't be written" in absent.stderr


def test_a_ledger_that_differs_is_not_backed_up(saved, house, home):
    """Who keeps only good backups learns of a fault on the day of the backup, not on that of the restore."""
    data = with_keys(home / "data", house.server.data)
    is_ok(restore(saved, data))
    with sqlite3.connect(data / "latchkey.db") as database:
        database.execute("UPDATE balances SET granted = granted + 1")
    database.close()
    refused = backup(data, home / "bad.backup")
    assert refused.returncode == 1 and "ledger differs" in refused.stderr
    assert list(home.glob("bad.backup*")) == []


@pytest.mark.parametrize(
    "statement, words",
    [
        ("UPDATE balances SET granted = granted + 1", "ledger differs"),
        ("UPDATE audit SET address = '203.0.113.9' WHERE sequence = 3", "entry 3"),
        ("DELETE FROM audit_details WHERE audit_id = (SELECT id FROM audit WHERE sequence = 2)", "entry 2"),
        ("UPDATE deployment SET keys_fingerprint = 'v2.somebody-else'", "not the one that this data was made with"),
        ("INSERT INTO schema_migrations VALUES ('zz-from-the-future', 1)", "newer latchkey"),
        ("DROP TABLE deployment", "is no backup of latchkey"),
    ],
)
def test_a_bad_backup_is_not_restored(spoilt, house, home, statement, words):
    data = with_keys(home / "data", house.server.data)
    refused = restore(spoilt(statement), data)
    assert refused.returncode == 1 and words in refused.stderr, refused.stderr
    assert sorted(path.name for path in data.iterdir()) == ["lock", *KEY_FILES]


@pytest.mark.parametrize("content", [b"", b"this is no database at all " * 1000, None], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_backup_is_not_restored(saved, house, home, content):
    data = with_keys(home / "data", house.server.data)
    path = home / "some.file"
    path.write_bytes(saved.read_bytes()[:-20_000] if content is None else content)
    refused = restore(path, data)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1, refused.stderr
    assert not (data / "latchkey.db").exists() and not list(data.glob("*.partial"))
    assert restore(home / "absent", data).returncode == 1


def test_a_restore_takes_the_right_keys(saved, house, home):
    empty = home / "without"
    missing = restore(saved, empty)
    assert missing.returncode == 1 and "master.key" in missing.stderr
    assert not (empty / "latchkey.db").exists() and not (empty / "master.key").exists()

    other = Server(home / "other")
    other.start().stop()
    wrong = restore(saved, with_keys(home / "wrong", other.data))
    assert wrong.returncode == 1 and "not the one that this data was made with" in wrong.stderr
    assert not (home / "wrong" / "latchkey.db").exists()

    places = zip(("LATCHKEY_MASTER_KEY_FILE", "LATCHKEY_PEPPER_FILE"), KEY_FILES)
    files = {variable: house.server.data / name for variable, name in places}
    is_ok(restore(saved, home / "given", settings=files))
    assert not (home / "given" / "master.key").exists()


@pytest.mark.parametrize("name", ["latchkey.db", "latchkey.db-wal"])
def test_a_directory_with_data_is_not_restored_into(saved, house, home, name):
    """Not even where only the log of a database is left: SQLite would take it for a part of the new one."""
    data = with_keys(home / "data", house.server.data)
    (data / name).write_bytes(b"something of somebody")
    refused = restore(saved, data)
    assert refused.returncode == 1 and "has a database already" in refused.stderr
    assert (data / name).read_bytes() == b"something of somebody"
    assert restore(saved, house.server.data).returncode == 1


# In the middle


@pytest.fixture
def large(saved, house, home):
    """A data directory whose copy takes a while: pages that no table of ours has."""
    data = with_keys(home / "large", house.server.data)
    is_ok(restore(saved, data))
    with sqlite3.connect(data / "latchkey.db") as database:
        database.execute("CREATE TABLE filler (bytes BLOB)")
        for _ in range(80):
            database.execute("INSERT INTO filler VALUES (randomblob(1000000))")
    database.close()
    return data


def killed(arguments, partial, home):
    """Kills a command as soon as its unfinished file has something in it. Whether it was in the middle."""
    with open(home / "killed.err", "ab") as err:
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)], stdout=err, stderr=err, cwd=home, env=environment()
        )
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if partial.exists() and partial.stat().st_size > 0:
            process.kill()
            break
    return process.wait(60) == -signal.SIGKILL


def test_a_killed_backup_leaves_no_backup_and_the_next_one_works(large, home):
    to = home / "killed.backup"
    assert killed(["backup", to, "--data-dir", large], home / "killed.backup.partial", home)
    assert not to.exists() and Path(f"{to}.partial").exists()
    is_ok(check("ledger", large))
    is_ok(backup(large, to))
    assert [path.name for path in home.glob("killed.backup*")] == ["killed.backup"]
    is_ok(restore(to, with_keys(home / "back", large)))


def test_a_killed_restore_leaves_no_data_and_the_next_one_works(large, home):
    to = home / "large.backup"
    is_ok(backup(large, to))
    data = with_keys(home / "back", large)
    assert killed(["restore", to, "--data-dir", data], data / "latchkey.db.partial", home)
    assert not (data / "latchkey.db").exists()
    is_ok(restore(to, data))
    assert sorted(path.name for path in data.iterdir()) == ["latchkey.db", "lock", *KEY_FILES]
    is_ok(check("audit", data))


def test_a_server_that_is_killed_does_not_spoil_the_backup(large, home, own_server):
    server = own_server(name="killed")
    server.data = large
    server.start()
    to = home / "beside.backup"
    with open(home / "beside.out", "wb") as out:
        process = subprocess.Popen(
            [BINARY, "backup", to, "--data-dir", large], stdout=out, stderr=out, cwd=home, env=environment()
        )
    wait_for("the copy to begin", Path(f"{to}.partial").exists, interval=0.001)
    server.kill()
    assert process.wait(60) == 0, (home / "beside.out").read_text()
    is_ok(restore(to, with_keys(home / "back", large)))


def test_one_backup_at_a_time_has_a_name(large, home):
    """Two at once for one name: one of them makes it, the other says why it doesn't."""
    to = home / "same.backup"
    processes = [
        subprocess.Popen(
            [BINARY, "backup", to, "--data-dir", large],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=home, env=environment(),
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in processes]
    assert sorted(process.returncode for process in processes) == [0, 1], said
    is_ok(restore(to, with_keys(home / "back", large)))
    assert os.listdir(home).count("same.backup.partial") == 0
