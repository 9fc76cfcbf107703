"""One event connector's place in the topic: an offset a partition, committed when what is before it is settled."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.kafka.connection import SAID, unavailable
from audiform.eventlog.kafka.looking import entry_of, place_of_position
from audiform.eventlog.kafka.marks import GONE, Marks, restored
from audiform.eventlog.kafka.ownership import Ownership
from audiform.eventlog.log import Entry, LogUnavailableError, Start

_SLICE_SECONDS = 0.25
"""So long one question lasts: partitions come and go meanwhile."""
_COMMIT_SECONDS = 0.5
_AGAIN_SECONDS = 3_600.0
_WAIT_SECONDS = 10.0


@dataclass(slots=True, eq=False)
class KafkaReader:
    """Reads the partitions that are this worker's. librdkafka blocks, so it is asked on one thread, one thing after the other."""

    consumer: Any = field(repr=False)
    topic: str
    ownership: Ownership
    trouble: list[str] = field(default_factory=list[str])
    _marks: dict[int, Marks] = field(default_factory=dict[int, Marks])
    _skip: dict[int, int] = field(default_factory=dict[int, int])
    _committed: dict[int, tuple[int, str]] = field(default_factory=dict[int, tuple[int, str]])
    _assigned: frozenset[int] = frozenset()
    _guard: threading.Lock = field(default_factory=threading.Lock)
    """The membership lets go of partitions on a thread of its own."""
    _at: float = 0.0
    _all_at: float = 0.0
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "audiform-kafka-read"))

    async def begin(self, start: Start) -> None:
        """Give the connector a place in every partition where it has none."""
        await self._do(self._begin, start)
        self.ownership.readers.append(self)

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return the next events of this worker's partitions; wait for the first of them."""
        until = time.monotonic() + wait
        while True:
            left = until - time.monotonic()
            found: Sequence[Entry] = await self._do(self._fetch, most, max(0.0, min(left, _SLICE_SECONDS)))
            if found or left <= 0:
                return found

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Settle these; their offsets are committed with the next question."""
        for entry in entries:
            partition, offset = place_of_position(entry.position)
            if partition in self._marks:
                self._marks[partition].settle(offset)

    def holds(self, entry: Entry) -> bool:
        """Return whether an event is still this worker's to send."""
        return place_of_position(entry.position)[0] in self.ownership.partitions

    async def lag(self) -> int:
        """Count what is not settled in this worker's partitions.

        Raises:
            LogUnavailableError: the group of the workers has not given any yet.
        """
        if not self.ownership.joined:
            raise LogUnavailableError("the group of the workers is still forming")
        return int(await self._do(self._lag))

    async def skip(self) -> None:
        """Settle all that is there now, in every partition: whichever of them is this worker's next."""
        await self._do(self._skip_all)

    async def close(self) -> None:
        """Commit what is settled, and hand out nothing more."""
        with suppress(ValueError):
            self.ownership.readers.remove(self)
        with suppress(LogUnavailableError):
            await self._do(self._commit)
        await self._do(self.consumer.close)
        self._thread.shutdown(wait=False)

    # --- What the membership asks, on its own thread

    def is_idle(self, partitions: frozenset[int]) -> bool:
        """Return whether nothing of these partitions is on its way."""
        return not any(self._marks[each].open for each in partitions & self._marks.keys())

    def let_go(self, partitions: frozenset[int]) -> None:
        """Commit how far these were settled; whoever gets them goes on from there."""
        with self._guard:
            self._save({each: self._marks[each] for each in partitions & self._marks.keys()})
            self._marks = {each: mark for each, mark in self._marks.items() if each not in partitions}

    # --- On the thread of the reader

    async def _do(self, work: Any, *arguments: Any) -> Any:
        from confluent_kafka import KafkaException

        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except KafkaException as error:
            raise unavailable(error) from None

    def _begin(self, start: Start) -> None:
        from confluent_kafka import TopicPartition

        ends, which = self._ends(), 1 if start is Start.NOW else 0
        new = [
            TopicPartition(self.topic, each.partition, ends[each.partition][which])
            for each in self._places(ends)
            if each.offset < 0 or each.metadata == GONE
        ]
        if new:  # where this fails nothing is read: without a place it would begin with what is from before
            self.consumer.commit(offsets=new, asynchronous=False)

    def _fetch(self, most: int, wait: float) -> Sequence[Entry]:
        self._follow()
        if time.monotonic() - self._at > _COMMIT_SECONDS:
            self._commit()
        if not self._marks:
            time.sleep(min(wait, 0.05))
            return ()
        first = self.consumer.poll(wait)
        messages = () if first is None else (first, *self.consumer.consume(most - 1, 0))
        self.trouble += [each.error().name() for each in messages if each.error() is not None]
        good = [each for each in messages if each.error() is None]
        names, self.trouble = self.trouble, []
        why = next((SAID[name] for name in names if name in SAID), None)
        if why is not None and not good:  # what came is handed out: nobody asks the brokers for it again
            raise LogUnavailableError(why)
        return [entry_of(each) for each in good if self._is_new(each)]

    def _is_new(self, message: Any) -> bool:
        marks = self._marks.get(message.partition()) if message.partition() in self._assigned else None
        return marks is not None and marks.hand_out(message.offset())

    def _follow(self) -> None:
        """Read the partitions that are this worker's now, each from where it was left."""
        from confluent_kafka import TopicPartition

        with self._guard:
            mine = self.ownership.partitions
            if mine == self._assigned:
                return
            marks = {
                each: mark for each, mark in self._marks.items() if each in mine | self.ownership.leaving
            }
            for place in self._places(mine - marks.keys()):
                skipped = self._skip.get(place.partition, 0)
                # A partition without a place was added to the topic after the connector: all of it is new.
                found = restored(max(place.offset, 0), place.metadata)
                marks[place.partition] = found if found.next >= skipped else Marks(skipped)
            self._marks, self._assigned = marks, mine
            self.consumer.assign([TopicPartition(self.topic, each, marks[each].next) for each in mine])

    def _lag(self) -> int:
        ends = self._ends(self._marks)
        waiting = sum(max(0, ends[each][1] - mark.next) for each, mark in self._marks.items())
        known = sum(offset >= mark.next for mark in self._marks.values() for offset in mark.settled)
        return waiting - known + sum(len(mark.open) for mark in self._marks.values())

    def _skip_all(self) -> None:
        from confluent_kafka import TopicPartition

        self._skip = {partition: end for partition, (_, end) in self._ends().items()}
        with self._guard:
            self._marks = {each: Marks(self._skip[each]) for each in self._marks}
            self.consumer.assign(
                [TopicPartition(self.topic, each, self._skip[each]) for each in self._assigned]
            )
        self._commit()

    def _commit(self) -> None:
        self._at = time.monotonic()
        if self._at - self._all_at > _AGAIN_SECONDS:
            # Brokers forget offsets that nobody commits for days, also those of a connector without events.
            self._committed, self._all_at = {}, self._at
        self._save({each: mark for each, mark in self._marks.items() if each in self.ownership.partitions})

    def _save(self, marks: Mapping[int, Marks]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        saved = {each: mark.saved() for each, mark in marks.items()}
        moved = {each: place for each, place in saved.items() if self._committed.get(each) != place}
        if not moved:
            return
        offsets = [TopicPartition(self.topic, each, *place) for each, place in moved.items()]
        with suppress(KafkaException):  # not reachable: with the next question
            self.consumer.commit(offsets=offsets, asynchronous=False)
            self._committed |= moved

    def _places(self, partitions: Any) -> Sequence[Any]:
        """Return where the connector is in these partitions, as the brokers know it."""
        from confluent_kafka import KafkaException, TopicPartition

        asked = [TopicPartition(self.topic, each) for each in partitions]
        found = self.consumer.committed(asked, timeout=_WAIT_SECONDS) if asked else ()
        for each in found:
            if each.error is not None:
                raise KafkaException(each.error)
        return found

    def _ends(self, partitions: Any = None) -> Mapping[int, tuple[int, int]]:
        from confluent_kafka import KafkaException, TopicPartition

        if partitions is None:
            topic = self.consumer.list_topics(self.topic, timeout=_WAIT_SECONDS).topics[self.topic]
            if topic.error is not None:
                raise KafkaException(topic.error)
            partitions = topic.partitions
        return {
            each: self.consumer.get_watermark_offsets(
                TopicPartition(self.topic, each), timeout=_WAIT_SECONDS, cached=False
            )
            for each in partitions
        }


def reading(topic: str, group: str, client: dict[str, Any], ownership: Ownership) -> KafkaReader:
    """Return a reader; `group` is the connector's, for its offsets."""
    from confluent_kafka import Consumer

    def keep(error: Any) -> None:
        reader.trouble.append(error.name())

    settings = {
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 16 * 1024,
        "error_cb": keep,
    }
    reader = KafkaReader(Consumer(client | settings), topic, ownership)
    return reader
