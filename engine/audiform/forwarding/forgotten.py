"""Events of people who asked to be forgotten: they are not sent, as no sync sends those people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audiform.audiences.suppressed import plain
from audiform.connectors.identifiers import normalized
from audiform.events.event import Event
from audiform.events.people import texts_about
from audiform.state.store import Tombstone

Digest = Callable[[str, str], str]
"""Makes the tombstone of an identifier's value."""
_LEAST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Forgotten:
    """Identifier -> digests of its tombstones. Any value of an event that may name somebody is looked at."""

    digest: Digest = field(default=lambda _, __: "", repr=False)
    stones: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]], repr=False)

    def __call__(self, event: Event) -> bool:
        """Return whether one of the event's values has a tombstone."""
        return bool(self.stones) and any(self._has(text) for text in texts_about(event.body))

    def _has(self, text: str) -> bool:
        for identifier, stones in self.stones.items():
            if not _may_be(identifier, text):
                continue
            value = normalized(plain(identifier), text, None)
            if value is not None and self.digest(identifier, value) in stones:
                return True
        return False


def forgotten(stones: Sequence[Tombstone], digest: Digest) -> Forgotten:
    """Return whom the tombstones name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for stone in stones:
        found[stone.identifier].add(stone.digest)
    return Forgotten(digest, {identifier: frozenset(digests) for identifier, digests in found.items()})


def _may_be(identifier: str, text: str) -> bool:
    """Return whether a text could be of an identifier: most are told by a look, without a digest."""
    match identifier:
        case "email":
            return "@" in text
        case "phone":
            return sum(map(str.isdigit, text)) >= _LEAST_DIGITS
        case _:
            return True
