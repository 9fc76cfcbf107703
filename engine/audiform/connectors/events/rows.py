"""The row template of an event type as a function: what `template.render` says, several times as fast.

What is neither a reference nor a plain map or list (texts with references in them, special nodes) is left to `render`;
a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from audiform.connectors.nodes import form_of, is_integer
from audiform.connectors.template import MISSING, SPREAD, exact, pieces, references, render
from audiform.shapes import Json

Fill = Callable[[Mapping[str, Any]], Any]
"""From the fields of a record to a part of its row; `MISSING` where nothing of it is left."""


def compile_row(template: Json, settings: Mapping[str, Any]) -> Fill:
    """Return the function from the fields of a record to its row. `settings` are the same in every row."""
    return _node(template, {"settings": settings})


def _node(node: Json, constants: Mapping[str, Any]) -> Fill:
    match node:
        case str() if (
            (reference := exact(node)) and reference.startswith("row.") and reference.count(".") == 1
        ):
            return partial(_field, reference.removeprefix("row."))
        case str() if len(pieces(node)) == 1:
            return partial(_constant, node)
        case Mapping() if _is_plain(node):
            return _mapping(node, constants)
        case list() | tuple() if node and not any(_is_each(entry) for entry in node):
            return partial(_list, [_node(entry, constants) for entry in node])
        case str() | Mapping() | list() | tuple():
            return partial(_rendered, node, constants)
        case _:
            return partial(_constant, node)


def _is_plain(node: Mapping[str, Any]) -> bool:
    """Whether a map is an object with keys that are known now."""
    special = "each_identifier" in node or "when" in node or is_integer(node) or form_of(node) is not None
    return bool(node) and not special and not references([*node])


def _is_each(entry: Json) -> bool:
    return isinstance(entry, Mapping) and "each_identifier" in entry


def _mapping(node: Mapping[str, Any], constants: Mapping[str, Any]) -> Fill:
    pairs = [(key, _node(item, constants)) for key, item in node.items() if key != SPREAD]
    if SPREAD not in node:
        return partial(_object, pairs)
    return partial(_spread_object, pairs, _node(node[SPREAD], constants), frozenset(node))


def _field(name: str, fields: Mapping[str, Any]) -> Any:
    value = fields.get(name)
    return MISSING if value is None else value


def _constant(value: Any, _fields: Mapping[str, Any]) -> Any:
    return value


def _rendered(node: Json, constants: Mapping[str, Any], fields: Mapping[str, Any]) -> Any:
    return render(node, {**constants, "row": fields})


def _object(pairs: Sequence[tuple[str, Fill]], fields: Mapping[str, Any]) -> Any:
    made = {key: value for key, fill in pairs if (value := fill(fields)) is not MISSING}
    return made or MISSING


def _spread_object(
    pairs: Sequence[tuple[str, Fill]], spread: Fill, written: frozenset[str], fields: Mapping[str, Any]
) -> Any:
    made = {key: value for key, fill in pairs if (value := fill(fields)) is not MISSING}
    beside = spread(fields)
    if beside is not MISSING:
        made.update((key, value) for key, value in beside.items() if key not in written)
    return made or MISSING


def _list(entries: Sequence[Fill], fields: Mapping[str, Any]) -> Any:
    made = [value for fill in entries if (value := fill(fields)) is not MISSING]
    return made or MISSING
