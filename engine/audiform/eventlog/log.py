"""What a log of events promises, as Protocols: events that were appended stay until every connector has settled them.

A log is a module or folder beside this file and passes one contract test (`tests/eventlog/contract.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from audiform.events.event import Event

WEEK_SECONDS = 7 * 24 * 3600.0


class LogFullError(Exception):
    """There is no room for more events now; the sender is told to come back after `retry_after` seconds."""

    def __init__(self, why: str, retry_after: float = 5.0) -> None:
        self.retry_after = retry_after
        super().__init__(why)


class LogUnavailableError(Exception):
    """The log cannot be reached, or did not say that it has the events: nobody may believe that it does."""


class Start(StrEnum):
    """Where a consumer begins that the log does not know yet."""

    NOW = "now"
    BEGINNING = "beginning"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long settled events are kept, for replay, and how much room all of them may take.

    In the SQLite log events that a connector still needs are never dropped for their age; servers drop what is too old.
    Where events that somebody needs fill the room, nothing more is taken in.
    """

    max_seconds: float = WEEK_SECONDS
    max_bytes: int = 10 * 1024**3
    min_free_bytes: int = 256 * 1024**2
    """Of the disk itself, where the log is a file on it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An event at its place in the log. `position` means something to the log only, and never changes."""

    position: str
    event: Event = field(repr=False)


class Reader(Protocol):
    """One consumer's place in the log. What was handed out and not acknowledged is handed out again after a restart.

    Where a log has consumer groups, several readers of one name, on several machines, share the events.
    """

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return the next events, each once, in order; wait up to `wait` seconds for the first of them."""
        ...

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Say that these are settled, in any order.

        It need not be durable when it returns: after a kill, an event that was settled a moment ago may come again.
        """
        ...

    def holds(self, entry: Entry) -> bool:
        """Return whether an event that was handed out is still this reader's to send: another worker may have it by now."""
        ...

    async def lag(self) -> int:
        """Count the events that this consumer has not settled."""
        ...

    async def skip(self) -> None:
        """Settle all that is in the log now: what comes next is new."""
        ...

    async def close(self) -> None:
        """Hand out nothing more. What was acknowledged is durable when it returns."""
        ...


class LogView(Protocol):
    """What somebody may do who only looks."""

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions, without those that are kept no longer."""
        ...

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events, oldest first."""
        ...

    async def close(self) -> None: ...


class EventLog(LogView, Protocol):
    """Events in the order of their arrival, for any number of consumers."""

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events. They are durable when it returns; one whose source and id were appended lately is kept once.

        Raises:
            LogFullError: there is no room; nothing was kept.
            LogUnavailableError: nobody knows whether anything was kept.
        """
        ...

    async def reader(self, consumer: str, start: Start = Start.NOW) -> Reader:
        """Return the reader of a consumer; `start` is for one that the log does not know."""
        ...

    def hold_for(self, consumers: Collection[str]) -> None:
        """Say who needs what it has not settled, also while it has no open reader. It replaces what was said before."""
        ...

    async def forget(self, consumer: str) -> None:
        """Forget the place of a consumer that has no open reader."""
        ...
