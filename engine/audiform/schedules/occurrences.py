"""The times of a schedule, as moments of UTC.

Cron is read as Debian's reads it. A time that a change of the clocks leaves out is the first moment after the gap; one that comes
twice is the first of both. An expression whose minute or hour begins with `*` follows the time that passes, so that `*/15` is four
times in every hour that there is. An interval is counted from the beginning of 1970, so that it does not drift and
bindings with the same one are due together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from audiform.config.schedule import Schedule, plain_cron
from audiform.hashing import digest_text

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def first_after(schedule: Schedule, moment: datetime, delay: timedelta = timedelta(0)) -> datetime | None:
    """Return the first time of the schedule after `moment`, each of them `delay` later; None where there is none."""
    before = moment.astimezone(UTC) - delay
    if schedule.every is not None:
        return _next_interval(seconds_of(schedule.every), before) + delay
    found = next((time for time in _cron_times(schedule, before) if time > before), None)
    return None if found is None else found + delay


def jitter_of(schedule: Schedule, key: str) -> timedelta:
    """Return by how much the times of whatever has this key are later: always the same, below the schedule's jitter."""
    span = seconds_of(schedule.jitter or "0s")
    return timedelta(seconds=int(digest_text(f"jitter\0{key}")[:12], 16) % span if span else 0)


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration such as `15m`."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _next_interval(seconds: int, before: datetime) -> datetime:
    passed = (before - _EPOCH) // timedelta(seconds=seconds)
    return _EPOCH + timedelta(seconds=(passed + 1) * seconds)


def _cron_times(schedule: Schedule, before: datetime) -> Iterator[datetime]:
    """Yield times from about `before` on: of an hour that comes twice, the first ones may lie before it."""
    from cronsim import CronSim

    zone = ZoneInfo(schedule.time_zone or "UTC")
    # A time in a zone is compared as its clock shows it, so UTC itself is given as what cronsim knows as UTC.
    start = before if zone.key == "UTC" else before.astimezone(zone)
    for found in CronSim(plain_cron(schedule.cron or ""), start):
        yield found.astimezone(UTC)
