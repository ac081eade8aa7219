"""docs/security.md holds: each row is there once, each test that it names exists, its numbers are those of the sources.

Behind that are a few things that the document says and no other test shows: what the sources never do (a shell, a
pattern on somebody's input, a value inside SQL, a sum that wraps), which versions are built, and some answers of a
running server.
"""

import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
from contextlib import contextmanager

import pytest

from client import Client, Person, elsewhere, expect, new_password, unique
from raw_http import converse, request
from receipts import STANDARD
from server import REPOSITORY
from shapes import openai_error, problem
from waiting import wait_for

DOCUMENT = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
SETTINGS = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
SOURCES = {path: path.read_text("utf-8") for path in sorted((REPOSITORY / "Sources").rglob("*.swift"))}

STATUSES = ["met", "partly", "not met", "not applicable yet"]
NUMBERS = [str(number) for number in range(1, 97)]
for letter, count in (("A", 4), ("N", 3), ("P", 2), ("B", 6), ("S", 3)):
    NUMBERS += [f"{letter}{number}" for number in range(1, count + 1)]

PYTHON_TEST = re.compile(r"`(Tests/EndToEnd/\w+\.py)::(test_\w+)`")
SWIFT_TEST = re.compile(r'`(Tests/\w+/\w+\.swift)` "([^"]+)"')
SWIFT_SENTENCE = re.compile(r'@Test\(\s*"((?:[^"\\]|\\.)*)"')


def tables(text):
    """(names of the columns, rows) of each Markdown table."""
    found = []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        assert all(re.fullmatch(r"-+", cell) for cell in lines[1]), f"no table: {block[:80]}"
        assert len({len(line) for line in lines}) == 1, f"rows of several lengths: {block[:80]}"
        found.append((lines[0], lines[2:]))
    return found


def table(*columns):
    """The rows of the one table with these columns."""
    [rows] = [rows for names, rows in tables(DOCUMENT) if names == list(columns)]
    return rows


ROWS = table("#", "id", "level", "requirement", "status", "shown by, or why not")


def named_in(text):
    return PYTHON_TEST.findall(text) + SWIFT_TEST.findall(text)


# The document itself


def test_every_row_is_there_once_and_in_order():
    assert [row[0] for row in ROWS] == NUMBERS
    for number, identifier, level, requirement, status, _ in ROWS:
        assert identifier and requirement and re.fullmatch(r"[123](?:[/–][123])?|–", level), number
        assert status in STATUSES, f"row {number}: {status}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_test_that_a_row_names_exists(row):
    """A Python test by its name, a Swift test by its sentence; and what looks like the name of a test is one."""
    shown = row[5]
    for path, name in named_in(shown):
        text = (REPOSITORY / path).read_text("utf-8")
        if path.endswith(".py"):
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{path} has no {name}"
        else:
            assert name in SWIFT_SENTENCE.findall(text), f"{path} has no test {name!r}"
    rest = SWIFT_TEST.sub("", PYTHON_TEST.sub("", shown))
    assert "Tests/" not in rest and "::" not in rest and "test_" not in rest, rest


def test_what_is_met_has_tests_and_what_is_not_has_a_reason():
    for number, _, _, _, status, shown in ROWS:
        if status == "met":
            assert named_in(shown), f"row {number} is met, and nothing shows it"
        else:
            reason = re.split(r"(?:Shown|The rest): ", SWIFT_TEST.sub("", PYTHON_TEST.sub("", shown)))[0]
            assert len(reason.strip(" .,;")) > 10 and reason.strip().endswith("."), f"row {number}: no reason"


def test_the_counts_are_those_of_the_table():
    counts = {status: sum(row[4] == status for row in ROWS) for status in STATUSES}
    sentence = (
        f"Of its {len(ROWS)} rows {counts['met']} are met, {counts['partly']} partly, {counts['not met']} not met and "
        f"{counts['not applicable yet']} not applicable yet."
    )
    assert sentence in " ".join(DOCUMENT.split()), f"it should say: {sentence}"


# What it says is kept, and of which keys


