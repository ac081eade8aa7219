"""A new secret for the same key (O2; design §5): the two of them work side by side until the old one ends, and each
shows its own last use, so that it can be seen when the old one may go.
"""

import time

import pytest

from client import absent_id, exact, expect, in_parallel, seconds, unique
from deployment import all_items
from key_calls import (
    SECRET,
    audited,
    path_of,
    refused,
    retire,
    reveal,
    rotate,
    try_report,
    try_retire,
    try_reveal,
    try_rotate,
    verify,
)
from receipts import away_from_midnight, books_are_right, charges, receipt
from shapes import HINT, KEY, problem, same_bytes
from waiting import wait_until

MONTH_OF_OVERLAP = 30 * 86_400
A_DAY = 86_400


class Rotated:
    """A key of a tenant's app, with every secret that it has had."""

    def __init__(self, tenant, **terms):
        self.tenant = tenant
        self.app = tenant.application()
        self.made = tenant.credential(self.app["id"], **terms)
        self.id, self.tokens = self.made["id"], [self.made["token"]]

    def rotate(self, overlap):
        answer = rotate(self.tenant, self.id, overlap)
        self.tokens.append(answer["token"])
        return answer

    def chat(self, number, **keywords):
        return self.tenant.client.chat(self.tokens[number], **keywords)

    def read(self):
        return self.tenant.read_credential(self.id)

    def secrets(self):
        return self.read()["secrets"]


@pytest.fixture
def key(tenant):
    return Rotated(tenant)


def hint_of(token):
    return f"sk-{token[3:6]}…{token[13:15]}"


def of(secret, *names):
    return tuple(secret[name] for name in names)


# Side by side


def test_both_secrets_work_during_the_overlap(key):
    """One key: the same id, the same history, another secret."""
    before = key.read()
    answer = key.rotate(3600)
    assert KEY.match(answer["token"]) and answer["token"] != key.tokens[0]
    assert list(answer) == list(before) + ["token"] or set(answer) == set(before) | {"token"}
    kept = set(before) - {"hint", "secrets", "updated_at", "rotation_due_at"}
    assert {name: answer[name] for name in kept} == {name: before[name] for name in kept}
    assert answer["hint"] == hint_of(answer["token"]) != before["hint"] and HINT.match(answer["hint"])
    current, old = answer["secrets"]
    assert list(current) == list(old) == SECRET
    assert of(current, "hint", "last_used_at", "ends_at", "safe_to_retire") == (answer["hint"], None, None, False)
    assert of(old, "hint", "created_at", "safe_to_retire") == (before["hint"], before["created_at"], False)
    assert seconds(old["ends_at"]) - seconds(current["created_at"]) == pytest.approx(3600, abs=0.001)
    assert current["created_at"] == answer["updated_at"] > before["updated_at"]
    for number in (0, 1):
        expect(key.chat(number), 200)
        expect(key.chat(number, application=key.app["id"]), 200)
        assert verify(key.tenant, key.tokens[number], key.app["id"])["credential_id"] == key.id
    shown = {name: value for name, value in answer.items() if name != "token"}
    listed = all_items(key.tenant.call, "/api/v1/credentials", read=exact)
    assert [item["id"] for item in listed] == [key.id], "a rotation makes no second key"
    assert {name: listed[0][name] for name in ("hint", "updated_at")} == {n: shown[n] for n in ("hint", "updated_at")}


def test_the_new_secret_is_in_the_answer_to_the_rotation_only(key):
    secret = key.rotate(60)["token"][15:37]
    told = key.tenant.call("GET", f"/api/v1/credentials/{key.id}").text
    told += key.tenant.call("GET", "/api/v1/credentials").text + key.tenant.call("GET", "/api/v1/audit").text
    assert secret not in told and key.tokens[0][15:37] not in told


