"""A sign-in over plain HTTP from another machine: the cookie would be lost, so it is refused, with the remedy (issue 9,
C6; issue 11, 10)."""

import json
import subprocess

import pytest

import planted
from client import COOKIE, expect, new_email, new_password
from server import BINARY, READY_LINE, admin_create, environment
from shapes import SESSION, problem
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
            ["nsenter", f"--net=/proc/{process.pid}/ns/net", "curl", "-sS", "--cookie-jar", jar]
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


def test_a_sign_in_whose_cookie_would_be_lost_is_refused(alone):
    refused, kept = alone(ADDRESS)
    assert not kept and (refused["status"], refused["code"]) == (403, "https_required")
    assert "https" in refused["detail"] and "http://localhost" in refused["detail"]
    assert "sign-in over plain HTTP" in alone.log()


def test_a_cookie_that_is_kept_is_no_reason_to_refuse(alone):
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


@pytest.mark.parametrize("headers, loses", HEADERS, ids=lambda value: str(value)[:40])
def test_what_browsers_and_proxies_say_counts(deployment, headers, loses):
    person = deployment.new_person(deployment.new_account()["id"])
    body = {"email": person.email, "password": person.password}
    answer = deployment.client.call("POST", "/api/v1/sessions", json=body, headers=headers)
    problem(answer, 403, "https_required") if loses else expect(answer, 201)
