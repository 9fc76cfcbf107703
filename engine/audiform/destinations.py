"""What exists at a platform: its destinations listed, and the one that a project means by name or id.

Ids stay out of the YAML: a plan looks up what a name means today, and the state remembers the id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Address, Kind
from audiform.client import ConnectorClient, PlatformError
from audiform.config.kinds import ADOPT
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.outcome import Category, Outcome
from audiform.runtime import Runtime

_ID, _NAME, _PREFIX = "destination.id", "destination.name", "destination."


@dataclass(frozen=True, slots=True)
class Existing:
    """One object of a platform. `attributes`: what its listing says beside id and name."""

    id: str
    name: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class LookedUp:
    """What came of looking up what new bindings name. `notes`: what is taken over, and what nobody could look up."""

    notes: list[str] = field(default_factory=list[str])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])


async def existing(client: ConnectorClient, scope: Mapping[str, Any]) -> list[Existing]:
    """Return what there is at the platform, in its order; nothing where the type cannot list.

    Raises:
        PlatformError: the listing cannot be read.
    """
    find = client.connector_type.manifest.destination.find
    if find is None:
        return []
    return [_existing(entry) async for entry in client.listing(find, {**scope, "destination": {}})]


async def meant(client: ConnectorClient, scope: Mapping[str, Any], wanted: str) -> Existing | Diagnostic:
    """Return the object that `wanted` names: its id, or else its exact name; or why it is not one.

    Raises:
        PlatformError: the platform cannot be asked.
    """
    target = client.connector_type.manifest.destination
    if target.find is None:
        return await _read(client, scope, wanted)
    found = await existing(client, scope)
    named = [one for one in found if one.id == wanted] or [one for one in found if one.name == wanted]
    if len(named) == 1:
        return named[0]
    title = client.connector_type.manifest.title
    if named:
        ids = ", ".join(one.id for one in named)
        text = f"{len(named)} objects of {title} are named `{wanted}`. Write the id of the one that you mean: {ids}."
        return Diagnostic("ambiguous-destination", text)
    near = did_you_mean(wanted, [name for one in found for name in (one.name, one.id) if name])
    return Diagnostic("destination-not-found", _nothing(title, wanted), hint=near)


async def look_up(runtime: Runtime, bindings: Iterable[str], lineage: str) -> LookedUp:
    """Look up what these new bindings take over, or name as existing. Nothing is changed anywhere."""
    looked, own = LookedUp(), dict[str, str | None]()
    keys: dict[str, str] = {}
    for name in bindings:
        binding = runtime.project.bindings[name]
        if binding.connector not in own:
            own[binding.connector] = _own_id(runtime.client(binding.connector))
        key = ADOPT if ADOPT in binding.destination else own[binding.connector]
        if key is not None:
            keys[name] = key
    await asyncio.gather(*(_look(runtime, name, key, lineage, looked) for name, key in keys.items()))
    looked.notes.sort()
    return looked


def _own_id(client: ConnectorClient) -> str | None:
    """Return the attribute that names an object which exists, where the platform can be asked for it."""
    target = client.connector_type.manifest.destination
    return target.external if target.find is not None or target.read is not None else None


async def _look(runtime: Runtime, name: str, key: str, lineage: str, looked: LookedUp) -> None:
    binding = runtime.project.bindings[name]
    client, address = runtime.client(binding.connector), Address(Kind.BINDING, name)
    wanted = str(binding.destination[key])
    try:
        found = await meant(client, runtime.scope(name, lineage, binding.destination), wanted)
    except (PlatformError, DiagnosticError) as error:
        looked.notes.append(f"{address}: whether `{wanted}` exists was not looked up ({_why(error)})")
        return
    if isinstance(found, Diagnostic):
        looked.problems.append(
            Diagnostic(found.code, found.detail, hint=found.hint, address=address, path=("destination", key))
        )
    elif key == ADOPT:
        looked.notes.append(
            f"{address} takes over `{found.name or found.id}` as it is; who is in it already stays"
        )


async def _read(client: ConnectorClient, scope: Mapping[str, Any], wanted: str) -> Existing | Diagnostic:
    """Read what has this id, where objects cannot be listed."""
    read = client.connector_type.manifest.destination.read
    if read is None:
        return Existing(wanted, None)
    given = scope.get("destination", {})
    outcome = await client.call(read, {**scope, "destination": {**given, "id": wanted}})
    if outcome.category is Category.DESTINATION_MISSING:
        return Diagnostic("destination-not-found", _nothing(client.connector_type.manifest.title, wanted))
    if not outcome.ok:
        raise PlatformError(outcome)
    return Existing(wanted, outcome.extracted.get(_NAME))


def _existing(entry: Mapping[str, Any]) -> Existing:
    rest = {
        name.removeprefix(_PREFIX): value
        for name, value in entry.items()
        if name.startswith(_PREFIX) and name not in (_ID, _NAME)
    }
    name = entry.get(_NAME)
    return Existing(str(entry[_ID]), None if name is None else str(name), rest)


def _nothing(title: str, wanted: str) -> str:
    return (
        f"{title} has nothing that is called `{wanted}`, by name or id, as far as these credentials can see. "
        "`audiform destinations CONNECTOR` lists what there is."
    )


def _why(error: PlatformError | DiagnosticError) -> str:
    if isinstance(error, DiagnosticError):
        return "; ".join(item.detail for item in error.diagnostics)
    return said(error.outcome)


def said(outcome: Outcome) -> str:
    """Return what a platform answered instead, in words."""
    text = outcome.message or f"HTTP {outcome.status}"
    return f"{outcome.category.value}: {text}" if outcome.category else text
