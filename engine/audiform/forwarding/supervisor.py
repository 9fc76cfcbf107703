"""Keeps one worker for each event connector that is applied and enabled: what the state says, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from audiform.address import Address, Kind
from audiform.eventlog.log import EventLog, LogUnavailableError
from audiform.events.event import Event
from audiform.forwarding.destination import Destination
from audiform.forwarding.destinations import NotStartedError
from audiform.forwarding.records import Letter, Records
from audiform.forwarding.snapshot import Snapshot
from audiform.forwarding.telling import Telling
from audiform.forwarding.worker import Worker
from audiform.state.store import Record
from audiform.wire import Timing

_AGAIN_SECONDS = 5.0


class Making(Protocol):
    """Makes a destination of a recorded event connector."""

    def destination(self, name: str, body: Mapping[str, Any]) -> Destination: ...


@dataclass(frozen=True, slots=True)
class _Running:
    digest: str
    worker: Worker


@dataclass(slots=True)
class Supervisor:
    """Starts, changes and stops workers, each on its own: one that cannot start keeps no other waiting."""

    log: EventLog
    records: Records
    making: Making
    timing: Timing = field(default_factory=Timing)
    person: Callable[[str], str] = lambda _: ""
    telling: Telling = field(default_factory=Telling)
    forgotten: Callable[[Event], bool] = lambda _: False
    """Whose events are not sent; it may be replaced at any time."""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """Connectors that could not be started, and why."""
    _workers: dict[str, _Running] = field(default_factory=dict[str, _Running])
    _tried: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    _known: frozenset[str] = frozenset()
    _following: dict[str, asyncio.Task[None]] = field(default_factory=dict[str, asyncio.Task[None]])

    async def follow(self, records: Mapping[Address, Record]) -> None:
        """Begin to do what the recorded event connectors say; `followed` waits until it is done."""
        said = {
            address.name: item for address, item in records.items() if address.kind is Kind.EVENT_CONNECTOR
        }
        # One that cannot start now, or is about to be changed, has no reader; its events stay all the same.
        self.log.hold_for([name for name, item in said.items() if item.body["enabled"]])
        for name in {*said, *self._workers, *self._known} - self._following.keys():
            if self._changed(name, said.get(name)):
                # Each on its own: one that waits for an answer before it stops keeps no other waiting.
                task = asyncio.create_task(self._follow_one(name, said.get(name)))
                self._following[name] = task
                task.add_done_callback(partial(self._followed, name))
        self._known |= frozenset(said)
        self.failed = {name: why for name, why in self.failed.items() if name in said}

    @property
    def is_settled(self) -> bool:
        """Whether everything that was begun is done."""
        return not self._following

    async def followed(self) -> None:
        """Wait until everything that was begun is done."""
        while self._following:
            await asyncio.gather(*self._following.values())

    async def replay(self) -> None:
        """Send the dead letters again that somebody asked for."""
        asked: dict[str, list[Letter]] = {name: [] for name in self._workers}
        for letter in await self.records.replays():
            asked.setdefault(letter.connector, []).append(letter)
        for name, letters in asked.items():
            if name in self._workers:
                await self._workers[name].worker.replay(letters)

    async def snapshots(self) -> Sequence[Snapshot]:
        """Return how each connector that runs is."""
        running = [self._workers[name].worker for name in sorted(self._workers)]
        return await asyncio.gather(*(worker.snapshot() for worker in running))

    async def stop(self) -> None:
        """Stop all of them."""
        await self.followed()
        await asyncio.gather(*(self._stop(name) for name in list(self._workers)))

    def _changed(self, name: str, record: Record | None) -> bool:
        running = self._workers.get(name)
        if record is None or not record.body["enabled"]:
            return running is not None or (name in self._known) is (record is None)
        if running is not None:
            return running.digest != record.digest or bool(running.worker.broken)
        digest, until = self._tried.get(name, ("", 0.0))
        return digest != record.digest or self.timing.monotonic() >= until

    async def _follow_one(self, name: str, record: Record | None) -> None:
        await self._stop(name)
        if record is None:
            self._known -= {name}
            await self.log.forget(name)
            await self.records.pause(name, paused=False)
            self.telling.say("connector_deleted", connector=name)
        elif not record.body["enabled"]:
            await self.records.pause(name, paused=True)
            self.telling.say("connector_paused", connector=name)
        else:
            await self._start(name, record)

    def _followed(self, name: str, task: asyncio.Task[None]) -> None:
        del self._following[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed[name] = (
                f"{type(error).__name__} while it was started. This is a bug in Audiform: please report it"
            )
            self.telling.say("bug", connector=name, error=type(error).__name__)

    async def _start(self, name: str, record: Record) -> None:
        try:
            # Its place first: what arrives while a secret is waited for is sent once it can start.
            await (await self.log.reader(name)).close()
            destination = await asyncio.to_thread(self.making.destination, name, record.body)
            worker = Worker(destination, self.log, self.records, self.timing, self.person, self.telling)
            worker.forgotten = self._is_forgotten
            paused = await self.records.pause(name, paused=False)
            await worker.start(skip=paused and record.body["on_resume"] == "skip")
        except (NotStartedError, LogUnavailableError) as error:
            # A secret may come, a server may be back: tried again, and meanwhile the others send.
            self.failed[name] = str(error)
            self._tried[name] = (record.digest, self.timing.monotonic() + _AGAIN_SECONDS)
            self.telling.say("connector_not_started", connector=name, why=str(error))
            return
        self.failed.pop(name, None)
        self._workers[name] = _Running(record.digest, worker)
        self.telling.say("connector_started", connector=name)

    def _is_forgotten(self, event: Event) -> bool:
        return self.forgotten(event)  # what it is now, not what it was when a worker began

    async def _stop(self, name: str) -> None:
        running = self._workers.pop(name, None)
        if running is not None:
            await running.worker.stop()
