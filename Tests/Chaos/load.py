"""Load: callers on several connections at once, each at a seeded random. On bare sockets, because speed matters and
because a caller has to see exactly how much of an answer came."""

import asyncio
import contextlib
import json
import random

from notes import Answer, Call

# Longer than any answer takes on a busy machine; only a server that hangs needs longer.
PATIENCE = 20.0
CONNECTIONS = 12
FAILURES = ["status-500", "status-503", "status-400", "hang-up", "cut", "error-first", "late"]


def post(path, token, body, idempotency_key=None):
    """The bytes of a request."""
    extra = f"Idempotency-Key: {idempotency_key}\r\n" if idempotency_key else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{extra}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def exchange(link, request):
    """Sends a request and reads as much of the answer as comes."""
    reader, writer = link
    answer = Answer()
    # An answer that is cut is no error of this program: it is what the kill does.
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        writer.write(request)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        for line in lines[1:-2]:
            name, _, value = line.partition(":")
            answer.headers[name.lower()] = value.strip()
        answer.status = int(lines[0].split()[1])
        if answer.headers.get("transfer-encoding", "").lower() == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                answer.body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            answer.body = await reader.readexactly(int(answer.headers.get("content-length", "0")))
        answer.is_whole = True
    return answer


class Load:
    """One burst. `grants(account, amount)` makes the bytes of a request that gives an account credits."""

    def __init__(self, port, accounts, notes, seed, grant_request):
        self.port, self.accounts, self.notes, self.seed = port, accounts, notes, seed
        self.grant_request = grant_request
        self.is_over = False

    async def run(self, script):
        """Calls until `script()` returns, which may do anything to the server, and waits for what is under way."""
        tasks = [asyncio.create_task(self.caller(number)) for number in range(CONNECTIONS)]
        tasks.append(asyncio.create_task(self.granter()))
        try:
            await script()
            self.is_over = True
            await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE + 5)
        finally:
            for task in tasks:
                task.cancel()

    async def caller(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        link = None
        while not self.is_over:
            link = link or await self.connect()
            if link is None:
                return
            # Pauses let the callers drift: a crowd at one moment, a lone call at another.
            await asyncio.sleep(chance.expovariate(1 / 0.006))
            if not self.is_over and not await self.attempt(link, self.choose(chance)):
                link[1].close()
                link = None
        if link:
            link[1].close()

    async def connect(self):
        try:
            return await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return None  # the server is gone

    async def attempt(self, link, call):
        """Sends a call and notes what came of it; true when the connection may be used again."""
        is_again = call.charge is not None
        try:
            answer = await asyncio.wait_for(exchange(link, call.request), call.leave_after or PATIENCE)
        except asyncio.TimeoutError:
            answer = Answer()
            if call.leave_after is None:
                self.notes.findings.add("surprises", f"no answer within {PATIENCE} s")
        except (ValueError, asyncio.LimitOverrunError):
            answer = Answer()
            self.notes.findings.add("surprises", "an answer is not HTTP")
        self.notes.note(call, answer, is_again)
        return answer.is_whole and answer.headers.get("connection", "").lower() != "close"

    def choose(self, chance):
        account = chance.choice(self.accounts)
        kind = chance.random()
        if kind < 0.3:
            return self.choose_idempotent(chance, account)
        key = chance.choice([key for key in account.keys if not key.is_idempotent])
        streams = chance.random() < 0.35
        if kind < 0.6:
            call = self.new_call(chance, account, key, "echo", "ok", streams)
        else:
            steps = ["ok"] * 6 + [f"slow-{chance.randint(10, 250)}"] * 2 + FAILURES
            call = self.new_call(chance, account, key, chance.choice(["small", "large"]), chance.choice(steps), streams)
        if chance.random() < 0.06:
            call.leave_after = chance.uniform(0.0005, 0.02)
        return call

    def choose_idempotent(self, chance, account):
        """A new call, or again one whose answer is not known (perhaps because it is under way), or one answered."""
        again = chance.random()
        if self.notes.pending and again < 0.6:
            return chance.choice(self.notes.pending)
        if self.notes.done and again < 0.7:
            return chance.choice(self.notes.done)
        key = chance.choice([key for key in account.keys if key.is_idempotent])
        model = chance.choice(["echo", "small", "large"])
        plan = chance.choice(["ok", "ok", "ok", chance.choice(FAILURES) + "+ok", "slow-60"])
        call = self.new_call(chance, account, key, model, plan if model != "echo" else "ok", chance.random() < 0.25)
        self.notes.pending.append(call)
        return call

    def new_call(self, chance, account, key, model, plan, streams):
        marker = f"{chance.getrandbits(48):012x}"
        body = {"model": model, "messages": [{"role": "user", "content": f"chaos {marker} {plan}"}]}
        if streams:
            body["stream"] = True
        # Equal for several keys of several accounts on purpose: an Idempotency-Key belongs to the key it came with.
        idempotency_key = None
        if key.is_idempotent:
            key.orders += 1
            idempotency_key = f"order-{key.orders}"
        path = chance.choice(["", f"/apps/{account.application}"]) + "/v1/chat/completions"
        first = plan.split("+")[0]
        return Call(
            key=key,
            request=post(path, key.token, json.dumps(body).encode(), idempotency_key),
            streams=streams,
            may_fail=first in FAILURES,
            can_serve=plan not in FAILURES,
            is_idempotent=key.is_idempotent,
        )

    async def granter(self):
        """Gives one account credits in the middle of it all."""
        chance = random.Random(f"{self.seed}/grant")
        account = chance.choice(self.accounts)
        amount = chance.randrange(1, 400_000_000)
        await asyncio.sleep(chance.uniform(0, 0.5))
        link = await self.connect()
        if link is None:
            return
        try:
            answer = await asyncio.wait_for(exchange(link, self.grant_request(account, amount)), PATIENCE)
        except (asyncio.TimeoutError, ValueError):
            answer = Answer()
        finally:
            link[1].close()
        if answer.is_whole and answer.status == 201:
            account.granted[json.loads(answer.body)["id"]] = amount
        else:
            account.unsure_credits += 1
