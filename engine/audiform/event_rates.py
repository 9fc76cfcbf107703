"""How much an event connector would send now, from what arrived lately: for the plan that says what starts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from audiform.address import Kind
from audiform.connectors.events.moments import moment
from audiform.eventlog.log import Entry, LogUnavailableError
from audiform.eventlog.open import event_directory, view_event_log
from audiform.events.event import Event
from audiform.events.route import Mapped
from audiform.events.routing import UncompilableError, compile_route
from audiform.plan.plan import Change, ChangeCategory
from audiform.runtime import Runtime

_LATELY = timedelta(minutes=5)
_SAMPLE = 2_000
"""So many events are looked at: what they are sent as is worked out for each."""
_PATIENCE = 5.0


@dataclass(frozen=True, slots=True)
class Lately:
    """The events that arrived within `seconds`; None where nobody can say."""

    events: Sequence[Event]
    seconds: float


async def with_rates(runtime: Runtime, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes; those that start to send say how much that is now."""
    if not any(map(_starts, changes)):
        return tuple(changes)
    lately = await _lately(runtime)
    return tuple(
        replace(change, notes=(*change.notes, _note(runtime, change, lately))) if _starts(change) else change
        for change in changes
    )


def _starts(change: Change) -> bool:
    return change.address.kind is Kind.EVENT_CONNECTOR and ChangeCategory.STARTS_SENDING in change.categories


async def _lately(runtime: Runtime) -> Lately | None:
    project = runtime.project
    view = view_event_log(project.event_log, project.root, event_directory(project))
    try:
        async with asyncio.timeout(_PATIENCE):
            newest = await view.newest(_SAMPLE)
    except (LogUnavailableError, TimeoutError):
        return None
    finally:
        await view.close()
    return within(newest, runtime.clock()) if newest else None


def within(newest: Sequence[Entry], now: datetime) -> Lately:
    """Return what of the newest events arrived lately, and over how long a time they are all that did."""
    recent = [entry.event for entry in newest if now - moment(entry.event.received) <= _LATELY]
    if len(recent) < len(newest) or len(newest) < _SAMPLE:
        return Lately(recent, _LATELY.total_seconds())
    return Lately(recent, max(1.0, (now - moment(recent[0].received)).total_seconds()))


def _note(runtime: Runtime, change: Change, lately: Lately | None) -> str:
    if lately is None:
        return "events/s now: unknown (there is no log of events to look at); no back-fill"
    connector = runtime.project.event_connectors[change.address.name]
    try:
        route = compile_route(
            change.address.name, connector, runtime.catalog.get(connector.type), runtime.clock
        )
    except UncompilableError:
        return "events/s now: unknown; no back-fill"
    sent = sum(isinstance(route.offer(event), Mapped) for event in lately.events)
    over = (
        f"of {len(lately.events):,} events of the last {_words(lately.seconds)} it would have sent {sent:,}"
    )
    return f"about {sent / lately.seconds:.2g} events/s now ({over}); no back-fill"


def _words(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"  # noqa: PLR2004 - two minutes
