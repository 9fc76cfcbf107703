"""The log that tests use: it forgets everything with its process."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from audiform.eventlog.log import Entry, LogFullError, Start
from audiform.events.event import Event


@dataclass(slots=True)
class MemoryLog:
    """Keeps events in a list; `most` says when it is full."""

    most: int = 1_000_000
    entries: list[Entry] = field(default_factory=list[Entry])
    settled: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    held_for: frozenset[str] = frozenset()
    elsewhere: set[str] = field(default_factory=set[str])
    """Positions that were given to another worker."""
    _known: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def append(self, events: Sequence[Event]) -> None:
        """Keep the events that are new."""
        if len(self.entries) + len(events) > self.most:
            raise LogFullError("the list is full")
        for event in events:
            if (event.source, event.id) not in self._known:
                self._known.add((event.source, event.id))
                self.entries.append(Entry(str(len(self.entries)), event))
        self._news.set()

    async def reader(self, consumer: str, start: Start = Start.NOW) -> MemoryReader:
        """Return a reader of what the consumer has not settled."""
        if consumer not in self.settled:
            past = self.entries if start is Start.NOW else []
            self.settled[consumer] = {entry.position for entry in past}
        return MemoryReader(self, self.settled[consumer])

    def hold_for(self, consumers: Collection[str]) -> None:
        """Remember it; nothing is dropped anyway."""
        self.held_for = frozenset(consumers)

    async def forget(self, consumer: str) -> None:
        """Forget what it has settled."""
        self.settled.pop(consumer, None)

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions."""
        wanted = set(positions)
        return {entry.position: entry.event for entry in self.entries if entry.position in wanted}

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the end of the list."""
        return self.entries[-count:]

    async def close(self) -> None:
        """Nothing is open."""

    async def news(self, wait: float) -> None:
        """Wait until something is appended, for some time."""
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait):
                await self._news.wait()


@dataclass(slots=True)
class MemoryReader:
    """One consumer's place: the index of what it has not been handed yet."""

    log: MemoryLog
    settled: set[str]
    _next: int = 0

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return what is next."""
        found = self._taken(most)
        if not found and wait > 0:
            await self.log.news(wait)
            found = self._taken(most)
        return found

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Remember them as settled."""
        self.settled.update(entry.position for entry in entries)

    def holds(self, entry: Entry) -> bool:
        """Return whether no test has said otherwise."""
        return entry.position not in self.log.elsewhere

    async def lag(self) -> int:
        """Count what is not settled."""
        return len(self.log.entries) - len(self.settled)

    async def skip(self) -> None:
        """Settle everything."""
        self.settled.update(entry.position for entry in self.log.entries)
        self._next = len(self.log.entries)

    async def close(self) -> None:
        """Nothing is open."""

    def _taken(self, most: int) -> list[Entry]:
        found: list[Entry] = []
        while self._next < len(self.log.entries) and len(found) < most:
            entry = self.log.entries[self._next]
            self._next += 1
            if entry.position not in self.settled:
                found.append(entry)
        return found
