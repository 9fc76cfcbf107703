"""What every log of events keeps to; each log's test hands in how it is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from audiform.eventlog.log import Entry, EventLog, LogFullError, Reader, Start
from audiform.events.event import Event

Opened = Callable[[], AbstractAsyncContextManager[EventLog]]
"""Opens the same log again and again."""

EVENT = Event(
    "e-0", "web", "track", "Order Completed", "2026-11-24T12:00:00.000Z", "2026-11-24T12:00:00.100Z", {}
)


def events(*numbers: int) -> list[Event]:
    """Return events with ids of their own."""
    return [replace(EVENT, id=f"e-{number}", body={"user_id": f"u-{number}"}) for number in numbers]


async def fetched(reader: Reader, count: int, seconds: float = 10.0) -> list[Entry]:
    """Return so many events, or those that come in time."""
    found: list[Entry] = []
    until = asyncio.get_running_loop().time() + seconds
    while len(found) < count and asyncio.get_running_loop().time() < until:
        found += await reader.fetch(count - len(found), 0.5)
    return found


def ids(entries: Sequence[Entry]) -> list[int]:
    """Return the numbers of the events, in order."""
    return [int(entry.event.id.removeprefix("e-")) for entry in entries]


Log = TypeVar("Log", bound=EventLog)


async def check_order_and_independence(opened: Opened) -> None:
    """Each consumer gets every event, once and whole, in order, from where it began."""
    async with opened() as log:
        early = await log.reader("early")
        await log.append(events(1, 2))
        late, whole = await log.reader("late"), await log.reader("whole", Start.BEGINNING)
        await log.append(events(3))

        assert events(1, 2, 3) == [entry.event for entry in await fetched(early, 3)]
        assert [3] == ids(await fetched(late, 1))
        assert [1, 2, 3] == ids(await fetched(whole, 3))
        assert [] == ids(await early.fetch(10, 0.05))
        for reader in (early, late, whole):
            await reader.close()


async def check_acknowledgement_of_single_events(opened: Opened) -> None:
    """What was settled, in whatever order, does not come again; what was handed out and not settled does."""
    async with opened() as log:
        reader = await log.reader("ads")
        await log.append(events(*range(1, 7)))
        got = await fetched(reader, 5)
        await reader.acknowledge([got[3], got[0]])
        await reader.acknowledge([got[2]])
        await reader.close()
    async with opened() as log:
        reader = await log.reader("ads", Start.BEGINNING)
        again = await fetched(reader, 3)

        assert [2, 5, 6] == sorted(ids(again))
        assert 3 == await reader.lag()
        await reader.acknowledge(again)
        assert 0 == await _lag_of(reader, 0)
        await reader.close()
    async with opened() as log:
        reader = await log.reader("ads")

        assert [] == ids(await reader.fetch(10, 0.3))
        await reader.close()


async def check_waiting(opened: Opened) -> None:
    """A reader that waits is woken by an append, long before its time is over."""
    async with opened() as log:
        reader = await log.reader("ads")
        waiting = asyncio.create_task(reader.fetch(10, 8))
        await asyncio.sleep(0.05)
        start = asyncio.get_running_loop().time()
        await log.append(events(1))

        assert [1] == ids(await waiting)
        assert asyncio.get_running_loop().time() - start < 4
        await reader.close()


async def check_skip_and_forget(opened: Opened) -> None:
    """Skipping settles what is there and nothing that comes; who was forgotten begins as somebody new."""
    async with opened() as log:
        reader = await log.reader("ads", Start.BEGINNING)
        await log.append(events(1, 2, 3))
        await fetched(reader, 1)
        await reader.skip()
        await log.append(events(4))

        assert [4] == ids(await fetched(reader, 1))
        await reader.close()
        await log.forget("ads")
        new = await log.reader("ads")
        await log.append(events(5))
        assert [5] == ids(await fetched(new, 1))
        await new.close()


async def check_looking(opened: Opened) -> None:
    """An event is found by its place, as long as it is kept, and the newest can be seen without a consumer."""
    async with opened() as log:
        reader = await log.reader("ads")
        await log.append(events(1, 2, 3))
        first, *_ = got = await fetched(reader, 3)

        assert {entry.position: entry.event for entry in got} == await log.find([e.position for e in got])
        assert {first.position: first.event} == await log.find([first.position])
        assert got[1:] == list(await log.newest(2))
        await reader.close()


async def check_a_repeated_event_is_kept_once(opened: Opened) -> None:
    """A sender that did not hear the answer sends again, also after a restart."""
    async with opened() as log:
        await log.append(events(1))
        await log.append(events(1, 2, 2))
    async with opened() as log:
        await log.append(events(2, 3))
        reader = await log.reader("ads", Start.BEGINNING)

        assert [1, 2, 3] == ids(await fetched(reader, 3))
        assert [] == ids(await reader.fetch(10, 0.05))
        await reader.close()


async def until_full(log: EventLog, large: Sequence[Event]) -> tuple[int, LogFullError]:
    """Append events until there is no room; return how many there was room for, and what was said then."""
    for taken, event in enumerate(large):
        try:
            await log.append([event])
        except LogFullError as full:
            return taken, full
    raise AssertionError(f"there was room for {len(large)} events")


@asynccontextmanager
async def closing(log: Log) -> AsyncIterator[Log]:
    """Close a log at the end."""
    try:
        yield log
    finally:
        await log.close()


async def _lag_of(reader: Reader, wanted: int) -> int:
    """Return the lag, as soon as it is what is wanted: acknowledgements are on their way for a moment."""
    lag = await reader.lag()
    for _ in range(40):
        if lag == wanted:
            break
        await asyncio.sleep(0.05)
        lag = await reader.lag()
    return lag


ONCE = (check_a_repeated_event_is_kept_once,)
"""What a log of Kafka has no means for."""
CHECKS = (
    check_order_and_independence,
    check_acknowledgement_of_single_events,
    check_waiting,
    check_skip_and_forget,
    check_looking,
)
