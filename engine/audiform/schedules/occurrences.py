"""The times of a schedule, as moments of UTC.

Cron is read as Debian's reads it. A time that a change of the clocks leaves out is the first moment after the gap; one that comes
twice is the first of both. An expression whose minute or hour begins with `*` follows the time that passes, so that `*/15` is four
times in every hour that there is. An interval is counted from the beginning of 1970, so that it does not drift and
bindings with the same one are due together.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
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
    found = _next_cron(plain_cron(schedule.cron or ""), schedule.time_zone or "UTC", before)
    return None if found is None else found + delay


def jitter_of(schedule: Schedule, key: str) -> timedelta:
    """Return by how much the times of whatever has this key are later: always the same, below the schedule's jitter."""
    return _share_of(seconds_of(schedule.jitter), key) if schedule.jitter else timedelta(0)


@lru_cache(maxsize=16_384)
def _share_of(seconds: int, key: str) -> timedelta:
    return timedelta(seconds=int(digest_text(f"jitter\0{key}")[:12], 16) % seconds if seconds else 0)


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration such as `15m`."""
    return int(duration[:-1]) * _SECONDS[duration[-1]]


def _next_interval(seconds: int, before: datetime) -> datetime:
    passed = (before - _EPOCH) // timedelta(seconds=seconds)
    return _EPOCH + timedelta(seconds=(passed + 1) * seconds)


@lru_cache(maxsize=16_384)
def _next_cron(cron: str, time_zone: str, before: datetime) -> datetime | None:
    """Return the first time after `before`. Whoever watches asks every few seconds, and the answer is the same until then."""
    return next((time for time in _cron_times(cron, time_zone, before) if time > before), None)


def _cron_times(cron: str, time_zone: str, before: datetime) -> Iterator[datetime]:
    """Yield times from about `before` on: of an hour that comes twice, the first ones may lie before it."""
    from cronsim import CronSim

    # UTC has no change of clocks, which cronsim knows of this one only.
    start = before if time_zone == "UTC" else before.astimezone(ZoneInfo(time_zone))
    for found in CronSim(cron, start):
        yield found.astimezone(UTC)
