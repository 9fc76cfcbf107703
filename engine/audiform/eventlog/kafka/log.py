"""The log itself: appends, readers that share the work, and the topic, which is made where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.kafka.connection import configured, unavailable
from audiform.eventlog.kafka.looking import Looking, looking
from audiform.eventlog.kafka.marks import GONE
from audiform.eventlog.kafka.ownership import Ownership, ownership
from audiform.eventlog.kafka.producing import Producing, producing
from audiform.eventlog.kafka.reader import KafkaReader, reading
from audiform.eventlog.log import Entry, Retention, Start
from audiform.eventlog.place import Place, safe_name
from audiform.events.event import Event

_PARTITIONS = 12
"""Of a topic that is made here: at most so many workers share the work."""
_NOTE_SECONDS = 2.0


@dataclass(slots=True)
class KafkaLog:
    """A topic. Events of a person are in one partition, so they stay in order whoever sends them."""

    place: Place
    retention: Retention = field(default_factory=Retention)
    mechanism: str = "PLAIN"
    session_seconds: float = 10.0
    """A worker that says nothing for so long is gone, and others get its partitions."""
    wait_seconds: float = 10.0
    """For an answer of the brokers."""
    note: Callable[[str], None] | None = None
    """Told what the topic does otherwise than the project says."""
    _producing: Producing | None = None
    _ownership: Ownership | None = None
    _looking: Looking | None = None
    _preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _prepared: bool = False

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events; returns when all replicas that are in sync have them."""
        await self._prepare()
        if self._producing is None:
            self._producing = producing(self.place.name, self._client, self.wait_seconds)
        await self._producing.append(events)

    async def reader(self, consumer: str, start: Start = Start.NOW) -> KafkaReader:
        """Return a reader; the workers that read under one name share the partitions."""
        await self._prepare()
        if self._ownership is None:
            self._ownership = ownership(self.place.name, self._client, self.session_seconds)
        reader = reading(self.place.name, self._group(consumer), self._client, self._ownership)
        await reader.begin(start)
        self._ownership.begin()
        return reader

    def hold_for(self, consumers: Collection[str]) -> None:
        """Do nothing: a topic drops what is too old, whoever needs it."""

    async def forget(self, consumer: str) -> None:
        """Say beside the connector's offsets that they are gone; the brokers drop them after their `offsets.retention.minutes`.

        Deleting the group would need a right of its own, and fails while another worker reads.
        """
        await self._prepare()
        await asyncio.to_thread(self._forget, self._group(consumer))

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions."""
        return await self._look().find(positions)

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events, oldest first."""
        return await self._look().newest(count)

    async def close(self) -> None:
        """Leave the group; what was appended is kept before."""
        if self._ownership is not None:
            await asyncio.to_thread(self._ownership.end)
        if self._producing is not None:
            await asyncio.to_thread(self._producing.close)
        if self._looking is not None:
            await self._looking.close()

    @property
    def _client(self) -> dict[str, Any]:
        return configured(self.place, self.mechanism)

    def _group(self, consumer: str) -> str:
        return f"{self.place.name}.{safe_name(consumer)}"

    def _look(self) -> Looking:
        if self._looking is None:
            self._looking = looking(self.place.name, self._client, self.wait_seconds)
        return self._looking

    async def _prepare(self) -> None:
        async with self._preparing:
            if not self._prepared:
                await asyncio.to_thread(self._make)
                self._prepared = True

    def _make(self) -> None:
        """Make the topic where there is none; of one that is there its owner decides, and what differs is noted."""
        from confluent_kafka import KafkaException
        from confluent_kafka import admin as kafka

        admin: Any = kafka.AdminClient(self._client | {"allow.auto.create.topics": False})
        try:
            topic = admin.list_topics(self.place.name, timeout=self.wait_seconds).topics[self.place.name]
            if topic.error is None:
                if self.note is not None:
                    self._compare(admin, self.note)
            else:
                self._create(admin)
        except KafkaException as error:
            raise unavailable(error) from None

    def _create(self, admin: Any) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka import admin as module

        kafka: Any = module
        config = {
            "retention.ms": str(int(self.retention.max_seconds * 1000)),
            "retention.bytes": str(max(1, self.retention.max_bytes // _PARTITIONS)),
        }
        asked = admin.create_topics([kafka.NewTopic(self.place.name, _PARTITIONS, -1, config=config)])
        try:
            asked[self.place.name].result(self.wait_seconds)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # another worker was quicker
                raise

    def _compare(self, admin: Any, note: Callable[[str], None]) -> None:
        from confluent_kafka import KafkaException
        from confluent_kafka import admin as module

        kafka: Any = module
        asked = kafka.ConfigResource("topic", self.place.name)
        with suppress(KafkaException, TimeoutError):  # not everybody may read it
            config = admin.describe_configs([asked], request_timeout=_NOTE_SECONDS)[asked].result()
            kept = int(config["retention.ms"].value) / 1000
            if 0 <= kept < self.retention.max_seconds:
                note(
                    f"the topic keeps events for {kept / 3600:,.1f} hours, `event_log.max_age` says "
                    f"{self.retention.max_seconds / 3600:,.1f}: what no connector has sent by then is gone"
                )

    def _forget(self, group: str) -> None:
        from confluent_kafka import Consumer, KafkaException, TopicPartition

        keeper = Consumer(self._client | {"group.id": group, "enable.auto.commit": False})
        try:
            topic = keeper.list_topics(self.place.name, timeout=self.wait_seconds).topics[self.place.name]
            gone = [TopicPartition(self.place.name, each, 0, GONE) for each in topic.partitions]
            keeper.commit(offsets=gone, asynchronous=False)
        except KafkaException as error:
            raise unavailable(error) from None
        finally:
            keeper.close()
