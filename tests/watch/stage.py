"""A watcher whose time is given: a state with records, a session that sends nothing, and a clock that stands still."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from audiform.address import Address, Kind
from audiform.delivery.report import Delivered
from audiform.execution.report import Report
from audiform.forwarding.telling import Telling
from audiform.outcome import Signal
from audiform.state.local.store import local_store
from audiform.state.store import LastRun, Record
from audiform.state.tables.store import TableStore
from audiform.watch.fakes import FakeSession
from audiform.watch.watcher import Setup, Watcher
from audiform.wire import Timing
from plan.sample import impact

SIX = datetime(2026, 11, 25, 6, tzinfo=UTC)
_TURNS = 40
"""Turns of the event loop after which everything that does not wait for time has been done."""


@dataclass
class Time:
    """A clock that goes on when it is told to, and wakes whoever sleeps meanwhile, one after the other."""

    now: datetime = SIX
    sleeping: list[tuple[datetime, asyncio.Future[None]]] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Sleep until somebody lets so much time pass."""
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sleeping.append((self.now + timedelta(seconds=seconds), waking))
        await waking

    async def passes(self, **duration: float) -> None:
        """Let time pass."""
        end = self.now + timedelta(**duration)
        await settled()
        while due := [item for item in self.sleeping if item[0] <= end and not item[1].done()]:
            self.now, waking = min(due, key=lambda item: item[0])
            waking.set_result(None)
            self.sleeping = [item for item in self.sleeping if not item[1].done()]
            await settled()
        self.now = end
        await settled()


async def settled() -> None:
    """Let everything go on that waits for nothing."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


@dataclass
class Stage:
    """A watcher with all that it looks at; `said` are its lines, without their times."""

    store: TableStore
    time: Time
    session: FakeSession
    watcher: Watcher
    said: list[dict[str, Any]]
    results: dict[str, Any]

    def bind(self, name: str, schedule: dict[str, str] | None, audience: str = "buyers", **body: Any) -> None:
        """Record a binding as an apply does."""
        self.session.bindings.add(name)
        bodies: dict[tuple[Kind, str], dict[str, Any]] = {
            (Kind.SOURCE, "shop"): {"enabled": True},
            (Kind.CONNECTOR, "ads"): {"enabled": True},
            (Kind.AUDIENCE, audience): {"enabled": True, "source": "shop"},
            (Kind.BINDING, name): {
                "audience": audience,
                "connector": "ads",
                "destination_id": name,
                "enabled": True,
                **({"schedule": schedule} if schedule else {}),
                **body,
            },
        }
        self.store.put(*(Record(Address(*key), "digest", each) for key, each in bodies.items()))

    def ran(self, name: str, started: datetime, result: str = "done", failures: int = 0) -> None:
        """Record that a binding was sent."""
        ended = None if result == "running" else started
        self.store.note_runs([LastRun(name, started, ended, result, failures)])

    def takes(self, **seconds: float) -> None:
        """Let bindings take so long; the others take no time."""
        self.session.waits = lambda name: self.time.sleep(seconds.get(name, 0))

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one kind."""
        return [line for line in self.said if line["event"] == event]

    @property
    def sent(self) -> list[tuple[str, ...]]:
        """What was sent, in its order, what went together together."""
        return [tuple(names) for names in self.session.sent]

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[Time]:
        """Watch while the block runs; stop as SIGTERM does."""
        task = asyncio.create_task(self.watcher.watch())
        await settled()
        try:
            yield self.time
        finally:
            self.watcher.stopping.set()
            await asyncio.wait_for(task, 10)


def stage(folder: Path, names: frozenset[str] = frozenset()) -> Stage:
    """Return a stage on a new state in `folder`."""
    store, time = local_store(folder, "release"), Time()
    said: list[dict[str, Any]] = []
    results: dict[str, Any] = {}

    def answer(name: str) -> tuple[str, Report]:
        result = results.get(name, "done")
        if isinstance(result, Exception):
            raise result
        return result, Report(delivered=(delivered(name, result),))

    def write(text: str) -> None:
        line = json.loads(text)
        said.append({key: fact for key, fact in line.items() if key != "at"})

    session = FakeSession(store, lambda: time.now, answer)
    timing = Timing(clock=lambda: time.now, sleep=time.sleep)
    setup = Setup(store, session.opening, "shop production", names, timing, Telling(write))
    return Stage(store, time, session, Watcher(setup), said, results)


def delivered(name: str, status: Any) -> Delivered:
    """Return what is reported of a binding to which three people were added."""
    return Delivered(
        binding=name,
        status=status,
        sent={Signal.ADD: 3},
        rejected=0,
        pending=0,
        unsure=0,
        left_out={"no_consent": 2},
        impact=impact(adds=3),
        guards=(),
        problems=(),
        not_sent=0,
    )
