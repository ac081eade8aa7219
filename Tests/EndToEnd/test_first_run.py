"""First run, configuration and the data directory: no default account, one owner of the data, clear refusals (O3)."""

import base64
import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess

import pytest

import planted
from client import Client, Person, expect, in_parallel, new_email, new_password
from server import BINARY, READY_LINE, DidNotStart, admin_create, environment, run_command
from shapes import SETUP_TOKEN, USER, forged, problem
from waiting import wait_for

CONFIGURATION_ERROR, USAGE_ERROR = 78, 64


def setup_body(token, **fields):
    return {"token": token, "email": new_email(), "password": new_password(), "account_name": "First"} | fields


def set_up(server, body):
    return Client(server).call("POST", "/api/v1/setup", json=body)


def refused_start(server, **keywords):
    """Starts a server that must refuse, in one sentence and without a stack trace."""
    with pytest.raises(DidNotStart) as caught:
        server.start(**keywords)
    error = caught.value
    assert error.code not in (0, None) and error.code > 0, f"ended by a signal: {error.code}\n{error.stderr[-2000:]}"
    assert "Fatal error" not in error.stderr and "Backtrace" not in error.stderr, error.stderr[-2000:]
    assert error.stderr.strip(), "it said nothing"
    return error


# The first admin


def test_an_empty_server_has_no_account(own_server):
    """Nobody can sign in, with no address and no password that people guess (checklist 6.3.2)."""
    server = own_server().start()
    client = Client(server)
    for email, password in [
        ("admin@localhost", "admin"),
        ("admin@example.com", "adminadminadmin"),
        ("root@localhost.localdomain", "latchkeylatchkey"),
        ("admin@latchkey.local", "correcthorsebatterystaple"),
    ]:
        assert Person(client, email, password).try_sign_in().status_code in (400, 401)
    assert client.call("GET", "/api/v1/applications").status_code == 401


def test_the_set_up_token_makes_one_admin(own_server):
    """The token is on a line of its own, with an explanation above it, and is good for one admin only."""
    server = own_server().start()
    lines = server.stdout.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("setup token: "))
    assert SETUP_TOKEN.match(server.setup_token), server.setup_token
    assert place > 0 and len(lines[place - 1].strip()) > 20, "the line above does not explain the token"
    assert lines[-1].startswith("latchkey is listening on "), "the ready line is not the last one"

    body = setup_body(server.setup_token)
    user = expect(set_up(server, body), 201).json()
    assert set(user) == USER
    assert user["admin"] is True and user["email"] == body["email"]
    assert (user["role"], user["second_factor"]) == ("root", False)
    admin = Person(Client(server), body["email"], body["password"]).sign_in()
    assert expect(admin.call("GET", "/api/v1/accounts"), 200).json()["items"][0]["name"] == "First"
    problem(set_up(server, setup_body(server.setup_token)), 409, "already_set_up")


def test_a_wrong_set_up_token_makes_nobody(own_server):
    server = own_server().start()
    token = server.setup_token
    for wrong in (forged(token), token[:-1] + ("0" if token[-1] != "0" else "1"), "lks-", ""):
        refusal = set_up(server, setup_body(wrong))
        assert refusal.status_code in (400, 403), refusal.text
        if wrong.startswith("lks-") and len(wrong) > 4:
            problem(refusal, 403, "setup_token_invalid")
    expect(set_up(server, setup_body(token)), 201)


def test_a_refused_password_does_not_spend_the_token(own_server):
    server = own_server().start()
    problem(
        set_up(server, setup_body(server.setup_token, password="too short")), 400, "invalid_request", field="password"
    )
    problem(set_up(server, setup_body(server.setup_token, email="no address")), 400, "invalid_request", field="email")
    expect(set_up(server, setup_body(server.setup_token)), 201)


