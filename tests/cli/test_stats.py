"""`audiform stats` and `audiform dead-letters`: figures and rejected records, never people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audiform.state.store import Count, DeadLetter
from cli.shell import Shell

TODAY = datetime.now(UTC)


def day(ago: int) -> str:
    """Return a day as the statistics write it."""
    return (TODAY - timedelta(days=ago)).date().isoformat()


@pytest.fixture
def counted(shell: Shell) -> Shell:
    """Return a shell whose state has figures of three days."""
    store = shell.store()
    store.count(
        [
            Count(day(0), "ads", "buyers_on_ads", "sent", "add", 1_200_000),
            Count(day(0), "ads", "lapsed_on_ads", "sent", "add", 34_567),
            Count(day(0), "ads", "buyers_on_ads", "sent", "remove", 7),
            Count(day(0), "ads", "buyers_on_ads", "left_out", "no_consent", 120),
            Count(day(0), "ads", "buyers_on_ads", "left_out", "invalid_identifier", 3),
            Count(day(3), "mail", "buyers_on_mail", "sent", "modify", 12),
            Count(day(3), "mail", "buyers_on_mail", "error", "invalid_record", 2),
            Count(day(20), "mail", "buyers_on_mail", "sent", "add", 5),
        ]
    )
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    message = "HTTP 400: the address is not valid"
    store.bury([DeadLetter("buyers_on_mail", "add", "0f" * 16, "invalid_record", message, at)])
    store.close()
    return shell


def test_nothing_was_sent(shell, snapshot):
    """An empty statistic says so."""
    assert snapshot == str(shell("stats"))


def test_a_week(counted, snapshot):
    """Figures per connector and day, in columns, with their sums."""
    assert snapshot == str(counted("stats"))


@pytest.mark.parametrize(("days", "added"), [("7", 1_234_567), ("30", 1_234_572), ("90", 1_234_572)])
def test_how_far_back(counted, days, added):
    """7, 30 or 90 days, today included."""
    assert added == counted("stats", "--days", days, "--json").data["totals"]["sent"]["add"]


def test_other_days_are_refused(counted):
    """Only these three are kept apart."""
    assert 1 == counted("stats", "--days", "8").code


def test_dead_letters(counted, snapshot):
    """A line per rejected record, with what the platform said."""
    assert snapshot == str(counted("dead-letters", "list"))


def test_no_dead_letters(counted):
    """That nothing was rejected is said."""
    assert "No record was rejected\n" == counted("dead-letters", "list", "--binding", "buyers_on_ads").out


def test_dead_letters_as_json(counted):
    """A program gets the whole digest."""
    (letter,) = counted("dead-letters", "list", "--json").data

    assert ("0f" * 16, "invalid_record") == (letter["identity"], letter["category"])
