"""The end-to-end suite: the built server as a real process, over real sockets.

    pip install -r Tests/EndToEnd/requirements.txt
    swift build
    pytest Tests/EndToEnd

LATCHKEY_BIN names another binary than .build/debug/latchkey. Everything runs on the loopback and in temporary
directories.

Four deployments serve the whole run, or with `shards.py` each shard of it: `deployment`, with the standard settings,
`quick`, whose gateway has short time-outs and small bounds, `clocked`, whose clock is put forward, and `proxied`, which
trusts proxies. Tests that restart, break or configure a server start one of their own. Each test makes the accounts it
needs: a key creation counts against its account's day, so tests that share an account would meet there.
"""

import os
from pathlib import Path

import pytest

import browser as browser_module
import recorder
import server as server_module
import shard
from clock import Clock
from console import Console
from deployment import CAT, DOG, TALKATIVE, Deployment
from length import IS_LONG
from upstream import UpstreamProcess

# The openai client asks the environment for a proxy; loopback calls must never leave through one.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"

# Short enough for tests of each bound, long enough that a busy machine doesn't meet them by accident.
QUICK = {
    "LATCHKEY_GATEWAY_IDLE_TIMEOUT_MS": 800,
    "LATCHKEY_GATEWAY_TOTAL_TIMEOUT_MS": 3000,
    "LATCHKEY_GATEWAY_CONNECT_TIMEOUT_MS": 700,
    "LATCHKEY_GATEWAY_MAX_RESPONSE_BYTES": 1048576,
    "LATCHKEY_GATEWAY_MAX_REQUEST_BYTES": 262144,
}


# A shard of the whole suite records more than twice as many answers, and never fewer.
LEAST_RECORDED = 5000


def pytest_configure(config):
    if shard.CLAIMS:
        config.pluginmanager.register(shard.Shard(shard.CLAIMS))


def is_whole(session):
    """Whether all of the suite was asked for, and not some files or tests of it."""
    chosen = session.config.option.keyword or session.config.option.markexpr
    return not chosen and {item.path for item in session.items} == set(Path(__file__).parent.glob("test_*.py"))


def pytest_generate_tests(metafunc):
    """In the long run a race is run ten times."""
    if IS_LONG and metafunc.definition.get_closest_marker("race"):
        metafunc.fixturenames.append("turn")
        metafunc.parametrize("turn", range(1, 11), ids=lambda turn: f"turn {turn}")


def pytest_collection_modifyitems(items):
    """Puts the tests that begin something first, and those that judge the whole run last."""

    def place(item):
        return -1 if item.get_closest_marker("at_the_start") else 1 if item.get_closest_marker("at_the_end") else 0

    items.sort(key=place)  # a stable sort: everything else stays in its order


def pytest_collection_finish(session):
    needs_binary = any(item.path.name != "test_harness.py" for item in session.items)
    if needs_binary and not session.config.option.collectonly and not server_module.BINARY.exists():
        pytest.exit(f"no binary at {server_module.BINARY}: build it first, or set LATCHKEY_BIN", returncode=2)


@pytest.fixture
def recorded(request):
    """All answers of this run, for the tests that judge them. Of no answer everything is true, so there are some, and
    of the whole suite many."""
    least = LEAST_RECORDED if is_whole(request.session) else 1
    assert len(recorder.exchanges) >= least, f"{len(recorder.exchanges)} answers are recorded, fewer than {least}"
    return list(recorder.exchanges)


@pytest.fixture(scope="session")
def homes(tmp_path_factory):
    """The place for the directories of all servers of this run."""
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def upstream():
    process = UpstreamProcess()
    yield process
    process.close()


@pytest.fixture(scope="session")
def _deployment(homes, upstream):
    made = Deployment(homes / "main", TALKATIVE).add_upstream(upstream)
    yield made
    made.close()


@pytest.fixture(scope="session")
def _quick(homes, upstream):
    made = Deployment(homes / "quick", TALKATIVE | QUICK).add_upstream(upstream)
    yield made
    made.close()


def _still_alive(made, before):
    """A test that takes the shared server down is the one that must be red, not all the tests after it."""
    assert made.server.is_running, f"the server died in this test\n{made.server.stderr[-3000:]}"
    assert made.server.process.pid == before


@pytest.fixture
def deployment(_deployment):
    """The shared server, with its admin and its catalog."""
    pid = _deployment.server.process.pid
    yield _deployment
    _still_alive(_deployment, pid)


@pytest.fixture
def quick(_quick):
    """The shared server with short time-outs and small bounds."""
    pid = _quick.server.process.pid
    yield _quick
    _still_alive(_quick, pid)