def test_every_table_of_the_database_has_a_data_class():
    made = {name for text in SOURCES.values() for name in re.findall(r"CREATE TABLE (?!IF\b)(\w+)", text)}
    renamed = {name for text in SOURCES.values() for name in re.findall(r"ALTER TABLE (\w+) RENAME TO", text)}
    listed = [name for row in table("what", "where", "at rest") for name in re.findall(r"`(\w+)`", row[1])]
    assert made - renamed == set(listed) and len(listed) == len(set(listed))


def test_every_purpose_of_the_two_keys_is_in_the_inventory():
    text = SOURCES[REPOSITORY / "Sources" / "Secrets" / "DeploymentSecrets.swift"]
    derived = {(key, purpose) for key, purpose in re.findall(r'derive\((master|pepper), "([^"]+)"\)', text)}
    assert len(derived) == 10
    rows = table("purpose", "key", "used for")
    assert {(row[1].strip("`").removesuffix(".key"), row[0].strip("`")) for row in rows} == derived


# Of limits and time-outs: the words of a row, its value, and the line of the source that has it.
CONSTANTS = [
    ("live keys of an account", "3 to 10", "Policy/CredentialCap.swift", "static let range = 3...10"),
    ("keys created by an account", "10 in a UTC day", "Policy/CredentialCap.swift", "static let limit = 10"),
    ("rotations of an account", "20 in a UTC day", "Policy/CredentialCap.swift", "static let limit = 20"),
    ("applications of an account", "1,000", "Applications/Application.swift", "static let limit = 1000"),
    ("users and open invitations of an account", "100", "Accounts/People/User.swift", "static let limit = 100"),
    ("live platform tokens of a user", "50", "Accounts/PlatformTokens/PlatformTokens.swift", "static let limit = 50"),
    ("sessions of a user", "50", "Accounts/Sessions/Session.swift", "static let limit = 50"),
    ("length of a password", "15 to 4,096", "Accounts/Proofs/Password.swift", "static let minimumLength = 15"),
    ("length of a password", "15 to 4,096", "Accounts/Proofs/Password.swift", "static let maximumLength = 4096"),
    ("wrong proofs from one source for one address", "10 in 15", "Accounts/Proofs/SignInThrottle.swift", "let perPair = 10"),
    ("wrong proofs from one source for one address", "in 15 min", "Accounts/Proofs/SignInThrottle.swift", "= .seconds(900)"),
    ("wrong proofs from one source", "100 in 15", "Accounts/Proofs/SignInThrottle.swift", "let perSource = 100"),
    ("items on a page of a list", "100", "Database/Page.swift", "static let limits = 1...100"),
    ("lines of a usage report", "10,000", "Metering/UsageReport.swift", "static let limit = 10_000"),
    ("stored answer of one call", "1 MiB", "Metering/Idempotency.swift", "static let limit = 1 << 20"),
    ("stored answers of one key", "64 MiB", "Metering/Idempotency.swift", "kept: Int64 = 64 << 20"),
    ("how long a call with an Idempotency-Key is remembered", "24 hours", "Metering/Idempotency.swift", "(86_400)"),
    ("body of a management call", "256 KiB", "ManagementAPI/ManagementAPI.swift", "bodyLimit = 256 * 1024"),
    ("body of a call that anybody may make", "64 KiB", "ManagementAPI/ManagementAPI.swift", "BodyLimit = 64 * 1024"),
    ("form of the console", "320 KiB", "Console/Form.swift", "longest = 320 * 1024"),
    ("form of the console that anybody may send", "32 KiB", "Console/Form.swift", "longestOpen = 32 * 1024"),
    (
        "form of a sign-in, which may carry one of the console whose session is over",
        "356 KiB",
        "Console/Form.swift",
        "longestCarrying = 356 * 1024",
    ),
    (
        "a password that waits for the code of a second factor, in memory",
        "five minutes",
        "Console/WaitingSignIns.swift",
        "now.adding(.seconds(300))",
    ),
    ("depth of JSON", "64", "JSON/JSONParser.swift", "maximumDepth = 64"),
    ("a whole request head", "75 s", "Line/LineBounds.swift", "headTime: TimeAmount = .seconds(75)"),
    ("silence inside a body", "60 s", "Line/LineBounds.swift", "silence: TimeAmount = .seconds(60)"),
    ("the least rate of a body, after its first minute", "1 KiB/s", "Line/LineBounds.swift", "rate = 1024"),
    ("the least rate of a body, after its first minute", "", "Line/LineBounds.swift", "grace: TimeAmount = .seconds(60)"),
    ("a caller that takes nothing", "60 s", "Line/LineBounds.swift", "stall: TimeAmount = .seconds(60)"),
    ("a refused body that is still read", "16 MiB", "Line/LineBounds.swift", "drained = 16 * 1024 * 1024"),
    ("a caller that still sends after the last answer of a connection", "30 s", "Line/LineBounds.swift", ".seconds(30)"),
    ("requests that are sent before the answer to the one before", "64 K", "Line/LineBounds.swift", "lined = 64 * 1024"),
    (
        "management requests under way of one address (one /48 of IPv6)",
        "8",
        "latchkey/Setting.swift",
        'case .managementTurns: "8"',
    ),
    ("labels of a key", "10", "Credentials/KeyLabel.swift", "most = 10"),
    ("keys that a page of a filtered list looks at", "1,000", "Credentials/KeyRun.swift", "var window = 1000"),
    ("waiting for a turn", "30 s", "Web/RequestTurn.swift", "longestWait = TimeAmount.seconds(30)"),
    ("waiting for a hash", "10 s", "latchkey/Deployment.swift", "deadline: .seconds(10)"),
    ("reads of the database", "1,024", "Database/Database.swift", "var depth = 1024"),
    ("writes of the database", "256", "Database/Database.swift", "var writes = 256"),
    ("waiting for the database", "10 s", "Database/Database.swift", "var wait: Duration = .seconds(10)"),
    ("connections that read the database", "4", "Database/Database.swift", "maximumReaderCount = 4"),
    ("a lock of the database", "5 s", "Database/Database.swift", "busyMode = .timeout(5)"),
    ("calls that hold credits", "65,536", "Metering/Purses.swift", "mostOpen: Int = 65_536"),
    (
        "accounts whose credits are in memory while no call of theirs is under way",
        "50,000",
        "Metering/Metering.swift",
        "purses capacity: Int = 50_000",
    ),
    (
        "different keys, codes and days of refused calls between two folds",
        "10,000",
        "Metering/RefusedCalls.swift",
        "static let most = 10_000",
    ),
    ("an idle connection to an upstream", "30 s", "Gateway/Upstream/UpstreamBounds.swift", "keep: TimeAmount = .seconds(30)"),
    ("calls under way when the server stops", "15 s", "latchkey/Server.swift", "ShutdownDuration = .seconds(15)"),
]


