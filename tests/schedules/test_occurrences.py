"""The times of a schedule, where clocks are changed and where they are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiform.config.schedule import Schedule, merged
from audiform.schedules.occurrences import first_after, jitter_of


def times(start: str, count: int, **schedule: Any) -> list[str]:
    """Return the first `count` times after `start`, all of UTC, as day, hour and minute."""
    found, moment = [], datetime.fromisoformat(start).replace(tzinfo=UTC)
    for _ in range(count):
        following = first_after(Schedule.model_validate(schedule), moment)
        assert following is not None
        moment = following
        found.append(f"{moment:%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 6 * * mon-fri", ["11-27 06:00", "11-30 06:00"]),
        ("*/20 8 * * *", ["11-27 08:00", "11-27 08:20"]),
        ("0 9,17 1-7 * *", ["12-01 09:00", "12-01 17:00"]),
        ("0 0 1 JAN *", ["01-01 00:00", "01-01 00:00"]),
        ("0 12 13 * FRI", ["11-27 12:00", "12-04 12:00"]),
        ("30 23 L * *", ["11-30 23:30", "12-31 23:30"]),
        ("@hourly", ["11-26 22:00", "11-26 23:00"]),
        ("@Weekly", ["11-29 00:00", "12-06 00:00"]),
    ],
    ids=["names", "steps", "lists", "capitals", "either day", "last day", "hourly", "weekly"],
)
def test_a_cron_expression_means_what_it_means_to_cron(cron, expected):
    """Ranges, steps, lists, names, the last day of a month and short forms; without a zone all is UTC."""
    assert expected == times("2026-11-26T21:59:30", 2, cron=cron)


def test_a_time_is_one_of_the_zones_clock():
    """Six in Berlin is five of UTC in winter, and four in summer."""
    berlin = {"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}

    assert ["11-26 05:00"] == times("2026-11-26T00:00", 1, **berlin)
    assert ["07-01 04:00"] == times("2026-07-01T00:00", 1, **berlin)


def test_a_time_that_is_left_out_is_the_end_of_the_gap():
    """When 02:30 does not exist, the run is at 03:00 (01:00 of UTC), once; the next day it is at its time again."""
    berlin = {"cron": "0,30 2 * * *", "time_zone": "Europe/Berlin"}

    assert ["03-28 01:00", "03-28 01:30", "03-29 01:00", "03-30 00:00"] == times(
        "2026-03-28T00:30", 4, **berlin
    )


def test_a_time_that_comes_twice_is_the_first():
    """When 02:30 exists twice, the second one is no time, also for whoever asks between the two."""
    berlin = {"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}

    assert ["10-25 00:30", "10-26 01:30"] == times("2026-10-24T12:00", 2, **berlin)
    assert ["10-26 01:30"] == times("2026-10-25T01:10", 1, **berlin)


def test_a_time_in_each_hour_follows_the_hours_that_there_are():
    """The hour that exists twice has its times twice, and the one that is left out has none."""
    berlin = {"cron": "30 * * * *", "time_zone": "Europe/Berlin"}

    assert [f"10-25 0{hour}:30" for hour in range(4)] == times("2026-10-25T00:00", 4, **berlin)
    assert [f"03-29 0{hour}:30" for hour in range(4)] == times("2026-03-29T00:00", 4, **berlin)


def test_an_interval_does_not_drift():
    """A run that began late does not move those after it; clocks that change are no matter."""
    assert ["10-25 01:00", "10-25 01:15"] == times("2026-10-25T00:59:59", 2, every="15m")
    assert ["11-27 00:00", "11-28 00:00"] == times("2026-11-26T00:00:01", 2, every="1d")


def test_an_expression_that_ends_has_no_next_time():
    """Nobody waits for a day that never comes; `validate` refuses it before."""
    assert first_after(Schedule(cron="0 0 */20 * 1L"), datetime(2026, 1, 1, tzinfo=UTC)) is None


ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)
SCHEDULES = [
    *(
        Schedule(cron=cron, time_zone=zone)
        for zone in ZONES
        for cron in ("15 2 * * *", "*/25 * * * *", "0 1-3 * * sun")
    ),
    Schedule(every="7m"),
    Schedule(every="36h"),
]


@given(
    schedule=st.sampled_from(SCHEDULES),
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - the zone is given below
    delay=st.integers(0, 7200),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
def test_the_next_time_is_after_and_none_lies_between(schedule, moment, delay):
    """Whoever asks again from the moment before the next time gets the same one: no time is lost, none comes twice."""
    start, late = moment.replace(tzinfo=UTC), timedelta(seconds=delay)
    following = first_after(schedule, start, late)

    assert following is not None
    assert following > start
    assert following == first_after(schedule, following - timedelta(seconds=1), late)
    after = [following]
    for _ in range(5):
        after.append(first_after(schedule, after[-1], late) or start)
    assert all(one < two for one, two in pairwise(after))


def test_jitter_is_the_same_each_time():
    """What has one name begins by the same time later, so that intervals stay what they are; others begin elsewhere."""
    schedule = Schedule(every="1h", jitter="10m")
    delays = [jitter_of(schedule, f"shop production audience_{number}") for number in range(50)]

    assert delays == [jitter_of(schedule, f"shop production audience_{number}") for number in range(50)]
    assert max(delays) < timedelta(minutes=10)
    assert 40 < len(set(delays))
    assert timedelta(0) == jitter_of(Schedule(every="1h"), "x")


def test_a_binding_goes_before_its_environment():
    """Its time takes the place of the other; what it leaves open is the environment's."""
    environment = Schedule(every="1h", time_zone="Europe/Berlin", jitter="5m")

    assert environment == merged(environment, None)
    assert Schedule(cron="@daily", time_zone="Europe/Berlin", jitter="5m") == merged(environment, "@daily")
    assert Schedule(every="1h", time_zone="Europe/Berlin", jitter="0s") == merged(
        environment, Schedule(jitter="0s")
    )
    assert merged(environment, "manual") is None
    assert merged("manual", None) is None
    assert merged(Schedule(time_zone="UTC"), None) is None
    assert Schedule(every="5m") == merged("manual", Schedule(every="5m"))
