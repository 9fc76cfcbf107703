"""Sends bindings when they are due: looks at the state, takes the lock, sends, lets go of it.

- What is due is asked of the state again after the lock was taken: two watchers of one state send nobody twice.
- The project is read anew for each session, so that what an apply recorded is sent; what was changed and not applied is refused.
- What becomes due during a session is sent beside what is under way, so that a long sync does not hold the others up. After a
  quarter of an hour nothing more joins but while something of that quarter goes on; then the lock is free for a moment, so that an
  apply gets its turn.
- An error of one binding is written down, and the binding waits as its `due` says. An error of all (the project cannot be
  read, the state cannot be reached) is said, and tried again after longer and longer waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from audiform.diagnostics import DiagnosticError
from audiform.forwarding.telling import Telling
from audiform.schedules.agenda import Standing, standings
from audiform.schedules.due import failures_of
from audiform.state.store import LastRun, LockedError, StateStore
from audiform.watch.outcomes import REFUSED, Outcome, gone, outcomes
from audiform.watch.session import Opening, Session
from audiform.wire import Timing

LOOK_SECONDS = 5.0
"""How often the state is looked at: what an apply changed takes effect within this time."""
JOINING = timedelta(minutes=15)
BREATH_SECONDS = 1.0
"""The lock is free for so long after each session."""
FIRST_WAIT = 5.0
MOST_WAIT = 300.0


@dataclass(frozen=True, slots=True)
class Setup:
    """What a watcher works with. `store` is only looked at; `names`: the bindings that are watched, none for all.

    `place`: see `place_of`.
    """

    store: StateStore
    opening: Opening
    place: str
    names: frozenset[str] = frozenset()
    timing: Timing = field(default_factory=Timing, repr=False)
    telling: Telling = field(default_factory=Telling, repr=False)


@dataclass(slots=True)
class Watcher:
    """Watches until `stopping` is set."""

    setup: Setup
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    seen: tuple[Standing, ...] = ()
    """How the bindings stood when they were looked at last."""
    ended: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    """Binding and result -> runs."""
    _troubles: int = 0
    _holder: str = ""
    _missed: dict[str, datetime] = field(default_factory=dict[str, datetime])

    async def watch(self) -> None:
        """Send what is due, until it is time to stop; then end what is under way as Ctrl-C ends a sync."""
        while not self.stopping.is_set():
            await self._wait(await self._turn())

    async def _turn(self) -> float:
        """Look, and send what is due; return the seconds until the next look."""
        try:
            now = self.look(self.setup.store)
            wait = self._idle(now)
            if any(each.is_due(now) for each in self.seen):
                await self._session()
                self.look(self.setup.store)
                wait = BREATH_SECONDS
        except LockedError as locked:
            return self._locked(locked)
        except (DiagnosticError, OSError) as error:
            return self._trouble(error)
        self._troubles, self._holder = 0, ""
        return wait

    def look(self, store: StateStore) -> datetime:
        """Ask the state how the bindings stand; say which times were missed that nobody makes up for."""
        now = self.setup.timing.clock()
        found = standings(store.read().records, store.last_runs(), self.setup.place, now)
        self.seen = tuple(each for each in found if not self.setup.names or each.binding in self.setup.names)
        for each in self.seen:
            missed = each.due.missed
            skipping = each.schedule is not None and each.schedule.catch_up == "skip"
            if skipping and missed is not None and self._missed.get(each.binding) != missed:
                self._missed[each.binding] = missed
                self._say("missed", binding=each.binding, due=missed, next=each.due.at)
        return now

    def _idle(self, now: datetime) -> float:
        times = [each.due.at for each in self.seen if each.due.at is not None]
        seconds = (min(times) - now).total_seconds() if times else LOOK_SECONDS
        return min(max(seconds, 0.0), LOOK_SECONDS)

    # --- With the lock

    async def _session(self) -> None:
        async with self.setup.opening() as session:
            running: dict[asyncio.Future[None], Sequence[str]] = {}
            until = self.setup.timing.clock() + JOINING
            try:
                self._begin(session, running)
                holding = frozenset(running)
                while running and not self.stopping.is_set():
                    await self._wait(LOOK_SECONDS, running)
                    for task in [task for task in running if task.done()]:
                        del running[task]
                        task.result()
                    if self.setup.timing.clock() < until:
                        holding = frozenset(running)
                    if holding & running.keys():
                        self._begin(session, running)
            finally:
                await self._end(running)

    def _begin(self, session: Session, running: dict[asyncio.Future[None], Sequence[str]]) -> None:
        """Begin what is due and does not run, an audience's bindings together; nothing once it is time to stop."""
        if self.stopping.is_set():
            return
        now = self.look(session.store)
        busy = {name for names in running.values() for name in names}
        groups: dict[str, list[Standing]] = {}
        for each in self.seen:
            if each.is_due(now) and each.binding not in busy:
                groups.setdefault(each.audience, []).append(each)
        for group in groups.values():
            task = asyncio.ensure_future(self._send(session, group, now))
            running[task] = [each.binding for each in group]

    async def _send(self, session: Session, group: Sequence[Standing], now: datetime) -> None:
        """Sync the bindings of one audience, and say and write down what became of each."""
        last = {each.binding: each.last for each in group}
        for each in group:
            since = each.due.at or now
            late = round((now - since).total_seconds(), 3)
            self._say("sync_started", binding=each.binding, due=since, late_seconds=late)
        known = [name for name in last if name in session.bindings]
        found = [gone(name) for name in last if name not in session.bindings]
        if known:
            found += outcomes(await session.send(known), known)
        seconds = round((self.setup.timing.clock() - now).total_seconds(), 3)
        for one in found:
            self.ended[one.binding, one.result] += 1
            self._say("sync_ended", binding=one.binding, result=one.result, seconds=seconds, **one.facts)
        self._write_refused(session, found, last)

    def _write_refused(
        self, session: Session, found: Sequence[Outcome], last: Mapping[str, LastRun | None]
    ) -> None:
        """Write who was refused, so that it waits: whoever was sent has been written down already."""
        now = self.setup.timing.clock()
        refused = [each.binding for each in found if each.result == REFUSED]
        if refused:
            session.store.note_runs(
                LastRun(name, now, now, REFUSED, failures_of(REFUSED, last[name])) for name in refused
            )

    async def _end(self, running: Mapping[asyncio.Future[None], Sequence[str]]) -> None:
        """Stop what is under way, and wait until it has written down how far it came."""
        for task, names in running.items():
            if task.cancel():
                self._say("sync_interrupted", bindings=names)
        for result in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(result, DiagnosticError):
                self._say("trouble", problems=_problems(result))

    # --- Without it

    def _locked(self, locked: LockedError) -> float:
        """Say who has the lock, once for each of them, and wait."""
        if locked.holder.id != self._holder:
            self._holder = locked.holder.id
            holder = locked.holder
            self._say(
                "waiting_for_lock",
                who=f"{holder.who}@{holder.host}",
                operation=holder.operation,
                since=holder.since,
            )
        return LOOK_SECONDS

    def _trouble(self, error: DiagnosticError | OSError) -> float:
        """Say what keeps everything from being sent, and return how long to wait before it is tried again."""
        wait = min(MOST_WAIT, FIRST_WAIT * 2.0**self._troubles)
        self._troubles = min(self._troubles + 1, 10)
        self._say("trouble", problems=_problems(error), again_in_seconds=wait)
        return wait

    async def _wait(self, seconds: float, running: Iterable[asyncio.Future[Any]] = ()) -> None:
        """Wait so long, or until something ends or the order to stop comes."""
        others: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self.stopping.wait()),
            asyncio.ensure_future(self.setup.timing.sleep(seconds)),
        ]
        try:
            await asyncio.wait([*running, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    def _say(self, event: str, **facts: object) -> None:
        shown = {
            name: fact.isoformat() if isinstance(fact, datetime) else fact for name, fact in facts.items()
        }
        self.setup.telling.say(event, **shown)


def _problems(error: DiagnosticError | OSError) -> list[str]:
    """Return what went wrong, with its place in the files where it has one."""
    if isinstance(error, OSError):
        return [f"{type(error).__name__}: {error.strerror}"]
    return [
        f"{item.location.file}:{item.location.line}: {item.code}: {item.detail}"
        if item.location
        else f"{item.code}: {item.detail}"
        for item in error.diagnostics
    ]
