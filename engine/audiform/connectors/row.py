"""A row template -> one DuckDB expression whose value is the JSON text of one row, without a space.

It says over a column what `template.render` and a JSON encoder say about one row (a property test holds the
two together): what is missing or NULL is left out, and so is an object or list that becomes empty by that.
Hashes are quoted as they are, because they need no escaping; every other value goes through `to_json`.

Variables come out as DuckDB writes them in JSON: numbers and booleans as such, dates and timestamps as
text (`2024-01-02`, `2024-01-02 03:04:05`), NULL in `row.variables` as null. JSON has no NaN or infinity:
they are treated as NULL.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.connectors.constants import settled
from audiform.connectors.manifest import Manifest
from audiform.connectors.nodes import DIGEST_LENGTH, WHOLE_NUMBER, Form, form_of, is_integer
from audiform.connectors.normalizers import quote
from audiform.connectors.template import MISSING, SPREAD, exact, pieces
from audiform.shapes import Json


@dataclass(frozen=True, slots=True)
class _Text:
    """JSON text that is known now."""

    text: str


@dataclass(frozen=True, slots=True)
class _Column:
    """An SQL expression of text that is never NULL, to be joined with its neighbours."""

    sql: str


@dataclass(frozen=True, slots=True)
class _Optional:
    """An SQL expression that is NULL where the node is left out."""

    sql: str


_Present = Sequence[_Text | _Column]
_Node = _Present | _Optional


def row_sql(
    row_template: Any,
    manifest: Manifest,
    identifiers: Mapping[str, str],
    variables: Mapping[str, str],
    constants: Mapping[str, Any] | None = None,
) -> str:
    """Return the DuckDB expression of one row; NULL where nothing of the row is left.

    `identifiers` maps the names in use to the SQL of their values as sent (NULL: this row has none),
    `variables` the names in use to the SQL of their values, of any type. `constants` is the nested scope of
    what is the same in every row: `destination` and `settings`.

    Raises:
        ValueError: the template names something that is not known before a request (`lookup.id`).
    """
    if manifest.limits.identifier_kinds == 1 and len(identifiers) == 1:
        (name,) = identifiers
        row_template = for_identifier(row_template, name, manifest.identifiers[name].field)
    template = settled(row_template, constants or {})
    return (
        "NULL" if template is MISSING else _value(_Compiler(manifest, identifiers, variables).node(template))
    )


def for_identifier(node: Json, name: str, field: str) -> Any:
    """Return the template with `identifier.value` and `identifier.field` of one identifier."""
    if isinstance(node, str):
        found = enumerate(pieces(node))
        return "".join(_for_reference(piece, name, field) if index % 2 else piece for index, piece in found)
    if isinstance(node, Mapping):
        return {key: for_identifier(item, name, field) for key, item in node.items()}
    if isinstance(node, list | tuple):
        return [for_identifier(item, name, field) for item in node]
    return node


def _for_reference(reference: str, name: str, field: str) -> str:
    if reference == "identifier.field":
        return field
    return f"{{{{ {f'row.{name}' if reference == 'identifier.value' else reference} }}}}"


def _value(node: _Node) -> str:
    return node.sql if isinstance(node, _Optional) else _joined(node)


def _joined(parts_: _Present) -> str:
    """Return the SQL of the parts one after the other, with neighbouring literals made one."""
    merged: list[_Text | _Column] = []
    for part in parts_:
        last = merged[-1] if merged else None
        if isinstance(part, _Text) and isinstance(last, _Text):
            merged[-1] = _Text(last.text + part.text)
        else:
            merged.append(part)
    tokens = [quote(part.text) if isinstance(part, _Text) else part.sql for part in merged]
    return tokens[0] if len(tokens) == 1 else f"concat({', '.join(tokens)})"


def _json_sql(value: str) -> str:
    text = f"CAST(to_json({value}) AS VARCHAR)"
    return f"nullif(nullif(nullif({text}, 'NaN'), 'Infinity'), '-Infinity')"


class _Compiler:
    """Knows the columns; walks a template."""

    __slots__ = ("_identifiers", "_manifest", "_variables")

    def __init__(
        self, manifest: Manifest, identifiers: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        self._manifest = manifest
        self._identifiers = identifiers
        self._variables = variables

    def node(self, node: Json) -> _Node:
        """Compile any node."""
        if isinstance(node, str):
            return self._string(node)
        if isinstance(node, Mapping):
            return self._mapping(node)
        if isinstance(node, list | tuple):
            items = [("", item) for entry in node for item in self._entries(entry)]
            return _wrapped("[", items, "]") if node else [_Text("[]")]
        return [_Text(json.dumps(node, separators=(",", ":")))]

    def _mapping(self, node: Mapping[str, Any]) -> _Node:
        if "each_identifier" in node:
            return _wrapped("[", [("", item) for item in self._each(node)], "]")
        if "when" in node:
            return self._when(node)
        if is_integer(node):
            return self._integer(node["integer"])
        form = form_of(node)
        if form is not None:
            return self._digest(node[form]) if form is Form.DIGEST else self._form(form, node[form])
        pairs = [(f"{json.dumps(key, ensure_ascii=False)}:", item) for key, item in self._pairs(node)]
        return _wrapped("{", pairs, "}") if node else [_Text("{}")]

    def _pairs(self, node: Mapping[str, Any]) -> Iterator[tuple[str, _Node]]:
        for key, item in node.items():
            if key != SPREAD:
                yield key, self.node(item)
        for name, column in self._variables.items() if SPREAD in node else ():
            if name not in node:
                yield name, [_Column(f"coalesce({_json_sql(column)}, 'null')")]

    def _string(self, text: str) -> _Node:
        reference = exact(text)
        if reference:
            return self._reference(reference)
        found = pieces(text)
        if len(found) == 1:
            return [_Text(json.dumps(text, ensure_ascii=False))]
        columns = [
            self._as_text(piece) if index % 2 else quote(piece) for index, piece in enumerate(found) if piece
        ]
        return _Optional(f"CAST(to_json({' || '.join(columns)}) AS VARCHAR)")

    def _reference(self, reference: str) -> _Node:
        if reference == "row.variables":
            return self._all_variables()
        kind, name = _split(reference)
        if kind == "variable":
            return _Optional(_json_sql(self._variables[name]) if name in self._variables else "NULL")
        if name not in self._identifiers:
            return _Optional("NULL")
        return _Optional(self._identifier(name))

    def _identifier(self, name: str) -> str:
        column = self._identifiers[name]
        if self._manifest.identifiers[name].hash == "none":
            return f"CAST(to_json({column}) AS VARCHAR)"
        return f"'\"' || ({column}) || '\"'"

    def _as_text(self, reference: str) -> str:
        kind, name = _split(reference)
        columns = self._variables if kind == "variable" else self._identifiers
        return f"CAST({columns.get(name, 'NULL')} AS VARCHAR)"

    def _all_variables(self) -> _Node:
        if not self._variables:
            return _Optional("NULL")
        tokens: list[_Text | _Column] = []
        for name, column in self._variables.items():
            tokens += [_Text(f",{json.dumps(name)}:"), _Column(f"coalesce({_json_sql(column)}, 'null')")]
        return [_Text("{" + f"{json.dumps(next(iter(self._variables)))}:"), *tokens[1:], _Text("}")]

    def _when(self, node: Mapping[str, Any]) -> _Node:
        columns: list[str] = []
        for reference in node["when"]:
            kind, name = _split(reference)
            columns.append((self._variables if kind == "variable" else self._identifiers).get(name, "NULL"))
        there = " AND ".join(f"({column}) IS NOT NULL" for column in columns)
        return _Optional(f"CASE WHEN {there} THEN {_value(self.node(node['then']))} END")

    def _integer(self, text: str) -> _Node:
        value = " || ".join(
            self._as_text(piece) if index % 2 else quote(piece) for index, piece in enumerate(pieces(text))
        )
        return _Optional(
            f"CASE WHEN regexp_full_match({value}, '{WHOLE_NUMBER}') THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) END"
        )

    def _form(self, form: Form, inside: Any) -> _Node:
        node = self.node(inside)
        text = _value(node)
        sql = f"CAST(to_json({text}) AS VARCHAR)"
        if form is Form.BASE64:
            sql = f"'\"' || base64(encode({text})) || '\"'"
        return _Optional(sql) if isinstance(node, _Optional) else [_Column(sql)]

    def _digest(self, entries: Sequence[Any]) -> _Node:
        values = [f"coalesce({_value(self.node(entry))}, 'null')" for entry in entries]
        text = " || ',' || ".join(values) or "''"
        return [_Column(f"'\"' || substr(sha256('[' || {text} || ']'), 1, {DIGEST_LENGTH}) || '\"'")]

    def _entries(self, entry: Json) -> Iterator[_Node]:
        if isinstance(entry, Mapping) and "each_identifier" in entry:
            yield from self._each(entry)
        else:
            yield self.node(entry)

    def _each(self, node: Mapping[str, Any]) -> Iterator[_Node]:
        """Yield one node per identifier in use, in the order of the manifest."""
        for name, identifier in self._manifest.identifiers.items():
            if name not in self._identifiers:
                continue
            column = self._identifiers[name]
            inner = _value(self.node(for_identifier(node["each_identifier"], name, identifier.field)))
            missing = quote(json.dumps(node["missing"], ensure_ascii=False)) if "missing" in node else "NULL"
            if missing != "NULL" and exact(node["each_identifier"]) == "identifier.value":
                yield [_Column(f"coalesce({inner}, {missing})")]
            else:
                yield _Optional(f"CASE WHEN ({column}) IS NOT NULL THEN {inner} ELSE {missing} END")


def _split(reference: str) -> tuple[str, str]:
    root, _, name = reference.partition(".")
    if root != "row":
        raise ValueError(f"`{{{{ {reference} }}}}` is not known when rows are written")
    return (
        ("variable", name.removeprefix("variables."))
        if name.startswith("variables.")
        else ("identifier", name)
    )


def _wrapped(opening: str, items: Sequence[tuple[str, _Node]], closing: str) -> _Node:
    """Join entries with commas between brackets; left out when every entry is."""
    if items and not isinstance(items[0][1], _Optional):
        return [_Text(opening), *_separated(items)[1:], _Text(closing)]
    content = _joined(_separated(items)) if items else "NULL"
    if any(not isinstance(item, _Optional) for _, item in items):
        return [_Text(opening), _Column(f"substr({content}, 2)"), _Text(closing)]
    return _Optional(f"'{opening}' || substr(nullif({content}, ''), 2) || '{closing}'")


def _separated(items: Sequence[tuple[str, _Node]]) -> list[_Text | _Column]:
    """Return the entries, each after its comma; one that is left out is empty."""
    found: list[_Text | _Column] = []
    for key, item in items:
        if isinstance(item, _Optional):
            found.append(_Column(f"coalesce({quote(',' + key)} || {item.sql}, '')"))
        else:
            found += [_Text(","), _Text(key), *item]
    return found
