"""Carries an erasure out: tombstones first, then the platforms, then everything that is kept here.

It can be killed anywhere and is finished by the same request: nobody is sent again meanwhile, because the tombstones
stand, and the ledger keeps the person until the platform has taken the removal.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from audiform.delivery.deliver import withdraw_named
from audiform.delivery.report import Delivered
from audiform.diagnostics import DiagnosticError
from audiform.erasure.events import erase_kept
from audiform.erasure.forms import Forms
from audiform.erasure.report import Erased, Place, Receipt, Way
from audiform.runtime import Runtime
from audiform.state.ledger import LedgerSession, tombstone_text
from audiform.state.lock import whoami
from audiform.state.naming import traces_of
from audiform.state.store import HistoryEntry, Tombstone

_ANSWERS = {
    Way.CANNOT: "the platform has no operation for it; forgotten here, somebody must remove them at its console",
    Way.UNREACHABLE: "nobody knows how it was reached; forgotten here, somebody must look at the platform",
    Way.PAST: "they were removed before; what was remembered of it is erased",
}


async def erase(runtime: Runtime, forms: Forms, places: Sequence[Place]) -> Erased:
    """Forget the person. The caller holds the lock, and `places` were found under it. Journalled as any delivery."""
    request, begun, who = uuid.uuid4().hex, runtime.clock(), whoami()
    serial = runtime.store.create().serial
    # Pinned: a receipt is asked for years later, when two hundred other entries have come since.
    entry = HistoryEntry(request, "forget", who, begun, None, serial, None, {}, pinned=True)
    runtime.store.remember(entry)
    count = await asyncio.to_thread(_entomb, runtime, forms, request, begun)
    receipts = tuple([await _settle(runtime, forms, place) for place in places])
    rows, letters = await asyncio.to_thread(_erase_here, runtime, forms, receipts)
    events = await asyncio.to_thread(erase_kept, runtime, forms)
    erased = Erased(request, receipts, rows, letters, count, events)
    after = runtime.store.read().serial
    runtime.store.remember(replace(entry, ended=runtime.clock(), serial_after=after, data=erased.data()))
    return erased


def _entomb(runtime: Runtime, forms: Forms, request: str, at: datetime) -> int:
    session = runtime.ledger.open(write=True)
    try:
        stones = tuple(_tombstones(session, forms, request, at))
    finally:
        session.close()
    runtime.store.entomb(stones)
    return len(stones)


def _tombstones(session: LedgerSession, forms: Forms, request: str, at: datetime) -> Iterator[Tombstone]:
    for identifier in dict.fromkeys(name for name, _ in forms.texts):
        texts = [text for name, text in forms.texts if name == identifier]
        digest = session.digest(tombstone_text(identifier, "value"))
        rows = session.connection.execute(
            f"SELECT CAST({digest} AS VARCHAR) FROM (SELECT unnest(CAST($1 AS VARCHAR[])) AS value)", [texts]
        ).fetchall()
        yield from (Tombstone(row[0], identifier, request, at) for row in rows)


async def _settle(runtime: Runtime, forms: Forms, place: Place) -> Receipt:
    """Do what can be done about one place, and say what became of it."""
    if place.record is None or place.connector is None or place.way not in {Way.REMOVE, Way.DELETE}:
        return Receipt(place, runtime.clock(), 0, _ANSWERS[place.way], ok=place.way is Way.PAST)
    try:
        gone = await withdraw_named(runtime, place.record, place.connector, forms.keys)
    except DiagnosticError as error:
        why = "; ".join(item.detail for item in error.diagnostics)
        return Receipt(place, runtime.clock(), 0, f"not sent: {why}", ok=False, kept=True)
    return _receipt(place, gone, runtime.clock())


def _receipt(place: Place, gone: Delivered, at: datetime) -> Receipt:
    sent = sum(gone.sent.values())
    said = "; ".join(dict.fromkeys(problem.message for problem in gone.problems if problem.message))
    if gone.status != "done" or gone.unsure:
        return Receipt(place, at, sent, f"not done: {said or 'no answer arrived'}", ok=False, kept=True)
    if gone.rejected:
        answer = f"the platform refused it ({said}); forgotten here, somebody must look at its console"
        return Receipt(place, at, sent, answer, ok=False)
    if gone.pending:
        return Receipt(place, at, sent, "accepted; the platform is still at it", ok=True)
    if not sent:
        return Receipt(place, at, 0, "nothing to send: others there are known by the same", ok=True)
    return Receipt(place, at, sent, "deleted" if place.way is Way.DELETE else "removed", ok=True)


def _erase_here(runtime: Runtime, forms: Forms, receipts: Sequence[Receipt]) -> tuple[int, int]:
    """Erase the person from every destination's files that needs them no more, and from the dead letters."""
    kept = {receipt.place.destination_key for receipt in receipts if receipt.kept}
    keys = dict.fromkeys(receipt.place.destination_key for receipt in receipts)
    session = runtime.ledger.open(write=True)
    try:
        rows = sum(session.erase(key, forms.keys) for key in keys if key not in kept)
        letters = runtime.store.unbury(traces_of(session, forms.keys))
    finally:
        session.close()
    return rows, letters
