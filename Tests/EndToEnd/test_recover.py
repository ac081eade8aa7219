"""`latchkey admin recover`: the only admin comes back in, by way of the server's own shell and of the audit record."""

import re
import subprocess

import pytest

import planted
from client import Client, Person, elsewhere, expect, new_email, new_password
from deployment import Deployment
from server import BINARY, admin_create, environment, run_command
from shapes import RESET_TOKEN, problem
from totp import enrol

ACCEPT = "/api/v1/password-resets/accept"
SENDS = re.compile(r'^ +(\{"token": .+\})$', re.MULTILINE)


def recover(server, email, *arguments):
    """(the finished command, the token). What it prints is for the operator alone, and in no file of the test."""
    finished = subprocess.run(
        [BINARY, "admin", "recover", "--data-dir", server.data, "--email", email, *arguments],
        capture_output=True, text=True, timeout=60, cwd=server.home, env=environment(),
    )
    if finished.returncode != 0:
        assert finished.stdout == "", finished.stdout
        return finished, None
    (token,) = {word for word in re.split(r'[\s"]+', finished.stdout) if RESET_TOKEN.match(word)}
    assert token not in finished.stderr
    return finished, planted.plant("password reset", token)


@pytest.fixture
def house(own_server):
    """A stopped server whose only admin has just lost the password."""
    server = own_server()
    email, password = new_email(), new_password()
    assert admin_create(server.data, email, password).returncode == 0
    server.start()
    server.admin = Person(Client(server), email, password).sign_in()
    return server


def actions(admin):
    entries = expect(admin.call("GET", "/api/v1/audit"), 200).json()["items"]
    return [(entry["action"], entry["actor_id"], entry["address"]) for entry in entries]


def come_in(server, token):
    """Starts the server and does what the command has said, with a new password; the admin, signed in."""
    server.start()
    password = new_password()
    expect(Client(server).call("POST", ACCEPT, json={"token": token, "password": password}), 204)
    return Person(elsewhere(server), server.admin.email, password)


def test_the_only_admin_comes_back_in(house):
    platform_token = house.admin.platform_token(["accounts:read"])["token"]
    house.stop()
    finished, token = recover(house, house.admin.email)
    assert "No second factor is set" in finished.stdout
    admin = come_in(house, token)
    assert Person(elsewhere(house), admin.email, house.admin.password).try_sign_in().status_code == 401
    admin.sign_in()
    assert admin.session["user"]["admin"] is True
    # As after every reset: what there was before is worth nothing, and the token was for once.
    assert house.admin.call("GET", "/api/v1/users/current").status_code == 401
    assert Client(house).call("GET", "/api/v1/accounts", token=platform_token).status_code == 401
    body = {"token": token, "password": new_password()}
    problem(Client(house).call("POST", ACCEPT, json=body), 403, "reset_invalid")
    made = [entry for entry in actions(admin) if entry[0] in ("password_reset.create", "second_factor.remove")]
    assert made == [("password_reset.create", None, "")]
    assert run_command(house.home, ["audit", "check", "--data-dir", house.data]).returncode == 0


def test_what_it_prints_can_be_done_as_it_stands(house):
    """The curl line and the body that it shows are right, but for the port of this test and the dots."""
    house.stop()
    finished, _ = recover(house, house.admin.email)
    (line,) = re.findall(r"^ +(curl .+)$", finished.stdout, re.MULTILINE)
    (body,) = SENDS.findall(finished.stdout)
    house.start()
    password = new_password()
    done = subprocess.run(
        ["sh", "-c", line.replace("http://127.0.0.1:8080", house.url)], input=body.replace("...", password),
        capture_output=True, text=True, timeout=30, env=environment() | {"NO_PROXY": "*"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    Person(Client(house), house.admin.email, password).sign_in()


def test_the_second_factor_stays_unless_it_goes_too(house):
    app = enrol(house.admin)
    house.stop()
    finished, token = recover(house, house.admin.email)
    assert "The second factor stays" in finished.stdout and "--remove-second-factor" in finished.stdout
    admin = come_in(house, token)
    problem(admin.try_sign_in(), 401, "second_factor_required")
    expect(admin.try_sign_in(code=app.recovery_codes[0]), 201)

    house.stop()
    finished, token = recover(house, house.admin.email, "--remove-second-factor")
    assert "The second factor is gone" in finished.stdout
    admin = come_in(house, token).sign_in()
    assert admin.session["user"]["second_factor"] is False
    assert [name for name, actor, _ in actions(admin) if actor is None and name.startswith("second_factor")] == [
        "second_factor.remove"
    ]


def test_it_does_nothing_beside_a_running_server(house):
    """One process owns the data; two would break every promise about limits."""
    finished, _ = recover(house, house.admin.email)
    assert finished.returncode == 1 and str(house.data) in finished.stderr and "stop it first" in finished.stderr
    house.admin.another_session()


def test_it_is_for_admins_that_there_are(house, home):
    house.stop()
    before = run_command(house.home, ["audit", "check", "--data-dir", house.data]).stdout
    unknown, _ = recover(house, new_email())
    assert unknown.returncode == 1 and "There is no user with the e-mail address" in unknown.stderr
    malformed, _ = recover(house, "nobody")
    assert malformed.returncode == 1 and "--email must be" in malformed.stderr
    none, _ = recover(house, house.admin.email, "--remove-second-factor")
    assert none.returncode == 1 and "has no second factor" in none.stderr
    assert run_command(house.home, ["audit", "check", "--data-dir", house.data]).stdout == before
    nowhere = run_command(home, ["admin", "recover", "--data-dir", home / "nowhere", "--email", "a@example.test"])
    assert nowhere.returncode == 1 and "There is no latchkey database" in nowhere.stderr
    assert not (home / "nowhere").exists()


def test_a_tenants_user_is_not_recovered_by_it(home):
    """They have an admin, whose act the account's own record shows."""
    deployment = Deployment(home / "tenants")
    try:
        person = deployment.new_person(deployment.new_account(credits=None)["id"])
    finally:
        deployment.close()
    refused, _ = recover(deployment.server, person.email)
    assert refused.returncode == 1 and "is no admin" in refused.stderr and "password-resets" in refused.stderr
