"""Showing a key again takes its owner's password (O2, O3; design §5; ASVS 7.5.3, 8.2.2, 11.3.3, 13.3.1, 14.2.6).

What is right with the password, what is refused without it, when the copies are gone; and the proof that it is not an
`if` of ours that asks for the password: with the whole data directory in hand, both keys included, nothing opens
without it.
"""

import itertools
import shutil
import sqlite3
from contextlib import closing

import pytest

import planted
from client import absent_id, exact, expect, in_parallel, new_password, seconds, session_cookie
from key_calls import audited, path_of, reveal, rotate, try_reveal, try_rotate
from shapes import TIME, problem, same_bytes
from stolen import StolenDirectory, candidates, hkdf, open_box, open_copy, plain64, public_of
from totp import enrol


@pytest.fixture
def app(tenant):
    return tenant.application()


def shown(tenant, key):
    """What the key itself says of this."""
    now = tenant.read_credential(key["id"])
    return now["reveal"], now["reveals"], now["revealed_at"]


def reset_password(deployment, tenant):
    """An admin's help for a tenant's person who has forgotten theirs. They have a new one then, are signed in, and
    have a new platform token, since all that they had is gone."""
    person = tenant.person
    user = person.session["user"]
    path = f"/api/v1/accounts/{user['account_id']}/users/{user['id']}/password-resets"
    made = expect(deployment.admin.fresh().call("POST", path), 201).json()
    planted.plant("reset token", made["token"])
    person.password = new_password()
    body = {"token": made["token"], "password": person.password}
    expect(deployment.client.call("POST", "/api/v1/password-resets/accept", json=body), 204)
    tenant.token = person.sign_in().platform_token()["token"]


def change_password(person):
    old, new = person.password, new_password()
    body = {"current_password": old, "new_password": new}
    changed = expect(person.call("POST", "/api/v1/users/current/password", json=body), 204)
    person.cookie = planted.plant("session cookie", session_cookie(changed).value)
    person.password = new
    return old


def set_policy(person, revealable):
    path = f"/api/v1/accounts/{person.session['user']['account_id']}/key-policy"
    return person.fresh().call("PATCH", path, json={"revealable": revealable})


# With the password


def test_the_password_shows_the_key_again(tenant, app):
    """The very secret, which still works; counted on the key and in the record, each time."""
    key = tenant.credential(app["id"], revealable=True)
    assert (key["reveal"], key["reveals"], key["revealed_at"]) == ("available", 0, None)
    for count in (1, 2, 3):
        assert reveal(tenant.person, key["id"]) == key["token"]
        state, reveals, at = shown(tenant, key)
        assert (state, reveals) == ("available", count) and TIME.match(at)
    expect(tenant.client.chat(key["token"]), 200)
    entries = audited(tenant, "credential.reveal")
    assert len(entries) == 3
    for entry in entries:
        assert (entry["object_id"], entry["actor_id"]) == (key["id"], tenant.user["id"])
        assert (entry["account_id"], entry["address"], entry["detail"]) == (tenant.account["id"], "127.0.0.1", {})
    assert seconds(at) == pytest.approx(seconds(entries[-1]["at"]), abs=1)
    after = tenant.read_credential(key["id"])
    changed = {name for name in after if after[name] != key[name]}
    assert changed == {
        "reveals",
        "revealed_at",
        "used_amount",
        "monthly_used",
        "last_used_at",
        "secrets",
    }, "the call, and that it was shown"


@pytest.mark.race
def test_reveals_at_once_are_counted_each(tenant, app):
    key = tenant.credential(app["id"], revealable=True)
    tokens = in_parallel(lambda _: reveal(tenant.person, key["id"]), range(6), threads=6)
    assert set(tokens) == {key["token"]}
    assert shown(tenant, key)[1] == 6 == len(audited(tenant, "credential.reveal"))


def test_a_key_is_shown_once_unless_asked_otherwise(tenant, app):
    """The default, and `false` in so many words: there is no copy, and so nothing to show (ASVS 14.2.6)."""
    for fields in ({}, {"revealable": False}):
        key = tenant.credential(app["id"], **fields)
        assert key["reveal"] == "show_once"
        problem(try_reveal(tenant.person, key["id"]), 409, "show_once")
        assert shown(tenant, key) == ("show_once", 0, None)
    assert audited(tenant, "credential.reveal") == []