@pytest.mark.parametrize("words, value, file, line", CONSTANTS, ids=lambda value: str(value)[:40])
def test_a_fixed_limit_is_the_one_of_the_sources(words, value, file, line):
    rows = table("what", "limit", "set by") + table("what", "how long or how many", "set by")
    [limit] = [row[1] for row in rows if row[0] == words]
    assert value in limit, f"{words}: {limit}"
    assert line in SOURCES[REPOSITORY / "Sources" / file], f"{file} says otherwise"


def test_a_limit_that_is_a_setting_is_its_default():
    defaults = dict(re.findall(r"^\| `(LATCHKEY_\w+)` \| `[\w.]+` \| `(\d+)` \|", SETTINGS, re.MULTILINE))
    seen = set()
    for words, limit, by in table("what", "limit", "set by") + table("what", "how long or how many", "set by"):
        for name in re.findall(r"`(LATCHKEY_\w+)`", by):
            seen.add(name)
            number = int(re.match(r"[\d,]+", limit).group().replace(",", ""))
            unit = {"MiB": 1 << 20, "ms": 1, "s": 1000}.get((limit.replace(";", "").split() + [""])[1], 1)
            is_length = name.endswith(("_BYTES", "_MS"))
            assert number * (unit if is_length else 1) == int(defaults[name]), f"{words}: {limit}"
    assert {n for n in defaults if "GATEWAY" in n or "QUEUE" in n or "SESSION" in n or "MAX" in n} <= seen


# What the sources never do


def places(pattern):
    return {
        str(path.relative_to(REPOSITORY / "Sources")) for path, text in SOURCES.items() if re.search(pattern, text)
    }


