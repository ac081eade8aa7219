"""What a container is to the binary: a root file system that holds it, the libraries that it links, and nothing else,
read-only; a user that is not root; groups, volumes and secrets as they are mounted for it.

Made with mount namespaces, so these tests run as root.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import planted
from server import BINARY, READY_LINE, STOP_DEADLINE, DidNotStart
from waiting import wait_for

USER, GROUP, FS_GROUP = 12345, 12345, 23456

# Arguments: the root, the ids, the groups, whether there is a /proc, and the mounts as "source:place:mode", up to "--";
# then the command.
ENTER = r"""
root=$1 ids=$2 groups=$3 proc=$4; shift 4
mount --bind "$root" "$root"
[ "$proc" = no ] || mount --bind /proc "$root/proc"
while [ "$1" != -- ]; do
  IFS=: read -r source place mode <<EOF
$1
EOF
  mount --bind "$source" "$root/$place"
  [ "$mode" = rw ] || mount -o remount,bind,ro "$root/$place"
  shift
done
shift
mount -o remount,bind,ro "$root"
exec chroot --userspec="$ids" --groups="$groups" "$root" /usr/bin/latchkey "$@"
"""


def libraries(binary):
    """The files that the loader maps for a binary, by the names that it asks for."""
    told = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    assert "not found" not in told, told
    return dict(re.findall(r"^\s*(\S+) => (/\S+)", told, re.MULTILINE)) | {
        path: path for path in re.findall(r"^\s*(/\S+) \(", told, re.MULTILINE)
    }


class Root:
    """A root file system for one binary, outside pytest's own folders, into which no other user may look."""

    def __init__(self, binary=BINARY):
        self.path = Path(tempfile.mkdtemp(prefix="latchkey-root-"))
        self.path.chmod(0o755)
        (self.path / "usr/bin").mkdir(parents=True)
        shutil.copy(binary, self.path / "usr/bin/latchkey")
        for source in libraries(binary).values():
            target = self.path / source.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
        for place in ("data", "secrets", "proc"):
            (self.path / place).mkdir()

    def files(self):
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def command(self, arguments, mounts, user=USER, group=GROUP, groups=(), environment=None, proc=True):
        mounts = [f"{source}:{place}:{mode}" for place, (source, mode) in mounts.items()]
        groups = ",".join(str(each) for each in groups)
        ids = f"{user}:{group}"
        return {
            "args": ["unshare", "--mount", "--propagation", "private", "sh", "-euc", ENTER, "enter"]
            + [str(self.path), ids, groups, "yes" if proc else "no", *mounts, "--", *map(str, arguments)],
            "env": {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            | {name: str(value) for name, value in (environment or {}).items()},
        }

    def run(self, arguments, mounts, stdin="", deadline=60, **keywords):
        command = self.command(arguments, mounts, **keywords)
        return subprocess.run(**command, input=stdin, capture_output=True, text=True, timeout=deadline)

    def remove(self):
        shutil.rmtree(self.path)


class Container:
    """One `latchkey serve` in it. `home` holds what it prints, and its volume `data`."""

    def __init__(self, root, home, **keywords):
        self.root, self.home, self.keywords = root, Path(home), keywords
        self.data = self.home / "data"
        self.data.mkdir(parents=True)
        self.mounts = {"data": (self.data, "rw")}
        self.process = None
        self.url = None
        planted.watch_directory(self.data)

    @property
    def stdout(self):
        return (self.home / "stdout.txt").read_text("utf-8", "replace")

    @property
    def stderr(self):
        return (self.home / "stderr.txt").read_text("utf-8", "replace")

    def start(self, environment=None):
        planted.watch_stdout(self.home / "stdout.txt")
        planted.watch_log(self.home / "stderr.txt")
        arguments = ["serve", "--data-dir", "/data", "--port", "0"]
        command = self.root.command(arguments, self.mounts, environment=environment, **self.keywords)
        with open(self.home / "stdout.txt", "wb") as out, open(self.home / "stderr.txt", "wb") as err:
            self.process = subprocess.Popen(**command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        wait_for("the ready line", lambda: READY_LINE.search(self.stdout) or self.process.poll() is not None, 30)
        match = READY_LINE.search(self.stdout)
        if not match:
            raise DidNotStart(self.process.returncode, self.stdout, self.stderr)
        self.url = match.group(1)
        return self

    def stop(self):
        """SIGTERM, and the exit code. (`exec` all the way: the process is the server itself.)"""
        self.process.terminate()
        return self.process.wait(STOP_DEADLINE)

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(STOP_DEADLINE)
