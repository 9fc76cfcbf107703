"""What is the same in every row of a batch (`destination.id`, `settings.*`), filled into a row template beforehand.

The rest of the template then holds references to columns and constants only, and compiles to SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiform.connectors.template import MISSING, as_text, lookup, pieces, references, render
from audiform.shapes import Json

_IN_ROW = ("row.", "identifier.", "lookup.")
"""Where the references begin whose values differ from row to row."""


def settled(node: Json, scope: Mapping[str, Any]) -> Any:
    """Return a row template with everything filled in that is the same in every row, such as `destination.id`."""
    names = references(node)
    if names and not any(name.startswith(_IN_ROW) for name in names):
        return render(node, scope)
    match node:
        case str():
            parts = pieces(node)
            return "".join(
                _settled_piece(part, scope) if index % 2 else part for index, part in enumerate(parts)
            )
        case Mapping():
            filled = {settled(key, scope): settled(item, scope) for key, item in node.items()}
            return {key: item for key, item in filled.items() if MISSING not in (key, item)}
        case list() | tuple():
            return [item for item in (settled(entry, scope) for entry in node) if item is not MISSING]
        case _:
            return node


def _settled_piece(reference: str, scope: Mapping[str, Any]) -> str:
    value = MISSING if reference.startswith(_IN_ROW) else lookup(scope, reference)
    return f"{{{{ {reference} }}}}" if value is MISSING else as_text(value)
