"""What one connector holds: ready to be sent, waiting for another try, waiting for an earlier event of the same person."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from audiform.event_client import EventLimits
from audiform.eventlog.log import Entry
from audiform.events.route import Mapped


@dataclass(slots=True, eq=False)
class Item:
    """An event on its way. `deadline` is the wall clock's: a failure after that is the last one.

    `unsure`: an earlier try may have been taken. `letter`: it is a dead letter that is sent again.
    """

    entry: Entry
    mapped: Mapped
    received: float
    deadline: float
    unsure: bool = False
    letter: bool = False
    attempts: int = 0
    ready: float = 0.0
    counted: bool = False


@dataclass(slots=True)
class Queue:
    """Pure. Times are those of a monotonic clock, except an item's deadline.

    Events with the same key go one after the other: the next one is ready once the one before is settled.
    """

    limits: EventLimits
    max_seconds: float
    held: int = 0
    bytes: int = 0
    _ready: deque[Item] = field(default_factory=deque[Item])
    _ready_bytes: int = 0
    _later: list[tuple[float, int, Item]] = field(default_factory=list[tuple[float, int, Item]])
    _behind: dict[str, deque[Item]] = field(default_factory=dict[str, deque[Item]])
    _ticket: Iterator[int] = field(default_factory=count)

    def add(self, item: Item, now: float) -> None:
        """Hold an item; it is ready unless an earlier one with its key is not settled."""
        self.held += 1
        self.bytes += item.mapped.size
        key = item.mapped.order_key
        if key is None:
            self._enter(item, now)
        elif key in self._behind:
            self._behind[key].append(item)
        else:
            self._behind[key] = deque()
            self._enter(item, now)

    def again(self, item: Item, due: float) -> None:
        """Hold an item that was sent until it is due."""
        heapq.heappush(self._later, (due, next(self._ticket), item))

    def settled(self, item: Item, now: float) -> None:
        """Let go of an item; the next one with its key is ready."""
        self.held -= 1
        self.bytes -= item.mapped.size
        key = item.mapped.order_key
        if key is None:
            return
        if self._behind[key]:
            self._enter(self._behind[key].popleft(), now)
        else:
            del self._behind[key]

    def due(self, now: float) -> float:
        """Return the seconds until a batch can be taken: 0 for now, without end where nothing is held."""
        while self._later and self._later[0][0] <= now:
            # It has waited already, so it does not wait for others as well.
            self._enter(heapq.heappop(self._later)[2], now - self.max_seconds)
        waits = [self._later[0][0] - now] if self._later else []
        if self._ready:
            full = len(self._ready) >= self.limits.records or self._is_large()
            waits.append(0.0 if full else max(0.0, self._ready[0].ready + self.max_seconds - now))
        return min(waits, default=float("inf"))

    def take(self) -> Sequence[Item]:
        """Return the next batch, within the limits of a request."""
        batch: list[Item] = []
        size = 0
        while self._ready and len(batch) < self.limits.records:
            size += self._ready[0].mapped.size + 1
            if batch and self.limits.bytes is not None and size > self.limits.bytes:
                break
            batch.append(self._ready.popleft())
        self._ready_bytes -= sum(item.mapped.size + 1 for item in batch)
        return batch

    def expired(self, clock: float, *, untried: bool) -> Sequence[Item]:
        """Take out what waits although its time is over; `untried`: also what was never sent."""

        def over(item: Item) -> bool:
            return item.deadline <= clock and (untried or item.attempts > 0)

        gone = [item for _, _, item in self._later if over(item)]
        gone += [item for item in self._ready if over(item)]
        if gone:
            self._later = [each for each in self._later if not over(each[2])]
            heapq.heapify(self._later)
            self._ready = deque(item for item in self._ready if not over(item))
            self._ready_bytes = sum(item.mapped.size + 1 for item in self._ready)
        return gone

    @property
    def retrying(self) -> int:
        """Count what waits for another try."""
        return len(self._later)

    def _enter(self, item: Item, now: float) -> None:
        item.ready = now
        self._ready_bytes += item.mapped.size + 1
        if now < (self._ready[0].ready if self._ready else now):
            self._ready.appendleft(item)
        else:
            self._ready.append(item)

    def _is_large(self) -> bool:
        return self.limits.bytes is not None and self._ready_bytes >= self.limits.bytes
