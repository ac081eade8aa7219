"""A sign-in over plain HTTP from another machine: it succeeds, the cookie is lost, and the answer says so, with the
remedy (issue 9, C6)."""

import json
import subprocess

import pytest

import planted
from client import COOKIE, expect, new_email, new_password
from server import BINARY, READY_LINE, admin_create, environment
from shapes import SESSION
from waiting import wait_for

ADDRESS = "10.231.77.1"
# A network of its own, in which the machine has an address besides the loopback's.
ALONE = f'ip link set lo up && ip addr add {ADDRESS}/32 dev lo && exec "$@"'


@pytest.fixture
def alone(home):
    """A server in a network of its own, an admin, and a function that signs in with curl: what the answer was, and
    whether curl has kept the cookie."""
    data, email, password = home / "data", new_email(), new_password()
    assert admin_create(data, email, password).returncode == 0
    out, err = home / "stdout.txt", home / "stderr.txt"
    planted.watch_log(err)
    command = ["unshare", "--net", "sh", "-euc", ALONE, "alone"]
    command += [BINARY, "serve", "--data-dir", data, "--host", "0.0.0.0", "--port", "8080"]
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, env=environment(), cwd=home)

    def sign_in(host, *options):
        jar = home / "cookies.txt"
        jar.unlink(missing_ok=True)
        finished = subprocess.run(
            ["nsenter", f"--net=/proc/{process.pid}/ns/net", "curl", "-sS", "--fail-with-body", "--cookie-jar", jar]
            + ["--json", "@-", *options, f"http://{host}:8080/api/v1/sessions"],
            input=json.dumps({"email": email, "password": password}),
            capture_output=True,
            text=True,
            timeout=30,
            env=environment({"NO_PROXY": "*"}),
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        kept = COOKIE in jar.read_text()
        jar.unlink()
        return json.loads(finished.stdout), kept

    try:
        wait_for("the ready line", lambda: READY_LINE.search(out.read_text()) or process.poll() is not None, 30)
        assert process.poll() is None, err.read_text()
        sign_in.log = err.read_text
        yield sign_in
    finally:
        process.terminate()
        process.wait(20)


def test_a_cookie_that_gets_lost_is_said_so(alone):
    session, kept = alone(ADDRESS)
    assert not kept, "curl keeps Secure cookies of plain HTTP: then there is nothing to say"
    assert set(session) == SESSION | {"warning"}
    assert "https" in session["warning"] and "http://localhost" in session["warning"]
    assert "sign-in over plain HTTP" in alone.log()


def test_a_cookie_that_is_kept_is_no_reason_for_a_warning(alone):
    session, _ = alone("localhost")
    assert set(session) == SESSION
    assert "plain HTTP" not in alone.log()


# What a browser says of its page, and a proxy of how it was called.
HEADERS = [
    ({"Origin": "http://192.168.1.5:8080"}, True),
    ({"Origin": "https://keys.example.com"}, False),
    ({"Origin": "http://localhost:8080"}, False),
    ({"X-Forwarded-Proto": "http"}, True),
    ({"X-Forwarded-Proto": "https"}, False),
    ({}, False),
]


@pytest.mark.parametrize("headers, warns", HEADERS, ids=lambda value: str(value)[:40])
def test_what_browsers_and_proxies_say_counts(deployment, headers, warns):
    person = deployment.new_person(deployment.new_account()["id"])
    body = {"email": person.email, "password": person.password}
    session = expect(deployment.client.call("POST", "/api/v1/sessions", json=body, headers=headers), 201)
    assert ("warning" in session.json()) == warns