def test_the_overlap_ends_by_itself(key):
    """No job has to run for it: the very next call after the end is refused, and the key shows one secret."""
    answer = key.rotate(4)
    end = seconds(answer["secrets"][1]["ends_at"])
    expect(key.chat(0), 200)
    assert time.time() < end, "this machine is too slow for an overlap of four seconds"
    wait_until(end + 0.05)
    refused(key.chat(0), "invalid_key")
    assert verify(key.tenant, key.tokens[0], key.app["id"])["code"] == "invalid_key"
    expect(key.chat(1), 200)
    assert [secret["hint"] for secret in key.secrets()] == [answer["hint"]]
    problem(try_retire(key.tenant, key.id), 409, "nothing_to_retire")
    # And there is room for the next.
    key.rotate(60)
    expect(key.chat(1), 200)
    expect(key.chat(2), 200)
    refused(key.chat(0), "invalid_key")


def test_a_secret_that_has_ended_is_no_longer_the_keys(key):
    """Nobody can act on the key with it: found in a leak, it opens nothing, and so names nothing."""
    end = seconds(key.rotate(1)["secrets"][1]["ends_at"])
    wait_until(end + 0.05)
    problem(try_report(key.tenant, "disable", token=key.tokens[0]), 404, "not_found")
    expect(key.chat(1), 200)


def test_without_an_overlap_the_old_secret_ends_at_once(key):
    expect(key.chat(0), 200)
    answer = key.rotate(0)
    assert len(answer["secrets"]) == 1
    refused(key.chat(0), "invalid_key")
    expect(key.chat(1), 200)
    # A crowd that uses the old one at the very moment: nobody gets in after the answer.
    answers = in_parallel(lambda number: key.chat(number % 2), range(32))
    assert [answer.status_code for answer in answers] == [401, 200] * 16


def test_without_an_overlap_every_older_secret_ends_at_once(key):
    key.rotate(3600)
    expect(key.chat(0), 200)
    answer = key.rotate(0)
    assert len(answer["secrets"]) == 1
    refused(key.chat(0), "invalid_key")
    refused(key.chat(1), "invalid_key")
    expect(key.chat(2), 200)


def test_one_rotation_at_a_time(key):
    """While an old secret still works there is no third: it would be anybody's guess which two do."""
    end = key.rotate(3600)["secrets"][1]["ends_at"]
    refusal = try_rotate(key.tenant, key.id, 3600)
    assert end in problem(refusal, 409, "rotation_in_progress")["detail"]
    for number in (0, 1):
        expect(key.chat(number), 200)
    retire(key.tenant, key.id)
    key.rotate(3600)
    refused(key.chat(0), "invalid_key")
    expect(key.chat(1), 200)
    expect(key.chat(2), 200)


@pytest.mark.race
def test_many_rotations_at_once_are_one(key):
    answers = in_parallel(lambda _: try_rotate(key.tenant, key.id, 3600), range(8))
    made = [answer.json()["token"] for answer in answers if answer.status_code == 200]
    assert len(made) == 1
    for answer in answers:
        if answer.status_code != 200:
            problem(answer, 409, "rotation_in_progress")
    key.tokens += made
    for number in (0, 1):
        expect(key.chat(number), 200)


def test_many_rotations_without_overlap_leave_one_secret(key):
    answers = in_parallel(lambda _: try_rotate(key.tenant, key.id, 0), range(8))
    tokens = [expect(answer, 200).json()["token"] for answer in answers]
    working = [token for token in tokens if key.tenant.client.chat(token).status_code == 200]
    assert len(working) == 1 and hint_of(working[0]) == key.read()["hint"]
    refused(key.chat(0), "invalid_key")


# Retiring


def test_retiring_ends_the_old_secret_now(key):
    key.rotate(3600)
    expect(key.chat(0), 200)
    before = key.read()
    after = retire(key.tenant, key.id)
    assert [secret["hint"] for secret in after["secrets"]] == [before["hint"]]
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"secrets", "updated_at"} and "token" not in after
    refused(key.chat(0), "invalid_key")
    expect(key.chat(1), 200)
    problem(try_retire(key.tenant, key.id), 409, "nothing_to_retire")


