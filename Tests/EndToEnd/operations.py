"""The operations of openapi.yaml, so that tests which must cover each of them notice a new one."""

import functools
import re
from dataclasses import dataclass
from functools import cached_property

import yaml

from server import REPOSITORY

DOCUMENT_PATH = REPOSITORY / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@functools.cache
def load():
    """The document; nobody changes it. By the library in C: the one in Python takes seconds."""
    return yaml.load(DOCUMENT_PATH.read_text("utf-8"), Loader=yaml.CSafeLoader)


@dataclass(frozen=True)
class Operation:
    id: str
    method: str  # in capitals
    path: str  # with its parameters in braces
    parameters: tuple  # the names in braces, in order
    fields: frozenset  # of the JSON body; empty when there is none
    has_body: bool
    scopes: frozenset  # each of which opens it to a platform token
    schemes: frozenset  # what else opens it: "appKey", "platformToken", "sessionCookie"; empty when anybody may call

    @property
    def is_management(self):
        return self.path.startswith("/api/v1/")

    def at(self, ids):
        """The path with its parameters put in."""
        return re.sub(r"\{(\w+)\}", lambda found: ids[found.group(1)], self.path)


class Operations:
    @cached_property
    def document(self):
        return load()

    def resolved(self, value):
        while isinstance(value, dict) and "$ref" in value:
            pointer, value = value["$ref"].removeprefix("#/").split("/"), self.document
            for name in pointer:
                value = value[name.replace("~1", "/").replace("~0", "~")]
        return value

    def _fields(self, schema):
        """All names that a body of this schema may have, whichever of its alternatives is meant."""
        schema = self.resolved(schema)
        names = set(schema.get("properties", {}))
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, []):
                names |= self._fields(part)
        return names

    @cached_property
    def all(self):
        """By operationId, in the order of the document."""
        found = {}
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method not in item:
                    continue
                operation = item[method]
                body = self.resolved(operation.get("requestBody", {})).get("content", {}).get("application/json")
                security = operation.get("security", self.document.get("security", []))
                found[operation["operationId"]] = Operation(
                    id=operation["operationId"],
                    method=method.upper(),
                    path=path,
                    parameters=tuple(re.findall(r"\{(\w+)\}", path)),
                    fields=frozenset(self._fields(body["schema"]) if body else ()),
                    has_body="requestBody" in operation,
                    scopes=frozenset(scope for way in security for scope in way.get("platformToken", ())),
                    schemes=frozenset(name for way in security for name in way if name != "csrfToken"),
                )
        assert found, "the document has no operation at all"
        return found


OPERATIONS = Operations().all
