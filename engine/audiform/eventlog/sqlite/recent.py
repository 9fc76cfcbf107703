"""Which events were appended lately: a sender that did not hear our answer sends the same event again."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from hashlib import blake2b

from audiform.events.event import Event

_MOST = 100_000


def key_of(event: Event) -> bytes:
    """Return what tells one event from every other."""
    return blake2b(f"{event.source}\0{event.id}".encode(), digest_size=16).digest()


@dataclass(slots=True)
class Recent:
    """The keys of the last events, in memory; after a restart they are read from the log.

    An index over all of them would cost half of the rate at which events are taken in.
    """

    most: int = _MOST
    _keys: dict[bytes, None] = field(default_factory=dict[bytes, None])

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the keys of the newest events."""
        rows = connection.execute("SELECT key FROM event ORDER BY position DESC LIMIT ?", (self.most,))
        self._keys = dict.fromkeys(reversed([row[0] for row in rows]))

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def add(self, key: bytes) -> None:
        """Remember a key, and forget the oldest."""
        self._keys[key] = None
        if len(self._keys) > self.most:
            del self._keys[next(iter(self._keys))]
