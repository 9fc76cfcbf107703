"""Rows as they arrive -> what they say of people. The row template is compiled once; `unify` is its meaning.

The compiled reader takes what is plain (a reference where a value stands) and reads about a million rows in
some seconds. A row that it cannot place goes to `unify`, and a row that `unify` cannot place is malformed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.connectors.manifest import Manifest
from audiform.connectors.nodes import Form, decode, form_of, is_digest, is_each, is_integer
from audiform.connectors.row import for_identifier
from audiform.connectors.template import MISSING, SPREAD, exact, references, unify
from audiform.sandbox.routes import fields_of
from audiform.shapes import Json


@dataclass(slots=True)
class Row:
    """One record: identifier -> value as sent, variable -> value, and the remote id that a lookup gave."""

    identifiers: dict[str, str] = field(default_factory=dict[str, str])
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    remote: str | None = None


Reader = Callable[[Any], Row | None]
"""One row's JSON -> what it says, or None when the template could not have made it."""
_Step = Callable[[Any, Row], bool]
"""Reads one node's value into the row; False when it does not fit."""


def reader_of(template: Any, manifest: Manifest, in_use: Sequence[str]) -> Reader:
    """Return the reader of a row template. `in_use`: the fields that the request says it uses, in order."""
    known = {
        "identifiers": tuple(in_use) or tuple(fields_of(manifest).values()),
        "fields": fields_of(manifest),
    }
    if manifest.limits.identifier_kinds == 1 and len(in_use) < 2:  # noqa: PLR2004 - one, or the request does not say
        names = {one.field: name for name, one in manifest.identifiers.items() if one.identifies}
        field = in_use[0] if in_use else next(iter(names))
        template = for_identifier(template, names.get(field, field), field)
    step = _Compiler(known).step(template)

    def read(value: Any) -> Row | None:
        row = Row()
        if step(value, row):
            return row
        found = unify(template, value, known)
        return None if found is None else row_of(found)

    return read


def row_of(found: Mapping[str, Any]) -> Row:
    """Return the row that bindings such as `row.email` and `row.variables` describe."""
    row = Row()
    for reference, value in found.items():
        if reference.startswith(("row.", "lookup.id")):
            _reference(reference)(value, row)
    return row


class _Compiler:
    """Turns a node into a step; whatever is not plain becomes a step that always says no."""

    __slots__ = ("_fields", "_names")

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._fields: Sequence[str] = known["identifiers"]
        self._names = {field: name for name, field in known["fields"].items()}

    def step(self, node: Json) -> _Step:
        match node:
            case str() if (reference := exact(node)) is not None:
                return _reference(reference)
            case Mapping() if "each_identifier" in node:
                return self._each(node)
            case Mapping() if "when" in node:
                return self.step(node["then"])
            case Mapping() if is_integer(node) or any("{{" in key or key == SPREAD for key in node):
                return _no
            case Mapping() if (form := form_of(node)) is not None:
                return _digest if form is Form.DIGEST else _form(form, self.step(node[form]))
            case Mapping():
                return self._mapping(node)
            case list() | tuple():
                return self._entries(node)
            case str() if "{{" in node:
                return _no
            case _:
                return _constant(node)

    def _mapping(self, node: Mapping[str, Any]) -> _Step:
        # Constants are compared before anything is written, so that an alternative that does not fit leaves no trace.
        steps = sorted(
            ((key, self.step(item)) for key, item in node.items()),
            key=lambda pair: bool(references(node[pair[0]])),
        )
        fixed = frozenset(key for key, item in node.items() if not _may_vanish(item))

        def read(value: Json, row: Row) -> bool:
            if not isinstance(value, dict) or not fixed <= value.keys():
                return False
            there = [(key, step) for key, step in steps if key in value]
            return bool(there) and all(step(value[key], row) for key, step in there)

        return read

    def _entries(self, nodes: Sequence[Any]) -> _Step:
        """Entries in order; one that may be left out is passed over when the value has none of its keys."""
        if len(nodes) == 1 and is_each(nodes[0]):
            return self._each(nodes[0])
        steps = [(self.step(node), _may_vanish(node)) for node in nodes]

        def read(value: Json, row: Row) -> bool:
            if not isinstance(value, list):
                return False
            position = 0
            for step, optional in steps:
                if position < len(value) and step(value[position], row):
                    position += 1
                elif not optional:
                    return False
            return position == len(value)

        return read

    def _each(self, node: Mapping[str, Any]) -> _Step:
        """Only the positional form, a list of values beside the request's list of fields."""
        if exact(node["each_identifier"]) != "identifier.value" or "missing" not in node:
            return _no
        names = [self._names.get(field, field) for field in self._fields]
        missing = node["missing"]

        def read(value: Json, row: Row) -> bool:
            if not isinstance(value, list) or len(value) != len(names):
                return False
            row.identifiers.update(
                (name, text) for name, text in zip(names, value, strict=True) if text != missing
            )
            return True

        return read


def _no(_value: Any, _row: Row) -> bool:
    return False


def _any(_value: Any, _row: Row) -> bool:
    """Take what says nothing about the person; the route reads it."""
    return True


def _constant(node: Any) -> _Step:
    def read(value: Any, _row: Row) -> bool:
        return bool(value == node)

    return read


def _digest(value: Any, _row: Row) -> bool:
    return is_digest(value)


def _form(form: Form, inside: _Step) -> _Step:
    def read(value: Any, row: Row) -> bool:
        return any(inside(found, row) for found in decode(form, value))

    return read


def _reference(reference: str) -> _Step:
    """Return the step that keeps a value under the name that `reference` gives it; null is no value."""
    root, _, name = reference.partition(".")
    if reference == "lookup.id":
        return _remote
    if root != "row":
        return _any
    if reference == "row.variables":
        return _variables
    if name.startswith("variables."):
        return _variable(name.removeprefix("variables."))

    def read(value: Any, row: Row) -> bool:
        return value is None or row.identifiers.setdefault(name, value) == value

    return read


def _remote(value: Any, row: Row) -> bool:
    row.remote = str(value)
    return True


def _variables(value: Json, row: Row) -> bool:
    if not isinstance(value, dict):
        return False
    row.variables.update(value)
    return True


def _variable(name: str) -> _Step:
    def read(value: Any, row: Row) -> bool:
        row.variables[name] = value
        return True

    return read


def _may_vanish(node: Any) -> bool:
    """Whether rendering may leave the node out, which is whether nothing at all fits it."""
    return unify(node, MISSING) is not None
