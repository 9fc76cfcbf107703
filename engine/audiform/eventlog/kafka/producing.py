"""Appends to the topic: an event is kept when all replicas that are in sync have it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from audiform.eventlog.kafka.connection import unavailable
from audiform.eventlog.log import LogFullError
from audiform.eventlog.recent import Recent, key_of
from audiform.events.event import Event

_POLL_SECONDS = 0.2
_MOST_KILOBYTES = 64 * 1024
"""Of events that wait for the brokers; beyond it senders are told to come back."""


def person_key(event: Event) -> bytes:
    """Return what puts all events of a person into one partition, and says nothing of the person."""
    who = event.body.get("user_id") or event.body.get("anonymous_id") or event.id
    return blake2b(str(who).encode(), digest_size=12).digest()


@dataclass(slots=True)
class _Append:
    done: asyncio.Future[None]
    left: int
    error: Any = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def told(self, error: Any) -> None:
        """Hear of one event, on whichever thread."""
        with self._guard:
            self.error = self.error or error
            self.left -= 1
            over = self.left == 0
        if over:
            self.done.get_loop().call_soon_threadsafe(self.end)

    def end(self) -> None:
        """Tell who waits."""
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class Producing:
    """One producer, and the thread that hears of what was kept. Belongs to one event loop."""

    topic: str
    producer: Any = field(repr=False)
    _recent: Recent = field(default_factory=Recent)
    """What this process had kept lately: a sender that did not hear of it sends it again. Kafka itself keeps no ids."""
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events that are new."""
        new = {key: event for event in events if (key := key_of(event)) not in self._recent}
        if not new:
            return
        self._begin()
        append = _Append(asyncio.get_running_loop().create_future(), len(new) + 1)
        full = False
        for key, event in new.items():
            full = full or not self._produce(key, event, append)
            if full:
                append.told(None)
        append.told(None)  # the one that stands for the loop: it ends when all of them were handed over
        await append.done
        if append.error is not None:
            raise unavailable(append.error)
        if full:
            raise LogFullError("the brokers of Kafka take events more slowly than they come")

    def close(self) -> None:
        """Wait for what is on its way, then end the thread."""
        self.producer.flush(10)
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _produce(self, key: bytes, event: Event, append: _Append) -> bool:
        def told(error: Any, _: Any) -> None:
            if error is None:
                self._recent.add(key)
            append.told(error)

        try:
            self.producer.produce(self.topic, event.to_json(), person_key(event), on_delivery=told)
        except BufferError:
            return False
        return True

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._poll, name="audiform-kafka-append", daemon=True)
            self._thread.start()

    def _poll(self) -> None:
        while not self._ending.is_set():
            self.producer.poll(_POLL_SECONDS)


def producing(topic: str, client: dict[str, Any], wait_seconds: float) -> Producing:
    """Return the way to append; `client`: how the brokers are reached."""
    from confluent_kafka import Producer

    settings = {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 2,
        "compression.type": "lz4",
        "message.timeout.ms": int(wait_seconds * 1000),
        "queue.buffering.max.kbytes": _MOST_KILOBYTES,
    }
    return Producing(topic, Producer(client | settings))
