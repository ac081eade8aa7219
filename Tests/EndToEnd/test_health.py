"""How the deployment is, as admins and their tools are told (`GET /api/v1/health`)."""

import contextlib
import threading

import requests

from client import expect
from shapes import problem
from waiting import wait_for


def health(deployment):
    told = expect(deployment.call("GET", "/api/v1/health"), 200).json()
    return told, {check["name"]: check for check in told["checks"]}


def test_what_is_under_way_is_counted_while_it_is(deployment):
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application(model="slow")["id"])
    before = health(deployment)[1]["calls"]["value"]

    def wait_for_a_provider():
        with contextlib.suppress(requests.Timeout):
            tenant.client.chat(key, timeout=3)

    call = threading.Thread(target=wait_for_a_provider, daemon=True)
    call.start()
    wait_for("the call to be counted", lambda: health(deployment)[1]["calls"]["value"] > before, 10)
    told, checks = health(deployment)
    assert checks["calls"]["bound"] >= 100 and checks["connections"]["value"] >= 2
    assert told["state"] in {check["state"] for check in told["checks"]}
    call.join(60)
    wait_for("the call to be over", lambda: health(deployment)[1]["calls"]["value"] <= before, 30)


def test_a_monitor_needs_one_scope_and_an_admin(deployment):
    token = deployment.admin.platform_token(["health:read"])["token"]
    expect(deployment.client.call("GET", "/api/v1/health", token=token), 200)
    problem(deployment.client.call("GET", "/api/v1/accounts", token=token), 403, "insufficient_scope")
    tenant = deployment.new_tenant()
    problem(tenant.person.call("GET", "/api/v1/health"), 403, "admin_only")
    problem(deployment.call("GET", "/api/v1/health?verbose=1"), 400, "unknown_parameter")