@pytest.mark.race
def test_a_race_for_the_token_has_one_winner(own_server):
    server = own_server().start()
    bodies = [setup_body(server.setup_token) for _ in range(8)]
    statuses = [answer.status_code for answer in in_parallel(lambda body: set_up(server, body), bodies, threads=8)]
    assert sorted(statuses) == [201] + [409] * 7
    signed_in = [Person(Client(server), body["email"], body["password"]).try_sign_in().status_code for body in bodies]
    assert sorted(signed_in) == [201] + [401] * 7, "a loser of the race got an account"


def test_a_restart_shows_another_token_until_somebody_is_there(own_server):
    server = own_server().start()
    first = server.setup_token
    server.stop()
    second = server.start().setup_token
    assert second and second != first
    problem(set_up(server, setup_body(first)), 403, "setup_token_invalid")
    expect(set_up(server, setup_body(second)), 201)
    server.stop()
    assert server.start().setup_token is None
    problem(set_up(server, setup_body(second)), 409, "already_set_up")


def test_admin_create_makes_an_admin_without_a_server(own_server):
    """The headless way: one command, then the server starts without any token."""
    server = own_server()
    email, password = new_email(), new_password()
    made = admin_create(server.data, email, password, account="Headless")
    assert made.returncode == 0, made.stderr
    assert password not in made.stdout + made.stderr
    server.start()
    assert server.setup_token is None
    admin = Person(Client(server), email, password).sign_in()
    assert admin.session["user"]["admin"] is True
    problem(set_up(server, setup_body("lks-" + "0" * 51)), 409, "already_set_up")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_line_end_is_no_part_of_the_password(own_server, home, ending):
    """`echo`, `printf` and a file from Windows all give the same password."""
    server = own_server()
    email, password = new_email(), new_password()
    arguments = ["admin", "create", "--data-dir", server.data, "--email", email, "--password-stdin"]
    made = run_command(home, arguments, stdin=password + ending)
    assert made.returncode == 0, made.stderr
    server.start()
    Person(Client(server), email, password).sign_in()


def test_admin_create_refuses_a_weak_password_and_a_taken_address(own_server, home):
    server = own_server()
    email = new_email()
    weak = admin_create(server.data, email, "short")
    assert weak.returncode != 0 and "15" in weak.stderr
    assert admin_create(server.data, email, new_password()).returncode == 0
    again = admin_create(server.data, email, new_password())
    assert again.returncode == 1 and again.stderr.strip()
    other = admin_create(server.data, new_email(), new_password())
    assert other.returncode == 0, "a second admin is a normal thing"


def test_admin_create_refuses_while_a_server_runs(own_server):
    server = own_server().start()
    made = admin_create(server.data, new_email(), new_password())
    assert made.returncode == 1
    assert str(server.data) in made.stderr
    assert server.is_running
    expect(set_up(server, setup_body(server.setup_token)), 201)


# The data directory


def test_one_server_owns_a_data_directory(own_server):
    """A second server says so and ends; the first one doesn't notice (checklist S3)."""
    first = own_server().start()
    second = own_server(name="second")
    second.data = first.data
    error = refused_start(second)
    assert error.code == 1
    assert str(first.data) in error.stderr
    assert first.is_running
    assert Client(first).call("GET", "/readyz").status_code == 200
    # The lock goes with its process, however that ends.
    first.kill()
    first.start()


def test_files_are_private(own_server):
    """Directory 0700 and files 0600, whatever the umask is, also those that SQLite makes."""
    server = own_server().start(umask=0)
    expect(set_up(server, setup_body(server.setup_token)), 201)
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in server.data.rglob("*")}
    assert {"latchkey.db", "master.key", "pepper.key", "lock"} <= set(found)
    assert set(found.values()) == {0o600}, {name: oct(mode) for name, mode in found.items()}


def test_a_directory_that_was_open_is_closed(own_server):
    server = own_server()
    server.data.mkdir(parents=True)
    server.data.chmod(0o755)
    server.start()
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def with_admin(server):
    assert admin_create(server.data, new_email(), new_password()).returncode == 0
    return server


