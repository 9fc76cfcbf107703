"""JSON Schemas of text that is rendered before it is checked: a template may stand in place of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from audiform.shapes import is_list, is_map

Schema = dict[str, Any]

TEMPLATE: Final = "template"
TEMPLATES: Final[Schema] = {
    "type": "string",
    "pattern": r"\{\{",
    "description": "A text with a template in it; one that is exactly one expression keeps the expression's type",
}
_REFERENCE: Final[Schema] = {"$ref": f"#/$defs/{TEMPLATE}"}
_ONE: Final = ("additionalProperties", "items", "not", "propertyNames", "if", "then", "else")
_MANY: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED: Final = ("properties", "patternProperties", "$defs", "dependentSchemas")
_FREE_TEXT: Final = frozenset({"type", "description", "title", "default", "examples"})
_KEPT: Final = ("description", "title", "default", "examples")


def templated(schema: Any) -> Any:
    """Return `schema` with a template allowed wherever it describes a value that no text could be."""
    if not is_map(schema):
        return schema
    inner = inside(schema)
    if _takes_any_text(inner) or "$ref" in inner:
        return inner
    kept = {key: inner.pop(key) for key in _KEPT if key in inner}
    choices = inner.pop("anyOf") if [*inner] == ["anyOf"] else [inner]
    return {**kept, "anyOf": [*choices, _REFERENCE]}


def inside(schema: Mapping[str, Any]) -> Schema:
    """Return `schema` with templates allowed for what is in it, but not in its own place."""
    changed: Schema = dict(schema)
    for key in _NAMED:
        if key in changed:
            changed[key] = {name: templated(value) for name, value in changed[key].items()}
    for key in _ONE:
        if key in changed:
            changed[key] = templated(changed[key])
    for key in _MANY:
        if key in changed:
            # A choice among forms has one template beside them, not one in each.
            changed[key] = [inside(value) for value in changed[key]]
    return changed


def untitled(schema: Any) -> Any:
    """Return `schema` without the titles that pydantic makes of the names of fields: they say nothing new."""
    if is_list(schema):
        return [untitled(item) for item in schema]
    if not is_map(schema):
        return schema
    return {
        key: {name: untitled(inner) for name, inner in value.items()} if key in _NAMED else untitled(value)
        for key, value in schema.items()
        if key != "title"
    }


def _takes_any_text(schema: Mapping[str, Any]) -> bool:
    """Whether every text is right, and so a template too."""
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if any(_takes_any_text(choice) for choice in choices):
        return True
    types = schema.get("type", "string")
    return not schema.keys() - _FREE_TEXT and "string" in (types if is_list(types) else [types])
