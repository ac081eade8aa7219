"""`latchkey scan`: finds keys in files, in histories and on standard input, and prints none of them."""

import os
import random
import re
import socket
import stat
import string
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

import planted
from client import expect
from length import length
from server import BINARY, environment, run_command

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
KINDS = {
    "sk-": "app key",
    "lkp-": "platform token",
    "lki-": "invitation",
    "lkr-": "password reset",
    "lks-": "set-up token",
}
# What the scanner reads at once, from a file.
PIECE = 256 * 1024

FIND = re.compile(r"(?P<name>.+):(?P<line>\d+):(?P<column>\d+): (?P<hint>\S+) \((?P<kind>[^;)]+)(; (?P<origin>.+))?\)")
NOTHING, FOUND, UNREAD, USAGE, SETTING = 0, 1, 2, 64, 78

# Without the settings of whoever runs the tests.
GIT = environment() | {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_{what}": f"{who}@example.test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}

_made = []


def checksum(text):
    """The CRC-32 of a prefix and 45 characters, as six base62 digits."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def new_key(prefix="sk-"):
    """A key that no deployment has made: what tells it from a look-alike is its checksum alone."""
    text = prefix + "".join(random.SystemRandom().choices(ALPHABET, k=45))
    return known(text + checksum(text))


def known(key):
    """Notes a key, so that what a scan prints is searched for it."""
    _made.append(key)
    return key


def hint(key):
    prefix, body = key[:-51], key[-51:]
    return f"{prefix}{body[:3]}…{body[10:12]}"


class Scanned:
    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr
        for key in _made:
            assert key[-51:][12:34] not in stdout + stderr, f"a key with the hint {hint(key)} was printed"
        for sign in ("Fatal error", "Crash", "backtrace", "Swift runtime"):
            assert sign not in stderr
        lines = stdout.splitlines()
        self.finds = [FIND.fullmatch(line) for line in lines]
        assert all(self.finds), lines
        assert stdout == "" or stdout.endswith("\n")

    @property
    def places(self):
        """What was found: where, and the hint."""
        return [(f["name"], int(f["line"]), int(f["column"]), f["hint"]) for f in self.finds]

    @property
    def hints(self):
        return sorted(find["hint"] for find in self.finds)

    def __repr__(self):
        return f"exit code {self.code}\n{self.stdout}{self.stderr}"


def scan(home, *arguments, stdin=b"", settings=None, before=(), **options):
    finished = subprocess.run(
        [*before, BINARY, "scan", *arguments],
        input=stdin,
        capture_output=True,
        cwd=home,
        timeout=120,
        env=environment(settings),
        **options,
    )
    # Strict: whatever bytes a file's name has, what is printed is text.
    return Scanned(finished.returncode, finished.stdout.decode(), finished.stderr.decode())


def git(folder, *arguments, **options):
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=GIT, check=True, capture_output=True, text=True, **options
    ).stdout.strip()


@pytest.fixture
def repository(home):
    folder = home / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "README", "nothing yet\n")
    return folder


def commit(folder, name, content, message="a change"):
    """Writes and commits a file, and returns the commit."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def remove(folder, name):
    git(folder, "rm", "--quiet", name)
    git(folder, "commit", "--quiet", "--message", "away with it")


# Files


def test_a_key_in_a_file(home):
    key = new_key()
    (home / "app.env").write_text(f"# the app's\n\nKEY={key}\n")
    found = scan(home, "app.env")
    assert found.code == FOUND
    assert found.stdout == f"app.env:3:5: {hint(key)} (app key)\n"
    assert found.stderr.count("\n") == 1 and "POST /api/v1/leaks" in found.stderr and "rotate" in found.stderr


def test_nothing_in_a_file(home):
    (home / "app.env").write_text("KEY=\n")
    found = scan(home, "app.env")
    assert (found.code, found.stdout) == (NOTHING, "")
    assert found.stderr == "latchkey scan: Nothing found in 1 file.\n"


