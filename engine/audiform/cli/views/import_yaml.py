"""The YAML that imports existing objects: to be read, completed and put into the project."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from audiform.connectors.manifest import Destination
from audiform.destinations import Existing
from audiform.marker import unmark


def render(connector: str, found: Sequence[Existing], target: Destination, taken: Collection[str]) -> str:
    """Return `imports` and `bindings` for the objects; `taken` are names that bindings have already."""
    names = _names(connector, found, taken)
    lines = ["imports:"]
    lines += [f"  - {{to: binding.{name}, id: {_text(one.id)}}}" for name, one in names.items()]
    lines.append("bindings:")
    for name, one in names.items():
        lines += [
            f"  {name}:",
            "    audience:    # the one whose people shall be in it; who is not leaves with the first apply",
            f"    connector: {connector}",
            f"    destination: {{{', '.join(_attributes(one, target))}}}",
            "    on_delete: keep",
        ]
    return "\n".join(lines)


def _names(connector: str, found: Sequence[Existing], taken: Collection[str]) -> dict[str, Existing]:
    """Return a free name for each object, made from what it is called."""
    names: dict[str, Existing] = {}
    for one in found:
        plain = re.sub(r"[^a-z0-9]+", "_", unmark(one.name or one.id).lower()).strip("_")
        base = f"{plain if plain[:1].isalpha() else f'object_{plain}'}"[:40].rstrip("_") + f"_on_{connector}"
        base = base[:58]
        number, name = 1, base
        while name in names or name in taken:
            number += 1
            name = f"{base}_{number}"
        names[name] = one
    return names


def _attributes(one: Existing, target: Destination) -> Iterator[str]:
    """Yield the attributes that a binding of this type can say."""
    known: Collection[str] = target.attributes.get("properties", {})
    values: dict[str, Any] = {"name": one.name, target.external or "id": one.id, **one.attributes}
    for name, value in values.items():
        if name in known and value is not None:
            yield f"{name}: {_text(unmark(value) if name == target.marker else value)}"


def _text(value: Any) -> str:
    """Return a value as YAML; braces that a platform's name holds are no template of ours."""
    shown = value.replace("{{", "{{ '{{' }}") if isinstance(value, str) else value
    return json.dumps(shown, ensure_ascii=False)
