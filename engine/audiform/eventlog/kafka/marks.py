"""How far one partition was handed out, and what of it is settled; pure. Kafka keeps one offset, and a text beside it: the rest goes there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

_SIGN = "audiform-1"
GONE = f"{_SIGN}:gone"
"""Stands beside an offset of a connector that was forgotten."""
_MOST_TEXT = 3_500
"""Brokers keep 4,096 bytes; what does not fit is handed out again after a restart."""


@dataclass(slots=True)
class Marks:
    """One partition. All before `floor` is settled; `next` is the offset that is asked for next."""

    next: int
    settled: set[int] = field(default_factory=set[int])
    """Settled before this reader began, and not before the first that is open."""
    open: dict[int, None] = field(default_factory=dict[int, None])

    def hand_out(self, offset: int) -> bool:
        """Say whether a message is to be handed out; it is not where it is known already."""
        if offset < self.next or offset in self.settled:
            self.next = max(self.next, offset + 1)
            return False
        self.next = offset + 1
        self.open[offset] = None
        return True

    def settle(self, offset: int) -> None:
        """Settle one."""
        if offset in self.open:
            del self.open[offset]
            self.settled.add(offset)

    @property
    def floor(self) -> int:
        """The offset from which something may be left to do; what is settled before it is forgotten."""
        return next(iter(self.open)) if self.open else self.next

    def saved(self) -> tuple[int, str]:
        """Return the offset to commit, and the text beside it: how many from there are open, settled, open, ..."""
        floor = self.floor
        self.settled = {offset for offset in self.settled if offset >= floor}
        text = _SIGN
        for is_settled, length in _runs(range(floor, self.next), self.settled):
            text += f"{':' if text == _SIGN else '.'}{length}"
            if is_settled and len(text) > _MOST_TEXT:
                break
        return floor, text if self.settled else ""


def restored(offset: int, text: str | None) -> Marks:
    """Return the marks that were saved. Texts of others mean nothing."""
    sign, _, lengths = (text or "").partition(":")
    marks, place = Marks(offset), offset
    if sign == _SIGN and lengths:
        for number, length in enumerate(int(each) for each in lengths.split(".")):
            if number % 2:
                marks.settled.update(range(place, place + length))
            place += length
    return marks


def _runs(offsets: Iterable[int], settled: set[int]) -> Iterator[tuple[bool, int]]:
    """Yield runs of what is settled and what is not, in turn; the first is one that is not."""
    for is_settled, run in groupby(offsets, key=settled.__contains__):
        yield is_settled, sum(1 for _ in run)
