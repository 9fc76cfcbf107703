"""Between flat bindings (`destination.name`) and the nested scopes that templates are filled in from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiform.connectors.template import as_text
from audiform.sandbox.world import Destination

_CONTEXT = ("settings.", "marker", "project", "environment")


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"a": {"b": 1}}` for `{"a.b": 1}`."""
    whole: dict[str, Any] = {}
    for reference, value in flat.items():
        *parents, last = reference.split(".")
        place = whole
        for part in parents:
            place = place.setdefault(part, {})
        place[last] = value
    return whole


def attributes_in(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the destination's attributes that a request says, flat, without its id."""
    return {
        name.removeprefix("destination."): value
        for name, value in found.items()
        if name.startswith("destination.") and name != "destination.id"
    }


def context_in(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what else a request says about where its object belongs."""
    return {name: value for name, value in found.items() if name.startswith(_CONTEXT)}


def belongs(destination: Destination, found: Mapping[str, Any]) -> bool:
    """Whether a listing with these bindings shows the destination: nothing that both say differs."""
    same_place = _agree(destination.context, context_in(found))
    wanted = attributes_in(found)
    return same_place and all(
        as_text(destination.attributes.get(name)) == as_text(value) for name, value in wanted.items()
    )


def scope_of(found: Mapping[str, Any], destination: Destination | None) -> dict[str, Any]:
    """Return what an answer is filled in from: the request's bindings and the destination as it is now."""
    scope = nested(
        {name: value for name, value in found.items() if name not in ("rows", "row") and "row." not in name}
    )
    if destination is not None:
        scope = {**nested(destination.context), **scope}
        scope["destination"] = {**nested(destination.attributes), "id": destination.id}
        counts = destination.members.counts().values()
        scope["members"] = {"revision": destination.revision, "count": max(counts, default=0)}
    return scope


def _agree(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return all(as_text(first[name]) == as_text(value) for name, value in second.items() if name in first)