def test_nothing_of_a_key_makes_it_revealable_later(tenant, app):
    key = tenant.credential(app["id"])
    problem(tenant.try_edit_credential(key["id"], revealable=True), 400, "invalid_request", field="revealable")
    problem(tenant.try_edit_credential(key["id"], reveal="available"), 400, "invalid_request", field="reveal")
    assert rotate(tenant, key["id"])["reveal"] == "show_once"


def test_a_key_that_does_not_work_is_shown_too(tenant, app):
    """To show a key is not to use it: off or used up, it is its owner's."""
    key = tenant.credential(app["id"], revealable=True, limited_amount=0, ip_allowlist=["203.0.113.7"])
    tenant.edit_credential(key["id"], enabled=False)
    assert reveal(tenant.person, key["id"]) == key["token"]
    tenant.deployment.edit_account(tenant.account["id"], suspended=True)
    assert reveal(tenant.person, key["id"]) == key["token"]


def test_a_deleted_key_is_gone(tenant, app):
    key = tenant.credential(app["id"], revealable=True)
    tenant.delete_credential(key["id"])
    problem(try_reveal(tenant.person, key["id"]), 404, "not_found")


def test_a_stale_session_reveals_with_the_password(clocked):
    """The password that comes with it is the proof; there is nothing to be repeated."""
    tenant = clocked.new_tenant()
    key = tenant.credential(tenant.application()["id"], revealable=True)
    clocked.clock.forward(minutes=6)
    assert reveal(tenant.person, key["id"]) == key["token"]
    problem(tenant.person.call("DELETE", f"/api/v1/credentials/{key['id']}"), 403, "reauthentication_required")


def test_a_stale_session_needs_the_second_factor_too(clocked):
    """And each code is good once, as everywhere (ASVS 6.5.1, 7.5.3)."""
    tenant = clocked.new_tenant()
    person = tenant.person
    key = tenant.credential(tenant.application()["id"], revealable=True)
    authenticator = enrol(person)
    assert reveal(person, key["id"]) == key["token"]
    clocked.clock.forward(minutes=6)
    problem(try_reveal(person, key["id"]), 401, "second_factor_required")
    problem(try_reveal(person, key["id"], code=authenticator.wrong_code()), 401, "sign_in_failed")
    problem(try_reveal(person, key["id"], new_password(), code=authenticator.code()), 401, "sign_in_failed")
    code = authenticator.code()
    assert expect(try_reveal(person, key["id"], code=code), 200).json()["token"] == key["token"]
    problem(try_reveal(person, key["id"], code=code), 401, "sign_in_failed")
    recovery = authenticator.recovery_codes[0]
    assert expect(try_reveal(person, key["id"], code=recovery), 200).json()["token"] == key["token"]
    problem(try_reveal(person, key["id"], code=recovery), 401, "sign_in_failed")
    assert shown(tenant, key)[1] == 3


# Without


def test_a_wrong_password_shows_nothing(tenant, app):
    key = tenant.credential(app["id"], revealable=True)
    wrong = [
        new_password(),
        tenant.person.password + " ",
        tenant.person.password[:-1],
        tenant.person.password.swapcase(),
        key["token"],
        tenant.token,
        tenant.deployment.admin.password,
    ]
    for password in wrong:
        refusal = try_reveal(tenant.person, key["id"], password)
        problem(refusal, 401, "sign_in_failed")
        assert key["token"][15:37] not in refusal.text
    assert shown(tenant, key) == ("available", 0, None)
    assert audited(tenant, "credential.reveal") == []
    assert reveal(tenant.person, key["id"]) == key["token"]


def test_guessing_is_throttled(deployment):
    """Who finds an open browser has ten guesses, as at the sign-in (ASVS 6.3.1)."""
    tenant = deployment.new_tenant()
    key = tenant.credential(tenant.application()["id"], revealable=True)
    for _ in range(10):
        problem(try_reveal(tenant.person, key["id"], "a wrong password"), 401, "sign_in_failed")
    for password in ("a wrong password", None):
        refusal = try_reveal(tenant.person, key["id"], password)
        problem(refusal, 429, "too_many_attempts")
        assert int(refusal.headers["retry-after"]) > 0


