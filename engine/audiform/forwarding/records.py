"""What forwarding remembers beside the log, as a Protocol: batches on their way, figures, dead letters; and the fake for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

Settled = tuple[str, str]
"""A position of the log, and the id of the event there: a log that was made anew has other events at its positions."""

Tally = Mapping[tuple[str, str], int]
"""(what, detail) -> count; what: `sent`, `not_sent` (detail: the reason), `dead` (category), `retried` (category),
`maybe_twice`: sent again although an earlier try may have arrived; `same_id` where the platform can tell that."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An event that a connector could not deliver. The event itself is in the log; here is no person and no value of it.

    `position` is its place in the log, `person` a keyed digest of whom it is about, `message` the platform's own, masked.
    `uncertain`: the platform may have it all the same. `replay`: somebody asked for it to be sent again.
    """

    connector: str
    position: str
    source: str
    event_id: str
    name: str
    received: str
    at: str
    category: str
    message: str
    person: str = ""
    uncertain: bool = False
    replay: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a day (UTC)."""

    day: str
    connector: str
    what: str
    detail: str
    count: int


class Records(Protocol):
    """Kept on disk, beside the state."""

    async def begin(self, connector: str, positions: Sequence[str], tally: Tally) -> int:
        """Remember that a batch is about to be sent, with figures; return its number. It survives a kill."""
        ...

    async def settle(self, batch: int, connector: str, settled: Sequence[Settled], tally: Tally) -> None:
        """Remember figures of a batch, and what of it was settled; forget it when the log surely knows that, a while later."""
        ...

    async def unsettled(self, connector: str) -> Sequence[str]:
        """Return the positions of batches that were begun before this process, and not forgotten or settled."""
        ...

    async def settled(self, connector: str) -> Sequence[Settled]:
        """Return those of batches that were begun and settled, and are not forgotten: a log may hand them out again."""
        ...

    async def count(self, connector: str, tally: Tally) -> None:
        """Add figures of today."""
        ...

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Keep dead letters, on durable storage; a second one of an event takes the place of the first."""
        ...

    async def unbury(self, connector: str, positions: Sequence[str]) -> None:
        """Forget dead letters: they were delivered."""
        ...

    async def replays(self) -> Sequence[Letter]:
        """Return the dead letters that somebody asked to send again."""
        ...

    async def pause(self, connector: str, *, paused: bool) -> bool:
        """Remember whether a connector is paused; return what was remembered before."""
        ...

    async def broken_since(self, connector: str) -> float | None:
        """Return since when (seconds since 1970) its destination has taken nothing; None where it works."""
        ...

    async def broke(self, connector: str, since: float | None) -> None:
        """Remember that."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class MemoryRecords:
    """The records that tests use."""

    batches: dict[int, tuple[str, Sequence[str]]] = field(
        default_factory=dict[int, tuple[str, Sequence[str]]]
    )
    known: dict[str, list[Settled]] = field(default_factory=dict[str, list[Settled]])
    tally: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    letters: dict[tuple[str, str], Letter] = field(default_factory=dict[tuple[str, str], Letter])
    paused: dict[str, bool] = field(default_factory=dict[str, bool])
    broken: dict[str, float] = field(default_factory=dict[str, float])
    begun: int = 0

    async def begin(self, connector: str, positions: Sequence[str], tally: Tally) -> int:
        """Keep the batch."""
        await self.count(connector, tally)
        self.begun += 1
        self.batches[self.begun] = (connector, positions)
        return self.begun

    async def settle(self, batch: int, connector: str, settled: Sequence[Settled], tally: Tally) -> None:
        """Forget the batch and add its figures."""
        del self.batches[batch]
        self.known.setdefault(connector, []).extend(settled)
        await self.count(connector, tally)

    async def unsettled(self, connector: str) -> Sequence[str]:
        """Return what was on its way."""
        return [place for name, places in self.batches.values() if name == connector for place in places]

    async def settled(self, connector: str) -> Sequence[Settled]:
        """Return all that was settled."""
        return self.known.get(connector, [])

    async def count(self, connector: str, tally: Tally) -> None:
        """Add up."""
        for (what, detail), count in tally.items():
            key = (connector, what, detail)
            self.tally[key] = self.tally.get(key, 0) + count

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Keep them."""
        self.letters |= {(letter.connector, letter.position): letter for letter in letters}

    async def unbury(self, connector: str, positions: Iterable[str]) -> None:
        """Forget them."""
        for position in positions:
            self.letters.pop((connector, position), None)

    async def replays(self) -> Sequence[Letter]:
        """Return those that are asked for."""
        return [letter for letter in self.letters.values() if letter.replay]

    async def pause(self, connector: str, *, paused: bool) -> bool:
        """Keep it."""
        before, self.paused[connector] = self.paused.get(connector, False), paused
        return before

    async def broken_since(self, connector: str) -> float | None:
        """Return it."""
        return self.broken.get(connector)

    async def broke(self, connector: str, since: float | None) -> None:
        """Keep it."""
        self.broken.pop(connector, None)
        if since is not None:
            self.broken[connector] = since

    async def close(self) -> None:
        """Nothing is open."""

    def ask(self) -> None:
        """Ask for all letters to be sent again."""
        self.letters = {key: replace(letter, replay=True) for key, letter in self.letters.items()}
