"""The events of a case: they take the way that events take in a run, from what was received to what became of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from audiform.cases.clock import START, still_clock
from audiform.cases.model import Case
from audiform.cases.secrets import sample_secret
from audiform.config.event_kinds import EventConnector
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.events.moments import rfc3339
from audiform.event_client import Sent, sender_of
from audiform.events.event import Event
from audiform.events.route import Mapped, NotSent
from audiform.events.routing import UncompilableError, compile_route
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError
from audiform.transport import Transport

_OWN = frozenset({"id", "source", "type", "name", "time", "received"})


def event_of(given: Mapping[str, Any], number: int) -> Event:
    """Return the event of a case or a test: what it does not say is the same in all of them."""
    at = rfc3339(START)
    return Event(
        id=str(given.get("id", f"e{number}")),
        source=str(given.get("source", "shop")),
        type=str(given.get("type", "track")),
        name=given.get("name"),
        time=str(given.get("time", at)),
        received=str(given.get("received", at)),
        body={key: value for key, value in given.items() if key not in _OWN},
    )


def connector_of(case: Case, kind: ConnectorType) -> EventConnector:
    """Return the event connector that a case is about."""
    return EventConnector.model_validate({"type": kind.name, "settings": case.settings, "map": case.map})


def records_of(case: Case, kind: ConnectorType) -> tuple[list[Mapped], list[NotSent]]:
    """Return what becomes of the case's events: records, and why there is none.

    Raises:
        UncompilableError: the case's `map` is none of this type.
    """
    route = compile_route("case", connector_of(case, kind), kind, lambda: START)
    made = [route.offer(event_of(given, number)) for number, given in enumerate(case.events, start=1)]
    return [one for one in made if isinstance(one, Mapped)], [one for one in made if isinstance(one, NotSent)]


async def send_events(case: Case, kind: ConnectorType, transport: Transport, problems: list[str]) -> Outcome:
    """Send the events of a case and return what became of them as one outcome."""
    try:
        records, not_sent = records_of(case, kind)
    except UncompilableError as error:
        problems.append(str(error))
        return Outcome(OutcomeKind.FAILED)
    if len(not_sent) != case.left_out:
        why = "; ".join(one.detail for one in not_sent)
        problems.append(f"{len(not_sent)} events are not sent, not {case.left_out} ({why})")
    manifest = kind.configured(case.settings).manifest
    secrets: Callable[[str], str] = lambda name: sample_secret(manifest, name, f"test-{name}")  # noqa: E731
    sender = sender_of(connector_of(case, kind), kind, secrets, transport, still_clock())
    return as_outcome(await sender.send(records))


def as_outcome(sent: Sequence[Sent]) -> Outcome:
    """Return what became of the records as one outcome: the worst of those that were not rejected one by one."""
    rejected = tuple(
        RecordError(index, one.category or Category.OTHER, one.message)
        for index, one in enumerate(sent)
        if one.outcome is OutcomeKind.REJECTED
    )
    others = [one for one in sent if one.outcome is not OutcomeKind.REJECTED]
    worst = next((one for one in others if one.outcome is not OutcomeKind.ACCEPTED), None)
    if worst is not None:
        return Outcome(
            worst.outcome,
            worst.category,
            worst.message,
            retry_after=worst.retry_after,
            rejected=rejected,
            rejected_count=len(rejected),
            unsure=worst.answer_lost,
        )
    return Outcome(OutcomeKind.ACCEPTED, rejected=rejected, rejected_count=len(rejected))