def test_a_key_that_was_never_rotated_has_nothing_to_retire(key):
    problem(try_retire(key.tenant, key.id), 409, "nothing_to_retire")
    expect(key.chat(0), 200)


def test_a_deleted_key_ends_with_both(key):
    key.rotate(3600)
    key.tenant.delete_credential(key.id)
    for number in (0, 1):
        refused(key.chat(number), "invalid_key")
    problem(try_rotate(key.tenant, key.id, 0), 404, "not_found")
    problem(try_retire(key.tenant, key.id), 404, "not_found")


# One key


def test_limits_and_usage_are_the_keys_not_a_secrets(deployment):
    """What one secret uses, the other has not; a term binds both from the very next call."""
    away_from_midnight()
    key = Rotated(deployment.new_tenant(), limited_amount=100, monthly_limit=80)
    expect(key.chat(0), 200)
    key.rotate(3600)
    assert receipt(expect(key.chat(1), 200)).remaining == 40
    assert receipt(expect(key.chat(0), 200)).remaining == 20
    assert receipt(expect(key.chat(1), 200)).remaining == 0
    for number in (0, 1):
        refused(key.chat(number), "monthly_limit_reached")
    shown = key.read()
    assert (shown["used_amount"], shown["monthly_used"], shown["status"]) == (80, 80, "suspended")
    report = key.tenant.usage(by="credential")
    assert [line["credential_id"] for line in report["items"]] == [key.id] if "items" in report else True
    key.tenant.edit_credential(key.id, monthly_limit=None, ip_allowlist=["203.0.113.7"])
    for number in (0, 1):
        refused(key.chat(number), "ip_not_allowed")
    key.tenant.edit_credential(key.id, ip_allowlist=None, enabled=False)
    for number in (0, 1):
        refused(key.chat(number), "key_disabled")
    key.tenant.edit_credential(key.id, enabled=True)
    assert receipt(expect(key.chat(0), 200)).remaining == 0
    entries = charges(books_are_right(deployment, key.tenant.account["id"]))
    assert [entry["credential_id"] for entry in entries] == [key.id] * 5


def test_a_call_is_repeated_with_either_secret(deployment, upstream):
    """An Idempotency-Key belongs to the key: trying again after a rotation is still the same call."""
    tenant = deployment.new_tenant()
    made = tenant.credential(tenant.application()["id"])
    name = {"Idempotency-Key": unique("again")}
    first = expect(tenant.client.chat(made["token"], headers=name), 200)
    new = rotate(tenant, made["id"], 3600)["token"]
    for token in (new, made["token"]):
        again = expect(tenant.client.chat(token, headers=name), 200)
        assert again.content == first.content and again.headers["idempotency-replayed"] == "true"
    assert len(charges(books_are_right(deployment, tenant.account["id"]))) == 1


def test_a_rotation_is_no_creation(deployment):
    """It takes no place under the cap and none of the day's ten."""
    tenant = deployment.new_tenant(cap=3)
    app = tenant.application()
    keys = [tenant.credential(app["id"]) for _ in range(3)]
    for key in keys:
        rotate(tenant, key["id"], 60)
    problem(tenant.try_credential(app["id"]), 409, "credential_cap_reached")
    for key in keys:
        tenant.delete_credential(key["id"])
    for _ in range(7):
        tenant.delete_credential(tenant.credential(app["id"])["id"])
    problem(tenant.try_credential(app["id"]), 429, "daily_creation_limit_reached")


# Last uses


def test_each_secret_shows_its_own_last_use_at_once(key):
    """Not after some seconds in which it would be written down somewhere."""
    assert key.secrets()[0]["last_used_at"] is None
    began = time.time()
    expect(key.chat(0), 200)
    first = key.secrets()[0]["last_used_at"]
    assert first and began - 0.001 <= seconds(first) <= time.time()
    key.rotate(3600)
    current, old = key.secrets()
    assert (current["last_used_at"], old["last_used_at"]) == (None, first), "the use goes with its secret"
    expect(key.chat(1), 200)
    current, old = key.secrets()
    assert seconds(current["last_used_at"]) > seconds(first) == seconds(old["last_used_at"])
    expect(key.chat(0), 200)
    current, old = key.secrets()
    assert seconds(old["last_used_at"]) > seconds(current["last_used_at"])
    listed = exact(expect(key.tenant.call("GET", "/api/v1/credentials"), 200))["items"][0]
    assert listed["secrets"] == [current, old], "the same in the list"


