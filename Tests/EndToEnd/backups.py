"""Backups, restores, and the data directories that they are made of."""

from pathlib import Path

import planted
from server import run_command

KEY_FILES = ("master.key", "pepper.key")


def backup(data, to, **keywords):
    # No secret may be in it, no more than in a log.
    planted.watch_log(to)
    return run_command(Path(to).parent, ["backup", to, "--data-dir", data], deadline=120, name="backup", **keywords)


def restore(source, data, **keywords):
    planted.watch_directory(data)
    arguments = ["restore", source, "--data-dir", data]
    return run_command(Path(data).parent, arguments, deadline=120, name="restore", **keywords)


def with_keys(data, source):
    """An empty data directory with the keys of another one, as an operator would prepare it."""
    data.mkdir(mode=0o700)
    for name in KEY_FILES:
        (data / name).touch(mode=0o600)
        (data / name).write_bytes((source / name).read_bytes())
    return data
