"""Looks up what the platforms have now: each recorded destination whose type can read, read once.

Nothing is written, here or there. What cannot be read is `unknown` with the reason, never missing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from audiform.address import Address, Kind
from audiform.client import ConnectorClient
from audiform.diagnostics import DiagnosticError
from audiform.marker import unmark
from audiform.outcome import Category, Outcome
from audiform.plan.prior import Observed, Presence, Refreshed
from audiform.runtime import Runtime
from audiform.state.store import Record, StateView

_DESTINATION = "destination."


async def refresh(runtime: Runtime, recorded: StateView) -> Refreshed:
    """Return what each recorded binding's destination is now, by address.

    Bindings without a destination, of a switched-off connector, or of a type that cannot read are not in it.
    Reads run side by side within the limits of each connector.
    """
    shared: dict[tuple[str, str], list[Record]] = {}
    for record in recorded.records.values():
        if record.address.kind is Kind.BINDING and record.body["destination_id"] is not None:
            shared.setdefault((record.body["connector"], record.body["destination_id"]), []).append(record)
    found = await asyncio.gather(
        *(_look(runtime, recorded, records) for (name, _), records in shared.items() if _is_on(runtime, name))
    )
    return {address: observed for part in found for address, observed in part.items()}


def _is_on(runtime: Runtime, connector: str) -> bool:
    present = runtime.project.connectors.get(connector)
    return present is None or present.enabled


async def _look(
    runtime: Runtime, recorded: StateView, records: Sequence[Record]
) -> Mapping[Address, Observed]:
    """Read the one destination that all these bindings fill."""
    first = records[0]
    connector = recorded.records.get(Address(Kind.CONNECTOR, first.body["connector"]))
    if connector is None:
        return {}
    try:
        client = runtime.recorded_client(connector.address.name, connector.body)
        if client.connector_type.manifest.destination.read is None:
            return {}
        observed = await observe(runtime, client, first, recorded.lineage)
    except DiagnosticError as error:
        observed = Observed(Presence.UNKNOWN, why="; ".join(item.detail for item in error.diagnostics))
    return {record.address: observed for record in records}


async def observe(runtime: Runtime, client: ConnectorClient, record: Record, lineage: str) -> Observed:
    """Return what the destination of a binding's record is now, of a type that can read."""
    read = client.connector_type.manifest.destination.read
    assert read is not None  # noqa: S101 - the caller has looked
    destination = {**record.body["destination"], "id": record.body["destination_id"]}
    outcome = await client.call(read, runtime.scope(record.address.name, lineage, destination))
    if outcome.category is Category.DESTINATION_MISSING:
        return Observed(Presence.MISSING)
    if not outcome.ok:
        return Observed(Presence.UNKNOWN, why=_why(outcome))
    return Observed(Presence.PRESENT, _attributes(outcome, client.connector_type.manifest.destination.marker))


def _attributes(outcome: Outcome, marked: str | None) -> dict[str, Any]:
    found = {
        name.removeprefix(_DESTINATION): value
        for name, value in outcome.extracted.items()
        if name.startswith(_DESTINATION) and name != f"{_DESTINATION}id"
    }
    if marked in found:
        found[marked] = unmark(found[marked])
    return found


def _why(outcome: Outcome) -> str:
    said = outcome.message or f"HTTP {outcome.status}"
    return f"{outcome.category.value}: {said}" if outcome.category else said
