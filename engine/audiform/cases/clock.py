"""The time in which cases take place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from audiform.wire import Timing

START = datetime(2026, 1, 1, tzinfo=UTC)


def still_clock() -> Timing:
    """Return a clock that stands still unless somebody waits."""
    waited = [0.0]

    async def sleep(seconds: float) -> None:
        waited[0] += seconds

    return Timing(lambda: START + timedelta(seconds=waited[0]), lambda: waited[0], sleep, lambda: 1.0)
