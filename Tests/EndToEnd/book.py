"""openapi.yaml as a judge: of answers, of the bodies that callers send, and of its own examples."""

import functools
import json
import re
from urllib.parse import quote

import jsonschema_rs

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?\Z")
BASE = "urn:latchkey:openapi"
# Ids and times differ from answer to answer. Any well-formed one is as good to a schema as another, so answers that
# differ in nothing else are judged once.
PASSING = [
    (re.compile(rb'(?<=")[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?=")'), b"an id"),
    (re.compile(rb'(?<=")\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z(?=")'), b"a time"),
]


def is_own(header):
    """Whether a header is Latchkey's own, so that the document has to know it."""
    return header.lower().startswith("x-latchkey-") or header.lower() in ("idempotency-replayed", "x-should-retry")


def absolute(schema):
    """A part of the document, with references that lead back into it."""
    if isinstance(schema, dict):
        return {name: f"{BASE}{part}" if name == "$ref" else absolute(part) for name, part in schema.items()}
    return [absolute(part) for part in schema] if isinstance(schema, list) else schema


class Book:
    """Looks answers up in the document."""

    def __init__(self, document):
        self.document = document
        self.registry = jsonschema_rs.Registry([(BASE, document)], draft=jsonschema_rs.Draft202012)
        self.validators = {}
        self.judged = {}
        self.templates = []
        for template in document["paths"]:
            # A parameter is one segment; a template with fewer parameters is the more exact one.
            pattern = "".join(
                "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", template)
            )
            self.templates.append((template.count("{"), re.compile(pattern.rstrip("/") + "/?\\Z"), template))
        self.templates.sort(key=lambda entry: entry[0])

    @functools.lru_cache(maxsize=None)
    def template(self, path):
        return next((template for _, pattern, template in self.templates if pattern.match(path)), None)

    def resolved(self, value, pointer):
        """Follows $ref within the document; gives the value and the JSON pointer where it really stands."""
        while isinstance(value, dict) and "$ref" in value:
            pointer = value["$ref"].removeprefix("#")
            value = self.document
            for name in pointer.split("/")[1:]:
                value = value[name.replace("~1", "/").replace("~0", "~")]
        return value, pointer

    def response(self, template, method, status):
        """(the documented answer, its pointer), or None."""
        place = "/paths/" + template.replace("~", "~0").replace("/", "~1") + f"/{method}"
        responses = self.document["paths"][template][method]["responses"]
        for name in (str(status), f"{status // 100}XX", "default"):
            if name in responses:
                return self.resolved(responses[name], f"{place}/responses/{name}")
        return None

    def validator(self, pointer):
        if pointer not in self.validators:
            # A pointer is a fragment of a URI, in which braces are escaped (RFC 6901 §6).
            self.validators[pointer] = self.of({"$ref": f"#{quote(pointer, safe='/~')}"})
        return self.validators[pointer]

    def of(self, schema):
        """The validator of a schema that stands somewhere in the document."""
        return jsonschema_rs.Draft202012Validator(
            {"$id": BASE + ":part", "allOf": [absolute(schema)]},
            registry=self.registry,
            validate_formats=True,
            formats={"date-time": lambda value: bool(DATE_TIME.match(value))},
        )

    def error(self, pointer, value):
        """What the schema there refuses first, in words, or None."""
        for error in self.validator(pointer).iter_errors(value):
            return f"at {'.'.join(map(str, error.instance_path)) or 'the top'}: {error.message[:200]}"
        return None

    def header_fault(self, exchange, answer, pointer):
        """The headers that are Latchkey's own, and what the document says of them for this answer."""
        documented = {name.lower(): name for name in answer.get("headers", {})}
        for name, value in exchange.headers:
            if not is_own(name):
                continue
            lower = name.lower()
            if lower not in documented:
                return f"has the undocumented header {name}"
            _, place = self.resolved(answer["headers"][documented[lower]], f"{pointer}/headers/{documented[lower]}")
            schema, _ = self.resolved({"$ref": f"#{place}/schema"}, "")
            is_number = schema["type"] in ("number", "integer")
            if is_number and not PLAIN_NUMBER.match(value):
                return f"header {name}: {value!r} is no plain number"
            error = self.error(f"{place}/schema", float(value) if is_number else value)
            if error:
                return f"header {name}: {error}"
        return None

    def fault(self, exchange):
        """What the document says otherwise about one recorded answer, or None. Asked once of answers that are alike."""
        body = exchange.body
        for pattern, instead in PASSING:
            body = pattern.sub(instead, body)
        own = tuple(header for header in exchange.headers if is_own(header[0]))
        about = (exchange.method, exchange.path.split("?")[0], exchange.status, exchange.media_type, own)
        about += (exchange.is_whole, exchange.through_upstream, body)
        if about not in self.judged:
            self.judged[about] = self.judge(exchange)
        return self.judged[about]

    def judge(self, exchange):
        path, method = exchange.path.split("?")[0], exchange.method.lower()
        template = self.template(path)
        if template is None:
            return f"the document does not have the path {path}" if exchange.status < 400 else None
        if method not in self.document["paths"][template]:
            # What is not documented is refused with 405 (HEAD is GET without a body).
            return (
                None
                if exchange.status >= 400 or method in ("head", "options")
                else f"{method} {template} is served and not documented"
            )
        name = f"{method.upper()} {template} {exchange.status}"
        found = self.response(template, method, exchange.status)
        if found is None:
            return f"{name} is not documented"
        answer, pointer = found
        header_fault = self.header_fault(exchange, answer, pointer)
        if header_fault:
            return f"{name}: {header_fault}"
        contents = answer.get("content", {})
        if not exchange.body:
            return f"{name} should have a body" if contents and exchange.is_whole else None
        if exchange.media_type not in contents:
            return f"{name} came as {exchange.media_type!r}, documented are {sorted(contents)}"
        # A body that an upstream made is only as good as the upstream; one that was cut can't be read.
        if not exchange.is_whole or exchange.through_upstream or not exchange.media_type.endswith("json"):
            return None
        if "schema" not in contents[exchange.media_type]:
            return f"{name} has no schema"
        _, place = self.resolved(
            contents[exchange.media_type]["schema"],
            f"{pointer}/content/{exchange.media_type.replace('/', '~1')}/schema",
        )
        error = self.error(place, json.loads(exchange.body))
        return f"{name}: {error}" if error else None
