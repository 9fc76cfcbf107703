"""Counts what a binding's next delivery would do. Read-only: a query over the source and the ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from audiform.address import Address, Kind
from audiform.audiences.selection import select
from audiform.delivery.compare import compare, impact_of
from audiform.delivery.deliver import age_of, letters_of
from audiform.plan.plan import Impact
from audiform.runtime import Runtime
from audiform.state.ledger import destination_key


@dataclass(frozen=True, slots=True)
class Measured:
    """The impact, and how old the source's data is in seconds (None where it cannot tell)."""

    impact: Impact
    source_age: float | None


async def measure(runtime: Runtime, binding: str, *, fresh: bool = False) -> Measured:
    """Return what the project's binding would do to its destination; `fresh`: to a new one, without members.

    Raises:
        DiagnosticError: the source cannot be read, or lacks a column, or the connector's type cannot be opened.
    """
    return await asyncio.to_thread(_measure, runtime, binding, fresh=fresh)


def _measure(runtime: Runtime, binding: str, *, fresh: bool) -> Measured:
    declared = runtime.project.bindings[binding]
    connector = runtime.project.connectors[declared.connector]
    manifest = runtime.catalog.get(connector.type).configured(connector.settings).manifest
    selection = select(binding, declared, runtime.project.audiences[declared.audience], manifest)
    session = runtime.ledger.open(write=False)
    try:
        key = None if fresh else _destination(runtime, binding)
        letters = [] if fresh else letters_of(runtime, binding)
        people, compared = compare(session, runtime.project, declared.audience, selection, key, letters)
    finally:
        session.close()
    return Measured(impact_of(selection, people, compared), age_of(runtime, people))


def _destination(runtime: Runtime, binding: str) -> str | None:
    """Return the key of the destination that the binding fills now, or None before it has one."""
    record = runtime.store.read().records.get(Address(Kind.BINDING, binding))
    if record is None or record.body["destination_id"] is None:
        return None
    return destination_key(record.body["connector"], record.body["destination_id"])
