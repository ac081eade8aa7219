"""The verdicts of Python and Node that Latchkey's reader of JSON is held against are those of today's Python and Node."""

import json
import os
import shutil

import pytest

import json_verdicts
from server import REPOSITORY

FILE = REPOSITORY / "fixtures" / "json_verdicts.json"


@pytest.mark.skipif(shutil.which("node") is None, reason="asks Node")
def test_the_fixture_holds_what_python_and_node_say():
    found = json_verdicts.verdicts()
    text = "[\n" + ",\n".join(json.dumps(entry) for entry in found) + "\n]\n"
    if os.environ.get("LATCHKEY_WRITE_FIXTURES"):
        FILE.write_text(text)
    assert FILE.read_text() == text
    reasons = [entry.get("refused") for entry in found]
    assert all(reasons.count(reason) >= 5 for reason in (None, "grammar", "repeated", "surrogate", "depth")), "too tame"
