"""A vendor's OpenAPI document, asked about single requests: also whether they say anything that it does not know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from connectors.swagger import as_openapi3

_STANDARD_HEADERS = {"accept", "authorization", "content-type", "user-agent"}
_ERROR = 400
_ERROR = 400
_COMBINED = ("allOf", "oneOf", "anyOf")


@dataclass(frozen=True)
class Specification:
    """`common` are parameters that every GET takes, `headers` what every request may have, though the document does not say so.

    `in_header`: parameters that go into a header, though it says query. `without`: path templates of other objects that look the same. `free`: objects whose keys the document
    leaves to its readers in words only.
    """

    document: Mapping[str, Any]
    common: frozenset[str] = field(default_factory=frozenset)
    headers: frozenset[str] = field(default_factory=frozenset)
    in_header: frozenset[str] = field(default_factory=frozenset)
    prefix: str = ""
    without: frozenset[str] = field(default_factory=frozenset)
    free: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def read(cls, path: Path, *, replaced: Mapping[str, Any] | None = None, **details: Any) -> Specification:
        """Return the document at `path`; `replaced` are schemas that it leaves open and another source describes."""
        document = json.loads(path.read_text(encoding="utf-8"))
        if "swagger" in document:
            document = as_openapi3(document)
        if replaced is not None:
            document["components"]["schemas"] |= replaced
        return cls(document, **details)

    def problems(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> Iterator[str]:
        """Yield everything in a request that the document does not allow or does not know."""
        parts = urlsplit(url)
        operation = self.operation(method, parts.path)
        if operation is None:
            yield f"{method} {parts.path} is not in the document"
            return
        yield from self._query(operation, method, dict(parse_qsl(parts.query, keep_blank_values=True)))
        yield from self._headers(operation, headers)
        yield from self._body(operation, headers, body)

    def unknown_in_answer(self, method: str, url: str, status: int, body: Any) -> Iterator[str]:
        """Yield the keys of an answer that the document does not know."""
        operation = self.operation(method, urlsplit(url).path) or {}
        described = operation.get("responses", {}).get(str(status), {})
        for content in self.resolved(described).get("content", {}).values():
            yield from self.unknown(content.get("schema", {}), body, "answer")

    def problems_in_answer(self, method: str, url: str, status: int, body: Any) -> Iterator[str]:
        """Yield everything in an answer that the document does not know or allow.

        It may say less than is promised, or null, and ids may be short. Of an error only the keys are looked at, and
        only where the document describes it.
        """
        operation = self.operation(method, urlsplit(url).path) or {}
        answers = operation.get("responses", {})
        described = next(
            (answers[key] for key in (str(status), "default", f"{status // 100}XX") if key in answers), None
        )
        is_error = status >= _ERROR
        if described is None and not is_error:
            yield f"the status {status} is not one of {list(answers)}"
        for content in self.resolved(described or {}).get("content", {}).values() if body is not None else ():
            schema = content.get("schema", {})
            yield from self.unknown(schema, body, "answer")
            if not is_error:
                yield from self._invalid(schema, body, "answer", lenient=True)

    def wrong_in_answer(self, method: str, url: str, status: int, body: Any) -> Iterator[str]:
        """Yield what an answer says otherwise than the document does; what it leaves out is no matter here."""
        operation = self.operation(method, urlsplit(url).path) or {}
        answers = operation.get("responses", {})
        described = answers.get(str(status), answers.get(f"{status // 100}XX", answers.get("default")))
        if described is None and status >= _ERROR and not any(_is_error(name) for name in answers):
            return  # the document leaves errors to a page of its own
        if described is None:
            yield f"HTTP {status} is not in the document: {sorted(answers)}"
            return
        contents = self.resolved(described).get("content", {})
        found = [
            [
                *self._invalid(content.get("schema", {}), body, "answer"),
                *self.unknown(content.get("schema", {}), body, "answer"),
            ]
            for content in contents.values()
            if body is not None
        ]
        least = min(found, key=len, default=[])
        yield from (text for text in least if "is a required property" not in text)

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """Return the operation of a path: of several templates that fit, the one with the most fixed parts."""
        given = path.removeprefix(self.prefix).strip("/").split("/")
        fitting: list[tuple[int, str]] = []
        for template in self.document["paths"].keys() - self.without:
            wanted = template.partition("#")[0].strip("/").split("/")
            if len(wanted) == len(given) and all(map(_fits, wanted, given)):
                fitting.append((sum("{" not in part for part in wanted), template))
        if not fitting:
            return None
        found: Mapping[str, Any] | None = self.document["paths"][max(fitting)[1]].get(method.lower())
        return found

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what a `$ref` leads to."""
        while "$ref" in schema:
            target: Any = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        return schema

    def unknown(self, schema: Mapping[str, Any], value: Any, where: str) -> Iterator[str]:
        """Yield the keys in `value` that no part of the schema names; free-form objects know every key."""
        found = list(self._parts(schema))
        if isinstance(value, list):
            items = [part["items"] for part in found if "items" in part]
            for index, item in enumerate(value[:100]):
                yield from self._of_any(items, item, f"{where}[{index}]")
        elif isinstance(value, dict):
            yield from self._keys(found, value, where)

    def _keys(self, found: list[Mapping[str, Any]], value: Mapping[str, Any], where: str) -> Iterator[str]:
        free = any(part.get("additionalProperties") not in (None, False) for part in found)
        free = free or where.rpartition(".")[2] in self.free
        named = [part["properties"] for part in found if "properties" in part]
        if free or not named:
            return
        for key, item in value.items():
            schemas = [properties[key] for properties in named if key in properties]
            if not schemas:
                yield f"{where}.{key} is not in the document"
            yield from self._of_any(schemas, item, f"{where}.{key}")

    def _of_any(self, schemas: list[Mapping[str, Any]], value: Any, where: str) -> Iterator[str]:
        """Yield the unknown keys of the alternative that knows most."""
        tried = [list(self.unknown(schema, value, where)) for schema in schemas]
        yield from min(tried, key=len, default=[])

    def _parts(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        schema = self.resolved(schema)
        yield schema
        for key in _COMBINED:
            for part in schema.get(key, ()):
                yield from self._parts(part)

    def _query(self, operation: Mapping[str, Any], method: str, query: Mapping[str, str]) -> Iterator[str]:
        known = {item["name"]: item for item in self._parameters(operation, "query")}
        common = self.common if method == "GET" else frozenset[str]()
        for name, text in query.items():
            if name not in known and name not in common:
                yield f"the parameter {name} is not in the document"
            elif name in known:
                yield from self._invalid(known[name].get("schema", {}), text, f"parameter {name}")
        yield from (
            f"the parameter {name} is missing"
            for name, item in known.items()
            if item.get("required") and name not in query
        )

    def _headers(self, operation: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[str]:
        declared = {item["name"].lower(): item for item in self._parameters(operation, "header")}
        words = operation.get("description", "")
        known = _STANDARD_HEADERS | self.headers | declared.keys()
        for name in headers:
            if name.lower() not in known and f"`{name}`" not in words:
                yield f"the header {name} is not in the document"
        yield from (
            f"the header {name} is missing"
            for name, item in declared.items()
            if item.get("required") and name not in headers
        )

    def _body(self, operation: Mapping[str, Any], headers: Mapping[str, str], body: Any) -> Iterator[str]:
        described = self.resolved(operation.get("requestBody", {}))
        if body is None:
            if described.get("required"):
                yield "the body is missing"
            return
        content = described.get("content", {})
        # A multipart body says in its content type what stands between its parts.
        kind = headers.get("content-type", "").partition("; boundary=")[0]
        if kind not in content:
            yield f"the content type {kind} is not one of {list(content)}"
            return
        schema = content[kind]["schema"]
        yield from self._invalid(schema, body, "body")
        yield from self.unknown(schema, body, "body")

    def _parameters(self, operation: Mapping[str, Any], place: str) -> Iterator[Mapping[str, Any]]:
        for item in map(self.resolved, operation.get("parameters", ())):
            if ("header" if item["name"] in self.in_header else item["in"]) == place:
                yield item

    def _invalid(
        self, schema: Mapping[str, Any], value: Any, where: str, *, lenient: bool = False
    ) -> Iterator[str]:
        plain = self.resolved(schema)
        if plain.get("type") == "array" and isinstance(value, str):
            value = value.split(",")
        if plain.get("type") in ("integer", "number") and isinstance(value, str) and value.isdigit():
            value = int(value)
        if plain.get("type") == "boolean" and value in ("true", "false"):
            value = value == "true"
        registry: Any = Registry().with_resource("urn:document", DRAFT4.create_resource(self.document))
        rooted = json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))
        for error in OAS30Validator(rooted, registry=registry).iter_errors(value):
            if lenient and (error.instance is None or error.validator in ("required", "minLength")):
                continue
            yield f"{where}{error.json_path[1:]}: {error.message[:200]}"


def _is_error(status: str) -> bool:
    return status == "default" or status[:1] in "45"


def _fits(wanted: str, given: str) -> bool:
    """Whether a part of a path is what a template says: `act_{id}`, `{id}` or a fixed word."""
    before, opening, after = wanted.partition("{")
    if not opening:
        return wanted == given
    rest = after.partition("}")[2]
    return len(given) > len(before) + len(rest) and given.startswith(before) and given.endswith(rest)
