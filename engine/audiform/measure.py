"""Counts what a binding's next delivery would do. Read-only: a query over the source and the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.audiences.selection import select
from audiform.delivery.adopting import Listed, adopted
from audiform.delivery.barred import barred
from audiform.delivery.compare import Importable, compare, compare_adopted, impact_of
from audiform.delivery.deliver import age_of
from audiform.delivery.restoring import compare_restored, restored_impact
from audiform.plan.plan import Impact
from audiform.runtime import Runtime
from audiform.sources.running import in_thread
from audiform.state.ledger import destination_key
from audiform.state.store import Record


@dataclass(frozen=True, slots=True)
class Measured:
    """The impact, and how old the source's data is in seconds (None where it cannot tell)."""

    impact: Impact
    source_age: float | None


async def measure(
    runtime: Runtime, binding: str, kept: Record | None, listed: Listed | None = None
) -> Measured:
    """Return what the project's binding would do to its destination.

    `kept`: its record as it is now, also when it will be called otherwise; None for a new destination without members.
    `listed`: who is in it, of one that is imported.

    Raises:
        DiagnosticError: the source cannot be read, or lacks a column, or the connector's type cannot be opened.
    """
    return await in_thread(_measure, runtime, binding, kept, listed)


async def measure_restored(runtime: Runtime, record: Record, step: Mapping[str, Any]) -> Impact:
    """Return what undoing runs does to a recorded binding; `step`: the data of the step that does it.

    Raises:
        DiagnosticError: the connector's type cannot be opened.
    """
    return await asyncio.to_thread(_measure_restored, runtime, record, step)


def _measure_restored(runtime: Runtime, record: Record, step: Mapping[str, Any]) -> Impact:
    name: str = record.body["connector"]
    connector = runtime.store.read().records[Address(Kind.CONNECTOR, name)]
    manifest = runtime.recorded_client(name, connector.body).connector_type.manifest
    key = destination_key(name, record.body["destination_id"])
    session = runtime.ledger.open(write=False)
    try:
        compared = compare_restored(session, record.address.name, manifest, key, step["runs"])
    finally:
        session.close()
    return restored_impact(compared, modified=step["modified"])


def _measure(runtime: Runtime, binding: str, kept: Record | None, listed: Listed | None) -> Measured:
    declared = runtime.project.bindings[binding]
    connector = runtime.project.connectors[declared.connector]
    manifest = runtime.catalog.get(connector.type).configured(connector.settings).manifest
    name = kept.address.name if kept else binding
    selection = select(name, declared, runtime.project.audiences[declared.audience], manifest)
    session = runtime.ledger.open(write=False)
    try:
        key = _destination(kept) if kept else None
        known = barred(runtime, name, retry_rejected=kept is None)
        project = runtime.project
        if listed is None or key is None:
            people, compared = compare(session, project, declared.audience, selection, key, known)
        else:
            there = Importable(key, adopted(session, manifest, listed))
            people, compared = compare_adopted(session, project, declared.audience, selection, there, known)
    finally:
        session.close()
    return Measured(impact_of(selection, people, compared), age_of(runtime, people))


def _destination(record: Record) -> str | None:
    """Return the key of the destination that the binding fills now, or None before it has one."""
    if record.body["destination_id"] is None:
        return None
    return destination_key(record.body["connector"], record.body["destination_id"])
