"""A refusal that names no record: the bad ones are found by sending the batch apart, and nobody else suffers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.halving import apart, names_nobody
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError

REFUSAL = Outcome(OutcomeKind.REJECTED, Category.INVALID_RECORD, "HTTP 400: something is wrong", status=400)


def numbered(count: int) -> bytes:
    """Return rows that are numbers."""
    return b",".join(str(number).encode() for number in range(count))


class Platform:
    """Takes a batch without bad rows, and refuses any other without a word about which."""

    def __init__(self, bad: Collection[int], broken: int | None = None) -> None:
        self.bad, self.broken = bad, broken
        self.taken: list[int] = []
        self.requests = 0

    async def send(self, text: bytes) -> Outcome:
        """Answer one batch."""
        self.requests += 1
        rows = json.loads(b"[%b]" % text)
        if self.broken in rows:
            return Outcome(OutcomeKind.RETRY, Category.UNAVAILABLE, "HTTP 503")
        if set(rows) & set(self.bad):
            return REFUSAL
        self.taken += rows
        lookups = tuple({"lookup.key": row} for row in rows)
        return Outcome(OutcomeKind.ACCEPTED, status=200, extracted={"lookups": lookups})


def found(platform: Platform, count: int) -> Outcome:
    """Return what comes of a batch that was refused."""
    return asyncio.run(apart(platform.send, numbered(count), REFUSAL))


@settings(deadline=None)
@given(
    st.integers(4, 60).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), min_size=1, max_size=2))
    )
)
def test_the_bad_are_found_and_the_others_taken_once(drawn):
    """Whatever the places of one or two bad records: they are rejected, and each other record is sent once."""
    count, bad = drawn
    platform = Platform(bad)
    outcome = found(platform, count)
    assert (OutcomeKind.ACCEPTED, len(bad)) == (outcome.kind, outcome.rejected_count)
    assert sorted(bad) == [error.index for error in outcome.rejected]
    assert {REFUSAL.message} == {error.message for error in outcome.rejected}
    assert [row for row in range(count) if row not in bad] == sorted(platform.taken)
    assert sorted(platform.taken) == sorted(entry["lookup.key"] for entry in outcome.extracted["lookups"])


def test_it_costs_a_few_requests():
    """One bad record among a hundred is found with fourteen requests or fewer."""
    platform = Platform({63})
    assert 1 == found(platform, 100).rejected_count
    assert platform.requests <= 14


@pytest.mark.parametrize("count", [2, 3, 100])
def test_a_refusal_of_everything_is_about_the_request(count):
    """When nobody at all is taken, the batch fails as a whole and soon: it is not the people's fault."""
    platform = Platform(range(count))
    outcome = found(platform, count)
    assert (OutcomeKind.FAILED, Category.INVALID_REQUEST) == (outcome.kind, outcome.category)
    assert REFUSAL.message == outcome.message
    assert platform.requests <= 12


def test_another_failure_ends_the_search():
    """What went wrong on the way is the outcome; who was rejected until then is told with it."""
    outcome = found(Platform({1}, broken=6), 8)
    assert (OutcomeKind.RETRY, Category.UNAVAILABLE) == (outcome.kind, outcome.category)
    assert [1] == [error.index for error in outcome.rejected]


def test_only_a_refusal_without_names_needs_it():
    """A refusal that names its records, a failure and a success do not."""
    named = Outcome(OutcomeKind.REJECTED, rejected=(RecordError(0, Category.INVALID_RECORD, ""),))
    assert names_nobody(REFUSAL)
    assert not any(
        names_nobody(one) for one in (named, Outcome(OutcomeKind.FAILED), Outcome(OutcomeKind.ACCEPTED))
    )
