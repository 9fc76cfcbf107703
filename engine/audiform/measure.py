"""Counts what a binding's next delivery would do. Read-only: a query over the source and the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.delivery.adopting import Listed, adopted
from audiform.delivery.barred import barred
from audiform.delivery.compare import Importable, compare_adopted, impact_of
from audiform.delivery.deliver import age_of
from audiform.delivery.readings import Opened, Readings
from audiform.delivery.restoring import compare_restored, restored_impact
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.engines import hands_of
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


@dataclass(frozen=True, slots=True)
class Measurable:
    """A binding of the project that is to be measured.

    `kept`: its record as it is now, also when it will be called otherwise; None for a new destination without members.
    `listed`: who is in it, of one that is imported.
    """

    binding: str
    kept: Record | None = None
    listed: Listed | None = None

    @property
    def name(self) -> str:
        """What the ledger calls it."""
        return self.kept.address.name if self.kept else self.binding


def readings_of(runtime: Runtime, measured: Iterable[Measurable]) -> Readings:
    """Return what is read for bindings that are measured together: each audience once."""
    several = list(measured)
    fresh = {one.binding for one in several if one.kept is None or one.listed is not None}
    return Readings(runtime, {one.binding: one.name for one in several}, write=False, fresh=fresh)


async def measure(runtime: Runtime, one: Measurable, readings: Readings | None = None) -> Measured:
    """Return what the project's binding would do to its destination.

    `readings`: of those that are measured together, in which it has its turn.

    Raises:
        DiagnosticError: the source cannot be read, or lacks a column, or the connector's type cannot be opened.
    """
    readings = readings or readings_of(runtime, [one])
    with saying_room():
        async with readings.opened(one.binding) as opened, opened.comparing:
            return await in_thread(_measure, runtime, one, opened)


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
    wanted = {
        decision.address: Measurable(
            decision.address.name,
            None if decision.fresh else origins.get(decision.address),
            members.get(decision.address),
        )
        for decision in decisions
        if decision.change.sends
    }

    async def one(address: Address, measurable: Measurable) -> None:
        async with readings.turn(measurable.binding), slots:
            try:
                measured = await measure(runtime, measurable, readings)
            except DiagnosticError as error:
                problems.update(dict.fromkeys(error.diagnostics))
            else:
                found[address] = Facts(measured.impact, measured.source_age)

    async with readings_of(runtime, wanted.values()) as readings:
        await asyncio.gather(*(one(address, measurable) for address, measurable in wanted.items()))
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


def _measure(runtime: Runtime, one: Measurable, opened: Opened) -> Measured:
    session, reading, selection = opened.session, opened.reading, opened.selection
    key = _destination(one.kept) if one.kept else None
    known = barred(runtime, one.name, retry_rejected=one.kept is None)
    if one.listed is None or key is None:
        with closing(hands_of(runtime.project, one.binding, opened)) as hands:
            people, compared = hands.compare(key, known)
    else:
        there = Importable(key, adopted(session, selection.manifest, one.listed))
        people, compared = compare_adopted(session, reading, selection, there, known)
    return Measured(impact_of(selection, people, compared, opened.need), age_of(runtime, people))


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
