"""The pages of README.md and docs/ agree with the product and with each other.

Every setting, command, option and error code is in its page, and the pages name no other; links lead somewhere;
what the README shows of the demo is what the demo prints. `test_readme.py` runs the commands of the pages.
"""

import json
import re

import pytest

from server import REPOSITORY, run_command
from shapes import problem

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").glob("*.md")])
SOURCES = {path: path.read_text("utf-8") for path in sorted((REPOSITORY / "Sources").rglob("*.swift"))}
NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]
WANTED = ["README", "CONTRIBUTING", "SECURITY", "CHANGELOG"] + [
    f"docs/{name}"
    for name in ("api", "architecture", "commands", "concepts", "errors", "operating", "security", "settings", "tour")
]


def page(name):
    return (REPOSITORY / name).read_text("utf-8")


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def rows(name):
    """The cells of each row of each table of a page, without the heads."""
    lines = [line for line in page(name).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = {number - 1 for number, row in enumerate(cells) if all(re.fullmatch("-+", cell) for cell in row)}
    return [row for number, row in enumerate(cells) if number not in heads and number - 1 not in heads]


# Links


def anchors(path):
    text = prose(path.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'id="([^"]+)"', text))


def links(path):
    return re.findall(r"\]\(([^)\s]+)\)", prose(path.read_text("utf-8")))


def test_every_page_is_there():
    assert set(NAMES) >= {f"{name}.md" for name in WANTED}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    here = REPOSITORY / name
    for link in links(here):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (here.parent / path).resolve() if path else here
        assert target.exists() and target.is_relative_to(REPOSITORY), f"{name}: {link}"
        assert not anchor or anchor in anchors(target), f"{name}: {link}"


def test_every_page_is_linked_from_the_readme():
    linked = {link.partition("#")[0] for link in links(REPOSITORY / "README.md")}
    assert set(NAMES) - {"README.md"} <= linked


def test_the_readme_stays_short():
    assert len(page("README.md").splitlines()) <= 150


# Settings (their defaults are held against the code in RouteTableTests.swift)


def test_the_settings_are_those_of_the_sources():
    [text] = [text for path, text in SOURCES.items() if path.name == "Setting.swift"]
    keys = re.findall(r'^    case \w+ = "([\w.]+)"$', text, re.MULTILINE)
    assert len(keys) > 20
    documented = [tuple(cell.strip("`") for cell in row[:2]) for row in rows("docs/settings.md")]
    documented = [row for row in documented if row[0].startswith("LATCHKEY_")]
    assert sorted(documented) == sorted(("LATCHKEY_" + key.upper().replace(".", "_"), key) for key in keys)


# Commands


@pytest.fixture(scope="module")
def commands(homes):
    """By the words of each command that does something: the names of its options, as the parser itself tells them."""
    home = homes / "commands"
    home.mkdir()
    told = json.loads(run_command(home, ["--experimental-dump-help"], deadline=30, name="help").stdout)
    found = {}

    def walk(command, words):
        inner = [sub for sub in command.get("subcommands", []) if sub["commandName"] != "help"]
        for sub in inner:
            walk(sub, [*words, sub["commandName"]])
        if not inner:
            names = [name["name"] for argument in command.get("arguments", []) for name in argument.get("names", [])]
            found[" ".join(words)] = {f"--{name}" for name in names} - {"--h", "--help", "--version"}

    walk(told["command"], [])
    return found


def test_the_commands_are_those_of_the_binary(commands):
    documented = [re.match(r"`latchkey ([a-z- ]+?)(?: [A-Z]+…?)?`", row[0]) for row in rows("docs/commands.md")]
    documented = [match.group(1) for match in documented if match]
    assert len(commands) >= 6 and sorted(documented) == sorted(commands)


def test_the_options_are_those_of_the_binary(commands):
    documented = {
        (option, command)
        for row in rows("docs/commands.md")
        for option in re.findall(r"^`(--[a-z-]+)`$", row[0])
        for command in re.findall(r"`([^`]+)`", row[1])
    }
    assert documented == {(option, command) for command, options in commands.items() for option in options}