@pytest.mark.parametrize("name", ["master.key", "pepper.key"])
def test_wrong_keys_for_the_data_stop_the_start(own_server, name):
    """Going on would seal new secrets under a key that can't open the old ones, or refuse every key."""
    server = with_admin(own_server())
    file = server.data / name
    right = file.read_bytes()
    file.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
    error = refused_start(server)
    assert "key" in error.stderr.lower()
    assert name.split(".")[0] in error.stderr.lower()
    file.write_bytes(right)
    server.start()


@pytest.mark.parametrize("name", ["master.key", "pepper.key"])
def test_missing_keys_for_existing_data_stop_the_start(own_server, name):
    """A new key in place of a lost one would look like a start and be a loss: none is made."""
    server = with_admin(own_server())
    file = server.data / name
    kept = server.home / "kept"
    shutil.move(file, kept)
    error = refused_start(server)
    assert name.split(".")[0] in error.stderr.lower()
    assert not file.exists(), "a new key was made beside the old data"
    shutil.move(kept, file)
    server.start()


def test_keys_that_others_can_read_are_refused(own_server):
    server = with_admin(own_server())
    (server.data / "master.key").chmod(0o644)
    assert "master.key" in refused_start(server).stderr


def test_keys_from_the_environment(own_server):
    """Given from outside, the keys are not written beside the data that they protect."""
    settings = {name: base64.b64encode(os.urandom(32)).decode() for name in ("LATCHKEY_MASTER_KEY", "LATCHKEY_PEPPER")}
    for value in settings.values():
        planted.plant("deployment key", value)
    server = own_server(settings=settings).start()
    assert not (server.data / "master.key").exists() and not (server.data / "pepper.key").exists()
    body = setup_body(server.setup_token)
    expect(set_up(server, body), 201)
    server.stop()
    wrong = base64.b64encode(os.urandom(32)).decode()
    error = refused_start(server, settings={"LATCHKEY_MASTER_KEY": wrong})
    assert "master" in error.stderr.lower() and wrong not in error.stderr
    server.start()
    Person(Client(server), body["email"], body["password"]).sign_in()


def test_keys_from_files(own_server, home):
    files = {}
    for name in ("MASTER_KEY", "PEPPER"):
        path = home / f"{name}.txt"
        path.write_bytes(base64.b64encode(os.urandom(32)) + b"\n")
        path.chmod(0o600)
        files[f"LATCHKEY_{name}_FILE"] = str(path)
    server = own_server(settings=files).start()
    assert not (server.data / "master.key").exists() and not (server.data / "pepper.key").exists()
    server.stop()
    missing = refused_start(server, settings={"LATCHKEY_PEPPER_FILE": str(home / "nowhere.txt")})
    assert "nowhere.txt" in missing.stderr


def test_a_database_of_a_newer_version_is_refused(own_server):
    """Forward-only migrations: an older server must not touch what it doesn't understand."""
    server = with_admin(own_server())
    path = server.data / "latchkey.db"
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        row = dict(database.execute("SELECT * FROM schema_migrations ORDER BY name DESC LIMIT 1").fetchone())
        row["name"] = "zz-from-the-future"
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        database.execute(f"INSERT INTO schema_migrations ({columns}) VALUES ({marks})", list(row.values()))
    database.close()
    error = refused_start(server)
    assert "newer" in error.stderr.lower()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM schema_migrations WHERE name = 'zz-from-the-future'")
    database.close()
    server.start()


def test_a_file_that_is_no_database_is_refused(own_server):
    server = with_admin(own_server())
    for extra in ("-wal", "-shm"):
        (server.data / f"latchkey.db{extra}").unlink(missing_ok=True)
    (server.data / "latchkey.db").write_bytes(b"this is not a database, but it is long enough to look like one" * 100)
    assert refused_start(server).code == 1