@pytest.mark.parametrize("prefix", KINDS)
def test_every_kind(home, prefix):
    key = new_key(prefix)
    found = scan(home, "-", stdin=key.encode())
    assert found.code == FOUND
    assert found.stdout == f"-:1:1: {hint(key)} ({KINDS[prefix]})\n"


def test_what_a_server_makes_is_found(deployment, tenant, own_server, home):
    """By a scan that knows nothing of the server; the hint is the one that the server shows."""
    credential = tenant.credential(tenant.application()["id"])
    path = f"/api/v1/accounts/{tenant.account['id']}/users/{tenant.user['id']}/password-resets"
    reset = expect(deployment.admin.fresh().call("POST", path), 201).json()
    tokens = [
        credential["token"],
        tenant.token,
        deployment.invite(tenant.account["id"])["token"],
        planted.plant("password reset", reset["token"]),
        own_server().start().setup_token,
    ]
    (home / "leak.txt").write_text("".join(known(token) + "\n" for token in tokens))
    found = scan(home, "leak.txt")
    assert found.code == FOUND
    assert found.places == [("leak.txt", line, 1, hint(token)) for line, token in enumerate(tokens, 1)]
    assert [find["kind"] for find in found.finds] == list(KINDS.values())
    assert found.finds[0]["hint"] == credential["hint"]


def test_folders_are_walked_in_the_order_of_their_names(home):
    keys = [new_key() for _ in range(5)]
    names = ["tree/a.txt", "tree/z.txt", "tree/b/.hidden", "tree/b/c/d/e.txt", "tree/y/f.txt"]
    for name, key in zip(names, keys):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(key)
    (home / "tree" / "empty").mkdir()
    expected = [(name, 1, 1, hint(key)) for name, key in zip(names, keys)]
    assert scan(home, "tree").places == expected
    assert scan(home, "tree/").places == expected
    assert [place[3] for place in scan(home / "tree", ".").places] == [hint(key) for key in keys]
    assert scan(home, "tree/y", "tree/a.txt").hints == sorted([hint(keys[4]), hint(keys[0])])


def test_a_deep_folder(home):
    """Also one deeper than a path may be: what can't be read is said."""
    key, folder = new_key(), home / "deep"
    folder.mkdir()
    for _ in range(300):
        folder = folder / "d"
        folder.mkdir()
    (folder / "key").write_text(key)
    assert scan(home, "deep").hints == [hint(key)]
    # A path has at most 4096 bytes; only step by step can there be a longer one.
    here = os.getcwd()
    try:
        os.chdir(home / "deep")
        for _ in range(20):
            os.mkdir("d" * 250)
            os.chdir("d" * 250)
        Path("key").write_text(new_key())
    finally:
        os.chdir(here)
    found = scan(home, "deep")
    # Python's own clean-up would not get to its end.
    subprocess.run(["rm", "-rf", "deep"], cwd=home, check=True)
    assert found.code == FOUND and found.hints == [hint(key)]
    assert "could not be read: File name too long" in found.stderr


def test_a_binary_file(home):
    keys = [new_key() for _ in range(3)]
    rest = random.Random(1)
    content = b"\x7fELF\0\0" + keys[0].encode() + b"\0" + rest.randbytes(100_000) + b"\xff" + keys[1].encode()
    (home / "program").write_bytes(content + b"\xfe\n\0" + keys[2].encode() + b"\x80")
    found = scan(home, "program")
    assert found.code == FOUND and found.hints == sorted(map(hint, keys))
    assert found.places[0] == ("program", 1, 7, hint(keys[0]))
    assert found.places[2][2] == 2  # bytes are counted


def test_keys_that_touch_something(home):
    keys = [new_key() for _ in range(4)]
    text = f"x{keys[0]}y {keys[1]}{keys[2]} https://example.test/?api_key={keys[3]}&x"
    found = scan(home, "-", stdin=text.encode())
    assert found.hints == sorted(map(hint, keys))


