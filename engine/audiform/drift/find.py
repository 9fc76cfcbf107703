"""Asks the platforms what they have now, and compares it with what was applied. Nothing is written anywhere.

Two layers: the objects (changed, or gone), and how many people are in them against the ledger, as far as a platform can be
asked. What nobody can know is said as unknown, with the reason, and is never a 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audiform.address import Address, Kind
from audiform.client import ConnectorClient
from audiform.config.kinds import ADOPT
from audiform.diagnostics import DiagnosticError
from audiform.drift.members import Asked, count_members, people_of, unknown
from audiform.drift.report import Drift, Drifted, Members, Objects, Verdict
from audiform.plan.plan import ChangeCategory, FieldChange
from audiform.plan.prior import Observed, Presence
from audiform.refresh import refresh
from audiform.runtime import Runtime
from audiform.state.ledger import destination_key
from audiform.state.store import HistoryEntry, Record, StateView

_OUTSIDE = "changed outside of Audiform"
_AT_ONCE = 4
"""Destinations whose members are compared side by side: each has a session of the ledger."""
Place = tuple[str, str]


async def find_drift(runtime: Runtime) -> Drift:
    """Compare every recorded destination with what its platform says."""
    recorded = runtime.store.read()
    observed = await refresh(runtime, recorded)
    records = [
        record
        for address, record in sorted(recorded.records.items())
        if address.kind is Kind.BINDING and record.body["destination_id"] is not None
    ]
    search = _Search(runtime, recorded, _lately(runtime.store.history()), asyncio.Semaphore(_AT_ONCE))
    members = await search.members(records)
    bindings = tuple(
        Drifted(
            record.address,
            record.body["connector"],
            search.title(record),
            _objects(record, observed.get(record.address), search.client(record)),
            members[_place(record)],
        )
        for record in records
    )
    return Drift(runtime.project.name, runtime.project.environment.name, runtime.clock(), bindings)


@dataclass(frozen=True, slots=True)
class _Search:
    """What all questions share. `lately`: destination key -> when people were last moved there."""

    runtime: Runtime
    recorded: StateView
    lately: Mapping[str, datetime]
    slots: asyncio.Semaphore

    async def members(self, records: Sequence[Record]) -> dict[Place, Members]:
        """Ask for the members of each destination once, whichever bindings fill it."""
        first = {_place(record): record for record in reversed(records)}
        found = await asyncio.gather(*(self._members(record) for record in first.values()))
        return dict(zip(first, found, strict=True))

    async def _members(self, record: Record) -> Members:
        key, client = destination_key(*_place(record)), self.client(record)
        async with self.slots:
            session = await asyncio.to_thread(self.runtime.ledger.open, write=False)
            try:
                if isinstance(client, str):
                    return unknown(await asyncio.to_thread(people_of, session, key), client)
                asked = Asked(session, key, client, self._scope(record), record, self.lately.get(key))
                return await count_members(asked, self.runtime.clock())
            finally:
                await asyncio.to_thread(session.close)

    def client(self, record: Record) -> ConnectorClient | str:
        """Return the recorded connector's client, or why there is none."""
        name: str = record.body["connector"]
        known = self.recorded.records.get(Address(Kind.CONNECTOR, name))
        present = self.runtime.project.connectors.get(name)
        if known is None:
            return "its connector is not recorded"
        if present is not None and not present.enabled:
            return "its connector is switched off"
        try:
            return self.runtime.recorded_client(name, known.body)
        except DiagnosticError as error:
            return "; ".join(item.detail for item in error.diagnostics)

    def title(self, record: Record) -> str:
        """Return what the platform is called."""
        client = self.client(record)
        return (
            str(record.body["connector"]) if isinstance(client, str) else client.connector_type.manifest.title
        )

    def _scope(self, record: Record) -> dict[str, Any]:
        destination = {**record.body["destination"], "id": record.body["destination_id"]}
        return self.runtime.scope(record.address.name, self.recorded.lineage, destination)


def _objects(record: Record, seen: Observed | None, client: ConnectorClient | str) -> Objects:
    """Compare what was last written with what is there."""
    if seen is None:
        why = client if isinstance(client, str) else "the platform cannot be asked for an object"
        return Objects(Verdict.UNKNOWN, why=why)
    if seen.presence is Presence.MISSING:
        return Objects(Verdict.DRIFT, gone=True, why="its object is not at the platform any more")
    if seen.presence is Presence.UNKNOWN:
        return Objects(Verdict.FAILED, why=seen.why)
    written: Mapping[str, Any] = record.body["destination"]
    fields = tuple(
        FieldChange(f"destination.{name}", written[name], value, ChangeCategory.METADATA, _OUTSIDE)
        for name, value in sorted(seen.attributes.items())
        if name in written and name != ADOPT and value != written[name]
    )
    return Objects(Verdict.DRIFT if fields else Verdict.SAME, fields)


def _place(record: Record) -> Place:
    return record.body["connector"], record.body["destination_id"]


def _lately(history: Sequence[HistoryEntry]) -> Mapping[str, datetime]:
    return {
        moved["destination_key"]: entry.ended or entry.started
        for entry in history
        for moved in entry.data.get("moved", ())
    }
