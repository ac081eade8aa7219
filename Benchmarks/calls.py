"""Calls through the gateway beside the same calls through nginx: how many a second, at what cost, with what wait.

"Unmetered" is a call that the upstream refuses: the key is checked, a hold made, the body spliced, the answer looked at
and the hold given back. All but the charge; so nothing is written where charges alone are.
"""

import pathlib
import statistics
from concurrent.futures import ThreadPoolExecutor

import minting
import processes
import requests
from deployment import Admin, Latchkey, furnish
from load import Load, body
from programs import Nginx, Upstream
from rounds import Rounds

# By name: connections, the body of a call, whether many keys call, whether the upstream refuses. What stands in one
# group is compared in the same rounds.
GROUPS = [
    {
        "alone": (1, body(), False, False),
        "gateway": (32, body(), False, False),
        "gateway_256": (256, body(), False, False),
        "unmetered": (32, body(model="refuse"), False, True),
        "unmetered_alone": (1, body(model="refuse"), False, True),
    },
    {
        "keys_1000": (32, body(), True, False),
        "body_4k": (32, body(4096), False, False),
        "body_64k": (32, body(65536), False, False),
        "stream": (32, body(stream=True), False, False),
        "slow_50ms": (256, body(model="slow"), False, False),
    },
]


def measure(folder):
    """The figures, and a table with a row for each kind of call."""
    data = f"{folder}/calls"
    with Upstream(folder) as upstream:
        app, key = furnish(data, upstream.base)
        keys = minting.mint(1000)
        accounts = minting.insert(data, keys, keys_each=1)
        starts = []
        for _ in range(5):
            with Latchkey(data) as server:
                starts.append(server.start_ms)
        with Latchkey(data) as server, Nginx(folder, [key, *(k.token for k in keys)], upstream) as nginx:
            admin = Admin(server)
            for account in accounts:
                admin.grant(1_000_000_000, account)
            groups = targets(folder, server, nginx, key, [k.token for k in keys])
            more = rivals(folder, server, nginx, upstream, admin, app, key)
            use_once(server, [key, *(k.token for k in keys)])
            # These runs don't count.
            for each in [*groups[0].values(), *groups[1].values(), *more.values()]:
                each.run(1)
            runs = {name: each.run for name, each in (groups[0] | more).items()}
            first = Rounds(folder, runs | {"commit": processes.commits})
            second = Rounds(folder, {name: each.run for name, each in groups[1].items()})
            figures = figures_of(first, second)
            figures["rss_mb"] = server.rss_mib
        figures["start_to_ready_ms"] = statistics.median(starts)
        figures["bytes_per_charge"] = bytes_of_a_charge(data, key, folder)
        return figures, rows(first, GROUPS[0]) + rows(second, GROUPS[1])


def use_once(server, keys):
    """The first use of a key is Argon2id, and not what is measured here."""

    def use(key):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        requests.post(server.chat, body(), headers=headers, timeout=60).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, keys))


def targets(folder, server, nginx, key, many):
    """For each group what is run in its rounds, each beside the rival."""
    groups = []
    for group in GROUPS:
        groups.append({})
        for name, (connections, text, are_many, is_refused) in group.items():
            keys = many if are_many else [key]
            groups[-1][name] = Load(folder, server.chat, keys, text, connections, is_refused, server)
            groups[-1][f"nginx_{name}"] = Load(folder, nginx.url, keys, text, connections, is_refused)
    return groups


def rivals(folder, server, nginx, upstream, admin, app, key):
    """What else is run in the first rounds."""
    token = admin.post("/api/v1/platform-tokens", {"name": "bench", "scopes": ["credentials:verify"]})["token"]
    question = f'{{"key": "{key}", "application_id": "{app}"}}'
    return {
        "asked": Load(folder, nginx.asked_url, [key], body()),
        "direct_alone": Load(folder, upstream.plain, ["upstream-secret"], body(), 1),
        "hello": Load(folder, server.address + "/healthz", ["none"]),
        "verify": Load(folder, server.address + "/api/v1/verify", [token], question, 32, False, server),
    }