def test_a_key_across_a_border(home):
    """Wherever a piece ends that is read at once."""
    folder = home / "borders"
    folder.mkdir()
    keys = {}
    for before in range(0, 60):
        name = f"{before:02}"
        keys[name] = new_key()
        (folder / name).write_bytes(b"\n" * (PIECE - before) + keys[name].encode() + b"\n")
    found = scan(home, "borders")
    assert found.places == [
        (f"borders/{name}", PIECE - int(name) + 1, 1, hint(key)) for name, key in sorted(keys.items())
    ]


def near_misses():
    key = new_key()
    other = "B" if key[20] == "A" else "A"
    yield "another character", key[:20] + other + key[21:]
    yield "another checksum", key[:-1] + ("B" if key[-1] == "A" else "A")
    yield "cut off", key[:-1]
    yield "without its first", key[1:]
    yield "another prefix", "pk-" + key[3:]
    yield "the prefix of another kind", "lkp-" + key[3:]
    yield "capitals", key.upper()
    yield "two characters changed places", key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else "sk-"
    yield "a line feed in it", key[:30] + "\n" + key[30:]
    yield "a hint", hint(key)
    yield "random characters", "sk-" + "".join(random.Random(2).choices(ALPHABET, k=51))
    yield "an OpenAI key", "sk-proj-" + "".join(random.Random(3).choices(ALPHABET, k=48))
    yield "all the same", "sk-" + "A" * 51


def test_near_misses_are_not_reported(home):
    for what, text in near_misses():
        found = scan(home, "-", stdin=f"key: {text}\n".encode())
        assert (what, found.code, found.stdout) == (what, NOTHING, "")


def test_links_are_followed_only_when_named(home):
    key = new_key()
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "key").write_text(key)
    (home / "folder").mkdir()
    (home / "folder" / "file").symlink_to("../elsewhere/key")
    (home / "folder" / "there").symlink_to("../elsewhere")
    (home / "folder" / "round").symlink_to(".")
    (home / "folder" / "nowhere").symlink_to("missing")
    assert scan(home, "folder").code == NOTHING
    assert scan(home, "folder/file").places == [("folder/file", 1, 1, hint(key))]
    assert scan(home, "folder/there").places == [("folder/there/key", 1, 1, hint(key))]


def test_what_is_no_file_is_skipped_in_a_folder(home):
    """A pipe that nobody writes to would be waited for."""
    folder = home / "special"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "socket"))
        assert scan(home, "special").code == NOTHING
        # Named, it is asked for, and not scanning it is no success.
        named = scan(home, "special/socket")
        assert named.code == UNREAD and "special/socket could not be read: No such device" in named.stderr


def test_a_pipe_that_is_named_is_read(home):
    """As a shell's `<(…)` is."""
    key = new_key()
    reading, writing = os.pipe()
    os.write(writing, key.encode())
    os.close(writing)
    found = scan(home, f"/dev/fd/{reading}", pass_fds=[reading])
    os.close(reading)
    assert found.hints == [hint(key)]


# Standard input


