"""Reads single messages of the topic by their place, for whoever only looks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.kafka.connection import unavailable
from audiform.eventlog.log import Entry
from audiform.events.event import Event


@dataclass(slots=True)
class Looking:
    """One consumer that is in no group, asked on one thread."""

    consumer: Any = field(repr=False)
    topic: str
    wait_seconds: float
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "audiform-kafka-look"))

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions, without those that are gone."""
        return await self._do(self._find, positions)  # type: ignore[no-any-return]

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events by the time of their receipt, oldest first."""
        return await self._do(self._newest, count)  # type: ignore[no-any-return]

    async def ends(self) -> Mapping[int, tuple[int, int]]:
        """Return partition -> its first offset, and the one that comes next."""
        return await self._do(self._ends)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Close the consumer."""
        await self._do(self.consumer.close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Any, *arguments: Any) -> Any:
        from confluent_kafka import KafkaException

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except KafkaException as error:
            raise unavailable(error) from None

    def _ends(self) -> dict[int, tuple[int, int]]:
        from confluent_kafka import KafkaException, TopicPartition

        topic = self.consumer.list_topics(self.topic, timeout=self.wait_seconds).topics[self.topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return {
            number: self.consumer.get_watermark_offsets(
                TopicPartition(self.topic, number), timeout=self.wait_seconds
            )
            for number in topic.partitions
        }

    def _find(self, positions: Sequence[str]) -> dict[str, Event]:
        ends, found = self._ends(), dict[str, Event]()
        for position in positions:
            partition, offset = place_of_position(position)
            first, end = ends.get(partition, (0, 0))
            if first <= offset < end:
                for entry in self._from(partition, offset, offset + 1):
                    found[entry.position] = entry.event
        return {position: found[position] for position in positions if position in found}

    def _newest(self, count: int) -> list[Entry]:
        entries = [
            entry
            for partition, (first, end) in self._ends().items()
            for entry in self._from(partition, max(first, end - count), end)
        ]
        return sorted(entries, key=lambda entry: entry.event.received)[-count:]

    def _from(self, partition: int, offset: int, end: int) -> Iterator[Entry]:
        """Yield the events of a partition from an offset to `end`, without it; not all offsets have one."""
        from confluent_kafka import TopicPartition

        if offset >= end:
            return
        self.consumer.assign([TopicPartition(self.topic, partition, offset)])
        while True:
            message = self.consumer.poll(self.wait_seconds)
            if message is None or message.error() is not None or message.offset() >= end:
                return
            yield entry_of(message)
            if message.offset() >= end - 1:
                return


def entry_of(message: Any) -> Entry:
    """Return the event of a message."""
    return Entry(f"{message.partition()}:{message.offset()}", Event.from_json(message.value()))


def place_of_position(position: str) -> tuple[int, int]:
    """Return partition and offset."""
    partition, _, offset = position.partition(":")
    return int(partition), int(offset)


def looking(topic: str, client: dict[str, Any], wait_seconds: float) -> Looking:
    """Return a way to look."""
    from confluent_kafka import Consumer

    settings = {
        "group.id": f"{topic}.look",  # nobody joins it, and nothing is committed in its name
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "fetch.wait.max.ms": 50,
    }
    return Looking(Consumer(client | settings), topic, wait_seconds)
