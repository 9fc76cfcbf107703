"""One worker for each event connector that is applied and enabled."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Address, Kind
from audiform.eventlog.memory import MemoryLog
from audiform.events.event import Event
from audiform.forwarding.destination import Destination
from audiform.forwarding.destinations import NotStartedError
from audiform.forwarding.fakes import FakeRoute, FakeSender
from audiform.forwarding.records import MemoryRecords
from audiform.forwarding.supervisor import Supervisor
from audiform.forwarding.telling import Telling, traces
from audiform.state.store import Record
from audiform.wire import Timing


@dataclass
class Making:
    """Makes destinations whose senders are kept; `broken` are those that cannot be made."""

    senders: dict[str, FakeSender] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def destination(self, name: str, body: Mapping[str, Any]) -> Destination:
        """Return a destination, or say why there is none."""
        if name in self.broken:
            raise NotStartedError("a secret is not there")
        sender = self.senders.setdefault(name, FakeSender(seconds=body.get("seconds", 0)))
        return Destination(name, FakeRoute(name), sender, max_seconds=0)


def applied(**bodies: Mapping[str, Any]) -> dict[Address, Record]:
    """Return records of event connectors."""
    made = {}
    for name, body in bodies.items():
        address = Address(Kind.EVENT_CONNECTOR, name)
        whole = {"enabled": True, "on_resume": "skip", **body}
        made[address] = Record(address, str(whole), whole)
    return made


STEPS: tuple[dict[str, dict[str, Any]], ...] = (
    {"crm": {}},
    {"crm": {"enabled": False}},
    {"crm": {}},
    {"crm": {"enabled": False}},
    {},
    {"crm": {"on_resume": "replay"}},
)


def event(name: str) -> Event:
    """Return an event."""
    moment = "2026-11-24T12:00:00.000Z"
    return Event(name, "web", "track", "Viewed", moment, moment, {"user_id": "u-1"})


async def sent(making: Making, name: str, count: int) -> list[str]:
    """Return what was sent to a destination, once it is so much."""
    for _ in range(400):
        if len(making.senders[name].sent) >= count:
            break
        await asyncio.sleep(0.005)
    return making.senders[name].sent


def test_workers_follow_what_is_applied():
    """Started, paused, resumed from now, deleted: its place is forgotten, and a new one of its name begins anew."""
    making, log, records, said = Making(), MemoryLog(), MemoryRecords(), list[str]()

    async def run():
        supervisor = Supervisor(log, records, making, telling=Telling(said.append))
        for step, bodies in enumerate(STEPS):
            await supervisor.follow(applied(**bodies))
            await supervisor.followed()
            await log.append([event(f"e-{step}")])
            if bodies.get("crm", {}).get("enabled", bodies != {}):
                await sent(making, "crm", {0: 1, 2: 2, 5: 3}[step])
        await supervisor.stop()

    asyncio.run(run())
    assert ["e-0", "e-2", "e-5"] == making.senders["crm"].sent
    assert ["started", "paused", "started", "paused", "deleted", "started"] == [
        line.split("connector_")[1].split('"')[0] for line in said
    ]


def test_one_that_cannot_start_keeps_nobody_waiting():
    """It is said, with the reason; the others send. Its events are held for it, those of one that is off are not."""
    making, log = Making(broken={"crm"}), MemoryLog()

    async def run():
        supervisor = Supervisor(log, MemoryRecords(), making)
        await supervisor.follow(applied(crm={}, bi={}, off={"enabled": False}))
        await supervisor.followed()
        await log.append([event("e-1")])
        found = (
            await sent(making, "bi", 1),
            [each.connector for each in await supervisor.snapshots()],
            supervisor.failed,
        )
        await supervisor.stop()
        return found

    assert (["e-1"], ["bi"], {"crm": "a secret is not there"}) == asyncio.run(run())
    assert {"crm", "bi"} == log.held_for


def test_what_arrives_before_the_first_start_is_sent():
    """A connector that was applied without its secret gets all that came since, once the secret is there."""
    making, log, now = Making(broken={"crm"}), MemoryLog(), [0.0]

    async def run():
        await log.append([event("before")])
        supervisor = Supervisor(log, MemoryRecords(), making, Timing(monotonic=lambda: now[0]))
        await supervisor.follow(applied(crm={}))
        await supervisor.followed()
        await log.append([event("meanwhile")])
        making.broken.clear()
        now[0] = 6.0
        await supervisor.follow(applied(crm={}))
        await supervisor.followed()
        found = list(await sent(making, "crm", 1))
        await supervisor.stop()
        return found

    assert ["meanwhile"] == asyncio.run(run())


def test_one_that_is_slow_to_stop_keeps_nobody_waiting():
    """While one waits for its platform's answer, another one starts."""
    making, log = Making(), MemoryLog()

    async def run():
        supervisor = Supervisor(log, MemoryRecords(), making)
        await supervisor.follow(applied(slow={"seconds": 0.4}))
        await supervisor.followed()
        await log.append([event("e-1")])
        await sent(making, "slow", 1)
        start = asyncio.get_running_loop().time()
        await supervisor.follow(applied(slow={"seconds": 0.4, "enabled": False}, quick={}))
        for _ in range(200):
            if "quick" in [each.connector for each in await supervisor.snapshots()]:
                break
            await asyncio.sleep(0.005)
        took = asyncio.get_running_loop().time() - start
        await supervisor.stop()
        return took

    assert asyncio.run(run()) < 0.3


def test_a_batch_is_a_span_without_a_person():
    """OpenTelemetry gets the connector's name and how many events."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter()
    tracing = traces(exporter)
    with Telling(span=tracing.span).span("audiform.send", connector="crm", events=3):
        pass
    tracing.close()

    (span,) = exporter.get_finished_spans()
    assert ("audiform.send", {"audiform.connector": "crm", "audiform.events": 3}) == (
        span.name,
        dict(span.attributes or {}),
    )