def test_the_database_is_as_durable_as_promised(own_server):
    """Write-ahead logging is a property of the file; a rollback journal would show here."""
    server = own_server().start()
    with sqlite3.connect(f"file:{server.data}/latchkey.db?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Settings

MALFORMED = [
    ("LATCHKEY_LISTEN_PORT", "http"),
    ("LATCHKEY_LISTEN_PORT", "70000"),
    ("LATCHKEY_LISTEN_PORT", "-1"),
    ("LATCHKEY_MASTER_KEY", "tooshort"),
    ("LATCHKEY_PEPPER", "not base64 at all!"),
    ("LATCHKEY_KEY_PREFIX", "no separator"),
    ("LATCHKEY_KEY_PREFIX", "a-prefix-that-is-far-too-long-for-a-key-"),
    ("LATCHKEY_ARGON2_MEMORY_KIB", "1024"),
    ("LATCHKEY_ARGON2_MEMORY_KIB", "8192"),
    ("LATCHKEY_ARGON2_MEMORY_KIB", "lots"),
    ("LATCHKEY_ARGON2_ITERATIONS", "0"),
    ("LATCHKEY_ARGON2_PARALLELISM", "0"),
    ("LATCHKEY_ARGON2_WORKERS", "-1"),
    ("LATCHKEY_ARGON2_QUEUE", "-5"),
    ("LATCHKEY_SESSION_IDLE_MINUTES", "0"),
    ("LATCHKEY_SESSION_IDLE_MINUTES", "1h"),
    ("LATCHKEY_SESSION_ABSOLUTE_HOURS", "0"),
    ("LATCHKEY_GATEWAY_MAX_REQUEST_BYTES", "4MB"),
    ("LATCHKEY_GATEWAY_MAX_RESPONSE_BYTES", "0"),
    ("LATCHKEY_GATEWAY_CONNECT_TIMEOUT_MS", "soon"),
    ("LATCHKEY_GATEWAY_IDLE_TIMEOUT_MS", "-1"),
    ("LATCHKEY_GATEWAY_TOTAL_TIMEOUT_MS", "1e3"),
    ("LATCHKEY_GATEWAY_UPSTREAM_CONNECTIONS", "0"),
    ("LATCHKEY_LOG_LEVEL", "chatty"),
]


def names_setting(text, variable):
    """A setting is named by its variable or as it stands in the file: LATCHKEY_LISTEN_PORT, listen.port."""
    section, _, rest = variable.removeprefix("LATCHKEY_").lower().partition("_")
    return variable in text or f"{section}.{rest}" in text or variable.removeprefix("LATCHKEY_").lower() in text


@pytest.mark.parametrize("variable, value", MALFORMED)
def test_a_malformed_setting_stops_the_start_by_name(own_server, variable, value):
    arguments = [] if variable == "LATCHKEY_LISTEN_PORT" else ["--port", "0"]
    server = own_server(settings={variable: value})
    finished = run_command(server.home, ["serve", "--data-dir", server.data, *arguments], settings=server.settings)
    assert finished.returncode == CONFIGURATION_ERROR, finished.stderr
    assert names_setting(finished.stderr, variable), finished.stderr
    assert "Fatal error" not in finished.stderr
    # A refused start leaves nothing behind that a later start would trip over.
    server.settings = {}
    server.start()


# What Kubernetes puts into every container beside a Service named `latchkey`.
KUBERNETES = {
    "LATCHKEY_SERVICE_HOST": "10.96.0.12",
    "LATCHKEY_SERVICE_PORT": "8080",
    "LATCHKEY_SERVICE_PORT_HTTP": "8080",
    "LATCHKEY_PORT": "tcp://10.96.0.12:8080",
    "LATCHKEY_PORT_8080_TCP": "tcp://10.96.0.12:8080",
    "LATCHKEY_PORT_8080_TCP_PROTO": "tcp",
    "LATCHKEY_PORT_8080_TCP_PORT": "8080",
    "LATCHKEY_PORT_8080_TCP_ADDR": "10.96.0.12",
}
STRICT = {"LATCHKEY_ENVIRONMENT_UNKNOWN": "refuse"}


def warnings(server):
    return [line for line in server.stderr.splitlines() if " warning " in line]


def test_an_unknown_variable_is_one_warning_with_what_was_meant(own_server):
    """A misspelt setting that is silently ignored is a setting that isn't in force."""
    settings = {"LATCHKEY_COLOUR": "planted-value", "LATCHKEY_SESION_IDLE_MINUTES": "planted-value"}
    server = own_server(settings=settings | KUBERNETES).start()
    (warning,) = warnings(server)
    assert "LATCHKEY_COLOUR" in warning and "did you mean LATCHKEY_SESSION_IDLE_MINUTES?" in warning
    assert not any(f"{name} " in warning + " " for name in KUBERNETES)
    assert "planted-value" not in server.stderr


def test_a_command_warns_too_and_works(own_server):
    made = admin_create(own_server().data, new_email(), new_password(), settings={"LATCHKEY_DATADIR": "/nowhere"})
    assert made.returncode == 0
    assert made.stderr.startswith("warning: ") and "did you mean LATCHKEY_DATA_DIR?" in made.stderr


def test_in_strict_mode_an_unknown_variable_stops_the_start_by_name(own_server):
    for variable in ("LATCHKEY_GATEWAY_TIMEOUT", "LATCHKEY_SESION_IDLE_MINUTES"):
        error = refused_start(own_server(settings=STRICT | {variable: "1"}))
        assert error.code == CONFIGURATION_ERROR and variable in error.stderr
        assert len(error.stderr.splitlines()) == 1


@pytest.mark.parametrize("mode", [{}, STRICT], ids=["standard", "strict"])
def test_what_kubernetes_sets_for_a_service_named_latchkey_changes_nothing(own_server, mode):
    server = own_server(settings=KUBERNETES | mode).start()
    assert warnings(server) == []
    expect(Client(server).call("GET", "/readyz"), 200)


def test_a_service_whose_address_takes_the_place_of_a_setting_is_named(home):
    """A Service named `latchkey-listen`: its LATCHKEY_LISTEN_PORT is no port."""
    environment = {"LATCHKEY_LISTEN_PORT": "tcp://10.96.0.12:8080"}
    finished = run_command(home, ["serve", "--data-dir", home / "data"], settings=environment)
    assert finished.returncode == CONFIGURATION_ERROR
    assert "latchkey-listen" in finished.stderr and "enableServiceLinks" in finished.stderr


def configured(home, content):
    path = home / "latchkey.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return ["--config", str(path)]


def test_settings_from_a_file(own_server, home):
    """The same names, nested. The environment wins over the file."""
    arguments = configured(home, {"key": {"prefix": "acme_"}, "session": {"absolute_hours": 3}})
    server = own_server(arguments=arguments).start()
    body = setup_body(server.setup_token)
    expect(set_up(server, body), 201)
    admin = Person(Client(server), body["email"], body["password"]).sign_in()
    app = expect(
        admin.call("POST", "/api/v1/applications", json={"name": "A", "kind": "chat", "model": "echo"}), 201
    ).json()

    def new_key():
        made = expect(admin.call("POST", "/api/v1/credentials", json={"application_id": app["id"]}), 201).json()
        return planted.plant("key", made["token"])

    assert new_key().startswith("acme_") and len(new_key()) == len("acme_") + 51
    server.stop()
    server.start(settings={"LATCHKEY_KEY_PREFIX": "env-"})
    assert new_key().startswith("env-")


def test_the_command_line_wins_over_both(own_server, home):
    """Port 1 belongs to root and 70000 to nobody: if either of the others won, the server wouldn't start."""
    arguments = configured(home, {"listen": {"port": 1}})
    server = own_server(settings={"LATCHKEY_LISTEN_PORT": "2"}, arguments=arguments).start()
    assert server.port > 1024


@pytest.mark.parametrize(
    "content, named",
    [
        ('{"listen": {"port": ', "latchkey.json"),
        ("[]", "latchkey.json"),
        ({"listen": {"port": "abc"}}, "port"),
        ({"listen": {"prot": 8080}}, "prot"),
        ({"sesion": {"idle_minutes": 5}}, "sesion"),
        ({"gateway": {"idle_timeout_ms": True}}, "idle_timeout_ms"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_malformed_file_stops_the_start_by_name(own_server, home, content, named):
    server = own_server()
    arguments = ["serve", "--data-dir", server.data, *configured(home, content)]
    finished = run_command(home, arguments)
    assert finished.returncode == CONFIGURATION_ERROR, finished.stderr
    assert named in finished.stderr, finished.stderr


def test_a_misspelt_name_in_a_file_is_told_with_what_was_meant(own_server, home):
    error = refused_start(own_server(arguments=configured(home, {"listen": {"prot": 8080}})))
    assert "listen.prot" in error.stderr and "did you mean listen.port?" in error.stderr


def test_a_missing_file_stops_the_start_by_name(own_server, home):
    error = refused_start(own_server(arguments=["--config", str(home / "absent.json")]))
    assert error.code == CONFIGURATION_ERROR and "absent.json" in error.stderr


def test_wrong_usage(home):
    for arguments in (
        ["serve", "--no-such-option"],
        ["no-such-command"],
        ["admin", "create", "--email", "a@example.test"],
    ):
        finished = run_command(home, arguments)
        assert finished.returncode == USAGE_ERROR, (arguments, finished.returncode, finished.stderr)


def test_a_port_in_use_is_said_so(own_server, home):
    first = own_server().start()
    second = own_server(name="second")
    finished = run_command(home, ["serve", "--data-dir", second.data, "--port", first.port])
    assert finished.returncode == 1 and str(first.port) in finished.stderr, finished.stderr


UNUSABLE_HOSTS = {
    "203.0.113.7": "does not have this address",  # RFC 5737: an address that nobody has
    "2001:db8::7": "does not have this address",
    "nowhere.invalid": "no address has this name",
    "not a host": "no address has this name",
}


@pytest.mark.parametrize("host, reason", UNUSABLE_HOSTS.items())
def test_an_address_that_nothing_can_listen_on_is_said_so(home, host, reason):
    finished = run_command(home, ["serve", "--data-dir", home / "data", "--port", "0", "--host", host])
    assert finished.returncode == 1, finished.stderr
    last = finished.stderr.splitlines()[-1]
    assert host in last and reason in last and "--host" in last, finished.stderr
    assert "descriptor" not in finished.stderr and "errno" not in finished.stderr


def test_a_new_deployment_is_said_so_and_why(own_server, home):
    """Who forgets `--data-dir` must not take an empty deployment for their own."""
    server = own_server().start()
    assert f"This is a new deployment, in {server.data}." in server.stdout.splitlines()
    server.stop()
    assert "new deployment" not in server.start().stdout
    folder = home / "elsewhere"
    folder.mkdir()
    told = f"This is a new deployment, in {folder}/latchkey-data, because no data directory was named"
    with open(folder / "out", "wb") as out:
        process = subprocess.Popen(
            [BINARY, "serve", "--port", "0"], stdout=out, stderr=out, cwd=folder, env=environment()
        )
    planted.watch_directory(folder / "latchkey-data")
    try:
        ready = wait_for("the ready line", lambda: READY_LINE.search((folder / "out").read_text()), 30)
    finally:
        process.terminate()
        process.wait(20)
    assert ready
    assert [line for line in (folder / "out").read_text().splitlines() if line.startswith(told)]


def test_the_version_is_told(home):
    finished = run_command(home, ["--version"])
    assert finished.returncode == 0
    assert re.fullmatch(r"latchkey \d+\.\d+\.\d+\n", finished.stdout), finished.stdout
