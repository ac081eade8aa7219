"""The benchmarks of single rooms, each in a process of its own without sockets: checks of keys, and charges."""

import json
import subprocess

from options import BUILD


def run(name, *arguments):
    done = subprocess.run([BUILD / name, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    return json.loads(done.stdout)


def measure(_):
    return run("CheckBenchmark") | run("ChargeBenchmark")


def commits():
    """p50 and p99 in microseconds of a commit of one row."""
    return run("ChargeBenchmark", "commits")