def test_no_shell_and_no_program_is_started_but_git_by_the_scanner():
    """ASVS 1.2.5. `latchkey scan` asks git for a history; the server starts nothing."""
    git = "Scan/Git.swift"
    assert places(r"\bProcess\(|\bposix_spawnp?\b|\bpopen\(|\bsystem\(|\bfork\(|\bexecv?[lpe]*\(") == {git}
    text = SOURCES[REPOSITORY / "Sources" / git]
    assert re.findall(r"executableURL = (.*)", text) == ['URL(filePath: "/usr/bin/env")']
    assert 'process.arguments = ["git", "-C", folder] + arguments' in text


def test_no_pattern_is_run_over_anybodys_input():
    """ASVS 1.3.12: no regular expressions, but those in which the scanner masks keys in the names of files."""
    assert places(r"\bRegex\b|NSRegularExpression|#/|\bwholeMatch\(|\bfirstMatch\(|\.regularExpression") == {
        "Scan/KeyKinds.swift"
    }


def test_no_sum_of_credits_wraps():
    """ASVS 1.4.2: in Swift + and * stop the process rather than wrap. What wraps is spelled &+, and not near money."""
    # Where bytes are scanned, eight at a time, or places counted in a head that is bounded.
    scanning = {f"Wire/{name}.swift" for name in ("ByteClass", "HeadFacts", "Places", "StatusLine")} | {"JSON/EightBytes.swift"}
    allowed = {"Values/Entropy.swift", "Secrets/Base62.swift", "Secrets/TokenScanner.swift"} | scanning
    # A digest of a question, which is no sum.
    allowed |= {"Management/KeyListQuestion.swift"}
    assert places(r"&[-+*]=? ") <= allowed
    for floor in ("Policy/", "Catalog/", "Metering/", "Calls/"):
        assert [place for place in places(r"\bCredits\b") if place.startswith(floor)], f"no money is in {floor}"
        assert not [place for place in places(r"\b(Double|Float|CGFloat|Decimal)\b") if place.startswith(floor)]


# What stands inside the text of a statement: lists of columns and conditions that are constants of the same floor, the
# columns of the dimensions of a report, the rows that a report is made of, and sums. Never a value.
FRAGMENTS = {
    # Of lists of keys: the columns and the directions of four orders, the rows that they come from, and one condition of two
    # columns. What is searched for is a parameter in all of them.
    "CredentialTable.columns",
    "CredentialTable.tables",
    "Self.isUnexpired",
    "isUnexpired",
    "from",
    "isFound",
    "ofApplication",
    "column",
    "beyond",
    "within",
    "order",
    "hasCurrent",
    "hasRetiring",
    "columns",
    "tables",
    "terms",
    "isLive",
    "secretColumns",
    "withRevealPair",
    "UserTable.columns",
    "UserTable.secretColumns",
    "UserTable.withRevealPair",
    "ChargeTable.isUnfolded",
    "ChargeTable.time",
    "ChargeTable.day",
    "charge",
    "names",
    "condition",
    'lines("account_id = $1")',
    'lines("multiplier_id = $1")',
    "ChargeTable.passes",
    "LedgerTable.ahead",
    "passes",
    'ExactSum.sql("amount", as: "amount")',
    'ExactSum.sql("charges.amount", as: "amount")',
    'ExactSum.sql("amount", as: "granted")',
    'ExactSum.sql("amount", as: "posted")',
}
REPORTS = {"UsageDayTable+Reading.swift", "RefusedCallTable.swift"}
LITERAL = re.compile(r'"""(.*?)"""|"((?:\\.|[^"\\\n])*)"', re.DOTALL)
STATEMENT = re.compile(
    r"\bSELECT\b.*\bFROM\b|INSERT INTO|UPDATE \w+ SET|DELETE FROM|\bWHERE\b|\bJOIN\b|ORDER BY", re.DOTALL
)
CONSTANT = re.compile(r"\b(?:let|var) (?:columns|tables|isLive|\w+Columns|withRevealPair)\b *=\s*(\S+)")


