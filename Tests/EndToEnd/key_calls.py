"""What can be asked about a key and done with it, and how each side tells a denial (design §6)."""

import planted
from client import exact, expect
from deployment import all_items
from shapes import openai_error

# Of each denial: the status and the code in OpenAI's dialect, and the status in the answer of verify.
DENIALS = {
    "invalid_key": (401, "invalid_api_key", 401),
    "wrong_app": (403, "wrong_app", 403),
    "key_expired": (401, "invalid_api_key", 401),
    "key_disabled": (401, "invalid_api_key", 401),
    "account_suspended": (403, "account_suspended", 403),
    "ip_not_allowed": (403, "ip_not_allowed", 403),
    "host_not_allowed": (403, "host_not_allowed", 403),
    "browser_not_allowed": (403, "browser_not_allowed", 403),
    "model_not_found": (404, "model_not_found", 404),
    "model_not_allowed": (403, "model_not_allowed", 403),
    "credit_limit_reached": (429, "insufficient_quota", 402),
    "monthly_limit_reached": (429, "insufficient_quota", 402),
    "insufficient_credits": (429, "insufficient_quota", 402),
}

STEPS = [
    "application",
    "expiry",
    "status",
    "account",
    "address",
    "origin",
    "model",
    "key_limit",
    "monthly_limit",
    "balance",
]
VERIFICATION = [
    "allowed",
    "code",
    "detail",
    "status",
    "credential_id",
    "model",
    "cost",
    "remaining",
    "charged",
    "charge_id",
]
EXPLANATION = ["allowed", "code", "model", "cost", "remaining", "steps"]
SECRET = ["hint", "created_at", "last_used_at", "ends_at", "safe_to_retire"]


def refused(response, code):
    """Asserts a denial of the data plane: the status, OpenAI's code, and the product's own in X-Latchkey-Code."""
    status, openai_code, _ = DENIALS[code]
    error = openai_error(response, status, openai_code, denial=code)
    assert response.headers.get("x-should-retry") == ("false" if status == 429 else None)
    return error


def path_of(credential_id, what):
    return f"/api/v1/credentials/{credential_id}/{what}"


# Asking


def try_verify(tenant, key, application_id, **question):
    return tenant.call("POST", "/api/v1/verify", json={"key": key, "application_id": application_id} | question)


def verify(tenant, key, application_id, **question):
    """The answer to `may this key call my app?`, which must be well-formed."""
    answer = exact(expect(try_verify(tenant, key, application_id, **question), 200))
    assert list(answer) == VERIFICATION
    of_the_call = [answer[name] is not None for name in ("model", "cost", "remaining")]
    if answer["allowed"]:
        assert (answer["code"], answer["detail"], answer["status"]) == (None, None, 200)
        assert all(of_the_call) and answer["credential_id"]
    else:
        assert answer["status"] == DENIALS[answer["code"]][2], f"{answer['code']}: {answer['status']}"
        assert answer["detail"] and not any(of_the_call)
        assert not answer["charged"], "a denied call was charged"
    assert answer["charged"] == (answer["charge_id"] is not None)
    assert answer["charged"] <= question.get("charge", False), "charged without being asked to"
    return answer


def try_explain(tenant, credential_id, **call):
    return tenant.call("POST", path_of(credential_id, "explain"), json=call)


def explain(tenant, credential_id, **call):
    """What would come of a call: well-formed, and every step there in its order."""
    answer = exact(expect(try_explain(tenant, credential_id, **call), 200))
    assert list(answer) == EXPLANATION
    assert [step["step"] for step in answer["steps"]] == STEPS
    denials = []
    for step in answer["steps"]:
        assert list(step) == ["step", "outcome", "code", "detail"]
        is_denied = step["outcome"] == "denied"
        assert is_denied or step["outcome"] in ("passed", "skipped")
        assert is_denied == (step["code"] is not None) == (step["detail"] is not None)
        denials += [step["code"]] if is_denied else []
    assert set(denials) <= set(DENIALS)
    assert (answer["allowed"], answer["code"]) == (not denials, denials[0] if denials else None)
    return answer


def outcomes(explanation):
    """Of each step that was not passed: its code, or that it was skipped."""
    return {
        step["step"]: step["code"] or step["outcome"] for step in explanation["steps"] if step["outcome"] != "passed"
    }


# Doing


def _with_token(response):
    if response.status_code < 300 and "token" in response.json():
        planted.plant("key", response.json()["token"])
    return response


def try_rotate(caller, credential_id, overlap_seconds=0, **fields):
    """`caller` is a tenant, who calls with its platform token, or a person."""
    body = {"overlap_seconds": overlap_seconds} | fields
    return _with_token(caller.call("POST", path_of(credential_id, "rotate"), json=body))


def rotate(caller, credential_id, overlap_seconds=0):
    return exact(expect(try_rotate(caller, credential_id, overlap_seconds), 200))


def try_retire(caller, credential_id):
    return caller.call("POST", path_of(credential_id, "retire"))


def retire(caller, credential_id):
    return exact(expect(try_retire(caller, credential_id), 200))


def try_reveal(person, credential_id, password=None, **fields):
    body = {"password": person.password if password is None else password} | fields
    return _with_token(person.call("POST", path_of(credential_id, "reveal"), json=body))


def reveal(person, credential_id, password=None):
    """The secret."""
    response = expect(try_reveal(person, credential_id, password), 200)
    answer = response.json()
    assert list(answer) == ["id", "token"] and answer["id"] == credential_id
    assert response.headers["cache-control"] == "no-store"
    return answer["token"]


def try_report(caller, action, **fields):
    return _with_token(caller.call("POST", "/api/v1/leaks", json={"action": action} | fields))


def report(caller, action, **fields):
    return exact(expect(try_report(caller, action, **fields), 200))


def audited(caller, *actions):
    """The entries of the audit record that a caller may read, of these actions, the oldest first."""
    entries = all_items(caller.call, "/api/v1/audit", read=exact)
    return [entry for entry in reversed(entries) if not actions or entry["action"] in actions]
