"""Events of a real NATS server and of the mock cluster that librdkafka brings, read into the log."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from audiform.collector.kafka import _configured
from audiform.collector.streams import StreamReader
from audiform.config.event_kinds import EventSource, KafkaSettings
from audiform.eventlog.log import LogFullError
from audiform.eventlog.memory import MemoryLog
from audiform.eventlog.place import place_of
from audiform.events.event import Event
from audiform.forwarding.telling import Telling
from eventlog.servers import nats_server

TRACK = {"messageId": "m-1", "userId": "u-1", "event": "Order Completed", "properties": {"total": 12.5}}
CLOUD = {"specversion": "1.0", "id": "c-1", "source": "/shop", "type": "order.paid", "data": {"total": 1}}
NAMELESS = {"userId": "u-2", "event": "Seen"}


@dataclass
class FullOnce(MemoryLog):
    """A log without room at first: `full` is set when it said so, and it has room from `room` on."""

    full: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events, or say that there is no room."""
        if not self.room.is_set():
            self.full.set()
            raise LogFullError("no room", retry_after=0.05)
        await MemoryLog.append(self, events)


@asynccontextmanager
async def reading(log: MemoryLog, url: str, told: list[dict[str, Any]]) -> AsyncIterator[None]:
    """Read a stream into a log while the block runs."""
    source = EventSource(type=url.partition(":")[0], settings={"url": url})  # type: ignore[arg-type]
    telling = Telling(lambda line: told.append(json.loads(line)))
    reader = StreamReader("orders", source, log, Path(), str, None, telling)
    task = asyncio.create_task(reader.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so; for half a minute, which is too long."""
    for _ in range(1_500):
        if holds():
            return
        await asyncio.sleep(0.02)
    pytest.fail("it did not come to be within half a minute", pytrace=False)


def test_a_stream_of_nats_is_read_once(tmp_path):
    """Messages are events by themselves; what is none is counted; a restart goes on behind what was kept."""
    messages = [json.dumps(TRACK), "no JSON", json.dumps(CLOUD), json.dumps(NAMELESS)]

    async def run(url: str):
        log, told = FullOnce(), list[dict[str, Any]]()
        import nats

        client = await nats.connect(url.rpartition("/")[0])
        stream = client.jetstream()
        await stream.add_stream(name="EVENTS", subjects=["shop.*"])
        for message in messages:
            await stream.publish("shop.orders", message.encode())
        async with reading(log, url, told):
            await asyncio.wait_for(log.full.wait(), 10)
            early = (await stream.consumer_info("EVENTS", "audiform")).ack_floor.stream_seq
            log.room.set()
            await until(lambda: len(log.entries) == 3)
        await stream.publish("shop.orders", json.dumps(TRACK | {"messageId": "m-2"}).encode())
        after = MemoryLog()
        async with reading(after, url, told):
            await until(lambda: len(after.entries) > 0)
        async with reading(after, url.replace("EVENTS", "NONE"), told):
            await until(lambda: "the stream does not exist" in str(told[-1]))
        await client.close()
        return early, log, after, told

    with nats_server(tmp_path) as server:
        early, log, after, told = asyncio.run(run(server.url("EVENTS")))

    assert 0 == early  # nothing was acknowledged while there was no room
    assert ["m-1", "/shop#c-1", "orders:4"] == [entry.event.id for entry in log.entries]
    assert ["m-2"] == [entry.event.id for entry in after.entries]
    assert {"not_json": 1} == next(line["reasons"] for line in told if line["event"] == "messages_not_read")


@pytest.fixture
def brokers() -> Iterator[tuple[str, Any]]:
    """Run a cluster; it lives as long as the producer that made it."""
    from confluent_kafka import Producer

    maker = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "mock", "log_level": 0})
    (broker,) = maker.list_topics(timeout=10).brokers.values()
    yield f"{broker.host}:{broker.port}", maker
    maker.purge()


@pytest.mark.slow
def test_a_topic_of_kafka_is_read_and_its_offsets_are_committed_when_the_events_are_kept(brokers):
    """JSON, and CloudEvents in either form, of all partitions; what is none is counted; the group's offsets are behind them."""
    address, maker = brokers
    attributes = {f"ce_{name}": str(value) for name, value in CLOUD.items() if name != "data"}
    maker.produce("orders", json.dumps(TRACK), partition=0)
    maker.produce("orders", "no JSON", partition=0)
    maker.produce("orders", None, key="u-1", partition=0)
    maker.produce("orders", json.dumps(CLOUD | {"id": "c-2"}), partition=1)
    maker.produce("orders", json.dumps(CLOUD["data"]), partition=2, headers=attributes)
    maker.produce("orders", json.dumps(NAMELESS), partition=3)
    assert 0 == maker.flush(10)

    def committed() -> list[int]:
        from confluent_kafka import Consumer, TopicPartition

        looking = Consumer({"bootstrap.servers": address, "group.id": "audiform", "log_level": 0})
        offsets = looking.committed([TopicPartition("orders", number) for number in range(4)], timeout=10)
        looking.close()
        return [max(0, each.offset) for each in offsets]

    async def run():
        log, told = FullOnce(), list[dict[str, Any]]()
        async with reading(log, f"kafka://{address}/orders", told):
            await asyncio.wait_for(log.full.wait(), 30)
            before = await asyncio.to_thread(committed)
            log.room.set()
            await until(lambda: len(log.entries) == 4)
            await until(lambda: committed() == [3, 1, 1, 1])
            await until(lambda: unread(told) == 2)
        return before, log

    def unread(told: list[dict[str, Any]]) -> int:
        return sum(
            line["reasons"].get("not_json", 0) for line in told if line["event"] == "messages_not_read"
        )

    before, log = asyncio.run(run())
    assert [0, 0, 0, 0] == before
    assert ["/shop#c-1", "/shop#c-2", "m-1", "orders:orders:3:0"] == sorted(e.event.id for e in log.entries)
    assert {"orders"} == {entry.event.source for entry in log.entries}


def test_brokers_that_are_not_there_are_said():
    """A source that cannot be reached says why, without its password, and is tried again."""
    told = list[dict[str, Any]]()

    async def run() -> None:
        async with reading(MemoryLog(), "kafka://127.0.0.1:1/orders", told):
            await until(lambda: bool(told))

    asyncio.run(run())
    assert ("source_waits", True) == (
        told[0]["event"],
        "no connection to any of the brokers" in told[0]["why"],
    )


@pytest.mark.parametrize(
    ("url", "user", "protocol"),
    [
        ("kafka://127.0.0.1:9092/a", None, "PLAINTEXT"),
        ("kafka://b1.example.com:9093/a", None, "SSL"),
        ("kafka://b1.example.com:9093/a", "u", "SASL_SSL"),
    ],
)
def test_what_comes_from_another_machine_is_encrypted(url, user, protocol):
    """User and mechanism reach librdkafka; offsets are never committed before their time."""
    settings = KafkaSettings(url=url, sasl_mechanism="SCRAM-SHA-512")
    found = _configured(place_of(url, user, "p"), settings)

    assert (protocol, False) == (found["security.protocol"], found["enable.auto.commit"])
    assert (user and "SCRAM-SHA-512") == found.get("sasl.mechanism")
