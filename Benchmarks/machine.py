"""What the machine does meanwhile: processor time, memory, and how long it takes to flush."""

import os
import pathlib
import re
import statistics
import time

TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    """Processor time of a process so far, all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def children(pid):
    """The processes that a process has started and that still are."""
    found = []
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:  # that thread has just ended
            pass
    return found


def tree_seconds(pid):
    """Processor time of a process and of all that are below it."""
    try:
        return processor_seconds(pid) + sum(map(tree_seconds, children(pid)))
    except OSError:  # it has just ended
        return 0


def busy_seconds():
    """Processor time of all processes of the machine so far."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICK


def own_seconds():
    """Processor time of the benchmark: itself, what it has started, and what of that has ended."""
    times = os.times()
    ended = times.children_user + times.children_system
    return times.user + times.system + ended + sum(map(tree_seconds, children(os.getpid())))


def status_mib(pid, field):
    """`VmRSS`, what a process holds in memory, or `VmHWM`, the most that it has held."""
    return int(re.search(rf"{field}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def forget_peak(pid):
    """From now on `VmHWM` is of what follows (Linux, proc(5), clear_refs)."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def flush_times(folder, count=50):
    """p50 and p99 in microseconds of writing a page and flushing it, on the disk that the deployments are on."""
    times = []
    page = os.urandom(4096)
    file = os.open(f"{folder}/flushed", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(file, bytes(4096 * count), 0)
        os.fsync(file)
        for number in range(count):
            began = time.perf_counter()
            os.pwrite(file, page, number * 4096)
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1e6)
    finally:
        os.close(file)
    return statistics.median(times), sorted(times)[count * 99 // 100]
