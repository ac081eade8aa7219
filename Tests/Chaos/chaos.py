"""Kills a server under load, again and again, and holds its ledger against what its callers were answered.

    make chaos ROUNDS=1000                     the usual way: a release build
    python Tests/Chaos/chaos.py --rounds 20    against .build/release/latchkey, or what LATCHKEY_BIN names

One round: a burst of load on one data directory (plain and streamed calls, retried calls with an Idempotency-Key, calls
through an upstream that fails; two tenants whose keys and balances run out and are filled again), SIGKILL at a random
moment, a start on the same directory, and the judgement: whoever was answered in full is charged once, nobody else is,
no limit was passed at any point of the ledger, and nothing is left held. audit.py says what counts as what.

The choices come from a seed, which is printed; `--seed` (`make chaos SEED=…`) makes them again. (Not the moments of a
machine: the kill hits other instructions each time.) The last line is

    rounds=… served=… charged=… lost=… doubled=… overspent=…

and the exit code is 0 only if the last three are 0, calls were served, nothing unexpected was answered, and every start
succeeded. `charged` may be more than `served`: who is cut off between charge and answer is charged and not answered.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback

from world import NOTHING_DONE, World, end_on_signals


def play(world, rounds):
    chance = random.Random(f"{world.seed}/rounds")
    began = time.monotonic()
    for number in range(1, rounds + 1):
        seconds = chance.uniform(0.2, 0.6)
        world.burst(lambda: world.kill_after(seconds))
        if chance.random() < 0.1:
            world.start_and_kill(chance.uniform(0.0, 0.15))
        world.start()
        world.verify()
        world.refill()
        if number % max(1, min(50, rounds // 4)) == 0:
            print(f"{time.monotonic() - began:6.0f} s  {world.line(number)}", flush=True)
        yield number
    world.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    end_on_signals()
    print(f"seed={seed}", flush=True)
    world, done, is_over = None, 0, False
    with tempfile.TemporaryDirectory(prefix="latchkey-chaos-") as home:
        try:
            world = World(home, seed)
            for done in play(world, options.rounds):
                pass
            is_over = True
        except Exception:  # a server that doesn't start, for one; the line below is printed all the same
            traceback.print_exc()
        finally:
            if world is not None:
                world.close()
    if world is None:
        print(NOTHING_DONE)
        return 1
    print(f"refused: {dict(world.notes.codes)}  replayed: {world.notes.replayed}  broken off: {world.notes.broken_off}")
    print(world.line(done))
    return 0 if is_over and world.notes.served > 0 and world.findings.total == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
