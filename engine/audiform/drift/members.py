"""How many people are in a destination, against the ledger: counted or listed, as far as its platform can be asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from audiform.client import ConnectorClient, PlatformError
from audiform.config.kinds import ADOPT
from audiform.connectors.identifiers import normalize
from audiform.connectors.limits import Counting
from audiform.connectors.manifest import Identifier, Operation
from audiform.connectors.named import COUNT
from audiform.drift.report import Members, Verdict
from audiform.plan.plan import Figure
from audiform.state.ledger import LedgerSession, as_sent
from audiform.state.store import Record

_AT_ONCE = 10_000
_LISTED = "audiform.listed"


@dataclass(frozen=True, slots=True)
class Asked:
    """One destination that is asked: by which client, with what its templates may name. `key`: its key in the ledger.

    `moved`: when people were last sent there, as far as the history knows.
    """

    session: LedgerSession
    key: str
    client: ConnectorClient
    scope: Mapping[str, Any]
    record: Record
    moved: datetime | None

    @property
    def has_others(self) -> bool:
        """Whether people of others may be in it by right: in an object that was there before."""
        target = self.client.connector_type.manifest.destination
        return ADOPT in self.record.body["destination"] or target.external is not None

    def allowed(self, ledger: int) -> int:
        """Return by how many people the platform may differ."""
        counting = self.client.connector_type.manifest.counting
        return max(counting.people, int(counting.share * ledger))


async def count_members(asked: Asked, now: datetime) -> Members:
    """Return how many there are and how many there should be."""
    ledger = await asyncio.to_thread(people_of, asked.session, asked.key)
    manifest = asked.client.connector_type.manifest
    late = _late(manifest.counting, asked.moved, now)
    if late:
        return unknown(ledger, late)
    match manifest.read_back:
        case "members" if manifest.destination.members is not None:
            return await _listed(asked, manifest.destination.members, ledger)
        case "count" if manifest.destination.read is not None:
            return await _counted(asked, manifest.destination.read, ledger)
        case _:
            return unknown(ledger, "read_back: none (the platform cannot be asked who is there)")


def people_of(session: LedgerSession, key: str) -> int:
    """Count whom the ledger has in a destination; people whom several bindings added once."""
    return _number(session, f"SELECT count(DISTINCT identity) FROM {session.members(key)}")


def unknown(ledger: int, why: str) -> Members:
    """Return what is said of a destination that cannot be asked."""
    return Members(Verdict.UNKNOWN, ledger, Figure("unknown", why=why), why)


def _failed(ledger: int, why: str) -> Members:
    return Members(Verdict.FAILED, ledger, Figure("unknown", why=why), why)


def _late(counting: Counting, moved: datetime | None, now: datetime) -> str:
    if moved is None or now >= moved + timedelta(hours=counting.hours):
        return ""
    return f"people were sent less than {counting.hours:g} hours ago, and the platform counts late"


async def _counted(asked: Asked, read: Operation, ledger: int) -> Members:
    outcome = await asked.client.call(read, asked.scope)
    if not outcome.ok:
        return _failed(ledger, outcome.message or f"HTTP {outcome.status}")
    told = outcome.extracted.get(COUNT)
    if told is None or int(told) < 0:
        return unknown(ledger, "the platform does not say how many there are")
    platform, allowed = int(told), asked.allowed(ledger)
    far = platform < ledger - allowed or (not asked.has_others and platform > ledger + allowed)
    figure = Figure("estimated" if allowed else "exact", platform)
    return Members(Verdict.DRIFT if far else Verdict.SAME, ledger, figure, _said(allowed, "counted"))


async def _listed(asked: Asked, operation: Operation, ledger: int) -> Members:
    """Compare who is there with whom the ledger has, person by person."""
    manifest = asked.client.connector_type.manifest
    name = manifest.identity
    entries = asked.client.listing(operation, asked.scope)
    try:
        await _keep(asked.session, manifest.identifiers[name], entries, f"member.{name}")
    except PlatformError as error:
        return _failed(ledger, error.outcome.message or f"HTTP {error.outcome.status}")
    platform, missing, others = await asyncio.to_thread(_compared, asked, name, ledger)
    allowed = asked.allowed(ledger)
    far = missing > allowed or (not asked.has_others and others > allowed)
    verdict = Verdict.DRIFT if far else Verdict.SAME
    said = _said(allowed, "compared person by person")
    return Members(verdict, ledger, Figure("exact", platform), said, missing, others)


def _said(allowed: int, how: str) -> str:
    return f"{how}; may differ by {allowed:,}" if allowed else how


async def _keep(
    session: LedgerSession, identifier: Identifier, entries: AsyncIterator[Mapping[str, Any]], reference: str
) -> None:
    """Keep the members that a platform lists in a table, a few thousand at a time."""
    session.connection.execute(f"CREATE OR REPLACE TABLE {_LISTED} (value VARCHAR)")
    waiting: list[str] = []
    async for entry in entries:
        if entry.get(reference) is not None:
            waiting.append(_as_sent(identifier, str(entry[reference])))
        if len(waiting) >= _AT_ONCE:
            await asyncio.to_thread(_add, session, waiting)
            waiting = []
    await asyncio.to_thread(_add, session, waiting)


def _as_sent(identifier: Identifier, value: str) -> str:
    """Return a listed value as it is sent: platforms give addresses back in a case of their own."""
    hashed = identifier.hash != "none"
    return normalize(identifier, value, region=None, already_hashed=hashed) or value


def _add(session: LedgerSession, values: Sequence[str]) -> None:
    session.connection.execute(f"INSERT INTO {_LISTED} SELECT unnest(CAST($1 AS VARCHAR[]))", [list(values)])


def _compared(asked: Asked, name: str, ledger: int) -> tuple[int, int, int]:
    """Return how many are at the platform, how many members are not there, and how many there are no members."""
    session, ours = asked.session, "audiform.ours"
    listed = f"(SELECT DISTINCT value FROM {_LISTED})"
    there = _number(session, f"SELECT count(*) FROM {listed}")
    if not ledger:
        return there, 0, there
    session.revealed(f"SELECT * FROM {session.members(asked.key)}", ours)
    mine = f"(SELECT DISTINCT {as_sent(name)} AS value FROM {ours} WHERE {as_sent(name)} IS NOT NULL)"
    missing = _number(session, f"SELECT count(*) FROM {mine} ANTI JOIN {listed} USING (value)")
    others = _number(session, f"SELECT count(*) FROM {listed} ANTI JOIN {mine} USING (value)")
    return there, missing, others


def _number(session: LedgerSession, query: str) -> int:
    return int(session.connection.execute(query).fetchall()[0][0])