def test_standard_input_in_small_pieces(home):
    keys = [new_key() for _ in range(3)]
    process = subprocess.Popen(
        [BINARY, "scan", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env=environment(),
    )
    for byte in f"one\n{keys[0]}\n two {keys[1]}\n\n{keys[2]}".encode():
        process.stdin.write(bytes([byte]))
        process.stdin.flush()
    stdout, stderr = process.communicate(timeout=60)
    found = Scanned(process.returncode, stdout.decode(), stderr.decode())
    assert found.code == FOUND
    assert found.places == [("-", 2, 1, hint(keys[0])), ("-", 3, 6, hint(keys[1])), ("-", 5, 1, hint(keys[2]))]


def test_standard_input_beside_files(home):
    one, two = new_key(), new_key()
    (home / "file").write_text(one)
    assert scan(home, "file", "-", stdin=two.encode()).places == [("file", 1, 1, hint(one)), ("-", 1, 1, hint(two))]
    (home / "-").write_text(one)
    assert scan(home, "./-", stdin=two.encode()).places == [("./-", 1, 1, hint(one))]


def test_empty_standard_input(home):
    assert scan(home, "-").code == NOTHING


# Prefixes


def test_another_prefix(home):
    (home / "keys").write_text("\n".join(keys := [new_key(prefix) for prefix in ("sk-", "acme_", "my-sk-", "lkp-")]))
    sk, acme, my, platform = map(hint, keys)
    assert scan(home, "keys").hints == sorted([sk, platform])
    assert scan(home, "--prefix", "acme_", "keys").hints == sorted([acme, platform])
    every = ["--prefix", "acme_", "--prefix", "my-sk-", "--prefix", "sk-", "--prefix", "sk-"]
    assert scan(home, *every, "keys").hints == sorted([sk, acme, my, platform])
    assert {find["kind"] for find in scan(home, *every, "keys").finds} == {"app key", "platform token"}


def test_the_prefix_of_the_environment(home):
    (home / "keys").write_text("\n".join(keys := [new_key(prefix) for prefix in ("sk-", "acme_", "my-")]))
    settings = {"LATCHKEY_KEY_PREFIX": "acme_"}
    assert scan(home, "keys", settings=settings).hints == [hint(keys[1])]
    assert scan(home, "keys", "--prefix", "my-", settings=settings).hints == [hint(keys[2])]
    assert scan(home, "keys", settings={"LATCHKEY_KEY_PREFIX": ""}).hints == [hint(keys[0])]


def test_a_prefix_that_can_not_be(home):
    for prefix in ("", "sk", "sk.", "a" * 16 + "-", "ключ-", new_key()):
        found = scan(home, "--prefix", prefix, "-")
        assert found.code == USAGE and "--prefix" in found.stderr
    found = scan(home, "-", settings={"LATCHKEY_KEY_PREFIX": "sk"})
    assert found.code == SETTING and "LATCHKEY_KEY_PREFIX" in found.stderr


# Histories


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_key_that_was_committed_and_deleted(repository, packed):
    key = new_key()
    made = commit(repository, "config/app.env", f"a\nKEY={key}\n")
    remove(repository, "config/app.env")
    blob = git(repository, "rev-parse", f"{made}:config/app.env")
    if packed:
        git(repository, "gc", "--quiet")
        assert not list((repository / ".git" / "objects").glob("[0-9a-f][0-9a-f]/*"))
    found = scan(repository, ".")
    assert found.code == FOUND
    place = f"config/app.env in commit {made[:12]}"
    assert found.stdout == f"history:{blob[:12]}:2:5: {hint(key)} (app key; {place})\n"
    assert "git's history" in found.stderr and "POST /api/v1/leaks" in found.stderr
    assert scan(repository, ".", "--no-history").code == NOTHING


def test_a_key_that_is_still_there_shows_twice(repository):
    key = new_key()
    commit(repository, "app.env", key)
    names = [place[0] for place in scan(repository, ".").places]
    assert names[0] == "./app.env" and names[1].startswith("history:") and len(names) == 2
    assert scan(repository, ".", "--no-history").places == [("./app.env", 1, 1, hint(key))]


def test_the_oldest_commit_is_named(repository):
    """It is the one that brought the key; later ones have moved it, taken it out and put it in again."""
    key = new_key()
    first = commit(repository, "a.env", key)
    git(repository, "mv", "a.env", "b.env")
    git(repository, "commit", "--quiet", "--message", "moved")
    remove(repository, "b.env")
    commit(repository, "c.env", key)
    found = scan(repository, ".")
    assert [find["origin"] for find in found.finds] == [None, f"a.env in commit {first[:12]}"]


def test_a_key_that_a_merge_brought(repository):
    """A merge's own changes are in no other commit."""
    git(repository, "switch", "--quiet", "--create", "side")
    commit(repository, "side", "side\n")
    git(repository, "switch", "--quiet", "main")
    commit(repository, "main", "main\n")
    git(repository, "merge", "--quiet", "--no-commit", "side")
    key = new_key()
    merge = commit(repository, "merged.env", key)
    remove(repository, "merged.env")
    assert [find["origin"] for find in scan(repository, ".").finds] == [f"merged.env in commit {merge[:12]}"]


def test_a_key_on_another_branch_in_a_stash_and_in_the_index(repository):
    keys = [new_key() for _ in range(3)]
    git(repository, "switch", "--quiet", "--create", "side")
    commit(repository, "branch.env", keys[0])
    git(repository, "switch", "--quiet", "main")
    (repository / "README").write_text(keys[1])
    git(repository, "stash", "--quiet")
    (repository / "staged.env").write_text(keys[2])
    git(repository, "add", "staged.env")
    (repository / "staged.env").unlink()
    found = scan(repository, ".")
    assert found.hints == sorted(map(hint, keys))
    origins = {find["hint"]: find["origin"] for find in found.finds}
    assert origins[hint(keys[0])].startswith("branch.env in commit ")
    assert origins[hint(keys[1])].startswith("README in commit ")
    assert origins[hint(keys[2])] == "in no commit that is reachable"


def test_a_key_that_was_amended_away(repository):
    """No branch leads to it; for a while the reflog does; at last only the object is there, and then nothing is."""
    key = new_key()
    made = commit(repository, "app.env", key)
    (repository / "app.env").write_text("KEY=\n")
    git(repository, "commit", "--quiet", "--all", "--amend", "--message", "without it")
    assert [find["origin"] for find in scan(repository, ".").finds] == [f"app.env in commit {made[:12]}"]
    git(repository, "reflog", "expire", "--expire=now", "--all")
    found = scan(repository, ".")
    assert found.code == FOUND
    assert [(f["hint"], f["origin"]) for f in found.finds] == [(hint(key), "in no commit that is reachable")]
    git(repository, "gc", "--quiet", "--prune=now")
    assert scan(repository, ".").code == NOTHING


def test_a_key_in_a_message(repository):
    keys = [new_key() for _ in range(2)]
    made = commit(repository, "README", "changed\n", message=f"Now with {keys[0]}")
    git(repository, "tag", "--annotate", "v1", "--message", f"for {keys[1]}")
    tag = git(repository, "rev-parse", "v1")
    found = scan(repository, ".")
    assert found.code == FOUND
    assert {(f["name"], f["hint"], f["origin"]) for f in found.finds} == {
        (f"history:{made[:12]}", hint(keys[0]), "in the commit itself"),
        (f"history:{tag[:12]}", hint(keys[1]), "in a tag"),
    }


def test_every_kind_of_root(repository, home):
    """A bare repository, a second working tree, and one that keeps its objects elsewhere."""
    key = new_key()
    commit(repository, "app.env", key)
    remove(repository, "app.env")
    git(home, "clone", "--quiet", "--bare", "repository", "bare.git")
    git(home, "clone", "--quiet", "--shared", "repository", "shared")
    git(repository, "worktree", "add", "--quiet", "../second")
    for root in ("bare.git", "shared", "second", "repository/.git"):
        assert scan(home, root).hints == [hint(key)], root
        assert scan(home, root, "--no-history").code == NOTHING, root


def test_several_repositories_are_told_apart(home):
    keys = {name: new_key() for name in ("one", "two")}
    for name, key in keys.items():
        (home / name).mkdir()
        git(home / name, "init", "--quiet")
        commit(home / name, "app.env", key)
        remove(home / name, "app.env")
    found = scan(home, "one", "two")
    assert [find["hint"] for find in found.finds] == [hint(key) for key in keys.values()]
    assert [find["origin"].rsplit(", in ", 1)[1] for find in found.finds] == ["one", "two"]


def test_a_repository_further_down_is_told(repository, home):
    """Its files are scanned; its history isn't asked for, which must not look like a history without keys."""
    key = new_key()
    commit(repository, "app.env", key)
    remove(repository, "app.env")
    (repository / ".git" / "planted").write_text(key)  # git's own folder is not walked
    found = scan(home, ".")
    assert found.code == NOTHING
    assert "Folders below have a .git of their own (1). To scan their histories, name them." in found.stderr
    assert ".git" not in scan(home, ".", "--no-history").stderr
    # A folder inside of a repository is a folder.
    (repository / "below").mkdir()
    assert scan(repository, "below").stderr == "latchkey scan: Nothing found in 0 files.\n"


def test_thousands_of_finds_in_a_history(repository):
    """More than are kept at once until git has told their places."""
    keys = [new_key() for _ in range(2500)]
    for number in range(250):
        (repository / f"{number:03}.env").write_text("\n".join(keys[number * 10 :][:10]))
    made = commit(repository, "last", "")
    git(repository, "rm", "--quiet", "*.env")
    git(repository, "commit", "--quiet", "--message", "away")
    found = scan(repository, ".")
    assert found.hints == sorted(map(hint, keys))
    assert all(re.fullmatch(rf"\d+\.env in commit {made[:12]}", find["origin"]) for find in found.finds)


def test_large_objects_in_a_history(repository):
    """An object comes in many pieces, and has line feeds and what looks like the head of another object."""
    key = new_key()
    filler = "0123456789abcdef0123456789abcdef01234567 blob 5\nabcde\n" * 40_000
    commit(repository, "large", filler + key + "\n" + filler)
    remove(repository, "large")
    found = scan(repository, ".")
    assert [place[1:] for place in found.places] == [(80_001, 1, hint(key))]


def test_other_hashes(home):
    folder = home / "sha256"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format", "sha256")
    key = new_key()
    made = commit(folder, "app.env", key)
    remove(folder, "app.env")
    assert [find["origin"] for find in scan(folder, ".").finds] == [f"app.env in commit {made[:12]}"]


def test_the_environment_of_a_hook_leads_nowhere_else(repository, home):
    key = new_key()
    commit(repository, "app.env", key)
    remove(repository, "app.env")
    (home / "other").mkdir()
    git(home / "other", "init", "--quiet")
    elsewhere = {"GIT_DIR": str(home / "other" / ".git"), "GIT_OBJECT_DIRECTORY": str(home / "other" / ".git/objects")}
    assert scan(repository, ".", settings=elsewhere).hints == [hint(key)]


def test_no_program_of_the_repository_is_started(repository, home):
    """Its settings may be anybody's. git's own run of this log would start the program; the scan's must not."""
    commit(repository, "app.env", new_key())
    program, started = home / "program.sh", home / "started"
    program.write_text(f"#!/bin/sh\ntouch '{started}'\nexit 1\n")
    program.chmod(0o755)
    raw = git(repository, "cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n\n", 1)
    signed = git(repository, "hash-object", "-t", "commit", "-w", "--stdin", input=raw + "\n")
    git(repository, "reset", "--quiet", "--soft", signed)
    for setting in ("gpg.program", "diff.external", "core.pager", "core.fsmonitor", "core.sshCommand"):
        git(repository, "config", setting, str(program))
    git(repository, "config", "log.showSignature", "true")
    git(repository, "log", "-1")
    assert started.exists()
    started.unlink()
    assert scan(repository, ".").code == FOUND
    assert not started.exists()


def test_without_git(repository, home):
    """The files are scanned all the same."""
    empty = home / "empty"
    empty.mkdir()
    found = scan(repository, ".", settings={"PATH": str(empty)})
    assert (found.code, found.stdout) == (UNREAD, "")
    assert "The history of . could not be read: git is not installed." in found.stderr
    assert scan(repository, ".", "--no-history", settings={"PATH": str(empty)}).code == NOTHING
    (repository / "app.env").write_text(new_key())
    assert scan(repository, ".", settings={"PATH": str(empty)}).code == FOUND


def test_a_broken_repository(repository):
    """One object can't be opened; another, which comes in pieces, breaks off."""
    key = new_key()
    commit(repository, "README", key)
    remove(repository, "README")

    def spoil(text, bytes_kept):
        blob = git(repository, "hash-object", "-w", "--stdin", input=text)
        path = repository / ".git" / "objects" / blob[:2] / blob[2:]
        content = path.read_bytes()[:bytes_kept]
        path.chmod(0o644)
        path.write_bytes(content)
        return blob

    blob = spoil("x", 3)
    found = scan(repository, ".")
    assert found.code == FOUND and found.hints == [hint(key)]
    assert f"history:{blob[:12]} could not be read: git can't read the object." in found.stderr
    spoil("".join(random.Random(4).choices(ALPHABET, k=300_000)), 1000)
    found = scan(repository, ".")
    assert found.code in (FOUND, UNREAD)
    assert "The history of . could not be read: git failed (128) " in found.stderr


def test_a_git_folder_that_is_none(repository):
    """Then git would take the repository around it, and its finds would be reported for this folder."""
    commit(repository, "app.env", new_key())
    (repository / "inner" / ".git").mkdir(parents=True)
    found = scan(repository, "inner")
    assert (found.code, found.stdout) == (UNREAD, "")
    assert "The history of inner could not be read: " in found.stderr


def test_a_pre_commit_hook(repository):
    """The one that --help shows."""
    shown = help_text(repository)
    example = re.search(r"^ +(#!/bin/sh)\n +(git .*)$", shown, re.MULTILINE)
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f'{example[1]}\nlatchkey() {{ "{BINARY}" "$@"; }}\n{example[2]}\n')
    hook.chmod(0o755)
    head = commit(repository, "README", "harmless\n")
    key = new_key()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        commit(repository, "app.env", f"KEY={key}\n")
    assert hint(key) in refused.value.stdout + refused.value.stderr
    assert key not in refused.value.stdout + refused.value.stderr
    assert git(repository, "rev-parse", "HEAD") == head


