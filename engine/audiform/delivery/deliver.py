"""Brings one recorded binding's destination to what its audience says now, or takes out whom it has put there.

read -> compare -> guards -> stage -> send in batches -> fold. It can be killed anywhere: nothing is sent that is
not staged and journalled, and the next opening of the ledger knows what became of it, or that nobody does.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from audiform.address import Address, Kind
from audiform.audiences.difference import table_of
from audiform.audiences.selection import Selection
from audiform.client import ConnectorClient
from audiform.config.kinds import Guards
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.delivery.barred import barred
from audiform.delivery.compare import (
    Compared,
    compare_ended,
    compare_named,
    ended_impact,
    impact_of,
)
from audiform.delivery.hands import Hands, OwnHands
from audiform.delivery.people import People
from audiform.delivery.progress import NoProgress, Progress
from audiform.delivery.readings import Readings
from audiform.delivery.report import Delivered, Moved, Problem, Status
from audiform.delivery.restoring import compare_restored
from audiform.delivery.rows import Outgoing
from audiform.delivery.sending import Sending, Tally
from audiform.delivery.watermarks import RETRIED, reached
from audiform.engines import hands_of
from audiform.outcome import Signal
from audiform.plan.guard import Facts, evaluate, stops, stricter
from audiform.plan.plan import GuardResult, Impact
from audiform.plan.records import effective_guards
from audiform.runtime import Runtime
from audiform.sources.running import in_thread
from audiform.state.ledger import LedgerSession, Part, SentKey, as_sent, destination_key
from audiform.state.store import Count, Record, Run


async def deliver(
    runtime: Runtime,
    binding: str,
    *,
    approved: Collection[str] = (),
    retry_rejected: bool = False,
    progress: Progress | None = None,
    readings: Readings | None = None,
) -> Delivered:
    """Send who entered, left and changed; the caller holds the lock, and one delivery at a time per destination.

    `approved`: names of guards that somebody approved. `retry_rejected`: send again what was rejected before.
    `readings`: of the run, in which the binding has its turn; without them its audience is read for it alone.

    Raises:
        DiagnosticError: the source cannot be read, or the connector's type not be opened. Nothing was sent.
    """
    record = runtime.store.read().records[Address(Kind.BINDING, binding)]
    client = runtime.client(record.body["connector"])
    whole = RETRIED if retry_rejected else ""
    readings = readings or Readings(runtime, {binding: binding}, write=True, whole=whole)
    async with readings.opened(binding) as opened, AsyncExitStack() as stack:
        selection = opened.selection
        hands = stack.enter_context(closing(hands_of(runtime.project, binding, opened)))
        work = _Work(runtime, opened.session, record, client, hands, progress or NoProgress())
        async with opened.comparing:
            people, compared = await in_thread(work.compare, retry_rejected=retry_rejected)
        impact = impact_of(selection, people, compared, opened.need)
        watermark = reached(runtime, record, selection, people, opened.need)
        guards = work.guards(impact, people, approved)
        if stops(guards):
            return work.delivered(Tally(), impact, guards, "stopped", compared)
        if retry_rejected:
            runtime.store.exhume(binding)
        tally = await work.send(compared, selection.signals, selection)
        if watermark is not None and not tally.failed and not tally.unsure:
            runtime.store.keep_watermark(watermark)
        work.count_left_out(impact)
        return work.delivered(tally, impact, guards, "failed" if tally.failed else "done", compared)


async def withdraw(
    runtime: Runtime, binding: str, record: Record, *, progress: Progress | None = None
) -> Delivered:
    """Remove every member that this recorded binding added and no other binding of the destination holds.

    It needs no source: the ledger knows what was sent. It is sent through the recorded connector.

    Raises:
        DiagnosticError: the connector's type cannot be opened.
    """
    name: str = record.body["connector"]
    connector = runtime.store.read().records[Address(Kind.CONNECTOR, name)]
    client = runtime.recorded_client(name, connector.body)
    runtime.store.drop_watermark(binding)
    leave = partial(compare_ended, binding=binding, manifest=client.connector_type.manifest)
    signals = sending_signals(client.connector_type.manifest)
    return await _take_out(runtime, record, client, signals, leave, progress or NoProgress())


async def withdraw_named(
    runtime: Runtime, record: Record, connector: Mapping[str, Any], keys: Sequence[SentKey]
) -> Delivered:
    """Remove the members of a recorded binding whom the keys name, or have them deleted where the platform can do that.

    `connector`: the body of the connector's record, which may be gone. The caller holds the lock.

    Raises:
        DiagnosticError: the connector's type cannot be opened.
    """
    client = runtime.recorded_client(record.body["connector"], connector)
    manifest = client.connector_type.manifest
    signals = sending_signals(manifest)
    if manifest.erase is not None:
        signals[Signal.REMOVE] = manifest.erase
    leave = partial(compare_named, binding=record.address.name, manifest=manifest, keys=keys)
    return await _take_out(runtime, record, client, signals, leave, NoProgress())


async def restore(
    runtime: Runtime, record: Record, runs: Sequence[str], *, progress: Progress | None = None
) -> Delivered:
    """Undo runs of a recorded binding, as far as the ledger remembers whom they moved. The caller holds the lock.

    Raises:
        DiagnosticError: the connector's type cannot be opened.
    """
    name: str = record.body["connector"]
    connector = runtime.store.read().records[Address(Kind.CONNECTOR, name)]
    client = runtime.recorded_client(name, connector.body)
    runtime.store.drop_watermark(record.address.name)
    manifest = client.connector_type.manifest
    leave = partial(compare_restored, binding=record.address.name, manifest=manifest, runs=runs)
    signals = sending_signals(manifest)
    return await _take_out(runtime, record, client, signals, leave, progress or NoProgress())


def sending_signals(manifest: Manifest) -> dict[Signal, SignalOperation]:
    """Return the operation of each signal that a configured type has."""
    return {
        Signal(signal): operation
        for signal, operation in manifest.signals.items()
        if isinstance(operation, SignalOperation)
    }


async def _take_out(
    runtime: Runtime,
    record: Record,
    client: ConnectorClient,
    signals: Mapping[Signal, SignalOperation],
    leave: Callable[..., Compared],
    progress: Progress,
) -> Delivered:
    """Send what `leave` finds in the ledger: whom to remove, or to add again."""
    session = await asyncio.to_thread(runtime.ledger.open, write=True)
    try:
        work = _Work(runtime, session, record, client, OwnHands(session), progress)
        compared = await asyncio.to_thread(leave, session, key=work.key)
        impact = ended_impact(compared)
        title = client.connector_type.manifest.title
        if Signal.REMOVE not in signals and compared.people(Signal.REMOVE):
            return work.delivered(_no_removal(title), impact, (), "failed", compared)
        tally = await work.send(compared, signals, None)
        return work.delivered(tally, impact, (), "failed" if tally.failed else "done", compared)
    finally:
        await asyncio.to_thread(session.close)


def _no_removal(title: str) -> Tally:
    problem = Problem(
        None,
        f"{title} has no way to remove a member, so those that were added stay there",
        "Remove them at the platform, or write `on_delete: keep` and apply that first",
    )
    return Tally(failed=True, problems=[problem])


@dataclass(slots=True)
class _Work:
    """One binding's delivery: where to, and with what."""

    runtime: Runtime
    session: LedgerSession
    record: Record
    client: ConnectorClient
    hands: Hands
    progress: Progress
    key: str = field(init=False)
    run: str = field(default="", init=False)

    def __post_init__(self) -> None:
        body = self.record.body
        self.key = destination_key(body["connector"], body["destination_id"])

    @property
    def binding(self) -> str:
        return self.record.address.name

    def compare(self, *, retry_rejected: bool) -> tuple[People, Compared]:
        known = barred(self.runtime, self.binding, retry_rejected=retry_rejected)
        return self.hands.compare(self.key, known)

    def guards(self, impact: Impact, people: People, approved: Collection[str]) -> tuple[GuardResult, ...]:
        """Ask the guards, recorded and declared: whichever lets less through."""
        declared = effective_guards(self.runtime.project, self.runtime.project.bindings[self.binding])
        kept = Guards.model_validate(self.record.body["guards"])
        held = stricter(declared, kept, impact.members_before.value)
        return evaluate(self.binding, held, Facts(impact, age_of(self.runtime, people)), approved)

    async def send(
        self,
        compared: Compared,
        signals: Mapping[Signal, SignalOperation],
        selection: Selection | None,
    ) -> Tally:
        """Stage the difference, send it part by part, and make the ledger say so."""
        if not compared.parts:
            return Tally()
        now = self.runtime.clock()
        run = Run(uuid.uuid4().hex, self.binding, self.key, {}, now)
        self.run = run.id
        await in_thread(self.hands.prepare, self._sizes(compared, signals))
        await asyncio.to_thread(self._stage, run, compared)
        self.runtime.store.begin_run(run)
        courier = self.hands.courier(self.client, self._scope())
        connector: str = self.record.body["connector"]
        sending = Sending(courier, self.runtime.store, self.session, run, connector, self.progress, now)
        self.progress.begin(self.binding, _people(compared))
        try:
            for outgoing in self._outgoing(compared, signals, selection):
                if not sending.tally.failed:
                    await sending.send(outgoing)
        finally:
            self.progress.end(self.binding)
            await courier.close()
        await asyncio.to_thread(self.session.fold, run, sending.tally.settled)
        self.runtime.store.end_run(run.id)
        return sending.tally

    def count_left_out(self, impact: Impact) -> None:
        """Add those who were left out to the day's statistics."""
        day = self.runtime.clock().date().isoformat()
        connector: str = self.record.body["connector"]
        self.runtime.store.count(
            Count(day, connector, self.binding, "left_out", reason, count)
            for reason, count in impact.left_out.items()
        )

    def delivered(
        self,
        tally: Tally,
        impact: Impact,
        guards: tuple[GuardResult, ...],
        status: Status,
        compared: Compared,
    ) -> Delivered:
        """Return the report."""
        return Delivered(
            binding=self.binding,
            status=status,
            sent=dict(tally.sent),
            rejected=tally.rejected,
            pending=tally.pending,
            unsure=tally.unsure,
            left_out=impact.left_out,
            impact=impact,
            guards=guards,
            problems=tuple(tally.problems),
            moved=Moved(self.run, self.key, _moving(compared)) if self.run else None,
            not_sent=_people(compared) - sum(tally.sent.values()) - tally.rejected - tally.unsure,
        )

    def _stage(self, run: Run, compared: Compared) -> None:
        for part in compared.parts:
            alike = compared.everybody if part is Part.ADD else None
            forms = self.hands.forms(part)
            self.session.stage(run, part, f"SELECT * FROM {table_of(part)}", forms, alike)

    def _sizes(self, compared: Compared, signals: Mapping[Signal, SignalOperation]) -> dict[Part, int]:
        manifest = self.client.connector_type.manifest
        return {
            part: Outgoing(part, signals[part.signal], manifest, (), (), {}).at_once
            for part in compared.parts
            if part.signal is not None
        }

    def _scope(self) -> dict[str, Any]:
        body = self.record.body
        destination = {**body["destination"], "id": body["destination_id"]}
        return self.runtime.scope(self.binding, self.runtime.store.read().lineage, destination)

    def _outgoing(
        self,
        compared: Compared,
        signals: Mapping[Signal, SignalOperation],
        selection: Selection | None,
    ) -> Iterable[Outgoing]:
        manifest = self.client.connector_type.manifest
        constants = self.client.constants(self._scope())
        for part in Part:
            if part.signal is None or part not in compared.parts:
                continue
            operation = signals[part.signal]
            if part.signal is Signal.REMOVE or selection is None:
                yield Outgoing(part, operation, manifest, self._named(part), (), constants)
            else:
                identifiers, variables = tuple(selection.identifiers), tuple(selection.variables)
                yield Outgoing(part, operation, manifest, identifiers, variables, constants)

    def _named(self, part: Part) -> Sequence[str]:
        """Return the identifiers of rows that come from the ledger, in the manifest's order."""
        rows = self.session.connection.execute(f"DESCRIBE {table_of(part)}").fetchall()
        columns = {row[0] for row in rows}
        known = self.client.connector_type.manifest.identifiers
        return [name for name in known if as_sent(name).strip('"') in columns]


def age_of(runtime: Runtime, people: People) -> float | None:
    """Return the age of the source's data in seconds; None where it has no files."""
    return max(0.0, runtime.clock().timestamp() - people.written) if people.written else None


def _moving(compared: Compared) -> dict[Part, int]:
    """Return the parts that somebody enters, leaves or changes by: what an inverse may undo."""
    return {part: count for part, count in compared.parts.items() if part is not Part.KEEP}


def _people(compared: Compared) -> int:
    return sum(compared.people(signal) for signal in Signal)
