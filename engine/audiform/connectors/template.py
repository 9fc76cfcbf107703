"""Invertible templates over JSON-shaped data: `render` fills them in, `unify` reads them back.

See `manifest.py` for the language. Nodes are what YAML gives: mappings, lists and scalars.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

from audiform.connectors.nodes import Form, decode, encode, form_of, is_digest, is_each, is_integer, number_of
from audiform.shapes import Json

SPREAD = "..."
"""The key whose object is merged into the one that it stands in; keys that are written out win."""
_REFERENCE = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.[\w-]+)*)\s*\}\}")
_IN_SETTING = re.compile(r"\$\{\s*([A-Za-z_]\w*(?:\.[\w-]+)*)\s*\}")


class Missing(Enum):
    """The value of a node that was left out."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
Bindings = dict[str, Any]
"""Dotted reference -> value. Values found inside a longer text are strings."""


def references(node: Any) -> frozenset[str]:
    """Return every dotted reference that `node` names."""
    return frozenset(_references(node))


def problems(node: Any) -> tuple[str, ...]:
    """Return the texts in `node` that hold braces which are no reference."""
    return tuple(
        text for text in _texts(node) if any("{{" in part or "}}" in part for part in pieces(text)[::2])
    )


def from_setting(node: Json) -> Any:
    """Return a setting's value as a template: `${row.email}` becomes `{{ row.email }}`."""
    match node:
        case str():
            return _IN_SETTING.sub(r"{{ \1 }}", node)
        case Mapping():
            return {key: from_setting(item) for key, item in node.items()}
        case list() | tuple():
            return [from_setting(item) for item in node]
        case _:
            return node


def lookup(scope: Mapping[str, Any], reference: str) -> Any:
    """Return what the dotted `reference` names in nested mappings; `MISSING` where it is absent or null."""
    value: Json = scope
    for part in reference.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return MISSING
        value = value[part]
    return MISSING if value is None else value


def render(node: Json, scope: Mapping[str, Any]) -> Any:
    """Return `node` filled in from nested `scope`, or `MISSING` when nothing of it is left.

    For `each_identifier`, `scope["identifiers"]` lists the fields in use and `scope["fields"]` maps every
    identifier of the manifest to its field.
    """
    match node:
        case str():
            return _render_text(node, scope)
        case Mapping() if "each_identifier" in node:
            return list(_render_each(node, scope)) or MISSING
        case Mapping() if "when" in node:
            there = all(lookup(scope, reference) is not MISSING for reference in node["when"])
            return render(node["then"], scope) if there else MISSING
        case Mapping() if is_integer(node):
            number = number_of(render(node["integer"], scope))
            return MISSING if number is None else number
        case Mapping() if (form := form_of(node)) is not None:
            return _render_form(form, node[form], scope)
        case Mapping():
            return _render_mapping(node, scope)
        case list() | tuple():
            entries = [item for entry in node for item in _render_entry(entry, scope) if item is not MISSING]
            return entries if entries or not node else MISSING
        case _:
            return node


def unify(
    node: Any, value: Any, known: Mapping[str, Any] | None = None, *, strict: bool = False
) -> Bindings | None:
    """Return the bindings that make `render(node, ...)` equal `value`, or None when there are none.

    Keys of `value` that the template does not name are ignored unless `strict`. `known` is what `render`
    takes from its scope for `each_identifier`: `identifiers` and `fields`.
    """
    return _Unifier(known or {}, strict).node(node, value)


def unify_path(template: str, path: str) -> Bindings | None:
    """Return the bindings of a URL path: segment by segment, percent-decoded; None when it does not match."""
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    if len(wanted) != len(given):
        return None
    found: Bindings | None = {}
    for segment, text in zip(wanted, given, strict=True):
        found = _merge(found, unify(segment, unquote(text)))
    return found


def unify_texts(template: Mapping[str, Any], texts: Mapping[str, str]) -> Bindings | None:
    """Return the bindings of a query, form or headers, whose values arrive as text (`as_text`)."""
    found: Bindings | None = {}
    for key, node in template.items():
        if key in texts:
            found = _merge(found, _unify_as_text(node, texts[key]))
        elif not _vanishes(node):
            return None
    return found


