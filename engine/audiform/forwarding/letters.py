"""Writes dead letters: what is kept of an event that could not be delivered, without the person in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from audiform.eventlog.log import Entry
from audiform.events.event import Event
from audiform.forwarding.queue import Item
from audiform.forwarding.records import Letter


@dataclass(frozen=True, slots=True)
class Letters:
    """Of one connector. `person` makes the keyed digest of whom an event is about."""

    connector: str
    window: float
    clock: Callable[[], datetime]
    person: Callable[[str], str]

    def refused(self, entry: Entry, category: str, message: str, *, uncertain: bool = False) -> Letter:
        """Return the letter of an event that is not wanted, or could not be mapped."""
        event = entry.event
        return Letter(
            self.connector,
            entry.position,
            event.source,
            event.id,
            event.name or event.type,
            event.received,
            self._moment(),
            str(category),
            message,
            self._digest(event),
            uncertain,
        )

    def expired(self, item: Item, category: str, message: str) -> Letter:
        """Return the letter of an event whose time is over."""
        why = f"given up after {item.attempts} tries in {self.window / 3600:g} hours: {message}"
        return self.refused(item.entry, category, why, uncertain=item.unsure)

    def kept(self, letter: Letter, why: str) -> Letter:
        """Return a letter that cannot be sent again."""
        return replace(letter, at=self._moment(), message=why, replay=False)

    def _digest(self, event: Event) -> str:
        who: Any = event.body.get("user_id") or event.body.get("anonymous_id")
        return self.person(str(who)) if who else ""

    def _moment(self) -> str:
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds")
