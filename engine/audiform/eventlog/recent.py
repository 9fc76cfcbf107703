"""Which events were seen lately: a sender that did not hear our answer sends the same event again."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from audiform.events.event import Event

_MOST = 100_000


def key_of(event: Event) -> bytes:
    """Return what tells one event from every other."""
    return blake2b(f"{event.source}\0{event.id}".encode(), digest_size=16).digest()


@dataclass(slots=True)
class Recent:
    """The last keys, at least `most` and at most twice as many.

    Two sets that take turns forget without looking for what is oldest: a dict whose first keys were deleted is searched
    from its beginning.
    """

    most: int = _MOST
    _new: set[Hashable] = field(default_factory=set[Hashable])
    _old: set[Hashable] = field(default_factory=set[Hashable])

    def know(self, keys: Iterable[Hashable]) -> None:
        """Know these, and no others."""
        self._new, self._old = set(), set(keys)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._new or key in self._old

    def add(self, key: Hashable) -> None:
        """Remember a key, and forget old ones."""
        self._new.add(key)
        if len(self._new) >= self.most:
            self._new, self._old = set(), self._new
