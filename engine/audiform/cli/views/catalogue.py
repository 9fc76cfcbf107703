"""The catalogue as a table and as data. Imports no model: a list of all types is shown at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from audiform.cli.views.table import table
from audiform.connectors.overview import Capabilities, Overview

WORD = {True: "yes", False: "-", None: "set"}
_LEGEND = (
    "destination: c create, r read, u update, d delete. set: the connector's settings decide. "
    "* custom: a type of the project's own."
)


def summary(item: Overview) -> dict[str, Any]:
    """Return a type's line of the catalogue; a capability that is null is decided by the settings."""
    return {
        "type": item.name,
        "title": item.title,
        "kind": item.kind,
        "category": item.category,
        "custom": item.custom,
        "capabilities": asdict(item.capabilities),
    }


def matrix(items: Sequence[Overview]) -> str:
    """Return the catalogue with what each type can do."""
    heads = ("type", "title", "category", "destination", "add", "remove", "modify", "variables")
    rows = [
        (
            f"{item.name}{' *' if item.custom else ''}",
            item.title,
            f"{item.category}{', events' if item.kind == 'event' else ''}{', custom' if item.custom else ''}",
            crud(item.capabilities),
            *(WORD[value] for value in _signals(item.capabilities)),
        )
        for item in items
    ]
    return "\n".join([*table([heads, *rows], left=len(heads)), "", _LEGEND])


def crud(can: Capabilities) -> str:
    """Return what can be done to a destination, a letter each."""
    pairs = (("c", can.create), ("r", can.read), ("u", can.update), ("d", can.delete))
    return "".join(letter if able else "-" for letter, able in pairs)


def _signals(can: Capabilities) -> tuple[bool | None, ...]:
    return can.add, can.remove, can.modify, can.variables