@pytest.mark.parametrize("what", ["edit", "rotate", "disable", "leak", "retire"])
def test_every_answer_about_a_key_shows_its_last_use(key, what):
    """One key, one truth: an answer to a change says the same as a reading does."""
    if what == "retire":
        key.rotate(3600)
        expect(key.chat(1), 200)
    expect(key.chat(0), 200)
    if what == "edit":
        answer = key.tenant.edit_credential(key.id, name="renamed")
    elif what == "disable":
        answer = key.tenant.edit_credential(key.id, enabled=False)
    elif what == "rotate":
        answer = key.rotate(3600)
    elif what == "leak":
        answer = exact(expect(try_report(key.tenant, "disable", credential_id=key.id), 200))
    else:
        answer = retire(key.tenant, key.id)
    assert answer["secrets"] == key.secrets()
    assert answer["secrets"][-1]["last_used_at"], "it was used a moment ago"


def test_a_call_that_was_refused_is_no_use(key):
    """Nor is being looked at by another tenant, or explained: what counts is that somebody was let in."""
    expect(key.chat(0), 200)
    before = key.secrets()
    refused(key.chat(0, application=absent_id()), "wrong_app")
    refused(key.chat(0, headers={"Origin": "https://evil.example"}), "browser_not_allowed")
    refused(key.chat(0, model="no-such-model"), "model_not_found")
    key.tenant.edit_credential(key.id, ip_allowlist=["203.0.113.7"])
    refused(key.chat(0), "ip_not_allowed")
    assert verify(key.tenant, key.tokens[0], key.app["id"])["code"] == "ip_not_allowed"
    other = key.tenant.deployment.new_tenant()
    assert verify(other, key.tokens[0], other.application()["id"])["code"] == "wrong_app"
    key.tenant.edit_credential(key.id, ip_allowlist=None, enabled=False)
    refused(key.chat(0), "key_disabled")
    assert key.secrets() == before
    key.tenant.edit_credential(key.id, enabled=True)
    assert verify(key.tenant, key.tokens[0], key.app["id"])["allowed"]
    assert key.secrets()[0]["last_used_at"] > before[0]["last_used_at"], "the owner's own service let it in"


def test_a_last_use_outlives_a_kill_by_a_few_seconds(own_deployment):
    """`exact to a few seconds`: what is older than that is on disk; a stop writes all of it down."""
    deployment = own_deployment()
    key = Rotated(deployment.new_tenant())
    expect(key.chat(0), 200)
    key.rotate(3600)
    expect(key.chat(1), 200)
    before = key.secrets()
    deployment.server.stop()
    deployment.server.start()
    assert key.secrets() == before
    expect(key.chat(0), 200)
    before = key.secrets()
    time.sleep(7)  # the longest that it may take is five
    deployment.server.kill()
    deployment.server.start()
    assert key.secrets() == before


def test_a_secret_is_never_seen_as_unused_once_it_was_used(key):
    """Neither at the moment at which its use is written down, which comes every few seconds."""
    expect(key.chat(0), 200)
    used_at = key.secrets()[0]["last_used_at"]
    end = time.monotonic() + 6

    def look(_):
        seen = set()
        while time.monotonic() < end:
            seen.add(key.secrets()[0]["last_used_at"])
        return seen

    assert set.union(*in_parallel(look, range(4))) == {used_at}


