"""The server as containers run it: not as root, on a read-only root, with secrets and volumes as Kubernetes mounts them
(issue 9, C2). What is mounted and who owns it is real; see container.py."""

import base64
import os
import stat

import pytest
import requests

import planted
from client import new_email, new_password
from container import FS_GROUP, USER, Container, Root
from server import DidNotStart


@pytest.fixture(scope="module")
def root():
    made = Root()
    yield made
    made.remove()


@pytest.fixture
def container(root, home):
    made = []

    def make(name="container", mode=0o700, owner=(USER, USER), **keywords):
        new = Container(root, home / name, **keywords)
        os.chown(new.data, *owner)
        new.data.chmod(mode)
        made.append(new)
        return new

    yield make
    for each in made:
        each.close()


def secrets_for(container, mode, owner, mount):
    """Both keys as files of a secret, mounted at /secrets, and the settings that name them."""
    folder = container.home / "secrets"
    folder.mkdir()
    folder.chmod(0o755)
    settings = {}
    for name in ("MASTER_KEY", "PEPPER"):
        text = base64.b64encode(os.urandom(32)).decode()
        planted.plant("deployment key", text)
        (folder / name).write_text(text + "\n")
        os.chown(folder / name, *owner)
        (folder / name).chmod(mode)
        settings[f"LATCHKEY_{name}_FILE"] = f"/secrets/{name}"
    container.mounts["secrets"] = (folder, mount)
    return settings


def check(container):
    assert requests.get(container.url + "/readyz", timeout=10).status_code == 200
    assert container.stop() == 0


def test_it_runs_as_a_user_without_a_name_on_a_read_only_root(container):
    made = container().start()
    assert {path.stat().st_uid for path in made.data.iterdir()} == {USER}
    check(made)


def test_a_root_without_proc_is_said_so(container):
    made = container()
    finished = made.root.run(["serve"], made.mounts, proc=False)
    assert finished.returncode == 78 and "/proc" in finished.stderr


# Where the keys come from: the mode and owner of the files, how they are mounted, the groups of the process.
ACCEPTED = {
    "of root, for the group, writable mount": (0o440, (0, FS_GROUP), "rw", "group 23456"),
    "of root, for the group, read-only mount": (0o440, (0, FS_GROUP), "ro", "read-only"),
    "for everybody, read-only mount": (0o444, (0, 0), "ro", "read-only"),
    "as Kubernetes does without being told otherwise": (0o644, (0, 0), "ro", "read-only"),
    "the owner's alone": (0o400, (USER, USER), "rw", None),
}


@pytest.mark.parametrize("mode, owner, mount, reason", ACCEPTED.values(), ids=ACCEPTED)
def test_a_secret_is_accepted_and_told_why(container, mode, owner, mount, reason):
    made = container(groups=[FS_GROUP])
    made.start(environment=secrets_for(made, mode, owner, mount))
    told = [line for line in made.stderr.splitlines() if "The key file" in line]
    if reason is None:
        assert told == []
    else:
        assert len(told) == 2 and all(reason in line for line in told), made.stderr
        assert "/secrets/MASTER_KEY" in told[0] and "/secrets/PEPPER" in told[1]
    check(made)


REFUSED = {
    "for everybody, writable mount": (0o444, (0, 0), "rw"),
    "for everybody, of the process itself": (0o644, (USER, USER), "rw"),
    "for everybody to write, read-only mount": (0o666, (0, 0), "ro"),
    "for the group to write": (0o660, (0, FS_GROUP), "rw"),
}


@pytest.mark.parametrize("mode, owner, mount", REFUSED.values(), ids=REFUSED)
def test_a_secret_that_others_can_read_is_refused(container, mode, owner, mount):
    made = container(groups=[FS_GROUP])
    with pytest.raises(DidNotStart) as caught:
        made.start(environment=secrets_for(made, mode, owner, mount))
    assert caught.value.code == 1
    assert "/secrets/MASTER_KEY" in caught.value.stderr and "chmod" in caught.value.stderr


def test_a_secret_of_a_group_that_the_process_is_not_in_is_refused(container):
    """It could not read the file; it says so by name and does not make keys of its own."""
    made = container()
    with pytest.raises(DidNotStart) as caught:
        made.start(environment=secrets_for(made, 0o440, (0, FS_GROUP), "rw"))
    assert "/secrets/MASTER_KEY" in caught.value.stderr
    assert not list(made.data.glob("*.key"))


def test_a_volume_with_an_fs_group_works_also_after_it_was_mounted_again(container):
    """root:gid 2770. At each mount the kubelet gives all files to the group and adds 0660 and, to folders, 2770."""
    made = container(owner=(0, FS_GROUP), mode=0o2770, groups=[FS_GROUP])
    made.start()
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in made.data.iterdir())
    check(made)
    for path in made.data.iterdir():
        os.chown(path, -1, FS_GROUP)
        path.chmod(stat.S_IMODE(path.stat().st_mode) | 0o660)
    made.start()
    told = [line for line in made.stderr.splitlines() if "The key file" in line]
    assert len(told) == 2 and all("fsGroup" in line for line in told), made.stderr
    keys = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.data.glob("*.key")}
    assert keys == {"master.key": 0o600, "pepper.key": 0o600}
    check(made)


def test_a_volume_that_is_open_to_everybody_is_refused_with_the_way_out(container):
    made = container(owner=(0, 0), mode=0o777)
    with pytest.raises(DidNotStart) as caught:
        made.start()
    assert caught.value.code == 1 and "name a folder inside it" in caught.value.stderr
    command = ["admin", "create", "--data-dir", "/data/own", "--email", new_email(), "--password-stdin"]
    created = made.root.run(command, made.mounts, stdin=new_password() + "\n")
    assert created.returncode == 0, created.stderr
    assert stat.S_IMODE((made.data / "own").stat().st_mode) == 0o700


def test_a_volume_of_somebody_else_is_refused_with_the_way_out(container):
    made = container(owner=(0, 0), mode=0o700)
    with pytest.raises(DidNotStart) as caught:
        made.start()
    assert caught.value.code == 1 and "/data" in caught.value.stderr and "chown" in caught.value.stderr