def test_the_verbs_of_make_are_those_of_the_makefile():
    verbs = re.search(r"^\.PHONY: (.*)$", page("Makefile"), re.MULTILINE).group(1).split()
    verbs = {verb for verb in verbs if not verb.startswith("install-")} - {"venv"}
    named = [re.match(r"`make ([a-z-]+)( \w+=\w+)?`", row[0]) for row in rows("CONTRIBUTING.md")]
    assert len(verbs) > 8 and {match.group(1) for match in named if match} == verbs


# The house


def test_the_drawing_of_the_house_is_that_of_the_package():
    """Every folder of Sources is drawn, and stands above all that it imports."""
    [drawing] = re.findall(r"^```text\n(.*?)^```$", page("docs/architecture.md"), re.MULTILINE | re.DOTALL)
    heights = {}
    for height, line in enumerate(reversed(drawing.splitlines())):
        # The names are before the two blanks behind which a line says what they are.
        names = re.match(r"(?:\w+(?: {2,3}(?=[A-Z]))?)+", line).group().split()
        heights |= dict.fromkeys(names, height)
    assert set(heights) == {path.name for path in (REPOSITORY / "Sources").iterdir() if path.is_dir()}
    manifest, looked_at = page("Package.swift"), 0
    for name in heights:
        whole = re.search(rf'(?:floor\(\s*|\.executableTarget\(\s*name: )"{name}",.*?\[(.*?)\]', manifest, re.DOTALL)
        for imported in re.findall(r'"(\w+)"', whole.group(1)) if whole else []:
            if imported in heights:
                looked_at += 1
                assert heights[imported] < heights[name], f"{name} imports {imported}, which is drawn above it"
    assert looked_at > 80


# Error codes


def documented_codes():
    found = set()
    for row in rows("docs/errors.md"):
        codes = re.findall(r"`([a-z_]+)`", row[1])
        assert codes and re.fullmatch(r"\d{3}(, \d{3})*", row[0]), row
        found |= set(codes)
    return found


def codes_of_the_sources():
    """The literal codes of problems, and the denials."""
    found = set()
    for path, text in SOURCES.items():
        # Problem(.conflict, "name_taken", … and the like, also over several lines.
        status = r'(?:\.\w+|error\.status|HTTPResponse\.Status\(code: \d+, reasonPhrase: "[\w ]+"\))'
        found |= set(re.findall(rf'Problem\(\s*{status},\s*"([a-z_]+)"', text))
        if path.name == "Refusal.swift":
            cases = re.findall(r'^        case (\w+)(?: = "([a-z_]+)")?$', text, re.MULTILINE)
            found |= {code or name for name, code in cases}
        if path.name == "Denial.swift":
            found |= set(re.findall(r'^    case \w+ = "([a-z_]+)"$', text, re.MULTILINE))
    return found


def test_the_error_codes_are_those_of_the_sources():
    codes = codes_of_the_sources()
    assert len(codes) > 70
    assert documented_codes() == codes


@pytest.mark.at_the_end
def test_every_error_code_of_the_run_is_documented(client, recorded):
    """Whatever form a code has in the sources: one that a caller was answered is on the page."""
    problem(client.call("GET", "/nowhere"), 404, "not_found")
    documented = documented_codes()
    seen = {"not_found"}
    for exchange in recorded:
        if exchange.header("x-latchkey-code"):
            seen.add(exchange.header("x-latchkey-code"))
        elif exchange.media_type == "application/problem+json" and exchange.is_whole and exchange.body:
            seen.add(json.loads(exchange.body)["code"])
    assert seen - documented == set()


# The README's picture of the demo


def test_the_demo_prints_what_the_readme_shows(homes):
    home = homes / "readme-demo"
    home.mkdir()
    told = run_command(home, ["demo"], deadline=60, name="demo").stdout
    blocks = re.findall(r"^```text\n(.*?)^```$", page("README.md"), re.MULTILINE | re.DOTALL)
    [shown] = [block for block in blocks if "the cat's key" in block]
    assert shown.count("\n") > 10 and shown in told
