"""The shapes that the contract fixes: problem documents, OpenAI errors, ids, times and tokens."""

import re

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z\Z")
KEY = re.compile(r"sk-[0-9A-Za-z]{51}\Z")
PLATFORM_TOKEN = re.compile(r"lkp-[0-9A-Za-z]{51}\Z")
INVITATION_TOKEN = re.compile(r"lki-[0-9A-Za-z]{51}\Z")
RESET_TOKEN = re.compile(r"lkr-[0-9A-Za-z]{51}\Z")
SETUP_TOKEN = re.compile(r"lks-[0-9A-Za-z]{51}\Z")
HINT = re.compile(r"(?:sk-|lkp-)[0-9A-Za-z]{3}…[0-9A-Za-z]{2}\Z")

BASE62_ALPHABETS = [
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
]

USER = {"id", "account_id", "email", "role", "admin", "second_factor", "created_at"}
SESSION = {"csrf_token", "expires_at", "idle_expires_at", "fresh_until", "user"}
ACCOUNT = {
    "id",
    "name",
    "credential_cap",
    "default_group",
    "groups",
    "suspended",
    "revealable_keys",
    "key_rotation_age_days",
    "balance",
    "held",
    "available",
    "closed_at",
    "created_at",
    "updated_at",
}

# What no public sentence holds: SQL, stack traces, file paths, names from inside.
INTERNALS = re.compile(
    r"SQLITE|SQLite|GRDB|\bSELECT\b.*\bFROM\b|\bINSERT INTO\b|\bUNIQUE constraint|FOREIGN KEY|"
    r"Swift\.|\.swift\b|Fatal error|NIO[A-Z]|HTTPParser|DecodingError|EncodingError|stack trace|\bat 0x[0-9a-f]+|"
    r"/home/|/usr/|/tmp/|/var/|\.build/|inside-information|Optional\(|\bnil\b"
)


def problem(response, status, code, field=None):
    """Asserts a problem document (RFC 9457) with this code, and with a rule for `field` if one is named. Returns it."""
    about = f"{response.request.method} {response.request.path_url} -> {response.status_code} {response.text[:600]}"
    assert response.status_code == status, f"expected {status} {code}: {about}"
    return problem_body(response.headers.get("content-type", ""), response.json(), status, code, field, about)


def problem_body(media_type, body, status, code, field=None, about=""):
    assert media_type.split(";")[0] == "application/problem+json", about
    wanted = {"type", "title", "status", "detail", "code"}
    assert wanted <= set(body) <= wanted | {"errors"}, about
    assert body["status"] == status, about
    assert body["type"] == f"urn:latchkey:problem:{body['code']}", about
    assert body["title"] and body["detail"], about
    codes = {code} if isinstance(code, str) else set(code)
    assert body["code"] in codes, f"expected code {code}: {about}"
    if field is not None:
        rules = {error["field"]: error["rule"] for error in body["errors"]}
        assert field in rules, f"no rule for {field}: {about}"
        assert rules[field], about
    for error in body.get("errors", []):
        assert set(error) == {"field", "rule"}, about
    return body


def rule(response, field):
    """The rule that a problem document names for a field."""
    return {error["field"]: error["rule"] for error in response.json()["errors"]}[field]


def openai_error(response, status, code, denial=None, param=...):
    """Asserts an error in OpenAI's shape; `denial` is the product's own code in X-Latchkey-Code. Returns the error."""
    about = f"{response.request.method} {response.request.path_url} -> {response.status_code} {response.text[:600]}"
    assert response.status_code == status, f"expected {status} {code}: {about}"
    assert response.headers.get("content-type", "").split(";")[0] == "application/json", about
    body = response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}, about
    error = body["error"]
    of_status = "server_error" if status >= 500 else "invalid_request_error"
    assert error["type"] == ("insufficient_quota" if code == "insufficient_quota" else of_status), about
    assert error["message"], about
    codes = {code} if isinstance(code, str) else set(code)
    assert error["code"] in codes, f"expected code {code}: {about}"
    if denial is not None:
        assert (
            response.headers.get("x-latchkey-code") == denial
        ), f"X-Latchkey-Code {response.headers.get('x-latchkey-code')}: {about}"
    if param is not ...:
        assert error["param"] == param, about
    if status == 401:
        assert response.headers.get("www-authenticate", "").startswith('Bearer realm="latchkey"'), about
    return error


def same_bytes(one, other):
    """Asserts that two answers can't be told apart, but for the request id and the date that each has of its own."""

    def essence(response):
        own = {"x-request-id", "date"}
        headers = sorted((k.lower(), v) for k, v in response.raw.headers.items() if k.lower() not in own)
        return response.status_code, headers, response.content

    assert essence(one) == essence(other), f"\n{essence(one)}\n{essence(other)}"


def crc32_base62(text, alphabet):
    """The six characters of CRC-32 at the end of a token, over all that stand before them."""
    import zlib

    value, digits = zlib.crc32(text.encode("ascii")), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = alphabet[digit] + digits
    return digits


def alphabet_of(token):
    """The base62 alphabet in which this token's checksum is right. Anyone can check a token offline with this."""
    for alphabet in BASE62_ALPHABETS:
        if crc32_base62(token[:-6], alphabet) == token[-6:]:
            return alphabet
    raise AssertionError("the checksum of a genuine token is right in no base62 alphabet")


def forged(genuine):
    """Well-formed, with a right checksum, and made by nobody: only the keyed tag is wrong."""
    import random

    alphabet = alphabet_of(genuine)
    prefix = genuine[:-51]
    text = prefix + "".join(random.SystemRandom().choices(alphabet, k=45))
    return text + crc32_base62(text, alphabet)
