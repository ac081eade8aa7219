"""A million keys in a hundred thousand accounts: a start, what it holds in memory, a known key and a new one; and what
ten thousand keys meet that all call at once after a restart.

Each first use of a key costs one Argon2id, so a crowd is served at the rate of the cores (about 33 a second each) and
the others are told to come back, which they do.
"""

import asyncio
import statistics
import time

import minting
import requests
from deployment import Admin, Latchkey, furnish
from load import Load, body
from options import ACTIVE_KEYS, KEYS, ROUNDS
from programs import Upstream
from rounds import Rounds

KEYS_EACH = 10
FIRST_USES = 20
# Of each list, on one connection; of so many the slowest hundredth means something.
LISTS = 1000
# Below what the server takes at the same time; whoever finds none free waits for one, and is counted from the start.
CONNECTIONS = 1000


def measure(folder):
    few, many = f"{folder}/few-keys", f"{folder}/many-keys"
    with Upstream(folder) as upstream:
        _, few_key = furnish(few, upstream.base)
        _, many_key = furnish(many, upstream.base)
        keys = minting.mint(ACTIVE_KEYS)
        minting.insert(few, keys[:100], KEYS_EACH)
        accounts = minting.insert(many, keys, KEYS_EACH, filler=max(0, KEYS - len(keys)))
        with Latchkey(many) as server:
            admin = Admin(server)
            for account in accounts:
                admin.grant(1_000_000, account)
        starts = []
        for _ in range(3):
            with Latchkey(many) as server:
                starts.append(server.start_ms)
                rss = server.rss_mib
        figures = {"many_keys_start_ms": statistics.median(starts), "many_keys_rss_mib": rss}
        figures |= beside_few(folder, few, many, few_key, many_key, keys)
        figures |= lists(few, many)
        with Latchkey(many) as server:
            figures |= restart(server, [key.token for key in keys])
            figures["restart_rss_mib"] = server.rss_mib
    return figures


def beside_few(folder, few, many, few_key, many_key, keys):
    """A known key where there are a hundred of them and where there are very many; and keys that are new to it."""
    with Latchkey(few) as small, Latchkey(many) as large:
        loads = {
            "few": Load(folder, small.chat, [few_key], body(), 32, False, small),
            "many": Load(folder, large.chat, [many_key], body(), 32, False, large),
        }
        for load in loads.values():
            load.run(1)
        made = Rounds(folder, {name: load.run for name, load in loads.items()}, count=min(3, ROUNDS))
        first = [seconds(large, key.token) for key in keys[:FIRST_USES]]
        again = [seconds(large, key.token) for key in keys[:FIRST_USES]]
    return {
        "many_keys_known_key_vs_few": statistics.median(made.ratios("many", "few")),
        "many_keys_first_use_ms": (statistics.median(first) - statistics.median(again)) * 1000,
    }


def lists(few, many):
    """The list of an account's ten keys, as JSON and as a page of the console, where there are few keys and very many."""
    paths = {"list": "/api/v1/credentials?limit=10", "page": "/console/keys"}
    times = {(kind, name): [] for kind in paths for name in ("few", "many")}
    with Latchkey(few) as small, Latchkey(many) as large:
        admins = {"few": Admin(small), "many": Admin(large)}
        for admin in admins.values():
            app = admin.call("GET", "/api/v1/applications").json()["items"][0]["id"]
            for _ in range(10 - len(admin.call("GET", paths["list"]).json()["items"])):
                admin.key(app)
        for turn in range(LISTS):
            for kind, path in paths.items():
                for name, admin in list(admins.items())[:: 1 if turn % 2 else -1]:
                    began = time.perf_counter()
                    admin.call("GET", path)
                    times[kind, name].append((time.perf_counter() - began) * 1000)
    p99 = {key: sorted(values)[len(values) * 99 // 100] for key, values in times.items()}
    return {
        "key_list_ms_p99": p99["list", "many"],
        "key_page_ms_p99": p99["page", "many"],
        "key_list_many_vs_few": p99["list", "many"] / p99["list", "few"],
        "key_page_many_vs_few": p99["page", "many"] / p99["page", "few"],
    }


def seconds(server, key):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    began = time.perf_counter()
    requests.post(server.chat, data=body(), headers=headers, timeout=60).raise_for_status()
    return time.perf_counter() - began


def restart(server, keys):
    """All keys call at once; each until it is served, waiting as it is told."""
    began = time.monotonic()
    crowd = Crowd(server, keys)
    asyncio.run(crowd.call())
    waits = sorted(crowd.waits)
    return {
        "restart_keys": len(waits),
        "restart_until_all_served_s": time.monotonic() - began,
        "restart_wait_s_p50": statistics.median(waits),
        "restart_wait_s_p99": waits[len(waits) * 99 // 100],
        "restart_told_to_wait": sum(crowd.told.values()),
    }


class Crowd:
    def __init__(self, server, keys):
        host, _, port = server.address.rpartition("//")[2].partition(":")
        self.host, self.port, self.keys = host, int(port), keys
        self.waits, self.told = [], {}

    async def call(self):
        self.free = asyncio.Semaphore(CONNECTIONS)
        self.began = time.monotonic()
        await asyncio.gather(*map(self.until_served, self.keys))

    async def until_served(self, key):
        while True:
            async with self.free:
                status, retry_after = await self.once(key)
            if status == 200:
                self.waits.append(time.monotonic() - self.began)
                return
            if status not in (429, 503) or retry_after is None:
                raise SystemExit(f"after a restart a key was answered {status}")
            self.told[retry_after] = self.told.get(retry_after, 0) + 1
            await asyncio.sleep(retry_after)

    async def once(self, key):
        """The status of one call, and in how many seconds to come back where that is said."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            text = body().encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {key}\r\n"
            head += f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(text)}\r\n\r\n"
            writer.write(head.encode() + text)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            await reader.read()
        finally:
            writer.close()
        fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split()[1]), int(fields["retry-after"]) if "retry-after" in fields else None
