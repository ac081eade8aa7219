"""How far a long command is: shown on a terminal, and nowhere else."""

import os
import pty
import subprocess

import pytest

from backups import with_keys
from deployment import Deployment
from server import BINARY, environment, run_command

LINE, AWAY = b"\r", b"\x1b[K"


@pytest.fixture(scope="module")
def data(homes):
    deployment = Deployment(homes / "progress")
    deployment.close()
    return deployment.server.data


@pytest.fixture
def commands(data, home):
    """Each long command, ready to run once."""
    other = home / "first.backup"
    assert run_command(home, ["backup", other, "--data-dir", data]).returncode == 0
    return {
        "backup": ["backup", home / "second.backup", "--data-dir", data],
        "restore": ["restore", other, "--data-dir", with_keys(home / "restored", data)],
        "ledger check": ["ledger", "check", "--data-dir", data],
        "audit check": ["audit", "check", "--data-dir", data],
        "scan": ["scan", data / "latchkey.db"],
    }


def on_terminal(arguments, home):
    """(exit code, standard output, what the terminal got)."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [BINARY, *map(str, arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, cwd=home, env=environment(),
        )
        output, _ = process.communicate(timeout=60)
    finally:
        os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # Linux says so that the other end is closed.
    os.close(ours)
    return process.returncode, output, shown


@pytest.mark.parametrize("name", ["backup", "restore", "ledger check", "audit check", "scan"])
def test_a_terminal_shows_how_far_it_is_and_a_pipe_does_not(commands, home, name):
    code, output, shown = on_terminal(commands[name], home)
    assert code == 0, shown
    assert LINE in shown and AWAY in shown, shown
    # The line is taken away in the end: what stays on the screen are the sentences.
    assert shown.rstrip().endswith(LINE + AWAY) or shown.split(LINE + AWAY)[-1].strip().endswith(b"."), shown
    assert LINE not in output and AWAY not in output


@pytest.mark.parametrize("name", ["backup", "restore", "ledger check", "audit check", "scan"])
def test_a_pipe_gets_sentences_alone(commands, home, name):
    finished = run_command(home, commands[name])
    assert finished.returncode == 0, finished.stderr
    said = finished.stdout + finished.stderr
    assert "\r" not in said and "\x1b" not in said and "%" not in said
