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
    """The keys of the last events, at least `most` and at most twice as many, in memory; after a restart they are read from the log.

    An index over all of them would cost half of the rate at which events are taken in. Two sets that take turns forget
    without looking for what is oldest: a dict whose first keys were deleted is searched from its beginning.
    """

    most: int = _MOST
    _new: set[bytes] = field(default_factory=set[bytes])
    _old: set[bytes] = field(default_factory=set[bytes])

    def load(self, connection: sqlite3.Connection) -> None:
        """Read the keys of the newest events."""
        rows = connection.execute("SELECT key FROM event ORDER BY position DESC LIMIT ?", (self.most,))
        self._new, self._old = set(), {row[0] for row in rows}

    def __contains__(self, key: bytes) -> bool:
        return key in self._new or key in self._old

    def add(self, key: bytes) -> None:
        """Remember a key, and forget old ones."""
        self._new.add(key)
        if len(self._new) >= self.most:
            self._new, self._old = set(), self._new