@pytest.fixture(scope="session")
def _clocked(homes):
    clock = Clock(homes / "clocked")
    made = Deployment(homes / "clocked", TALKATIVE | clock.settings)
    made.clock = clock.of(made.server)
    yield made
    made.close()
    clock.close()


@pytest.fixture
def clocked(_clocked):
    """The shared server whose clock tests put forward, with its `clock`. The admin's session there may have ended."""
    pid = _clocked.server.process.pid
    yield _clocked
    _still_alive(_clocked, pid)


@pytest.fixture
def own_clocked(home):
    """A whole deployment of one test's own, with a clock."""
    clock = Clock(home / "clocked")
    made = Deployment(home / "clocked", clock.settings)
    made.clock = clock.of(made.server)
    yield made
    made.close()
    clock.close()


# Whose X-Forwarded-For the server behind proxies believes. Tests call it from 127.0.0.1, and from others of the
# loopback.
TRUSTED = "127.0.0.1, 127.0.0.2, 10.0.0.0/8, 2001:db8:cafe::/48"


@pytest.fixture(scope="session")
def _proxied(homes):
    made = Deployment(homes / "proxied", TALKATIVE | {"LATCHKEY_LISTEN_TRUSTED_PROXIES": TRUSTED})
    yield made
    made.close()


@pytest.fixture
def proxied(_proxied):
    """The shared server that stands behind proxies, so that a test may come from any address."""
    pid = _proxied.server.process.pid
    yield _proxied
    _still_alive(_proxied, pid)


@pytest.fixture
def client(deployment):
    return deployment.client


@pytest.fixture
def tenant(deployment):
    """An account of this test's own."""
    return deployment.new_tenant()


@pytest.fixture(scope="session")
def pets(_deployment):
    """A tenant with a cat app and a dog app, each with a key: enough for every test that creates no keys itself."""
    made = _deployment.new_tenant("Pets")
    made.cat = made.application("Cat", system_prompt=CAT)
    made.dog = made.application("Dog", system_prompt=DOG)
    made.cat_credential = made.credential(made.cat["id"], name="cat")
    made.dog_credential = made.credential(made.dog["id"], name="dog")
    made.cat_key, made.dog_key = made.cat_credential["token"], made.dog_credential["token"]
    return made


@pytest.fixture(scope="session")
def strangers(_deployment):
    """Another tenant, who must stay invisible to the pets."""
    made = _deployment.new_tenant("Strangers")
    made.app = made.application("Stranger", system_prompt="You are a stranger.")
    made.app_credential = made.credential(made.app["id"], name="stranger")
    made.app_key = made.app_credential["token"]
    return made


@pytest.fixture(scope="session")
def relay(_deployment):
    """A tenant whose app calls the upstream process, in any mode, through the standard server."""
    made = _deployment.new_tenant("Relay")
    made.app = made.upstream_application(system_prompt="You are relayed.")
    made.app_key = made.key(made.app["id"])
    return made


@pytest.fixture(scope="session")
def quick_relay(_quick):
    """As `relay`, on the server with short time-outs."""
    made = _quick.new_tenant("Quick relay")
    made.app = made.upstream_application()
    made.app_key = made.key(made.app["id"])
    return made


@pytest.fixture(scope="module")
def chromium():
    with browser_module.chromium() as made:
        yield made


# Several times what the longest test in a browser takes on a busy machine.
BROWSER_DEADLINE = 240


@pytest.fixture
def browser(chromium):
    """The file's browser, for one test. A test that it never answers is red in time, and the next one gets another."""
    with chromium.within(BROWSER_DEADLINE):
        yield chromium


@pytest.fixture
def visit(browser, deployment):
    """Opens the console, for somebody who then is signed in; what the browser minded is looked at when the test is over."""
    made = []

    def open_console(person=None, server=None, **options):
        made.append(Console(browser, server or deployment.server, **options))
        return made[-1].sign_in(person) if person else made[-1]

    yield open_console
    for console in made:
        console.close()


@pytest.fixture
def home(homes):
    """A fresh directory that stays until the run is over, because the last tests search every data directory.
    (pytest's own `tmp_path` goes away with its test.)"""
    path = homes / f"own-{len(list(homes.iterdir()))}"
    path.mkdir()
    return path


@pytest.fixture
def own_server(home):
    """Makes servers for one test, on directories of their own, and stops them all."""
    made = []

    def make(name="own", settings=None, arguments=()):
        server = server_module.Server(home / name, settings, arguments)
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def own_deployment(home):
    """Makes whole deployments for one test."""
    made = []

    def make(name="own", settings=None):
        made.append(Deployment(home / name, settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
    # Whatever the test did to it, by kill -9 or otherwise: the books of a stopped server are right.
    for each in made:
        checked = each.check_ledger()
        assert checked.returncode == 0, f"{checked.stdout[-500:]} {checked.stderr[-500:]}"
