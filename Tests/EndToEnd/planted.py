"""Planted secrets (design §4, invariant 2): every secret that the run uses is written down here, and at the end
nothing that a server wrote may contain one.

"Contain" means as it is, as hexadecimal, or as base64 at any of the three alignments that base64 has. Of a Latchkey
token only the 22 secret characters are looked for: its id and hint may be shown, its secret nowhere, and the whole
token contains the secret part anyway.
"""

import base64
import json
import re
import threading
from pathlib import Path

# A token is a prefix, 12 characters of id, 22 of secret, 11 of tag and 6 of checksum.
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,16}[-_][0-9A-Za-z]{51}\Z")
BODY, ID, SECRET = 51, 12, 22

# The two key files are secrets by trade; every other file in a data directory is searched.
EXCLUDED_FILES = {"master.key", "pepper.key"}

# The one documented place: `serve` shows the set-up token of an empty database on a line of its own.
DOCUMENTED_LINE = re.compile(rb"^setup token: lks-[0-9A-Za-z]{51}\r?$", re.MULTILINE)

_lock = threading.Lock()
_secrets = {}  # needle text -> kind
_log_files = set()
_stdout_files = set()
_directories = set()


def plant(kind, value):
    """Notes a secret and returns it, so that it can be planted where it is made."""
    assert len(value) >= 8, f"a {kind} of {len(value)} characters is too short to be looked for"
    secret = value[-BODY + ID :][:SECRET] if TOKEN.match(value) else value
    with _lock:
        _secrets[secret] = kind
    return value


def watch_log(path):
    """A file that a server or a command writes its stderr to."""
    with _lock:
        _log_files.add(Path(path))


def watch_stdout(path):
    """As `watch_log`, but the documented set-up token line is allowed."""
    with _lock:
        _stdout_files.add(Path(path))


def watch_directory(path):
    """A data directory."""
    with _lock:
        _directories.add(Path(path))


def kinds():
    """How many secrets of each kind are planted."""
    with _lock:
        counted = {}
        for kind in _secrets.values():
            counted[kind] = counted.get(kind, 0) + 1
        return counted


def database_files():
    with _lock:
        directories = list(_directories)
    found = []
    for directory in directories:
        if directory.is_dir():
            found += [p for p in sorted(directory.rglob("*")) if p.is_file() and p.name not in EXCLUDED_FILES]
    return found


def log_files():
    with _lock:
        return sorted(p for p in _log_files if p.exists())


def stdout_files():
    with _lock:
        return sorted(p for p in _stdout_files if p.exists())


class Search:
    """Looks for all planted secrets in all of their forms, in one walk over the bytes however many there are."""

    # Every needle is found by eight bytes of it that are looked up in a dictionary. Wherever a needle of fifteen bytes
    # lies, one of its first eight windows begins at a multiple of eight: a walk for long needles makes steps of eight.
    WINDOW = 8
    LONG = 2 * WINDOW - 1

    def __init__(self, secrets=None):
        with _lock:
            secrets = dict(_secrets) if secrets is None else secrets
        # (the step of the walk, what is found by each window: needle, where the window lies in it, kind, form)
        self.walks = ((1, {}), (self.WINDOW, {}))
        for text, kind in secrets.items():
            for form, needle in forms(text):
                if len(needle) < self.WINDOW:
                    continue
                step, windows = self.walks[len(needle) >= self.LONG]
                for offset in range(step):
                    window = needle[offset : offset + self.WINDOW]
                    windows.setdefault(window, []).append((needle, offset, kind, form))

    def leaks(self, data):
        """The planted secrets in `data`, as sentences that say which and where but don't repeat the secret."""
        found = {}
        # Only runs of printable bytes can hold any form of a secret, and a database repeats most of its runs (in
        # the log and in the main file), so each different run is walked once.
        runs = {}
        for match in re.finditer(rb"[\x20-\x7e\x80-\xff]{8,}", data):
            runs.setdefault(match.group(), match.start())
        for step, windows in self.walks:
            if not windows:
                continue
            for run, start in runs.items():
                for place in range(0, len(run) - self.WINDOW + 1, step):
                    for needle, offset, kind, form in windows.get(run[place : place + self.WINDOW], ()):
                        at = place - offset
                        if at >= 0 and run.startswith(needle, at):
                            around = run[max(0, at - 60) : at].decode("utf-8", "replace")
                            found[f"a {kind} ({form}) at byte {start + at}, after {around!r}"] = start + at
        return sorted(found, key=found.get)


def forms(text):
    """Every way in which a secret might be written down: (name, bytes)."""
    raw = text.encode("utf-8")
    yield "as it is", raw
    escaped = json.dumps(text)[1:-1].encode("ascii")
    if escaped != raw:
        yield "as a JSON string", escaped
    yield "hexadecimal", raw.hex().encode("ascii")
    yield "upper-case hexadecimal", raw.hex().upper().encode("ascii")
    for shift in range(3):
        # The characters at either end mix with neighbours that are not known, so they are left out.
        encoded = base64.b64encode(b"\0" * shift + raw)
        start = (0, 2, 3)[shift]
        end = (shift + len(raw)) * 8 // 6
        for name, table in (("base64", None), ("base64url", bytes.maketrans(b"+/", b"-_"))):
            needle = encoded[start:end]
            yield f"{name}, shifted by {shift}", needle.translate(table) if table else needle


def without_documented_line(data):
    return DOCUMENTED_LINE.sub(b"", data)
