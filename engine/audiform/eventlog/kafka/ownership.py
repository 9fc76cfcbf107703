"""Which partitions are this worker's: its membership in the group of all workers, which reads nothing itself."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

_POLL_SECONDS = 0.1


class Leaving(Protocol):
    """Who reads partitions, and is asked to let go of some; on the thread of the membership."""

    def is_idle(self, partitions: frozenset[int]) -> bool: ...
    def let_go(self, partitions: frozenset[int]) -> None: ...


@dataclass(slots=True)
class Ownership:
    """One member. `partitions` are this worker's now; `joined`: whether the group has ever given it any, or none."""

    member: Any = field(repr=False)
    topic: str
    leave_seconds: float
    """So long what is on its way is waited for, before its partition is another worker's."""
    partitions: frozenset[int] = frozenset()
    leaving: frozenset[int] = frozenset()
    joined: bool = False
    readers: list[Leaving] = field(default_factory=list[Leaving])
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Join the group, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audiform-kafka-member", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Leave the group; others get the partitions at once."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        self.member.subscribe(
            [self.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )
        while not self._ending.is_set():
            # Nothing comes: all partitions are paused. It answers the group, and calls what is below.
            self.member.poll(_POLL_SECONDS)
        self.member.close()

    def _assigned(self, member: Any, given: Any) -> None:
        member.incremental_assign(given)
        member.pause(given)
        self.partitions |= {each.partition for each in given}
        self.joined = True

    def _revoked(self, member: Any, taken: Any) -> None:
        gone = frozenset(each.partition for each in taken)
        self.leaving, self.partitions = gone, self.partitions - gone
        until = time.monotonic() + self.leave_seconds
        while time.monotonic() < until and not all(reader.is_idle(gone) for reader in list(self.readers)):
            time.sleep(0.02)
        for reader in list(self.readers):
            reader.let_go(gone)
        self.leaving = frozenset()
        member.incremental_unassign(taken)

    def _lost(self, member: Any, taken: Any) -> None:
        """Partitions that are others' already: nothing is committed for them any more."""
        self.partitions -= {each.partition for each in taken}
        with suppress(Exception):
            member.incremental_unassign(taken)


def ownership(topic: str, client: dict[str, Any], session_seconds: float) -> Ownership:
    """Return a member that has not joined yet."""
    from confluent_kafka import Consumer

    settings = {
        "group.id": topic,
        "partition.assignment.strategy": "cooperative-sticky",
        "session.timeout.ms": int(session_seconds * 1000),
        "heartbeat.interval.ms": max(100, int(session_seconds * 100)),
        "enable.auto.commit": False,
        "auto.offset.reset": "latest",
        "topic.metadata.refresh.interval.ms": 30_000,
    }
    return Ownership(Consumer(client | settings), topic, session_seconds / 4)
