"""The binary for use goes anywhere: what it links, and a run where there is nothing else (issue 9, C1).

    make test-release

Not part of the end-to-end suite, which runs a build for development: that one links the Swift runtime's own libraries.
"""

import os
import re
import struct

import pytest
import requests

from container import USER, Container, Root, libraries
from server import BINARY

# What Debian 12 has in its base, and the packages libsqlite3-0 and libargon2-1.
BASE = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "/lib64/ld-linux-x86-64.so.2"}
BASE |= {"/lib/ld-linux-aarch64.so.1", "libz.so.1"}
OURS = {"libsqlite3.so.0", "libargon2.so.1"}


@pytest.fixture(scope="module")
def root():
    made = Root()
    yield made
    made.remove()


@pytest.fixture
def container(root, tmp_path):
    made = Container(root, tmp_path / "container")
    os.chown(made.data, USER, USER)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)


def sections(path):
    """The names of the sections of a 64-bit ELF file."""
    data = path.read_bytes()
    assert data[:5] == b"\x7fELF\x02"
    (start,) = struct.unpack_from("<Q", data, 0x28)
    size, count, names = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", data, start + number * size) for number in range(count)]
    table = headers[names][4]
    return {data[table + header[0] :].split(b"\0", 1)[0].decode() for header in headers}


def test_it_links_what_the_base_system_has_and_two_libraries():
    found = set(libraries(BINARY))
    assert OURS <= found, "the test looks at the wrong file"
    assert found - BASE - OURS == set()


def test_it_has_no_symbols():
    found = sections(BINARY)
    assert ".text" in found, "the test can't read the file"
    assert not any(name == ".symtab" or name.startswith(".debug") for name in found)


def test_it_runs_where_there_is_nothing_else(root, container):
    """As a user without a name, on a read-only root with the binary, its libraries and a data directory."""
    own = {"usr/bin/latchkey"} | {path.lstrip("/") for path in libraries(BINARY).values()}
    assert set(root.files()) == own
    told = root.run(["--version"], container.mounts)
    assert (told.returncode, told.stderr) == (0, "") and re.fullmatch(r"latchkey \d+\.\d+\.\d+\n", told.stdout)
    denied = root.run(["serve", "--data-dir", "/elsewhere"], container.mounts)
    assert denied.returncode == 1 and "its file system is read-only" in denied.stderr

    container.start()
    assert requests.get(container.url + "/readyz", timeout=10).status_code == 200
    assert requests.get(container.url + "/openapi.yaml", timeout=10).text.startswith("openapi:")
    assert {path.stat().st_uid for path in container.data.iterdir()} == {USER}
    assert container.stop() == 0


def test_it_does_there_all_that_the_demo_shows(root, container):
    """Accounts, apps, keys, calls, credits: each through the public API, and told only if it was so."""
    finished = root.run(["demo"], container.mounts, environment={"TMPDIR": "/data"})
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    assert "Meow!" in finished.stdout
    assert list(container.data.iterdir()) == []
