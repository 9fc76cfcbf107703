"""Who may send now: so many bindings side by side, and those that fill one destination one after the other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import InitVar, dataclass, field

from audiform.delivery.readings import Readings
from audiform.memory import Memory, saying_room
from audiform.plan.plan import Step, StepKind
from audiform.state.ledger import destination_key
from audiform.state.store import Record

AT_ONCE = 4
"""Each reads its source with all processors, and sends within its connector's limits: more would only take memory."""


@dataclass(slots=True)
class Turns:
    """The turns of one run. Belongs to one event loop."""

    at_once: InitVar[int]
    _slots: asyncio.Semaphore = field(init=False)
    _destinations: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False
    )

    def __post_init__(self, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def of(self, record: Record) -> AsyncIterator[None]:
        """Hold the turn of a recorded binding; whoever waits for its destination takes nobody's slot.

        Raises:
            DiagnosticError: it has no room for its work (`memory-limit-reached`, `spill-disk-full`).
        """
        key = destination_key(record.body["connector"], record.body["destination_id"])
        async with self._destinations[key], self._slots:
            with saying_room():
                yield


def turns_of(memory: Memory, deliveries: int) -> Turns:
    """Return the turns of so many deliveries: those that run side by side share the memory."""
    return Turns(memory.side_by_side(min(AT_ONCE, deliveries)))


def by_audience(readings: Readings) -> Callable[[Step], int]:
    """Return the rank of steps in which those that send go audience by audience, after those that are done sooner."""
    return lambda step: 1 + readings.place(step.address.name) if step.kind is StepKind.SYNC else 0
