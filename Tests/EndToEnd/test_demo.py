"""`latchkey demo`: what a newcomer runs first has to work, to be understood, and to leave nothing behind (issue, point 9)."""

import pytest

from server import run_command


@pytest.fixture(scope="module")
def demo(homes):
    home = homes / "demo"
    temporary = home / "tmp"
    temporary.mkdir(parents=True)
    return run_command(home, ["demo"], settings={"TMPDIR": temporary}, deadline=60, name="demo"), temporary


def test_the_demo_does_all_of_it(demo):
    """Exit 0 only if the cat and the dog answered, and the wrong, the forged and the deleted key were refused."""
    finished, _ = demo
    assert finished.returncode == 0, finished.stdout[-2000:] + finished.stderr[-2000:]
    said = finished.stdout
    assert "Meow!" in said and "Woof!" in said
    assert "wrong_app" in said or "403" in said
    assert said.count("401") >= 2 or said.count("invalid") >= 2
    # The parts of the story, in the order in which a reader meets them.
    places = [said.lower().find(word) for word in ("cat", "dog", "forged", "deleted")]
    assert -1 not in places and places == sorted(places)


def test_the_demo_leaves_nothing_behind(demo):
    """A temporary directory that stays would hold a database and its keys."""
    _, temporary = demo
    assert list(temporary.rglob("*")) == []