def test_who_else_is_refused(deployment, tenant, app, strangers):
    """A member, every token, another tenant, and an admin of another account, each with a password that is right for
    themselves; to those who may not know of the key there is none (ASVS 8.2.1, 8.2.2)."""
    key = tenant.credential(app["id"], revealable=True)
    member = tenant.member()
    problem(try_reveal(member, key["id"]), 403, "root_only")
    problem(try_reveal(member, key["id"], tenant.person.password), 403, "root_only")
    body = {"password": tenant.person.password}
    for token in (tenant.token, deployment.admin_token):
        refusal = deployment.client.call("POST", path_of(key["id"], "reveal"), token=token, json=body)
        problem(refusal, 403, "session_required")
    for stranger in (strangers.person, deployment.admin):
        refusal = try_reveal(stranger, key["id"])
        problem(refusal, 404, "not_found")
        same_bytes(refusal, try_reveal(stranger, absent_id()))
        problem(try_reveal(stranger, key["id"], tenant.person.password), 404, "not_found")
    path = path_of(key["id"], "reveal")
    problem(deployment.client.call("POST", path, json=body), 401, "unauthenticated")
    problem(deployment.client.call("POST", path, token=key["token"], json=body), 401, "unauthenticated")
    problem(tenant.person.call("POST", path, json=body, csrf=False), 403, "csrf_failed")
    assert shown(tenant, key) == ("available", 0, None)
    assert audited(tenant, "credential.reveal") == []


# More than one root user


def test_each_root_user_of_the_time_has_a_copy(deployment, tenant, app):
    """Sealed to each of them, so each opens it with their own password and with no other's."""
    colleague = deployment.new_person(tenant.account["id"])
    key = tenant.credential(app["id"], revealable=True)
    assert reveal(tenant.person, key["id"]) == reveal(colleague, key["id"]) == key["token"]
    problem(try_reveal(colleague, key["id"], tenant.person.password), 401, "sign_in_failed")
    assert [entry["actor_id"] for entry in audited(tenant, "credential.reveal")] == [
        tenant.user["id"],
        colleague.user["id"],
    ]
    assert shown(tenant, key)[1] == 2


def test_who_comes_later_has_copies_of_newer_keys_alone(deployment, tenant, app):
    """Nobody can make a copy for them: the server itself can't open the old ones."""
    old = tenant.credential(app["id"], revealable=True)
    colleague = deployment.new_person(tenant.account["id"])
    problem(try_reveal(colleague, old["id"]), 409, "reveal_unavailable")
    assert shown(tenant, old) == ("available", 0, None), "it is there for somebody"
    new = tenant.credential(app["id"], revealable=True)
    assert reveal(colleague, new["id"]) == new["token"]
    assert reveal(tenant.person, old["id"]) == old["token"]
    # A rotation makes new copies, for those who are there then.
    rotated = rotate(tenant, old["id"])["token"]
    assert reveal(colleague, old["id"]) == reveal(tenant.person, old["id"]) == rotated


def test_a_member_who_becomes_a_root_user_has_no_old_copies(tenant, app):
    """And a root user who becomes a member loses theirs: to be one again brings none of them back."""
    member = tenant.member()
    old = tenant.credential(app["id"], revealable=True)

    def make(role):
        user = member.session["user"]
        path = f"/api/v1/accounts/{user['account_id']}/users/{user['id']}"
        expect(tenant.person.fresh().call("PATCH", path, json={"role": role}), 200)

    make("root")
    problem(try_reveal(member, old["id"]), 409, "reveal_unavailable")
    new = tenant.credential(app["id"], revealable=True)
    assert reveal(member, new["id"]) == new["token"]
    make("member")
    problem(try_reveal(member, new["id"]), 403, "root_only")
    make("root")
    problem(try_reveal(member, new["id"]), 409, "reveal_unavailable")
    assert reveal(tenant.person, new["id"]) == new["token"]
    member.sign_in()  # with the password there is a new pair of keys to seal to
    rotated = rotate(tenant, new["id"])["token"]
    assert reveal(member, new["id"]) == reveal(tenant.person, new["id"]) == rotated


def test_a_copy_that_its_only_holder_took_along_is_lost(deployment, tenant, app):
    """The one person who could open it is no user any more, and the key says so."""
    key = tenant.credential(app["id"], revealable=True)
    colleague = deployment.new_person(tenant.account["id"])
    path = f"/api/v1/accounts/{tenant.account['id']}/users/{tenant.user['id']}"
    expect(colleague.call("DELETE", path), 204)
    answer = expect(colleague.call("GET", f"/api/v1/credentials/{key['id']}"), 200).json()
    assert (answer["reveal"], answer["status"]) == ("lost", "active")
    problem(try_reveal(colleague, key["id"]), 409, "reveal_lost")
    expect(deployment.client.chat(key["token"]), 200)


