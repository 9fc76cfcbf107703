"""Cuts rows into requests within the limits of a platform: by rows and by bytes, from the ends of the rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence


def cut(ends: Sequence[int], most_rows: int, most_bytes: int | None) -> Iterator[tuple[int, int]]:
    """Yield the ranges `[first, last)` of rows that go into one request each.

    Rows are texts that follow each other, each with a comma behind it that the last of a request does not need.
    `ends[i]` is where row `i - 1` ends and row `i` begins. A row that is too large by itself is alone.
    """
    count = len(ends) - 1
    first = 0
    while first < count:
        last = min(first + most_rows, count)
        if most_bytes is not None and ends[last] - ends[first] - 1 > most_bytes:
            last = max(bisect_right(ends, ends[first] + most_bytes + 1, first, last + 1) - 1, first + 1)
        yield first, last
        first = last
