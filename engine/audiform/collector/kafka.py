"""A topic of Kafka as a stream to read: a member of a consumer group, whose offsets are committed when events are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from audiform.collector.reading import Reading
from audiform.config.event_kinds import KafkaSettings
from audiform.eventlog.kafka.connection import SAID, configured
from audiform.eventlog.log import Entry, LogUnavailableError
from audiform.eventlog.place import Place

_NO_MEMBER = frozenset({"ILLEGAL_GENERATION", "UNKNOWN_MEMBER_ID", "REBALANCE_IN_PROGRESS", "_STATE"})
"""The partitions were given to others, who read again what was not committed; the log keeps it once."""


@dataclass(slots=True)
class KafkaStream:
    """One member of a group. librdkafka blocks, so it is asked on one thread, one thing after the other."""

    consumer: Any = field(repr=False)
    reading: Reading
    trouble: list[str] = field(default_factory=list[str])
    _next: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])
    """(topic, partition) -> the offset to go on from, once what was handed out is kept."""
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "audiform-kafka"))

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return the events of the next messages; wait for the first of them.

        Raises:
            LogUnavailableError: the brokers, or what was asked of them, say no.
        """
        messages = await self._do(self._messages, most, wait)
        names = [*self.trouble, *(message.error().name() for message in messages if message.error())]
        self.trouble.clear()
        why = next((SAID[name] for name in names if name in SAID), None)
        if why is not None:
            raise LogUnavailableError(why)
        found = [self._entry(message) for message in messages if message.error() is None]
        return [entry for entry in found if entry is not None]

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Commit the offsets of all that was handed out, messages without an event among it."""
        del entries  # a partition has one offset: it is behind all of them
        places, self._next = self._next, {}
        if places:
            await self._do(self._commit, places)

    async def close(self) -> None:
        """Leave the group; others get the partitions at once."""
        await self._do(self.consumer.close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _messages(self, most: int, wait: float) -> Sequence[Any]:
        """Wait for one, and take along what is there already: librdkafka alone would wait until all are there."""
        first = self.consumer.poll(wait)
        return () if first is None else (first, *self.consumer.consume(most - 1, 0))

    def _entry(self, message: Any) -> Entry | None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        self._next[topic, partition] = offset + 1
        position = f"{partition}:{offset}"
        headers = {name.lower().encode(): value or b"" for name, value in message.headers() or ()}
        place = f"{self.reading.source}:{topic}:{position}"
        event = self.reading.message(message.value() or b"", place, _as_http(headers))
        return None if event is None else Entry(position, event)

    def _commit(self, places: Mapping[tuple[str, int], int]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        offsets = [TopicPartition(*place, offset) for place, offset in places.items()]
        try:
            self.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            name = error.args[0].name()
            if name not in _NO_MEMBER:
                why = SAID.get(name, f"the brokers did not note how far the topic was read ({name})")
                raise LogUnavailableError(why) from None


def joined(place: Place, settings: KafkaSettings, reading: Reading) -> KafkaStream:
    """Return a member of the group; it is given its partitions while it is asked for messages."""
    from confluent_kafka import Consumer

    trouble = list[str]()

    def keep(error: Any) -> None:
        trouble.append(error.name())

    consumer = Consumer(_configured(place, settings) | {"error_cb": keep})
    consumer.subscribe([place.name])
    return KafkaStream(consumer, reading, trouble)


def _configured(place: Place, settings: KafkaSettings) -> dict[str, Any]:
    """Return librdkafka's settings: offsets are ours to commit, and a group that is new begins with the oldest message."""
    return configured(place, settings.sasl_mechanism) | {
        "group.id": settings.group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "allow.auto.create.topics": False,
    }


def _as_http(headers: Mapping[bytes, bytes]) -> Mapping[bytes, bytes]:
    """Return headers as CloudEvents over HTTP names them: Kafka's are `ce_id`, HTTP's `ce-id`."""
    return {
        name.replace(b"ce_", b"ce-", 1) if name.startswith(b"ce_") else name: value
        for name, value in headers.items()
    }