# Passwords that change


def test_a_changed_password_opens_what_the_old_one_did(tenant, app):
    key = tenant.credential(app["id"], revealable=True)
    old = change_password(tenant.person)
    problem(try_reveal(tenant.person, key["id"], old), 401, "sign_in_failed")
    assert reveal(tenant.person, key["id"]) == key["token"]
    change_password(tenant.person)
    assert reveal(tenant.person, key["id"]) == key["token"]


def test_a_reset_password_opens_nothing_of_before(deployment, tenant, app):
    """Gone for good, and said so: on the key, in the list, in the refusal; the key itself works as ever. A rotation
    makes a copy for the new password."""
    keys = [tenant.credential(app["id"], revealable=True) for _ in range(2)]
    once = tenant.credential(app["id"])
    old = tenant.person.password
    reset_password(deployment, tenant)
    listed = exact(expect(tenant.call("GET", "/api/v1/credentials"), 200))["items"]
    assert {item["id"]: item["reveal"] for item in listed} == {
        keys[0]["id"]: "lost",
        keys[1]["id"]: "lost",
        once["id"]: "show_once",
    }
    for key in keys:
        problem(try_reveal(tenant.person, key["id"]), 409, "reveal_lost")
        problem(try_reveal(tenant.person, key["id"], old), 409, "reveal_lost")
        expect(tenant.client.chat(key["token"]), 200)
    assert shown(tenant, keys[0]) == ("lost", 0, None)
    again = rotate(tenant, keys[0]["id"], 3600)
    assert again["reveal"] == "available"
    assert reveal(tenant.person, keys[0]["id"]) == again["token"]
    expect(tenant.client.chat(keys[0]["token"]), 200)
    assert shown(tenant, keys[1])[0] == "lost"
    new = tenant.credential(app["id"], revealable=True)
    assert reveal(tenant.person, new["id"]) == new["token"]


def test_a_reset_takes_only_its_users_copies(deployment, tenant, app):
    colleague = deployment.new_person(tenant.account["id"])
    key = tenant.credential(app["id"], revealable=True)
    reset_password(deployment, tenant)
    problem(try_reveal(tenant.person, key["id"]), 409, "reveal_unavailable")
    assert shown(tenant, key)[0] == "available"
    assert reveal(colleague, key["id"]) == key["token"]


def test_copies_outlive_a_restart(own_deployment):
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    key = tenant.credential(tenant.application()["id"], revealable=True)
    reveal(tenant.person, key["id"])
    deployment.server.kill()
    deployment.server.start()
    assert reveal(tenant.person, key["id"]) == key["token"]
    assert shown(tenant, key)[:2] == ("available", 2)


def test_who_has_no_pair_of_keys_yet_gets_one_with_the_password(own_deployment):
    """As after an update from a release that knew none: until a root user signs in there is nobody to seal to, and what
    is asked for isn't made without the copy that was asked for."""
    deployment = own_deployment()
    tenant = deployment.new_tenant()
    app = tenant.application()
    old = tenant.credential(app["id"], revealable=True)
    deployment.server.stop()
    with closing(sqlite3.connect(deployment.server.data / "latchkey.db")) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM reveal_keys")
        connection.commit()
    deployment.server.start()
    assert shown(tenant, old)[0] == "lost"
    problem(tenant.try_credential(app["id"], revealable=True), 409, "reveal_key_missing")
    problem(try_rotate(tenant, old["id"]), 409, "reveal_key_missing")
    expect(tenant.client.chat(old["token"]), 200)
    tenant.credential(app["id"])
    tenant.person.sign_in()
    new = tenant.credential(app["id"], revealable=True)
    assert reveal(tenant.person, new["id"]) == new["token"]
    problem(try_reveal(tenant.person, old["id"]), 409, "reveal_lost")
    rotated = rotate(tenant, old["id"])["token"]
    assert reveal(tenant.person, old["id"]) == rotated


# The account's own policy