def test_when_the_old_secret_may_go(own_clocked):
    """After a day of silence of the old one, with the new one in use; and no longer once it speaks again."""
    tenant = own_clocked.new_tenant()
    key = Rotated(tenant)
    expect(key.chat(0), 200)
    key.rotate(MONTH_OF_OVERLAP)

    def is_safe():
        current, old = key.secrets()
        assert current["safe_to_retire"] is False, "the current one is never to be retired"
        return old["safe_to_retire"]

    assert not is_safe()
    own_clocked.clock.forward(days=2)
    assert not is_safe(), "nobody uses the new one yet"
    expect(key.chat(1), 200)
    assert is_safe()
    expect(key.chat(0), 200)
    assert not is_safe(), "the old one has been used just now"
    own_clocked.clock.forward(hours=23, minutes=58)
    assert not is_safe()
    own_clocked.clock.forward(minutes=3)
    assert is_safe()
    own_clocked.clock.forward(days=28)
    refused(key.chat(0), "invalid_key")
    assert len(key.secrets()) == 1
    expect(key.chat(1), 200)


def test_nothing_is_safe_to_retire_at_once(key):
    key.rotate(3600)
    assert [secret["safe_to_retire"] for secret in key.secrets()] == [False, False]
    expect(key.chat(1), 200)
    assert [secret["safe_to_retire"] for secret in key.secrets()] == [False, False]


# Bounds


def test_twenty_rotations_a_day(deployment):
    """Counted for the account, whichever key; a refused one counts for nothing; deleting gives nothing back
    (ASVS 2.1.3)."""
    away_from_midnight()
    tenant = deployment.new_tenant()
    app = tenant.application()
    keys = [tenant.credential(app["id"]) for _ in range(2)]
    rotate(tenant, keys[0]["id"], 3600)
    for _ in range(3):
        problem(try_rotate(tenant, keys[0]["id"], 3600), 409, "rotation_in_progress")
    problem(try_rotate(tenant, keys[1]["id"], -1), 400, "invalid_request", field="overlap_seconds")
    answers = in_parallel(lambda number: try_rotate(tenant, keys[number % 2]["id"], 0), range(26), threads=8)
    done = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(done) == 19, "twenty with the first"
    for answer in answers:
        if answer.status_code != 200:
            problem(answer, 429, "daily_rotation_limit_reached")
            assert 0 < int(answer.headers["retry-after"]) <= A_DAY
    before = [tenant.read_credential(key["id"]) for key in keys]
    for refusal in (
        try_rotate(tenant, keys[1]["id"], 0),
        try_rotate(tenant, keys[1]["id"], 60),
        try_report(tenant, "rotate", credential_id=keys[1]["id"]),
    ):
        problem(refusal, 429, "daily_rotation_limit_reached")
    assert [tenant.read_credential(key["id"])["hint"] for key in keys] == [key["hint"] for key in before]
    tenant.delete_credential(keys[0]["id"])
    problem(try_rotate(tenant, keys[1]["id"], 0), 429, "daily_rotation_limit_reached")
    # Another account has a day of its own.
    other = deployment.new_tenant()
    rotate(other, other.credential(other.application()["id"])["id"])


def test_the_next_day_brings_twenty_more(clocked):
    tenant = clocked.new_tenant()
    key = tenant.credential(tenant.application()["id"])
    for _ in range(20):
        if clocked.server.now() % A_DAY > A_DAY - 60:
            clocked.clock.forward(seconds=61)
        answer = try_rotate(tenant, key["id"], 0)
        if answer.status_code == 429:
            break
    while (answer := try_rotate(tenant, key["id"], 0)).status_code == 200:
        pass
    problem(answer, 429, "daily_rotation_limit_reached")
    left = A_DAY - clocked.server.now() % A_DAY
    assert int(answer.headers["retry-after"]) == pytest.approx(left, abs=5)
    clocked.clock.forward(seconds=left + 1)
    rotate(tenant, key["id"])


@pytest.mark.parametrize("overlap", [1, MONTH_OF_OVERLAP])
def test_the_shortest_and_the_longest_overlap(key, overlap):
    current, old = key.rotate(overlap)["secrets"]
    assert seconds(old["ends_at"]) - seconds(current["created_at"]) == pytest.approx(overlap, abs=0.001)