# What can't be read, and what is said


def test_a_path_that_is_not_there(home):
    key = new_key()
    (home / "file").write_text(key)
    found = scan(home, "missing")
    assert (found.code, found.stdout) == (UNREAD, "")
    assert "missing could not be read: No such file or directory." in found.stderr
    # The others are scanned, and a find is what counts.
    both = scan(home, "missing", "file")
    assert both.code == FOUND and both.hints == [hint(key)]
    assert "missing could not be read" in both.stderr and "1 path could not be read" in both.stderr


def test_unreadable_files_and_folders(home):
    folder = home / "folder"
    (folder / "closed").mkdir(parents=True)
    (folder / "closed" / "inside").write_text(new_key())
    (folder / "secret").write_text(new_key())
    (folder / "open").write_text("nothing")
    (folder / "closed").chmod(0)
    (folder / "secret").chmod(0)
    # Root may read everything, unless it gives that up.
    before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    try:
        found = scan(home, "folder", before=before)
        assert (found.code, found.stdout) == (UNREAD, "")
        for name in ("folder/closed", "folder/secret"):
            assert f"{name} could not be read: Permission denied." in found.stderr
        assert "Nothing found in 1 file, but 2 paths could not be read." in found.stderr
        key = new_key()
        (folder / "open").write_text(key)
        found = scan(home, "folder", before=before)
        assert found.code == FOUND and found.hints == [hint(key)]
    finally:
        (folder / "closed").chmod(stat.S_IRWXU)