def as_text(value: Any) -> str:
    """Return a rendered value as it stands inside text: JSON unless it is a string."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@cache
def pieces(text: str) -> tuple[str, ...]:
    """Split into literal, reference, literal, ..., literal."""
    return tuple(_REFERENCE.split(text))


def exact(text: Any) -> str | None:
    """Return the reference when `text` is one reference and nothing else."""
    if not isinstance(text, str):
        return None
    parts = pieces(text)
    return parts[1] if len(parts) == 3 and not parts[0] and not parts[2] else None  # noqa: PLR2004 - "", reference, ""


def _texts(node: Json) -> Iterator[str]:
    match node:
        case str():
            yield node
        case Mapping():
            for key, item in node.items():
                yield key
                yield from _texts(item)
        case list() | tuple():
            for item in node:
                yield from _texts(item)
        case _:
            pass


def _references(node: Json) -> Iterator[str]:
    match node:
        case Mapping() if "when" in node:
            yield from node["when"]
            yield from _references(node["then"])
        case Mapping():
            for key, item in node.items():
                yield from pieces(key)[1::2]
                yield from _references(item)
        case list() | tuple():
            for item in node:
                yield from _references(item)
        case str():
            yield from pieces(node)[1::2]
        case _:
            pass


def _render_text(text: str, scope: Mapping[str, Any]) -> Any:
    parts = pieces(text)
    if len(parts) == 1:
        return text
    values = [lookup(scope, reference) for reference in parts[1::2]]
    if any(value is MISSING for value in values):
        return MISSING
    if exact(text):
        return values[0]
    texts = [as_text(value) for value in values]
    return "".join(literal + filled for literal, filled in zip(parts[::2], [*texts, ""], strict=True))


def _render_form(form: Form, inside: Any, scope: Mapping[str, Any]) -> Any:
    if form is Form.DIGEST:
        values = (render(entry, scope) for entry in inside)
        return encode(form, [None if value is MISSING else value for value in values])
    value = render(inside, scope)
    return value if value is MISSING else encode(form, value)


def _render_mapping(node: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
    spread = render(node[SPREAD], scope) if SPREAD in node else MISSING
    kept: dict[str, Any] = {}
    for key, item in node.items():
        name, value = render(key, scope), MISSING if key == SPREAD else render(item, scope)
        if MISSING not in (name, value):
            kept[as_text(name)] = value
    beside = {} if spread is MISSING else {key: item for key, item in spread.items() if key not in node}
    kept = {**kept, **{key: item for key, item in beside.items() if key not in kept}}
    return kept if kept or not node else MISSING


def _render_entry(entry: Json, scope: Mapping[str, Any]) -> Iterator[Any]:
    if isinstance(entry, Mapping) and "each_identifier" in entry:
        yield from _render_each(entry, scope)
    else:
        yield render(entry, scope)


def _render_each(node: Mapping[str, Any], scope: Mapping[str, Any]) -> Iterator[Any]:
    names = {field: name for name, field in scope["fields"].items()}
    for field in scope["identifiers"]:
        value = lookup(scope, f"row.{names[field]}")
        if value is not MISSING:
            yield render(node["each_identifier"], {**scope, "identifier": {"field": field, "value": value}})
        elif "missing" in node:
            yield node["missing"]


def _vanishes(node: Json) -> bool:
    """Whether `render` may leave the whole node out."""
    match node:
        case str():
            return len(pieces(node)) > 1
        case Mapping() if "each_identifier" in node or "when" in node:
            return True
        case Mapping():
            return bool(node) and all(_vanishes(item) for item in node.values())
        case list() | tuple():
            return bool(node) and all(_vanishes(item) for item in node)
        case _:
            return False


def _merge(first: Bindings | None, second: Bindings | None) -> Bindings | None:
    """Join two bindings; None when they disagree. The typed value wins over the same value read from text."""
    if first is None or second is None:
        return None
    merged = dict(first)
    for reference, value in second.items():
        if reference in merged and as_text(merged[reference]) != as_text(value):
            return None
        if reference not in merged or isinstance(merged[reference], str):
            merged[reference] = value
    return merged


@cache
def _pattern(text: str) -> re.Pattern[str]:
    parts = pieces(text)
    groups = "".join("(.+?)" + re.escape(literal) for literal in parts[2::2])
    return re.compile(re.escape(parts[0]) + groups, re.DOTALL)


def _unify_text(text: str, value: Any) -> Bindings | None:
    reference = exact(text)
    if reference:
        return {} if value is None else {reference: value}
    if not isinstance(value, str):
        return None
    found = _pattern(text).fullmatch(value)
    if found is None:
        return None
    bindings: Bindings | None = {}
    for name, part in zip(pieces(text)[1::2], found.groups(), strict=True):
        bindings = _merge(bindings, {name: _from_text(part)})
    return bindings


def _from_text(text: str) -> Any:
    """A list or object inside text was written as JSON; everything else stays text."""
    if text[0] not in "[{":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _unify_as_text(node: Any, text: str) -> Bindings | None:
    if isinstance(node, str):
        return _unify_text(node, _from_text(text) if text and exact(node) else text)
    try:
        return unify(node, json.loads(text))
    except ValueError:
        return None


class _Unifier:
    """Walks template and value together; what it was told holds for the whole walk."""

    __slots__ = ("_fields", "_names", "_strict")

    def __init__(self, known: Mapping[str, Any], strict: bool) -> None:
        self._fields: Sequence[str] = known.get("identifiers", ())
        self._names = {field: name for name, field in known.get("fields", {}).items()}
        self._strict = strict

    def node(self, node: Json, value: Json | Missing) -> Bindings | None:
        if value is MISSING:
            return {} if _vanishes(node) else None
        match node:
            case str():
                return _unify_text(node, value)
            case Mapping() if "each_identifier" in node:
                return self._each(node, value) if isinstance(value, list) else None
            case Mapping() if "when" in node:
                return self.node(node["then"], value)
            case Mapping() if is_integer(node):
                return self.node(node["integer"], str(value)) if type(value) is int else None
            case Mapping() if (form := form_of(node)) is not None:
                return self._form(form, node[form], value)
            case Mapping():
                return self._mapping(node, value) if isinstance(value, Mapping) else None
            case list() | tuple():
                return self._entries(node, value) if isinstance(value, list) else None
            case _:
                return {} if type(node) is type(value) and node == value else None

    def _form(self, form: Form, inside: Any, value: Any) -> Bindings | None:
        if form is Form.DIGEST:
            return {} if is_digest(value) else None
        return next((self.node(inside, found) for found in decode(form, value)), None)

    def _mapping(self, node: Mapping[str, Any], value: Mapping[str, Any]) -> Bindings | None:
        written = {key for key in node if len(pieces(key)) == 1 and key != SPREAD}
        if self._strict and len(written) == len(node) and not set(value) <= written:
            return None
        if SPREAD in node:
            fixed = {key: item for key, item in node.items() if key != SPREAD}
            there = fixed.keys() & value.keys() or len(written) < len(fixed)
            told = self._mapping(fixed, value if there else {})
            taken = {"".join(str((told or {}).get(part, part)) for part in pieces(key)) for key in node}
            rest = {key: item for key, item in value.items() if key not in taken}
            return _merge(told, self.node(node[SPREAD], rest) if rest else {})
        if value and node and not any(key in value for key in written) and len(written) == len(node):
            return None  # nothing of it is there: `render` would have left the whole object out
        found: Bindings | None = {}
        for key, item in node.items():
            named = self.node(item, value.get(key, MISSING)) if key in written else None
            found = _merge(found, named if key in written else self._keyed(key, item, value, written))
            if found is None:
                return None
        return found

    def _keyed(
        self, key: str, item: Any, value: Mapping[str, Any], written: Collection[str]
    ) -> Bindings | None:
        """Unify an entry whose key is a reference with the first key of the value that fits and is not written."""
        for name in value:
            found = None if name in written else _merge(_unify_text(key, name), self.node(item, value[name]))
            if found is not None:
                return found
        return None

    def _entries(self, nodes: Sequence[Any], values: Sequence[Any]) -> Bindings | None:
        """Align entries of the template, some of which may have been left out, with the values, in order."""
        if not nodes:
            return None if values else {}
        head, rest = nodes[0], nodes[1:]
        if is_each(head):
            for taken in range(len(values), -1, -1):
                found = _merge(self._each(head, values[:taken]), self._entries(rest, values[taken:]))
                if found is not None:
                    return found
            return None
        if values:
            found = _merge(self.node(head, values[0]), self._entries(rest, values[1:]))
            if found is not None:
                return found
        return self._entries(rest, values) if _vanishes(head) else None

    def _each(self, node: Mapping[str, Any], values: Sequence[Any]) -> Bindings | None:
        found: Bindings | None = {}
        for position, value in enumerate(values):
            if "missing" in node and value == node["missing"]:
                continue
            one = self.node(node["each_identifier"], value)
            if one is None:
                return None
            positional = self._fields[position] if position < len(self._fields) else ""
            field = one.pop("identifier.field", positional)
            if "identifier.value" in one:
                one[f"row.{self._names.get(field, field)}"] = one.pop("identifier.value")
            found = _merge(found, one)
        return found
