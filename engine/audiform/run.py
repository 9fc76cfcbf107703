"""`audiform run`: takes events in and sends them on, as the state says at each moment."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from audiform.collector.app import Collector
from audiform.collector.files import FileReader
from audiform.collector.recorded import Unserved, enabled_sources, sources_of, types_of
from audiform.collector.serve import listening, served
from audiform.collector.source import HttpSource, keyring
from audiform.collector.streams import StreamReader
from audiform.config.secret_references import SecretReference
from audiform.diagnostics import DiagnosticError
from audiform.eventlog.log import EventLog
from audiform.forwarding.figures import metrics, status_of
from audiform.forwarding.forgotten import forgotten
from audiform.forwarding.snapshot import Snapshot
from audiform.forwarding.store import SqliteRecords
from audiform.forwarding.supervisor import Making, Supervisor
from audiform.forwarding.telling import Telling
from audiform.state.store import Record, StateStore, StateView
from audiform.wire import Timing

_LOOK_SECONDS = 0.2
_TELL_SECONDS = 1.0
_STONES_SECONDS = 2.0
_AGAIN_SECONDS = 5.0
"""A key that was not there is asked for again after so long: a command that gives it may cost something."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What a process runs on. `root` is the project's folder; files of sources lie inside it."""

    store: StateStore
    log: EventLog
    records: SqliteRecords
    making: Making
    secret: Callable[[SecretReference], str] = field(repr=False)
    root: Path
    host: str = "127.0.0.1"
    port: int = 8080
    timing: Timing = field(default_factory=Timing, repr=False)
    telling: Telling = field(default_factory=Telling, repr=False)


@dataclass(slots=True)
class Process:
    """One running process: collector, readers of other sources, and a worker for each event connector."""

    setup: Setup
    collector: Collector
    supervisor: Supervisor
    name: str
    _serial: int = -1
    _read_serial: int = -1
    _again: float = 0.0
    _stones_at: float = float("-inf")
    _snapshots: Sequence[Snapshot] = ()
    _readers: dict[str, tuple[str, asyncio.Task[None]]] = field(
        default_factory=dict[str, tuple[str, asyncio.Task[None]]]
    )
    _unserved: tuple[Unserved, ...] = ()
    _stopping: bool = False

    async def look(self) -> None:
        """Read the state, and follow it where it has changed, or where something could not be started."""
        view = await asyncio.to_thread(self.setup.store.read)
        await self._forgotten()
        await self.supervisor.follow(view.records)
        now = self.setup.timing.monotonic()
        if view.serial != self._serial or (self._unserved and now >= self._again):
            self._again = now + _AGAIN_SECONDS
            await self._sources(view)
        self._serial = view.serial
        if view.serial != self._read_serial and self.supervisor.is_settled:
            # A new connector has its place in the log before a new source brings what it shall get.
            await self._follow_readers(view)
            self._read_serial = view.serial
        await self.supervisor.replay()

    async def tell(self) -> None:
        """Write down how everything is, for those who ask."""
        self._snapshots = await self.supervisor.snapshots()
        status = status_of(self._snapshots, self.supervisor.failed, self.collector.figures)
        status["not_served"] = {each.name: each.why for each in self._unserved}
        await self.setup.records.tell(self.name, status, self.setup.timing.clock().timestamp())

    def metrics(self) -> bytes:
        """Return what Prometheus asks for, at most a second old."""
        return metrics(self._snapshots, self.supervisor.failed, self.collector.figures)

    def ready(self) -> str | None:
        """Say why events cannot be taken in now, or nothing."""
        if self._stopping:
            return "it is stopping"
        return "the state was not read yet" if self._serial < 0 else None

    async def stop(self) -> None:
        """Stop readers and workers; what they have not settled is there at the next start."""
        self._stopping = True
        tasks = [task for _, task in self._readers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.supervisor.stop()
        await self.tell()

    async def _forgotten(self) -> None:
        """Read whom nobody may send any more, every few seconds: an erasure changes nothing that is applied."""
        now = self.setup.timing.monotonic()
        if now >= self._stones_at:
            self._stones_at = now + _STONES_SECONDS
            store = self.setup.store
            stones = await asyncio.to_thread(store.tombstones)
            self.supervisor.forgotten = forgotten(stones, store.tombstone_digests())

    async def _sources(self, view: StateView) -> None:
        found = await asyncio.to_thread(lambda: list(sources_of(view.records, self.setup.secret)))
        unserved = tuple(each for each in found if isinstance(each, Unserved))
        for each in unserved if unserved != self._unserved else ():
            self.setup.telling.say("source_not_served", source=each.name, why=each.why)
        self._unserved = unserved
        self.collector.keys = keyring([each for each in found if isinstance(each, HttpSource)])
        self.collector.types = types_of(view.records)

    async def _follow_readers(self, view: StateView) -> None:
        """Start, change and stop what reads events from elsewhere."""
        digests = {
            address.name: record.digest for address, record in view.records.items() if _is_source(record)
        }
        wanted = {name: source for name, source in enabled_sources(view.records) if source.type != "http"}
        for name, (digest, task) in list(self._readers.items()):
            if name not in wanted or digests[name] != digest:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                del self._readers[name]
        for name, source in wanted.items():
            if name not in self._readers:
                reader = (FileReader if source.type == "files" else StreamReader)(
                    name,
                    source,
                    self.setup.log,
                    self.setup.root,
                    self.setup.secret,
                    self.setup.records,
                    self.setup.telling,
                )
                self._readers[name] = (digests[name], asyncio.create_task(reader.run()))


def _is_source(record: Record) -> bool:
    return record.address.kind == "event_source"


@asynccontextmanager
async def running(setup: Setup) -> AsyncIterator[tuple[Process, int]]:
    """Run a process while the block runs; yield it, and the port on which it takes events in.

    Raises:
        DiagnosticError: the port cannot be taken.
    """
    digest = setup.store.secret_digest
    supervisor = Supervisor(setup.log, setup.records, setup.making, setup.timing, digest, setup.telling)
    listener = listening(setup.host, setup.port)
    collector = Collector(setup.log, keyring(()), clock=setup.timing.clock)
    process = Process(setup, collector, supervisor, _name_of_process())
    collector.metrics, collector.ready = process.metrics, process.ready
    async with AsyncExitStack() as stack:
        stack.push_async_callback(process.stop)
        await process.look()
        # Before the first event is taken in, every connector has its place in the log.
        await supervisor.followed()
        await stack.enter_async_context(served(collector, listener))
        for seconds, work in ((_LOOK_SECONDS, process.look), (_TELL_SECONDS, process.tell)):
            task = asyncio.create_task(_often(seconds, work, setup.telling))
            stack.push_async_callback(_ended, task)
        yield process, listener.getsockname()[1]


async def _often(seconds: float, work: Callable[[], Awaitable[None]], telling: Telling) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (DiagnosticError, OSError) as error:
            # The state cannot be read now: what runs goes on as it was applied last.
            telling.say("state_unavailable", error=type(error).__name__)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _name_of_process() -> str:
    """Return a name that tells this machine's process from others; a restart takes the same one."""
    return sha256(f"{socket.gethostname()} {os.environ.get('AUDIFORM_WORKER', '')}".encode()).hexdigest()[:12]