def test_a_file_that_breaks_off(home):
    """It opens, and its first read fails."""
    found = scan(home, "/proc/self/mem")
    assert found.code == UNREAD and "/proc/self/mem could not be read: Input/output error" in found.stderr


def test_no_path(home):
    found = scan(home)
    assert found.code == USAGE and "scan --help" in found.stderr
    assert scan(home, "--no-such-option", ".").code == USAGE


def test_names_are_fit_for_a_terminal(home):
    """Whoever names a file writes into the terminal of whoever scans it, unless such names are escaped."""
    folder = home / "names"
    folder.mkdir()
    key = new_key()
    names = {
        b"clear\x1b[2J": r"clear\u{1B}[2J",
        b"two\nlines:1:1: sk-Abc\xe2\x80\xa6yz (app key)": r"two\nlines:1:1: sk-Abc…yz (app key)",
        "right\u202eto left".encode(): r"right\u{202E}to left",
        b"caf\xe9 \x07": r"caf\xE9 \u{07}",
        "Ключ.env".encode(): "Ключ.env",
    }
    for name in names:
        (folder / os.fsdecode(name)).write_text(key)
    found = scan(home, "names")
    assert {place[0] for place in found.places} == {"names/" + shown for shown in names.values()}
    assert len(found.places) == len(names)
    assert r"not\u{1B}there could not be read" in scan(home, "not\x1bthere").stderr


