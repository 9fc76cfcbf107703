"""How much of its audience a binding needs to be read, and how far it has read it once all of that was settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

from audiform.address import Address, Kind
from audiform.audiences.selection import Selection
from audiform.audiences.watermarks import Kind as Sorted
from audiform.audiences.watermarks import later, shown
from audiform.config.schedule import Schedule
from audiform.config.watermarks import Reconcile
from audiform.delivery.people import People
from audiform.hashing import digest, digest_text
from audiform.plan.guard import seconds
from audiform.plan.plan import Extent
from audiform.runtime import Runtime
from audiform.schedules.occurrences import first_after
from audiform.sources.slices import Slice, kept_value, slice_since
from audiform.state.ledger import destination_key
from audiform.state.store import Record, Watermark

ASKED_FOR = "that was asked for (`--full`)"
RETRIED = "records that were rejected before are sent again"
_ELSEWHERE = "another binding of the audience needs it"
NEVER = "its destination was not filled from all of them yet"
_CHANGED = "the definition is not that of the last sync"
_HOUR, _MINUTE = 3600, 60


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one binding needs: what changed since its watermark, or everything, because of `why`."""

    watermark: Watermark | None = None
    why: str = ""


EVERYBODY: Final = Wanted()


def wanted(runtime: Runtime, binding: str, name: str, selection: Selection, *, whole: str) -> Wanted:
    """Return what a binding needs, which the ledger knows by `name`. `whole`: why everything is read anyway."""
    if selection.tracked is None or whole:
        return Wanted(why=whole)
    record = runtime.store.read().records.get(Address(Kind.BINDING, name))
    known = runtime.store.watermark(name)
    if record is None or known is None:
        return Wanted(why=NEVER)
    if known.definition != definition_of(runtime, binding, record, selection):
        return Wanted(why=_CHANGED)
    why = _due(runtime, binding, known)
    return Wanted(why=why) if why else Wanted(known)


def agreed(
    audience: str, selections: Iterable[Selection], needs: Mapping[str, Wanted]
) -> tuple[Slice | None, Mapping[str, Wanted]]:
    """Return from where on an audience is read for all of its bindings at once, and what each of them gets.

    Raises:
        DiagnosticError: the audience's overlap does not fit its watermark (`watermark-overlap`).
    """
    tracked = next((one.tracked for one in selections), None)
    known = [one.watermark for one in needs.values() if one.watermark is not None]
    kinds = {one.kind for one in known}
    if tracked is None or len(known) < len(needs) or len(kinds) != 1:
        return None, {
            name: Wanted(why=_ELSEWHERE) if one.watermark is not None else one for name, one in needs.items()
        }
    parts = [
        slice_since(Address(Kind.AUDIENCE, audience), tracked, cast("Sorted", one.kind), one.value)
        for one in known
    ]
    return min(parts, key=lambda part: int(part.value) if part.kind == "integer" else part.value), needs


def extent_of(need: Wanted, selection: Selection, shared: int) -> Extent | None:
    """Return what is said of how much was read."""
    if selection.tracked is None:
        return None
    if need.watermark is None:
        return Extent(why=need.why)
    mark = need.watermark
    since = shown(mark.kind, mark.value) or f"the sync of {mark.at:%Y-%m-%d %H:%M:%S} UTC"
    return Extent(since, shared=shared)


def reached(
    runtime: Runtime, record: Record, selection: Selection, people: People, need: Wanted
) -> Watermark | None:
    """Return how far a binding has read when all that was read is settled; None where that cannot be told.

    Raises:
        DiagnosticError: the highest watermark is a text that cannot be asked for (`watermark-type`).
    """
    seen, before, tracked = people.seen, need.watermark, selection.tracked
    if tracked is None or seen is None:
        return None
    now, name = runtime.clock(), record.address.name
    if seen.highest is None:
        return None if before is None else replace(before, at=now)
    audience = Address(Kind.AUDIENCE, record.body["audience"])
    value = kept_value(seen.kind, seen.highest, now, tracked.watermark, audience)
    if before is not None:
        return replace(before, value=later(seen.kind, before.value, value), at=now)
    definition = definition_of(runtime, name, record, selection)
    return Watermark(name, definition, seen.kind, value, now, now)


def definition_of(runtime: Runtime, binding: str, record: Record, selection: Selection) -> str:
    """Return the digest of what is read, what is made of it, and where it goes."""
    project = runtime.project
    declared = project.bindings[binding]
    audience, connector = project.audiences[declared.audience], project.connectors[declared.connector]
    source = project.sources[audience.source]
    return digest(
        {
            "source": {"type": source.type, "settings": source.settings.model_dump(mode="json")},
            "query": digest_text(audience.sql),
            "columns": [[*place, column] for place, column in selection.columns],
            "identifiers": {
                name: column.model_dump(mode="json") for name, column in selection.identifiers.items()
            },
            "signals": [signal.value for signal in selection.signals],
            "type": runtime.catalog.get(connector.type).digest,
            "settings": connector.settings,
            "destination": destination_key(record.body["connector"], record.body["destination_id"] or ""),
        }
    )


def _due(runtime: Runtime, binding: str, known: Watermark) -> str:
    """Return why everything is to be read again; empty while it is not time yet."""
    audience = runtime.project.audiences[runtime.project.bindings[binding].audience]
    reconcile, now = audience.reconcile or Reconcile(), runtime.clock()
    if known.whole <= now < _next(reconcile, known.whole, now):
        return ""
    when = (
        f"on {known.whole:%Y-%m-%d %H:%M:%S} UTC" if known.whole > now else f"{_ago(now - known.whole)} ago"
    )
    return f"the last sync that did was {when}, and `reconcile` says {reconcile}"


def _next(reconcile: Reconcile, before: datetime, now: datetime) -> datetime:
    """Return when everything is to be read after the last time; a cron expression that never comes is never."""
    if reconcile.interval is not None:
        return before + timedelta(seconds=seconds(reconcile.interval))
    times = Schedule(cron=reconcile.cron, time_zone=reconcile.time_zone)
    return first_after(times, before) or now + timedelta(seconds=1)


def _ago(age: timedelta) -> str:
    passed = age.total_seconds()
    return f"{passed / _HOUR:.1f}h" if passed >= _HOUR else f"{passed / _MINUTE:.0f}m"
