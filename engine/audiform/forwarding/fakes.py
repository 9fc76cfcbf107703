"""A route and a sender for tests: they do what they are told, and remember what was asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audiform.event_client import EventLimits, Sent
from audiform.events.event import Event
from audiform.events.route import Mapped, NotSent
from audiform.outcome import OutcomeKind

ACCEPTED = Sent(OutcomeKind.ACCEPTED)


@dataclass(slots=True)
class FakeRoute:
    """Maps every event, except those that `refuse` says something of; ordered by person where it is told so."""

    name: str = "crm"
    ordered: bool = False
    refuse: Callable[[Event], NotSent | None] = lambda _: None

    def offer(self, event: Event) -> Mapped | NotSent:
        """Return the event's id as the record."""
        refused = self.refuse(event)
        if refused is not None:
            return refused
        row = event.id.encode()
        key = str(event.body.get("user_id")) if self.ordered else None
        return Mapped(event.id, key, {"id": event.id}, len(row), row)


@dataclass(slots=True)
class FakeSender:
    """Answers each record with what `answer` says of its id and of how often it was sent; `seconds` later."""

    limits: EventLimits = field(default_factory=lambda: EventLimits(3))
    answer: Callable[[str, int], Sent] = lambda _id, _try: ACCEPTED
    seconds: float = 0.0
    batches: list[list[str]] = field(default_factory=list[list[str]])
    tries: dict[str, int] = field(default_factory=dict[str, int])
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, records: Sequence[Mapped]) -> Sequence[Sent]:
        """Remember the batch and answer."""
        self.batches.append([record.event_id for record in records])
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.at_once -= 1
        found: list[Sent] = []
        for record in records:
            self.tries[record.event_id] = self.tries.get(record.event_id, 0) + 1
            found.append(self.answer(record.event_id, self.tries[record.event_id]))
        return found

    @property
    def sent(self) -> list[str]:
        """Every id that was sent, in order, as often as it was."""
        return [each for batch in self.batches for each in batch]
