"""Who may send now: so many bindings side by side, and those that fill one destination one after the other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from audiform.state.ledger import destination_key
from audiform.state.store import Record

AT_ONCE = 4
"""Each reads its source with all processors, and sends within its connector's limits: more would only take memory."""


@dataclass(slots=True)
class Turns:
    """The turns of one run. Belongs to one event loop."""

    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE), init=False)
    _destinations: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False
    )

    @asynccontextmanager
    async def of(self, record: Record) -> AsyncIterator[None]:
        """Hold the turn of a recorded binding; whoever waits for its destination takes nobody's slot."""
        key = destination_key(record.body["connector"], record.body["destination_id"])
        async with self._destinations[key], self._slots:
            yield
