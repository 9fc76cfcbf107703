"""Faults of `audiform run`: kills, full logs, broken destinations, a NATS that restarts; and what became of each event.

`faults/events_main.py` does it at full size: 100,000 events, 50 kills.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from audiform.eventlog.nats import NatsLog
from audiform.eventlog.place import place_of
from audiform.forwarding.store import look
from audiform.sandbox.faults import Fault, FaultKind
from audiform.sandbox.platform import Platform
from audiform.sandbox.serve import serve
from audiform.sandbox.wire import Answer, Call
from eventlog.servers import Nats, nats_server
from processes import quick_folder
from run.stage import KEY, SETTINGS, Stage, _path, services, until

CONNECTORS = ("crm", "bi")
TIMEOUT = 2.0
ACK_SECONDS = 2.0
FILLING = "x" * 500
AT_START = 0.1
"""So many of the kills meet a process that has hardly begun."""
AT_KILL = 2.0
"""What was sent so shortly (seconds) before a kill may be sent again: nobody wrote down yet that it was answered."""
AT_RESTART = 5.0
"""The same of NATS, which writes down later what was acknowledged."""
LOST = {FaultKind.RESET_AFTER_BODY, FaultKind.RESET_IN_ANSWER, FaultKind.SLOW}
"""The platform has the events, and nobody heard of it."""
WEATHER: dict[str, list[dict[str, Any]]] = {
    "clear": [],
    "down": [{"fault": "error", "probability": 1.0}],
    "flaky": [{"fault": "error", "probability": 0.3}],
    "throttled": [{"fault": "status", "status": 429, "retry_after": 0, "probability": 0.3}],
    "cut": [{"fault": "reset_before_body", "probability": 0.2}],
    "lossy": [
        {"fault": "reset_after_body", "probability": 0.1},
        {"fault": "reset_in_answer", "probability": 0.05},
    ],
    "slow": [{"fault": "slow", "seconds": TIMEOUT + 0.5, "probability": 0.05}],
    "picky": [{"fault": "status", "status": 422, "probability": 0.05}],
}


@dataclass(frozen=True)
class Size:
    """How much of it. `room`: of the log, in bytes. `restarts`: of NATS in the life of each process, and the log is there."""

    events: int
    kills: int
    room: int
    seed: int = 1
    restarts: int = 0


@dataclass
class Found:
    """What happened, and what is wrong. `lost`, `unwanted`, `unexplained` and `uncounted` must be 0."""

    events: int = 0
    kills: int = 0
    restarts: int = 0
    full: int = 0
    dead: int = 0
    doubled: int = 0
    counted: int = 0
    lost: int = 0
    unwanted: int = 0
    unexplained: int = 0
    uncounted: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        """Count what must not be."""
        return self.lost + self.unwanted + self.unexplained + self.uncounted


@dataclass
class Heard:
    """A service of the sandbox, and who keeps which event it got, when, and whether its answer was lost."""

    inner: Platform
    got: defaultdict[str, list[tuple[float, bool]]] = field(default_factory=lambda: defaultdict(list))

    def loses(self, call: Call) -> bool:
        """As the service does."""
        return self.inner.loses(call)

    def answer(self, call: Call) -> tuple[Answer, Fault | None]:
        """As the service does, noted down."""
        kept = self.inner.world.account(self.inner.name).events
        kept.last.clear()
        answer, fault = self.inner.answer(call)
        lost = fault is not None and fault.fault in LOST
        for event in kept.last:
            self.got[event["id"]].append((time.monotonic(), lost))
        return answer, fault


@dataclass
class Senders:
    """Clients on a thread of their own, which send each event until somebody says that it is kept."""

    port: int
    batches: Iterator[list[dict[str, Any]]]
    at_once: int = 6
    kept: dict[str, bool] = field(default_factory=dict)
    """Each acknowledged event, and whether the second connector wants it."""
    full: int = 0
    problem: str = ""

    async def send(self) -> None:
        """Send all of them."""
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
            await asyncio.gather(*(self._one(session) for _ in range(self.at_once)))

    def run(self) -> None:
        """Do so on this thread; what goes wrong is told to who waits for it."""
        try:
            asyncio.run(self.send())
        except Exception as error:  # noqa: BLE001 - whatever it is
            self.problem = repr(error)

    async def _one(self, session: aiohttp.ClientSession) -> None:
        for batch in self.batches:
            while not await self._taken(session, batch):  # noqa: ASYNC110 - until it is taken
                await asyncio.sleep(0.05)
            self.kept |= {event["messageId"]: event["properties"]["wanted"] for event in batch}

    async def _taken(self, session: aiohttp.ClientSession, batch: list[dict[str, Any]]) -> bool:
        try:
            url = f"http://127.0.0.1:{self.port}/v1/batch"
            limit = aiohttp.ClientTimeout(20)
            async with session.post(url, json={"batch": batch}, timeout=limit) as answer:
                said = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False
        self.full += answer.status == 429
        if answer.status not in {200, 429, 503} or (answer.status == 200 and "rejected" in said):
            raise AssertionError(f"{answer.status} {said}")
        return answer.status == 200


@contextmanager
def sending(senders: Senders) -> Iterator[threading.Thread]:
    """Send while the block runs."""
    thread = threading.Thread(target=senders.run, name="senders", daemon=True)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive(), "the clients were not rid of their events"
    assert not senders.problem, senders.problem


@dataclass
class Scene:
    """A project with two event connectors, whose process, log and destinations things happen to."""

    size: Size
    stage: Stage
    heard: dict[str, Heard]
    chance: random.Random
    server: Nats | None = None
    kills: list[float] = field(default_factory=list)
    restarts: list[float] = field(default_factory=list)

    def weather(self, *names: str) -> None:
        """Let each destination have a weather, by chance where none is named."""
        chosen = names or [self.chance.choice(list(WEATHER)) for _ in CONNECTORS]
        self.stage.sandbox.faults.waiting = [
            Fault(type=connector, **fault)
            for connector, name in zip(CONNECTORS, chosen, strict=True)
            for fault in WEATHER[name]
        ]

    def kill_at_start(self) -> None:
        """Kill a process that has hardly begun."""
        command = (sys.executable, "-m", "audiform", "-C", str(self.stage.root), "run")
        options: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(
            (*command, "--port", str(self.stage.port)), env=os.environ | {"PYTHONPATH": _path()}, **options
        )
        time.sleep(self.chance.uniform(0.2, 1.2))
        self.kills.append(time.monotonic())
        process.kill()
        process.wait()

    def restart_server(self) -> None:
        """Let the server of the log go away, and come back."""
        assert self.server is not None
        self.restarts.append(time.monotonic())
        self.server.stop()
        time.sleep(self.chance.uniform(0.1, 0.5))
        self.server.start()

    def events_directory(self) -> Path:
        """Return where the process keeps its records."""
        return self.stage.root / ".audiform" / "default" / "events"


@contextmanager
def scene(size: Size) -> Iterator[Scene]:
    """Yield a scene to which nothing has happened yet."""
    settings = {**SETTINGS, "limits": {"timeout_seconds": TIMEOUT}}
    with ExitStack() as stack:
        root = stack.enter_context(quick_folder())
        server = stack.enter_context(nats_server(root / "nats")) if size.restarts else None
        sandbox = stack.enter_context(serve(services(*CONNECTORS)))
        heard = {name: Heard(sandbox.services.platforms[name]) for name in CONNECTORS}
        sandbox.services.platforms.update(heard)  # type: ignore[arg-type]  # asked in the same way
        (root / "project").mkdir()
        stage = Stage(root / "project", sandbox)
        stage.event_log = {"max_bytes": size.room}
        if server is not None:
            stage.event_log["url"] = server.url("SHOP")
            asyncio.run(_prepared(server))
        stage.apply(
            crm={"settings": settings, "order_by": "event.user_id"},
            bi={"settings": settings, "events": {"filter": "event.properties.wanted"}},
        )
        yield Scene(size, stage, heard, random.Random(size.seed), server)


async def _prepared(server: Nats) -> None:
    """Make the consumers, as their owner may: what a server forgets it hands out again after seconds, not half a minute."""
    log = NatsLog(place_of(server.url("SHOP")), ack_seconds=ACK_SECONDS)
    for name in CONNECTORS:
        await (await log.reader(name)).close()
    await log.close()


def batches(size: Size) -> Iterator[list[dict[str, Any]]]:
    """Yield all events, in requests of different sizes."""
    chance, number = random.Random(size.seed), 0
    while number < size.events:
        count = min(chance.choice([1, 1, 10, 50]), size.events - number)
        yield [event(place) for place in range(number, number + count)]
        number += count


def event(number: int) -> dict[str, Any]:
    """Return one event."""
    said = {"wanted": number % 3 > 0, "filling": FILLING}
    who = {"userId": f"u-{number % 200}", "messageId": f"e-{number}"}
    return {"type": "track", "event": "Viewed", "properties": said, **who}


def injected(size: Size) -> Found:
    """Send all events while things happen; return what became of them once nothing happens any more."""
    begun = time.monotonic()
    with scene(size) as now:
        with now.stage.running():
            pass  # it has a port now
        senders = Senders(now.stage.port, iter(batches(size)))
        with sending(senders):
            _disturb(now, senders)
            now.weather("clear", "clear")
            with now.stage.running():
                until(
                    lambda: senders.problem or (len(senders.kept) == size.events and not _open(now, senders)),
                    180,
                )
        found = _judged(now, senders)
    found.seconds = round(time.monotonic() - begun, 1)
    return found


def _disturb(now: Scene, senders: Senders) -> None:
    """Kill the process so many times, at moments that are spread over all events; restart its server meanwhile."""
    size, chance = now.size, now.chance
    fills = size.room < size.events * len(FILLING)
    moments = sorted(chance.randrange(size.events) for _ in range(size.kills)) or [size.events]
    for number, moment in enumerate(moments):
        if not size.restarts and chance.random() < AT_START:
            now.kill_at_start()
            continue
        with now.stage.running(kill=size.kills > 0):
            if number == 0 and fills:
                now.weather("down", "down")
                until(lambda: senders.full > 0, 60)
                now.weather("clear", "lossy")
            else:
                now.weather()
            for part in range(size.restarts):
                _wait(now, senders, (moment * (part + 1)) // (size.restarts + 1))
                now.restart_server()
                now.weather()
            _wait(now, senders, moment)
            time.sleep(chance.uniform(0.0, 0.1))
            if size.kills:
                now.kills.append(time.monotonic())


def _wait(now: Scene, senders: Senders, moment: int) -> None:
    """Wait until so many events are acknowledged, and something of them; a weather in which nothing goes on ends too."""
    least, end = len(senders.kept) + 1, time.monotonic() + now.chance.uniform(0.5, 3.0)
    while len(senders.kept) < max(moment, least) and time.monotonic() < end:
        time.sleep(0.002)


def _open(now: Scene, senders: Senders) -> list[tuple[str, str]]:
    """Return (connector, event) of all that were acknowledged, and neither arrived nor are dead letters."""
    letters = {name: {letter.event_id for letter in found} for name, found in _letters(now).items()}
    return [
        (name, identity)
        for name in CONNECTORS
        for identity, wanted in list(senders.kept.items())
        if (wanted or name == "crm") and identity not in now.heard[name].got and identity not in letters[name]
    ]


def _letters(now: Scene) -> dict[str, Sequence[Any]]:
    records = look(now.events_directory())
    try:
        return {name: records.letters(name) for name in CONNECTORS}
    finally:
        records.close()


def _judged(now: Scene, senders: Senders) -> Found:
    letters, gone = _letters(now), _open(now, senders)
    found = Found(
        events=len(senders.kept),
        kills=len(now.kills),
        restarts=len(now.restarts),
        full=senders.full,
        dead=sum(len(each) for each in letters.values()),
        lost=len(gone),
    )
    found.findings += [f"lost: {name} lacks {identity}" for name, identity in gone]
    for name, heard in now.heard.items():
        doubled = {identity: times for identity, times in heard.got.items() if len(times) > 1}
        again = sum(len(times) - 1 for times in doubled.values())
        counted = _figures(now, name)["maybe_twice"]
        found.doubled += again
        found.counted += counted
        found.uncounted += max(0, again - counted)
        for identity, times in doubled.items():
            if not all(lost or _at_kill(now, moment) for moment, lost in times[:-1]):
                found.unexplained += 1
                found.findings.append(f"unexplained: {name} got {identity} {len(times)} times")
        sure = {letter.event_id for letter in letters[name] if not letter.uncertain} & heard.got.keys()
        found.unexplained += len(sure)
        found.findings += [f"unexplained: {name} has {each}, a dead letter all the same" for each in sure]
    strange = {identity for identity, wanted in senders.kept.items() if not wanted} & now.heard[
        "bi"
    ].got.keys()
    found.unwanted = len(strange)
    return found


def _at_kill(now: Scene, moment: float) -> bool:
    kills = any(moment - 0.1 <= kill <= moment + AT_KILL for kill in now.kills)
    return kills or any(moment - 0.1 <= restart <= moment + AT_RESTART for restart in now.restarts)


def _figures(now: Scene, name: str) -> Counter[str]:
    records, figures = look(now.events_directory()), Counter[str]()
    for figure in records.figures("2000-01-01", "9999-12-31"):
        if figure.connector == name:
            figures[figure.what] += figure.count
    records.close()
    return figures