def test_no_value_stands_in_the_text_of_a_statement():
    """ASVS 1.2.4: all go by parameters ($1), and there is no LIKE. A new fragment is looked at here, or this is red."""
    statements, found = 0, set()
    for text in SOURCES.values():
        for match in LITERAL.finditer(text):
            literal = match.group(1) or match.group(2) or ""
            if STATEMENT.search(literal):
                statements += 1
                found |= set(re.findall(r"\\\(((?:[^()]|\([^()]*\))*)\)", literal))
                assert not re.search(r"\bLIKE\b|\bGLOB\b", literal), literal
    assert statements > 100
    assert found <= FRAGMENTS, found - FRAGMENTS
    # A constant is one: of the names above only a report's columns are put together, out of a few words.
    for path, text in SOURCES.items():
        if "Table" in path.name:
            for value in CONSTANT.findall(text):
                is_of_report = path.name in REPORTS and value.startswith("request.by.map(column)")
                assert value.startswith('"') or value == "columns" or is_of_report, f"{path.name}: {value}"


# What it is built from


def pinned():
    pins = json.loads((REPOSITORY / "Package.resolved").read_text("utf-8"))["pins"]
    return {pin["identity"]: pin for pin in pins}


@pytest.mark.parametrize("name, floor", [("swift-nio", (2, 100, 0)), ("swift-nio-http2", (1, 44, 1))])
def test_a_library_is_newer_than_its_known_defect(name, floor):
    """S1: GHSA-cq87-8r7h-962v; S2: GHSA-4px2-pw77-vc85."""
    assert tuple(map(int, pinned()[name]["state"]["version"].split("."))) >= floor


def test_every_dependency_is_pinned():
    """ASVS 15.2.4: one version, one commit and a known place for each."""
    manifest = (REPOSITORY / "Package.swift").read_text("utf-8")
    wanted = re.findall(r'\.package\(url: "([^"]+)", (\w+): "([\d.]+)"\)', manifest)
    assert len(wanted) == manifest.count(".package(url:") and {how for _, how, _ in wanted} == {"exact"}
    pins = pinned()
    for url, _, version in wanted:
        assert pins[url.rsplit("/", 1)[1].lower()]["state"]["version"] == version
    for pin in pins.values():
        assert re.fullmatch(r"[0-9a-f]{40}", pin["state"]["revision"]) and pin["state"]["version"], pin
        assert re.match(r"https://github\.com/[\w-]+/", pin["location"]), pin


def test_no_answer_is_a_redirect():
    """ASVS 3.7.2: none is documented, and every answer of a run is as documented (test_openapi.py)."""
    text = (REPOSITORY / "openapi.yaml").read_text("utf-8")
    statuses = set(re.findall(r"^\s+['\"]?([1-5](?:\d\d|XX))['\"]?:", text, re.MULTILINE))
    assert "200" in statuses and not [status for status in statuses if status.startswith("3")], statuses


# A running server


def test_a_password_does_not_end_by_itself(own_clocked):
    """ASVS 6.2.10: nobody has to choose another one because time has passed."""
    person = own_clocked.new_person(own_clocked.new_account(credits=None)["id"])
    own_clocked.clock.forward(days=800)
    expect(Person(elsewhere(own_clocked.server), person.email, person.password).try_sign_in(), 201)


def test_a_missing_scope_is_named_in_the_challenge(tenant):
    """RFC 6750 §3.1 (B1)."""
    token = tenant.person.platform_token(["usage:read"])["token"]
    refusal = tenant.client.call("GET", "/api/v1/applications", token=token)
    problem(refusal, 403, "insufficient_scope")
    assert (
        refusal.headers["www-authenticate"]
        == 'Bearer realm="latchkey", error="insufficient_scope", scope="applications:read"'
    )


def test_a_refused_sign_in_is_in_the_log_with_its_source(deployment):
    """ASVS 16.3.1, 16.3.2: refused sign-ins, tokens and rights are worth a notice, with where they came from."""
    source = elsewhere(deployment.server)
    tenant = deployment.new_tenant(credits=None)
    cases = [("POST", "/api/v1/sessions", 401), ("GET", "/api/v1/applications", 401), ("GET", "/api/v1/providers", 403)]
    for method, path, status in cases:
        if method == "POST":
            answer = Person(source, tenant.person.email, new_password()).try_sign_in()
        else:
            answer = source.call(method, path, token=tenant.token if status == 403 else "lkp-nonsense")
        expect(answer, status)

    def lines():
        return [line for line in deployment.server.stderr.splitlines() if f"client={source.source} " in line + " "]

    wait_for("three lines", lambda: len(lines()) >= 3, deadline=5)
    for method, path, status in cases:
        [line] = [each for each in lines() if f"status={status}" in each and f"route={path}" in each]
        assert " notice " in line and f"method={method}" in line
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d{4}|Z)", line), "a time with its zone"
        assert tenant.person.email not in line