def test_a_name_that_is_a_key_is_not_printed(repository):
    """`Scanned` looks for it."""
    named, inside = new_key(), new_key()
    commit(repository, f"{named}/{named}.txt", inside)
    found = scan(repository, ".")
    assert found.hints == [hint(inside)] * 2
    assert found.places[0][0] == "./sk-…/sk-….txt" and found.finds[1]["origin"].startswith("sk-…/sk-….txt in commit ")
    assert "sk-… could not be read: No such file" in scan(repository, new_key()).stderr


def help_text(home):
    shown = run_command(home, ["scan", "--help"], name="scan-help")
    assert shown.returncode == 0 and shown.stderr == ""
    return shown.stdout


def test_the_help_explains(home):
    shown = help_text(home)
    for text in ("never printed", "git diff --cached | latchkey scan -", "exit code", "POST", "/api/v1/leaks", "sk-"):
        assert text in shown


@pytest.mark.parametrize("heeding", [True, False])
def test_a_reader_who_goes_away(home, heeding):
    """As in `latchkey scan . | head -1`. With SIGPIPE ignored, as under some supervisors, or not."""
    (home / "keys").write_text("\n".join(new_key() for _ in range(5000)))
    process = subprocess.Popen(
        [BINARY, "scan", "keys"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=home,
        env=environment(),
        restore_signals=heeding,
    )
    process.stdout.readline()
    process.stdout.close()
    stderr = process.stderr.read().decode()
    assert process.wait(60) == FOUND
    assert stderr == ""


# What the kernel tells of a process that has ended counts in what its parent had when it forked: so a small one starts it.
REPORTER = """
import os, sys
pid = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, used = os.wait4(pid, 0)
print(used.ru_maxrss * 1024, file=open("peak", "w"))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def peak_of_a_scan(home, size):
    """The most memory that a scan of one file takes: so many bytes that are no place on the disk, and a key behind."""
    key = new_key()
    with open(home / "huge", "wb") as huge:
        huge.seek(size)
        huge.write(key.encode())
    with open(home / "out", "wb") as out, open(home / "err", "wb") as err:
        command = [sys.executable, "-I", "-c", REPORTER, BINARY, "scan", "huge"]
        ended = subprocess.run(command, stdout=out, stderr=err, cwd=home, env=environment(), timeout=60)
    found = Scanned(ended.returncode, (home / "out").read_text(), (home / "err").read_text())
    assert found.code == FOUND and found.places == [("huge", 1, size + 1, hint(key))]
    return int((home / "peak").read_text())


@pytest.mark.long
def test_a_huge_file_in_bounded_memory(home):
    """One of many MiB takes hardly more than one of one MiB."""
    size = length(24, 200) << 20
    assert peak_of_a_scan(home, size) < peak_of_a_scan(home, 1 << 20) + size // 4


def test_other_files_are_left_alone(repository):
    """A scan reads: no file of the repository is another afterwards."""
    commit(repository, "app.env", new_key())

    def everything():
        return {
            path: (path.stat().st_mtime_ns, path.read_bytes()) for path in repository.rglob("*") if path.is_file()
        }

    before = everything()
    assert scan(repository, ".").code == FOUND
    assert everything() == before