def figures_of(first, second):
    flush_p50, flush_p99 = first.flush_us
    commit_p50, commit_p99 = first.median("commit", "p50"), first.median("commit", "p99")

    def added(figure):
        """By how much a call on one connection takes longer when it is metered, in microseconds."""
        return first.median("alone", figure) - first.median("unmetered_alone", figure)

    figures = {
        "hello_rps": first.median("hello", "rps"),
        "gateway_rps": first.median("gateway", "rps"),
        "nginx_rps": first.median("nginx_gateway", "rps"),
        "gateway_vs_nginx": statistics.median(first.ratios("gateway", "nginx_gateway")),
        "gateway_vs_nginx_256": statistics.median(first.ratios("gateway_256", "nginx_gateway_256")),
        "gateway_unmetered_vs_nginx": statistics.median(first.ratios("unmetered", "nginx_unmetered")),
        "gateway_metered_vs_unmetered": statistics.median(first.ratios("gateway", "unmetered")),
        "gateway_vs_nginx_asked": statistics.median(first.ratios("gateway", "asked")),
        "verify_vs_hello": statistics.median(first.ratios("verify", "hello")),
        "cpu_us_per_call": first.median("gateway", "cpu_us"),
        "gateway_added_latency_us_p50": first.median("alone", "p50_us") - first.median("direct_alone", "p50_us"),
        "metering_added_us_p50": added("p50_us"),
        "metering_added_commits_p50": added("p50_us") / commit_p50,
        # So many commits of this disk, beyond 5 ms, are added to the slowest hundredth of calls.
        "added_latency_commits_p99": (added("p99_us") - 5000) / commit_p99,
        "commit_us_p50": commit_p50,
        "commit_us_p99": commit_p99,
        "flush_us_p50": flush_p50,
        "flush_us_p99": flush_p99,
        "is_disk_bound": float(first.is_disk_bound),
        "is_quiet": float(first.is_quiet and second.is_quiet),
        "rounds": min(first.count, second.count),
    }
    # A commit writes more than a page and waits for a thread; speed.md found 1.5 of its time in each turn of a crowd.
    unmetered = first.median("unmetered", "rps")
    expected = 32 / (32 / unmetered + 1.5 * flush_p50 / 1e6)
    figures["gateway_vs_rule_of_thumb"] = figures["gateway_rps"] / expected
    for name in GROUPS[1]:
        figures[f"{name}_vs_nginx"] = statistics.median(second.ratios(name, f"nginx_{name}"))
    return figures


def rows(made, group):
    """One for each kind of call: what stands beside its ratio."""
    return [
        {
            "name": name,
            "connections": group[name][0],
            "rps": made.median(name, "rps"),
            "nginx_rps": made.median(f"nginx_{name}", "rps"),
            "ratio": statistics.median(made.ratios(name, f"nginx_{name}")),
            "least_ratio": min(made.ratios(name, f"nginx_{name}")),
            "cpu_us": made.median(name, "cpu_us"),
            "p50_us": made.median(name, "p50_us"),
            "p99_us": made.median(name, "p99_us"),
            "nginx_p99_us": made.median(f"nginx_{name}", "p99_us"),
            "rss_mib": made.median(name, "rss_mib"),
        }
        for name in group
    ]


def bytes_of_a_charge(data, key, folder):
    """By how much the database file grows for each call, from one orderly stop to the next."""
    before = database_bytes(data)
    with Latchkey(data) as server:
        again = Load(folder, server.chat, [key], body(), 32, False, server)
        calls = again.run(1)["requests"] + again.run()["requests"]
    return (database_bytes(data) - before) / calls


def database_bytes(data):
    return sum(path.stat().st_size for path in pathlib.Path(data).glob("latchkey.db*"))