def test_an_account_may_forbid_it(tenant, app):
    """Every copy goes, for good; no new one is made; and what was shown once before stays as it is."""
    key, once = tenant.credential(app["id"], revealable=True), tenant.credential(app["id"])
    assert tenant.account_now()["revealable_keys"] is True
    account = expect(set_policy(tenant.person, False), 200).json()
    assert account["revealable_keys"] is False and tenant.account_now()["revealable_keys"] is False
    for one in (key, once):
        assert shown(tenant, one)[0] == "show_once"
        problem(try_reveal(tenant.person, one["id"]), 409, "show_once")
    problem(tenant.try_credential(app["id"], revealable=True), 409, "revealable_forbidden")
    tenant.credential(app["id"], revealable=False)
    expect(tenant.client.chat(key["token"]), 200)
    assert rotate(tenant, key["id"])["reveal"] == "show_once"
    problem(try_reveal(tenant.person, key["id"]), 409, "show_once")
    # To allow it again brings no copy back.
    expect(set_policy(tenant.person, True), 200)
    problem(try_reveal(tenant.person, key["id"]), 409, "show_once")
    new = tenant.credential(app["id"], revealable=True)
    assert reveal(tenant.person, new["id"]) == new["token"]
    entries = audited(tenant, "account.key_policy")
    assert [entry["detail"] for entry in entries] == [{"revealable": "false"}, {"revealable": "true"}]


def test_who_sets_the_policy(deployment, tenant, strangers):
    path = f"/api/v1/accounts/{tenant.account['id']}/key-policy"
    body = {"revealable": False}
    problem(tenant.member().call("PATCH", path, json=body), 403, "root_only")
    problem(tenant.call("PATCH", path, json=body), 403, "session_required")
    foreign = strangers.person.fresh().call("PATCH", path, json=body)
    problem(foreign, 404, "not_found")
    absent = strangers.person.call("PATCH", f"/api/v1/accounts/{absent_id()}/key-policy", json=body)
    same_bytes(foreign, absent)
    problem(deployment.admin.fresh().call("PATCH", path, json=body), 404, "not_found")
    assert tenant.account_now()["revealable_keys"] is True


# A stolen directory


class Loot:
    """A deployment with two tenants, their revealable keys, and a copy of its data directory."""

    def __init__(self, deployment, home):
        self.deployment = deployment
        self.tenant, self.other = deployment.new_tenant(), deployment.new_tenant()
        app = self.tenant.application()
        self.keys = [self.tenant.credential(app["id"], revealable=True) for _ in range(3)]
        self.once = self.tenant.credential(app["id"])
        self.others = self.other.credential(self.other.application()["id"], revealable=True)
        for key in self.keys[:1]:
            reveal(self.tenant.person, key["id"])  # what a running server may have left on its disk
            expect(deployment.client.chat(key["token"]), 200)
        self.home, self.number = home, 0

    def steal(self):
        """All that is on the disk, taken while the server runs."""
        self.number += 1
        copy = self.home / f"stolen-{self.number}"
        shutil.copytree(self.deployment.server.data, copy)
        return StolenDirectory(copy)


@pytest.fixture
def loot(own_deployment, home):
    return Loot(own_deployment(), home)


def opened(directory, victim, private_key):
    """The keys that a private key opens, in order."""
    return sorted(
        (open_copy(private_key, sealed, context) or b"").decode() for context, sealed in directory.copies(victim)
    )


def test_a_stolen_directory_opens_with_the_password(loot):
    """Design §5, first half: the same steps in other code open every copy. It is the right thing that the next test
    tries in vain."""
    directory = loot.steal()
    for tenant, keys in ((loot.tenant, loot.keys), (loot.other, [loot.others])):
        victim = directory.victim(tenant.person.email)
        private_key = directory.unlock(victim, tenant.person.password)
        assert private_key and public_of(private_key) == victim.public_key
        assert opened(directory, victim, private_key) == sorted(key["token"] for key in keys)
        context, sealed = directory.copies(victim)[0]
        assert open_copy(private_key, sealed, context + "x") is None, "a copy opens in its own place alone"


