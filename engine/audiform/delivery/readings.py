"""One read, many bindings: in one run an audience is read once, and each of its bindings compares what was read.

The profiles are held as they are sent, in the DuckDB of a ledger session of their own. The sessions of the bindings stand
beside it (`Ledger.open`): they see its table, nothing is copied, and all of them share one limit of memory. It is closed with the
last binding of the audience; what it had no room for in memory lies in its spill folder, as that of any session.

A binding that is alone with its audience reads it in its own session.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, Self, cast

from audiform.audiences.selection import Selection, select
from audiform.config.project import Project
from audiform.delivery.people import Portion, Read, read_people
from audiform.delivery.watermarks import NEVER, Wanted, agreed, wanted
from audiform.diagnostics import DiagnosticError
from audiform.memory import saying_room
from audiform.runtime import Runtime
from audiform.sources.running import in_thread
from audiform.sources.slices import Slice
from audiform.state.ledger import LedgerSession
from audiform.state.store import Tombstone

HELD_AT_MOST = 4
"""Audiences at the same time: each is a DuckDB with a share of the command's memory."""


class Reading(Protocol):
    """Where one binding's desired members come from."""

    def read(
        self, session: LedgerSession, selection: Selection, tombstones: Sequence[Tombstone], *, named: bool
    ) -> Read:
        """Make the view of the desired members in `session`. `named`: at least with what the ledger compares.

        Raises:
            DiagnosticError: source, query or columns are not as the audience says.
        """
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """Reads an audience for one binding."""

    project: Project
    audience: str
    since: Slice | None = None

    def read(
        self, session: LedgerSession, selection: Selection, tombstones: Sequence[Tombstone], *, named: bool
    ) -> Read:
        """Read it now, in the session itself."""
        portion = Portion(self.audience, self.since)
        (found,) = read_people(session, self.project, portion, [selection], tombstones, named=named)
        return _shown(found, session, session)


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read for one binding, in the session `there`."""

    there: LedgerSession
    found: Read | DiagnosticError
    need: Wanted

    def read(
        self, session: LedgerSession, selection: Selection, tombstones: Sequence[Tombstone], *, named: bool
    ) -> Read:
        """Show it; whoever shares it has the same tombstones, and everybody is named."""
        return _shown(self.found, session, self.there)


def _shown(found: Read | DiagnosticError, session: LedgerSession, there: LedgerSession) -> Read:
    if isinstance(found, DiagnosticError):
        raise DiagnosticError(found.diagnostics)
    found.show(session, there)
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """What one binding works with. `comparing` is held while it compares.

    Bindings of one audience do so one after the other: each takes all processors by itself, and several would take the memory of all.
    """

    session: LedgerSession
    reading: Reading
    selection: Selection
    need: Wanted
    comparing: asyncio.Lock


@dataclass(slots=True)
class Readings:
    """The audiences of one run. `names`: binding that will be measured or sent -> its name in the ledger.

    Belongs to one event loop. `write`: as for `Ledger.open`. `others`: pieces of work that compare people without an audience.
    `whole`: why audiences with a watermark are read as a whole; `fresh`: bindings whose destination will be a new one.
    """

    runtime: Runtime
    names: Mapping[str, str]
    write: bool
    others: int = 0
    whole: str = ""
    fresh: Collection[str] = ()
    _audiences: dict[str, _Audience] = field(default_factory=dict[str, "_Audience"], init=False)
    _places: int = field(init=False)
    _taken: int = field(default=0, init=False)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition, init=False)

    def __post_init__(self) -> None:
        for binding in self.names:
            name = self.runtime.project.bindings[binding].audience
            audience = self._audiences.setdefault(name, _Audience(self, name, len(self._audiences)))
            audience.bindings.append(binding)
            audience.left.add(binding)
        wanted = len(self._audiences) + self.others
        self._places = self.runtime.memory.side_by_side(min(HELD_AT_MOST, wanted))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of what bindings did not come for: they were skipped, or the run was interrupted."""
        for audience in self._audiences.values():
            await audience.close(for_good=True)

    @asynccontextmanager
    async def turn(self, binding: str) -> AsyncIterator[None]:
        """Hold the binding's place at its audience; whoever takes other turns as well takes this one first.

        Where many audiences are held, one that nobody is at is let go: those of its bindings that come later read it again.
        """
        audience = self._of(binding)
        await self._enter(audience)
        try:
            yield
        finally:
            audience.users -= 1
            audience.left.discard(binding)
            if not audience.left:
                await audience.close()
            await self._tell()

    @asynccontextmanager
    async def other_turn(self) -> AsyncIterator[None]:
        """Hold a place for work that needs no audience, in the same way."""
        await self._enter(None)
        try:
            yield
        finally:
            self._taken -= 1
            await self._tell()

    @asynccontextmanager
    async def opened(self, binding: str) -> AsyncIterator[Opened]:
        """Yield a session for the binding, and where its desired members come from.

        Raises:
            DiagnosticError: the connector's type cannot be opened, or the source not be read.
        """
        selection, audience = self.selection(binding), self._of(binding)
        first: LedgerSession | None = None
        # Executors read it for each binding: what they hold of people belongs to one comparison.
        if len(audience.bindings) == 1 or self.runtime.project.engine.distributed:
            since, needs = self.agreed(audience.name, {binding: selection})
            need, reading = needs[binding], cast("Reading", Alone(self.runtime.project, audience.name, since))
        else:
            held = await audience.read(binding)
            first, reading, need = held.there, held, held.need
        session = await asyncio.to_thread(self.runtime.ledger.open, write=self.write, beside=first)
        try:
            yield Opened(session, reading, selection, need, audience.comparing)
        except asyncio.CancelledError:
            # A comparison of many people takes minutes, and nobody waits for it any more.
            session.connection.interrupt()
            raise
        finally:
            await asyncio.to_thread(session.close)

    def place(self, binding: str) -> int:
        """Return the place of its audience among those of the run."""
        return self._of(binding).place

    def selection(self, binding: str) -> Selection:
        """Return what a binding sends.

        Raises:
            DiagnosticError: the connector's type cannot be opened.
        """
        project, declared = self.runtime.project, self.runtime.project.bindings[binding]
        connector = project.connectors[declared.connector]
        manifest = self.runtime.catalog.get(connector.type).configured(connector.settings).manifest
        return select(self.names[binding], declared, project.audiences[declared.audience], manifest)

    def agreed(
        self, audience: str, selections: Mapping[str, Selection]
    ) -> tuple[Slice | None, Mapping[str, Wanted]]:
        """Return from where on an audience is read for some of its bindings, and what each of them gets.

        Raises:
            DiagnosticError: the audience's overlap does not fit its watermark.
        """
        needs = {
            binding: wanted(
                self.runtime,
                binding,
                self.names[binding],
                selection,
                whole=self.whole or (NEVER if binding in self.fresh else ""),
            )
            for binding, selection in selections.items()
        }
        return agreed(audience, selections.values(), needs)

    def _of(self, binding: str) -> _Audience:
        return self._audiences[self.runtime.project.bindings[binding].audience]

    async def _enter(self, audience: _Audience | None) -> None:
        """Wait for a place at an audience, or at none; let go of another one, where only that makes room."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: (audience is not None and audience.is_held) or self._room or self._idle
            )
            idle = None if self._room or (audience is not None and audience.is_held) else self._idle
            if audience is None:
                self._taken += 1
            else:
                audience.users += 1
        if idle is not None:
            await idle.close()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    @property
    def _room(self) -> int:
        return self._places - self._taken - sum(audience.is_held for audience in self._audiences.values())

    @property
    def _idle(self) -> _Audience | None:
        return next((one for one in self._audiences.values() if one.is_held and not one.users), None)


@dataclass(slots=True, eq=False)
class _Audience:
    """An audience and its bindings. `left`: those that did not come yet or are at it; `users`: how many are.

    `place`: among the audiences of the run.
    """

    readings: Readings
    name: str
    place: int
    bindings: list[str] = field(default_factory=list[str])
    left: set[str] = field(default_factory=set[str])
    users: int = 0
    comparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _session: LedgerSession | None = None
    _found: dict[str, Read | DiagnosticError] = field(default_factory=dict[str, Read | DiagnosticError])
    _needs: Mapping[str, Wanted] = field(default_factory=dict[str, Wanted])
    _failed: DiagnosticError | None = None
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    _at_work: threading.Lock = field(default_factory=threading.Lock)
    _handing: threading.Lock = field(default_factory=threading.Lock)
    _ended: bool = False

    @property
    def is_held(self) -> bool:
        """Whether it takes memory, or will at once."""
        return self.users > 0 or self._session is not None

    async def read(self, binding: str) -> _Held:
        """Return what was read for a binding; the first one reads for all.

        Raises:
            DiagnosticError: it cannot be read; that is tried once, and each of its bindings is told.
        """
        async with self._reading:
            if self._failed is None and self._session is None:
                try:
                    with saying_room():
                        await in_thread(self._read)
                except DiagnosticError as error:
                    self._failed = error
        if self._failed is not None or self._session is None:
            raise DiagnosticError(self._failed.diagnostics if self._failed else ())
        return _Held(self._session, self._found[binding], self._needs[binding])

    async def close(self, *, for_good: bool = False) -> None:
        """Let go of what was read. `for_good`: also of what a thread is about to read, because the run has ended."""
        self._ended = for_good
        session = self._taken()
        if session is not None:
            session.connection.interrupt()
            await asyncio.to_thread(self._close, session)

    def _read(self) -> None:
        with self._at_work:
            runtime, selections = self.readings.runtime, self._selections()
            self._session = session = runtime.ledger.open(write=self.readings.write)
            try:
                if self._ended:
                    raise asyncio.CancelledError
                since, self._needs = self.readings.agreed(self.name, selections)
                found = read_people(
                    session,
                    runtime.project,
                    Portion(self.name, since),
                    [*selections.values()],
                    runtime.store.tombstones(),
                    named=True,
                )
            except BaseException:
                if self._taken() is not None:
                    session.close()
                raise
            self._found = dict(zip(selections, found, strict=True))

    def _close(self, session: LedgerSession) -> None:
        with self._at_work:
            session.close()

    def _taken(self) -> LedgerSession | None:
        """Return the session to whoever closes it: the loop, or the thread that could not read."""
        with self._handing:
            session, self._session = self._session, None
        return session

    def _selections(self) -> dict[str, Selection]:
        """Return what the bindings send; of which that cannot be said, it is said when their turn comes."""
        found: dict[str, Selection] = {}
        for binding in self.bindings:
            if binding in self.left:
                try:
                    found[binding] = self.readings.selection(binding)
                except DiagnosticError:
                    continue
        return found
