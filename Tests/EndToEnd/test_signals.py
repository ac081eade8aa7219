"""Signals: what other programs take for "read your settings again" ends no server, and TERM ends it in order
(issue 9, C3)."""

import os
import signal
import subprocess
import threading

import pytest

from client import Client, expect
from server import BINARY, environment
from waiting import wait_for

IGNORED = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]
HARMLESS = IGNORED + [signal.SIGPIPE]
ENDING = [signal.SIGTERM, signal.SIGINT]


def dispositions(pid):
    """The signals that do not do to a process what the system does by itself: those it ignores or catches."""
    with open(f"/proc/{pid}/status") as status:
        masks = dict(line.split(":") for line in status if line.startswith("Sig"))
    mask = int(masks["SigIgn"], 16) | int(masks["SigCgt"], 16) | int(masks["SigBlk"], 16)
    return {number for number in range(1, 32) if mask & (1 << (number - 1))}


@pytest.mark.parametrize("which", HARMLESS, ids=lambda each: each.name)
def test_a_signal_that_means_reload_elsewhere_ends_no_server(own_server, which):
    server = own_server().start()
    client = Client(server)
    for _ in range(3):
        server.process.send_signal(which)
        expect(client.call("GET", "/healthz"), 200)
    if which in IGNORED:
        wait_for("a line of the log", lambda: f"{which.name} is ignored" in server.stderr)
    expect(client.call("GET", "/readyz"), 200)
    assert server.stop() == 0


@pytest.mark.parametrize("which", ENDING, ids=lambda each: each.name)
def test_a_stream_ends_before_the_server_does(own_deployment, upstream, which):
    """Whatever was sent before: the caller gets all of it, then the server is gone, with 0."""
    deployment = own_deployment().add_upstream(upstream)
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.upstream_application()["id"])
    for each in HARMLESS:
        deployment.server.process.send_signal(each)
    stream = deployment.client.chat(key, model="stream", stream=True, stream_to_caller=True, through_upstream=True)
    lines = stream.iter_lines()
    assert next(lines).startswith(b"data: ")
    deployment.server.process.send_signal(which)
    for each in HARMLESS:
        deployment.server.process.send_signal(each)
    assert b"data: [DONE]" in list(lines)
    assert deployment.server.process.wait(20) == 0


@pytest.fixture
def starting(home):
    """Starts a server whose start waits for the key that somebody will write into a pipe."""
    processes = []

    def start(*prefix):
        pipe = home / f"key-{len(processes)}"
        os.mkfifo(pipe, 0o600)
        command = [*prefix, BINARY, "serve", "--data-dir", home / f"data-{len(processes)}", "--port", "0"]
        with open(home / f"out-{len(processes)}", "wb") as out:
            process = subprocess.Popen(
                command, stdout=out, stderr=out, cwd=home, env=environment({"LATCHKEY_MASTER_KEY_FILE": pipe})
            )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait(10)


@pytest.mark.parametrize("which", ENDING, ids=lambda each: each.name)
def test_during_the_start_signals_do_the_same(starting, which):
    process = starting()
    wait_for("the start", lambda: dispositions(process.pid) >= {*HARMLESS, *ENDING})
    for each in HARMLESS * 3:
        process.send_signal(each)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(which)
    assert process.wait(10) == 0


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_the_first_process_of_a_container_ends_when_told_to(starting):
    """The system spares a process with the id 1 every signal that it does not itself handle, so TERM must be handled
    from the start on, or each stop takes as long as the container's patience."""
    outside = starting("unshare", "--pid", "--fork", "--kill-child")
    first = wait_for("the first process", lambda: (children(outside.pid) or [None])[0])
    wait_for("the start", lambda: dispositions(first) >= {*HARMLESS, *ENDING})
    os.kill(first, signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        outside.wait(0.5)
    os.kill(first, signal.SIGTERM)
    assert outside.wait(10) == 0


def test_a_reader_that_left_ends_no_server(own_server, home):
    """`latchkey serve | head -1` closes the pipe that the next line would go to."""
    reading, writing = os.pipe()
    with open(home / "err", "wb") as err:
        process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", home / "data", "--port", "0"], stdout=writing, stderr=err, env=environment()
        )
    os.close(reading)
    os.close(writing)
    try:
        wait_for("the server", lambda: "Server started and listening" in (home / "err").read_text(), 30)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_a_demo_that_is_broken_off_leaves_nothing_behind(home):
    temporary = home / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [BINARY, "demo"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment({"TMPDIR": temporary})
    )
    rest = []
    try:
        assert process.stdout.readline().startswith(b"Latchkey is running")
        process.send_signal(signal.SIGINT)
        reader = threading.Thread(target=lambda: rest.append(process.stdout.read()))
        reader.start()
        assert process.wait(30) == 130, "broken off is not done"
        reader.join(10)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    assert list(temporary.rglob("*")) == []
