from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from audiform.audiences.batch import cut

SIZES = st.lists(st.integers(1, 50), max_size=60)


def ends(sizes: list[int]) -> list[int]:
    """Return the places between rows of these sizes, each with a comma behind it."""
    return [0, *accumulate(size + 1 for size in sizes)]


@given(SIZES, st.integers(1, 10), st.none() | st.integers(1, 120))
def test_every_row_is_in_one_request_within_the_limits(sizes: list[int], rows: int, most: int | None):
    """Requests follow each other without a gap; only a row that is too large by itself goes beyond the bytes."""
    found = list(cut(ends(sizes), rows, most))

    edges = [0, *(last for _, last in found)]
    assert found == list(pairwise(edges))
    assert edges[-1] == len(sizes)
    for first, last in found:
        text = sum(sizes[first:last]) + last - first - 1
        assert 1 <= last - first <= rows
        assert most is None or text <= most or last - first == 1


@given(SIZES, st.integers(1, 10), st.integers(1, 120))
def test_requests_are_as_full_as_they_can_be(sizes: list[int], rows: int, most: int):
    """The next row would not have gone into the request before."""
    for first, last in cut(ends(sizes), rows, most):
        if last < len(sizes):
            one_more = sum(sizes[first : last + 1]) + last - first
            assert last - first == rows or one_more > most


def test_no_rows_are_no_request():
    """Nothing is cut out of nothing."""
    assert [] == list(cut([0], 10, 100))