def own_model(deployment, base_url):
    """A tenant with a key for a model at this address."""
    body = {"name": unique("own"), "kind": "openai", "base_url": base_url}
    provider = expect(deployment.call("POST", "/api/v1/providers", json=body), 201).json()
    name = unique("own-model")
    expect(deployment.call("POST", "/api/v1/models", json={"provider_id": provider["id"], "name": name}), 201)
    tenant = deployment.new_tenant(credits=100)
    return tenant, tenant.key(tenant.application(model=name)["id"])


@contextmanager
def listening(answer):
    """(port, what `answer` returned) of a socket that hands each connection to `answer`."""
    seen = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    seen.append(answer(connection))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_an_upstream_whose_certificate_nobody_has_signed_is_refused(deployment, home):
    """ASVS 12.3.2: the upstream is told why, and never sees the call or the provider's secret."""
    key, certificate = home / "key.pem", home / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def shake_hands(connection):
        connection.settimeout(10)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                return secured.recv(1000)  # TLS 1.3: the client's refusal comes after the handshake
        except OSError as error:
            return str(error)

    with listening(shake_hands) as (port, seen):
        tenant, token = own_model(deployment, f"https://localhost:{port}/v1")
        openai_error(tenant.client.chat(token), 502, "upstream_failed", denial="upstream_failed")
        wait_for("the end of the handshake", lambda: seen, deadline=10)
    for outcome in seen:
        assert isinstance(outcome, str), f"the upstream was sent {outcome!r}"
    # The call is refused with an alert; a second look at the certificate, for the log, ends without one.
    alerts = [re.search("unknown ca|bad certificate|certificate unknown", each, re.IGNORECASE) for each in seen]
    assert any(alerts) and all(found or "EOF" in each for found, each in zip(alerts, seen, strict=True)), seen
    assert tenant.settled()["balance"] == 100


USAGES = ["-1", "1e308", '"NaN"', "9223372036854775808", "[]", "null", '{"total_tokens":-1}']


def test_what_an_upstream_says_of_usage_is_not_believed(deployment):
    """A4: whatever numbers come, the price is the one that the call was admitted at, and the answer passes as it is."""
    bodies = [
        '{"choices":[{"message":{"role":"assistant","content":"hi"}}],'
        f'"usage":{{"prompt_tokens":{value},"completion_tokens":{value},"total_tokens":{value}}}}}'
        for value in USAGES
    ]
    left = list(bodies)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            body = left.pop(0).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as hostile:
        threading.Thread(target=hostile.serve_forever, daemon=True).start()
        tenant, token = own_model(deployment, f"http://127.0.0.1:{hostile.server_port}/v1")
        deployment.grant(tenant.account["id"], 100)
        before = tenant.settled()["balance"]
        for number, body in enumerate(bodies, 1):
            answer = expect(tenant.client.chat(token, through_upstream=True), 200)
            assert answer.text == body and answer.headers["x-latchkey-cost"] == str(STANDARD)
            assert tenant.settled()["balance"] == before - number * STANDARD
        hostile.shutdown()


def test_more_connections_than_there_may_be_wait(own_server):
    """A1: the third connection of two is taken when one of them ends, and not before."""
    server = own_server(settings={"LATCHKEY_LISTEN_MAX_CONNECTIONS": 2}).start()
    first, second = (socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(2))
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with second:
        with first:
            for connection in (first, second):
                connection.sendall(ask)
                assert connection.recv(12) == b"HTTP/1.1 200"
            with socket.create_connection(("127.0.0.1", server.port), timeout=10) as third:
                third.sendall(ask)
                third.settimeout(1.5)
                with pytest.raises(TimeoutError):
                    third.recv(12)
                first.close()
                third.settimeout(10)
                assert third.recv(12) == b"HTTP/1.1 200"
    assert converse(server, request("GET", "/healthz"), method="GET", path="/healthz").first.status == 200
    expect(Client(server).call("GET", "/readyz"), 200)
