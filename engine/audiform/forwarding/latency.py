"""How long and how many, over the last minutes: in constant memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_FIRST = 0.001
_GROWTH = 2.0**0.25
_BUCKETS = 100
_LOG = math.log(_GROWTH)
_SLICE_SECONDS = 30.0
_SLICES = 10


def bucket_of(seconds: float) -> int:
    """Return the number of the bucket; each is a fifth wider than the one before."""
    return 0 if seconds <= _FIRST else min(_BUCKETS - 1, math.ceil(math.log(seconds / _FIRST) / _LOG))


def upper(bucket: int) -> float:
    """Return the upper bound of a bucket in seconds."""
    return _FIRST * _GROWTH**bucket


@dataclass(slots=True)
class Recent:
    """Durations of the last five minutes. `total` and `seconds` count since the process began."""

    monotonic: Callable[[], float]
    total: int = 0
    seconds: float = 0.0
    _slices: deque[tuple[float, list[int]]] = field(
        default_factory=lambda: deque[tuple[float, list[int]]](maxlen=_SLICES)
    )

    def add(self, seconds: float) -> None:
        """Add one."""
        self._slice()[bucket_of(seconds)] += 1
        self.total += 1
        self.seconds += seconds

    def quantiles(self, *wanted: float) -> Sequence[float | None]:
        """Return for each wanted share (0.99) the seconds within which it was done; None where there was nothing."""
        self._slice()
        counts = [sum(each) for each in zip(*(counts for _, counts in self._slices), strict=True)]
        whole = sum(counts)
        return [_quantile(counts, whole, share) if whole else None for share in wanted]

    def per_second(self) -> float:
        """Return how many there were a second, over the last minute or so."""
        self._slice()
        now = self.monotonic()
        last = [(at, sum(counts)) for at, counts in self._slices if now - at < 3 * _SLICE_SECONDS]
        return sum(count for _, count in last) / max(1.0, now - last[0][0])

    def _slice(self) -> list[int]:
        now = self.monotonic()
        while self._slices and now - self._slices[0][0] > _SLICE_SECONDS * _SLICES:
            self._slices.popleft()
        if not self._slices or now - self._slices[-1][0] > _SLICE_SECONDS:
            self._slices.append((now, [0] * _BUCKETS))
        return self._slices[-1][1]


def _quantile(counts: Sequence[int], whole: int, share: float) -> float:
    left = math.ceil(whole * share)
    for bucket, count in enumerate(counts):
        left -= count
        if left <= 0:
            return upper(bucket)
    return upper(_BUCKETS - 1)
