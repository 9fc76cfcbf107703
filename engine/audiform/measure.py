"""Counts what a binding's next delivery would do. Read-only: a query over the source and the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.audiences.selection import select
from audiform.delivery.adopting import Listed, adopted
from audiform.delivery.barred import barred
from audiform.delivery.compare import Importable, compare, compare_adopted, impact_of
from audiform.delivery.deliver import age_of
from audiform.delivery.restoring import compare_restored, restored_impact
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.memory import saying_room
from audiform.plan.decision import Decision, destination_of
from audiform.plan.draft import Ended
from audiform.plan.guard import Facts
from audiform.plan.plan import Impact
from audiform.runtime import Runtime
from audiform.sources.running import in_thread
from audiform.state.ledger import LedgerSession, destination_key
from audiform.state.store import Record

AT_ONCE = 4
"""Bindings measured side by side: each measurement is a query that uses all processors by itself."""


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
    with saying_room():
        return await in_thread(_measure, runtime, binding, kept, listed)


async def measure_all(
    runtime: Runtime,
    decisions: Sequence[Decision],
    origins: Mapping[Address, Record],
    members: Mapping[Address, Listed],
) -> dict[Address, Facts]:
    """Count the people of every binding that is sent; `members`: of those that are imported.

    Raises:
        DiagnosticError: what is wrong with any of them, said together.
    """
    sending = [decision for decision in decisions if decision.change.sends]
    slots = asyncio.Semaphore(runtime.memory.side_by_side(min(AT_ONCE, len(sending))))
    problems: dict[Diagnostic, None] = {}
    found: dict[Address, Facts] = {}

    async def one(decision: Decision) -> None:
        async with slots:
            try:
                kept = None if decision.fresh else origins.get(decision.address)
                listed = members.get(decision.address)
                measured = await measure(runtime, decision.address.name, kept, listed)
            except DiagnosticError as error:
                problems.update(dict.fromkeys(error.diagnostics))
            else:
                found[decision.address] = Facts(measured.impact, measured.source_age)

    await asyncio.gather(*(one(decision) for decision in decisions if decision.change.sends))
    if problems:
        raise DiagnosticError(tuple(problems))
    return found


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


def count_ended(runtime: Runtime, ending: Mapping[Address, Record]) -> dict[Address, Ended]:
    """Count the members of recorded bindings that end: also without impact, because deleting is a decision.

    `ending`: address -> the record as it is kept now, under which name ever.
    """
    if not ending:
        return {}
    session = runtime.ledger.open(write=False)
    try:
        return {address: _ended(session, record) for address, record in ending.items()}
    finally:
        session.close()


def _ended(session: LedgerSession, record: Record) -> Ended:
    connector, destination_id = destination_of(record)
    members = session.members(destination_key(connector, destination_id or ""))
    name = record.address.name
    row = session.connection.execute(
        f"SELECT count(*), count(*) FILTER (identity NOT IN (SELECT identity FROM {members} WHERE binding <> $1)) "
        f"FROM {members} WHERE binding = $1",
        [name],
    ).fetchone()
    return Ended(*row) if row else Ended(0, 0)
