"""When a binding is due, from what became of it last. Pure.

- The next time is the first one of the schedule after the last run began, whoever ran it: a sync by hand counts.
- `catch_up: once` makes up for times that were missed, by one run as soon as possible. `skip` waits for the next one.
- A run that failed, was refused or was killed is done again after a minute, then two, up to an hour (a refused one, which an apply
  mends, up to a quarter), unless the next time comes before. One that was interrupted is gone on with at once. A guard's stop needs a person: it waits for the next time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from audiform.config.schedule import Schedule
from audiform.schedules.occurrences import first_after
from audiform.state.store import LastRun

GRACE = timedelta(minutes=1)
"""A run that did not begin within this time is late, and its time was missed."""

FIRST_WAIT = timedelta(minutes=1)
MOST_WAIT = timedelta(hours=1)
_MOST_REFUSED = timedelta(minutes=15)
_DOUBLINGS = 10
_AGAIN = frozenset({"failed", "refused", "running"})


@dataclass(frozen=True, slots=True)
class Due:
    """When a run is to begin, None for never. `missed`: the first time since the last run that was not kept, if any."""

    at: datetime | None
    missed: datetime | None = None


def due(schedule: Schedule, delay: timedelta, last: LastRun | None, now: datetime) -> Due:
    """Return when a binding is due. `delay`: its jitter. A binding that never ran is due at once."""
    since = now - GRACE
    if last is None:
        at = first_after(schedule, now, delay) if schedule.catch_up == "skip" else now
        return Due(at)
    planned = first_after(schedule, last.started, delay)
    missed = planned if planned is not None and planned < since else None
    times = [time for time in (planned, _again(last)) if time is not None]
    at = min(times, default=None)
    if schedule.catch_up == "skip" and at is not None and at < since:
        at = first_after(schedule, since, delay)
    return Due(at, missed)


def _again(last: LastRun) -> datetime | None:
    """Return when a run that did not get its work done is tried again."""
    if last.result == "interrupted":
        return last.ended
    if last.result not in _AGAIN:
        return None
    failures = failures_after(last)
    most = _MOST_REFUSED if last.result == "refused" else MOST_WAIT
    doublings: int = min(failures - 1, _DOUBLINGS)
    wait: timedelta = min(most, FIRST_WAIT * (1 << doublings))
    return (last.ended or last.started) + wait


def failures_of(result: str, last: LastRun | None) -> int:
    """Return how many runs in a row failed when one ends so. One that was interrupted says nothing of that."""
    before = failures_after(last)
    return (
        before + 1
        if result in {"failed", "refused"}
        else before
        if result in {"interrupted", "running"}
        else 0
    )


def failures_after(last: LastRun | None) -> int:
    """Return how many runs in a row failed, when the next one begins: a killed one could not count itself."""
    if last is None:
        return 0
    return last.failures + 1 if last.result == "running" else last.failures