# Who may, and what is written down


def test_who_may_rotate_and_retire(deployment, key, strangers):
    """Root users and tokens with just that scope; to another tenant, and to an admin, there is no such key
    (ASVS 8.2.1, 8.2.2)."""
    member, person = key.tenant.member(), key.tenant.person
    weak = person.platform_token(["credentials:write", "credentials:read", "credentials:delete"])["token"]
    able = person.platform_token(["credentials:rotate"])["token"]
    for what, body in (("rotate", {"overlap_seconds": 60}), ("retire", ...)):
        path = path_of(key.id, what)
        problem(member.call("POST", path, json=body), 403, "root_only")
        problem(deployment.client.call("POST", path, token=weak, json=body), 403, "insufficient_scope")
        foreign = strangers.call("POST", path, json=body)
        problem(foreign, 404, "not_found")
        same_bytes(foreign, strangers.call("POST", path_of(absent_id(), what), json=body))
        problem(deployment.call("POST", path, json=body), 404, "not_found")
        problem(deployment.admin.call("POST", path, json=body), 404, "not_found")
        problem(deployment.client.call("POST", path, token=key.tokens[0], json=body), 401, "unauthenticated")
    assert len(key.secrets()) == 1
    able_caller = type("Caller", (), {"call": lambda _, *a, **k: deployment.client.call(*a, token=able, **k)})()
    key.tokens.append(rotate(able_caller, key.id, 60)["token"])
    retire(able_caller, key.id)
    rotate(person.fresh(), key.id, 60)
    retire(person, key.id)


def test_the_record_says_which_secret_came_and_went(key):
    first = key.made["hint"]
    second = key.rotate(3600)["hint"]
    retire(key.tenant, key.id)
    third = key.rotate(0)["hint"]
    entries = audited(key.tenant, "credential.rotate", "credential.retire")
    assert [entry["action"].split(".")[1] for entry in entries] == ["rotate", "retire", "rotate"]
    assert {entry["object_id"] for entry in entries} == {key.id}
    assert [entry["detail"] for entry in entries] == [
        {"overlap_seconds": "3600", "hint": second},
        {"hint": first},
        {"overlap_seconds": "0", "hint": third},
    ]


def test_a_restart_keeps_it_all(own_deployment):
    """The two secrets, the end of the old one, what was retired, and how often it was rotated today."""
    away_from_midnight()
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    key, other = Rotated(tenant), Rotated(tenant)
    key.rotate(8)
    end = seconds(key.secrets()[1]["ends_at"])
    other.rotate(3600)
    retire(tenant, other.id)
    before = [key.read(), other.read()]
    deployment.server.kill()
    deployment.server.start()
    assert [key.read(), other.read()] == before
    if time.time() < end - 1:
        expect(key.chat(0), 200)
    expect(key.chat(1), 200)
    refused(other.chat(0), "invalid_key")
    expect(other.chat(1), 200)
    for _ in range(18):
        expect(try_rotate(tenant, other.id, 0), 200)
    problem(try_rotate(tenant, other.id, 0), 429, "daily_rotation_limit_reached")
    wait_until(end + 0.05)
    refused(key.chat(0), "invalid_key")
    expect(key.chat(1), 200)


# Copies for showing again


def test_a_rotation_seals_the_new_secret_anew(key):
    """The copy is of the secret that works; there is none of the old one any more."""
    key = Rotated(key.tenant, revealable=True)
    person = key.tenant.person
    assert reveal(person, key.id) == key.tokens[0]
    assert key.rotate(3600)["reveal"] == "available"
    assert reveal(person, key.id) == key.tokens[1]
    key.rotate(0)
    assert reveal(person, key.id) == key.tokens[2]
    shown = key.read()
    assert (shown["reveal"], shown["reveals"]) == ("available", 3)


def test_a_rotation_makes_no_copy_of_a_key_that_has_none(key):
    assert key.rotate(60)["reveal"] == "show_once"
    problem(try_reveal(key.tenant.person, key.id), 409, "show_once")