def test_a_stolen_directory_opens_nothing_without_the_password(loot):
    """Design §5, second half: the database, the master key and the pepper are not enough. Neither is another's
    password, nor anything that the directory holds: as the password, as what the password makes, as the key of the
    lock, or as the private key itself."""
    directory = loot.steal()
    victim = directory.victim(loot.tenant.person.email)
    other = directory.victim(loot.other.person.email)
    right = loot.tenant.person.password
    private_key = directory.unlock_with_tag(victim, victim.lock.tag(right, directory.pepper))
    assert private_key, "with the password, this way in is open"

    # Guesses, and other people's passwords.
    wrong = [right[:-1], right + "x", right.swapcase(), right[::-1], "", loot.other.person.password]
    wrong += [loot.deployment.admin.password, loot.tenant.person.email, loot.keys[0]["token"], loot.tenant.token]
    wrong += [new_password() for _ in range(10)]
    for password in wrong:
        assert directory.unlock(victim, password) is None
        assert directory.unlock(victim, password, owner=other.id) is None

    # The right password, and not all of the rest: what is stolen without the two keys is worth still less.
    for pepper, reveal_key in ((bytes(32), None), (None, bytes(32)), (None, b""), (directory.master, None)):
        assert directory.unlock(victim, right, pepper=pepper, reveal=reveal_key) is None
    assert directory.unlock(victim, right, owner=other.id) is None, "a lock is its owner's alone"

    # Everything that lies in the directory.
    values = directory.values()
    assert len(values) > 200 and victim.password_phc.encode() in values
    tags = set(candidates(values))
    stored_hash = plain64(victim.password_phc.split("$")[-1])
    assert {stored_hash, directory.master, directory.pepper} <= tags
    purposes = ["sealing", "bulk sealing", "audit", "csrf", "reveal", "fingerprint", "token tag", "lookup"]
    for secret, purpose in itertools.product((directory.master, directory.pepper), purposes):
        tags.add(hkdf(secret, f"latchkey {purpose} v1".encode()))
    assert private_key not in tags and victim.lock.tag(right, directory.pepper) not in tags
    for candidate in tags:
        assert directory.unlock_with_tag(victim, candidate) is None
        assert open_box(candidate, victim.lock.box, "reveal key") is None
        assert public_of(candidate) != victim.public_key
    assert directory.copies(victim)
    for candidate in (stored_hash, directory.master, directory.pepper, directory.sealing, directory.reveal):
        assert all(open_copy(candidate, sealed, context) is None for context, sealed in directory.copies(victim))
    for value in sorted(values, key=len)[-100:]:
        assert directory.unlock(victim, value) is None

    # And the secrets themselves lie nowhere in it.
    for key in (*loot.keys, loot.once, loot.others):
        assert not any(key["token"][15:37].encode() in value for value in values)


def test_a_thief_who_writes_opens_nothing_either(loot):
    """Locks and copies that change places open nothing: who may write to the database can't have a victim's copies
    opened with a password of their own."""
    directory = loot.steal()
    victim, thief = directory.victim(loot.tenant.person.email), directory.victim(loot.other.person.email)
    password = loot.other.person.password
    own_key = directory.unlock(thief, password)
    assert own_key and directory.copies(victim)
    for context, sealed in directory.copies(victim):
        assert open_copy(own_key, sealed, context) is None
    victim.lock, thief.lock = thief.lock, victim.lock
    assert directory.unlock(victim, password) is None, "the thief's lock in the victim's row"
    assert directory.unlock(thief, password) is None, "the victim's lock in the thief's row"


def test_a_reset_leaves_nothing_to_open(loot):
    """After a reset not even the old password opens anything: the key that the copies were sealed to is nowhere, and
    neither are the copies."""
    person = loot.tenant.person
    old = person.password
    before = loot.steal()
    reset_password(loot.deployment, loot.tenant)
    after = loot.steal()
    victim = after.victim(person.email)
    assert after.unlock(victim, old) is None
    private_key = after.unlock(victim, person.password)
    assert private_key and public_of(private_key) == victim.public_key
    assert after.copies(victim) == []
    old_victim = before.victim(person.email)
    assert old_victim.public_key != victim.public_key
    assert before.unlock(old_victim, person.password) is None


def test_forbidding_leaves_no_copy_on_the_disk(loot):
    """`Deletes all copies for good`: the rows are gone, the other account's are there."""
    expect(set_policy(loot.tenant.person, False), 200)
    directory = loot.steal()
    assert directory.copies(directory.victim(loot.tenant.person.email)) == []
    assert len(directory.copies(directory.victim(loot.other.person.email))) == 1


def test_a_changed_password_changes_the_lock_and_not_the_key(loot):
    """The copies stay as they are; the old password opens nothing of what is on the disk now."""
    person = loot.tenant.person
    before = loot.steal()
    private_key = before.unlock(before.victim(person.email), person.password)
    old = change_password(person)
    after = loot.steal()
    victim = after.victim(person.email)
    assert after.unlock(victim, old) is None
    assert after.unlock(victim, person.password) == private_key
    assert opened(after, victim, private_key) == sorted(key["token"] for key in loot.keys)
