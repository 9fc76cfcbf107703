"""When a binding is due, from what became of it last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from audiform.config.schedule import Schedule
from audiform.schedules.due import Due, due, failures_after
from audiform.state.store import LastRun

HOURLY = Schedule(every="1h")
SKIPPING = Schedule(every="1h", catch_up="skip")
NONE = timedelta(0)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    """Return a moment of one day."""
    return datetime(2026, 11, 25, hour, minute, second, tzinfo=UTC)


def ran(started: datetime, result: str = "done", failures: int = 0, minutes: int = 5) -> LastRun:
    """Return a run that took so many minutes; one that is `running` has no end."""
    ended = None if result == "running" else started + timedelta(minutes=minutes)
    return LastRun("lapsed_on_ads", started, ended, result, failures)


def test_the_next_time_is_the_first_after_the_last_run_began():
    """Also a run by hand counts: it read what there was."""
    assert Due(at(7)) == due(HOURLY, NONE, ran(at(6)), at(6, 10))
    assert Due(at(7)) == due(HOURLY, NONE, ran(at(6, 40)), at(6, 50))


def test_a_run_that_took_longer_than_its_interval_is_followed_at_once():
    """What became due meanwhile is one run, not several."""
    assert Due(at(7), missed=at(7)) == due(HOURLY, NONE, ran(at(6), minutes=150), at(8, 30))


def test_downtime_is_made_up_for_once():
    """After a night without a watcher the binding is due since the first time that was missed."""
    assert Due(at(3), missed=at(3)) == due(HOURLY, NONE, ran(at(2)), at(9, 20))


def test_downtime_is_skipped_where_the_schedule_says_so():
    """Nothing is made up for; the next time is one to come, and what was missed is known."""
    assert Due(at(10), missed=at(3)) == due(SKIPPING, NONE, ran(at(2)), at(9, 20))


def test_a_minute_is_not_late():
    """Whoever wakes up some seconds after the time still runs, also where missed times are skipped."""
    assert Due(at(3)) == due(SKIPPING, NONE, ran(at(2)), at(3, 0, 45))
    assert Due(at(4), missed=at(3)) == due(SKIPPING, NONE, ran(at(2)), at(3, 1, 1))


def test_jitter_moves_each_time():
    """A run that began by its jitter later is not due again at the time itself."""
    later = timedelta(minutes=7)

    assert Due(at(7, 7)) == due(HOURLY, later, ran(at(6, 7)), at(6, 20))
    assert Due(at(6, 7)) == due(HOURLY, later, ran(at(6, 2)), at(6, 5))


def test_a_binding_that_never_ran_is_due():
    """Nobody knows what its destination holds; only where missed times are skipped it waits for its time."""
    assert Due(at(6, 20)) == due(HOURLY, NONE, None, at(6, 20))
    assert Due(at(7)) == due(SKIPPING, NONE, None, at(6, 20))


@pytest.mark.parametrize(
    ("failures", "minutes"), [(1, 1), (2, 2), (4, 8), (40, 60)], ids=["first", "second", "fourth", "fortieth"]
)
def test_a_failure_is_tried_again_with_longer_and_longer_waits(failures, minutes):
    """A minute, two, four, up to an hour, or to a quarter of one where an apply mends it; each is counted from the end of the last."""
    daily = Schedule(cron="@daily")
    expected = at(6, 5) + timedelta(minutes=minutes)

    assert Due(expected) == due(daily, NONE, ran(at(6), "failed", failures), at(6, 6))
    refused = at(6, 5) + timedelta(minutes=min(minutes, 15))
    assert Due(refused) == due(daily, NONE, ran(at(6), "refused", failures), at(6, 6))


def test_the_next_time_comes_before_a_long_wait():
    """A failure does not make a binding less often due than its schedule says."""
    assert Due(at(7)) == due(HOURLY, NONE, ran(at(6, 30), "failed", 9), at(6, 40))


def test_a_guard_waits_for_a_person():
    """Asking again in a minute would give the same answer."""
    assert Due(at(7)) == due(HOURLY, NONE, ran(at(6), "stopped"), at(6, 10))


def test_an_interrupted_run_is_gone_on_with_at_once():
    """Whoever stopped it for a restart wants the rest sent after it, unless late times are skipped."""
    assert Due(at(6, 5)) == due(HOURLY, NONE, ran(at(6), "interrupted"), at(6, 6, 0))
    assert Due(at(7)) == due(SKIPPING, NONE, ran(at(6), "interrupted"), at(6, 30))


def test_a_killed_run_counts_as_a_failure():
    """A run that takes its process with it each time is not begun again and again without a wait."""
    killed = ran(at(6), "running", 2)

    assert 3 == failures_after(killed)
    assert Due(at(6, 4)) == due(Schedule(cron="@daily"), NONE, killed, at(6, 1))
    assert 0 == failures_after(None)
