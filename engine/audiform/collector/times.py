"""When something happened: RFC 3339 in UTC with milliseconds, and the sender's clock set right."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from audiform.collector.answers import Refused, RefusedError

_SKEW = timedelta(minutes=1)
"""A sender's clock that is off by less is left alone: some of it is the way through the network."""
_MILLISECONDS_FROM = 100_000_000_000
"""A number from here on counts milliseconds since 1970, not seconds."""


_WITH_MICROSECONDS = len('"2026-11-24T12:00:00.123456Z"')


def text_of(moment: datetime) -> str:
    """Return a moment (in UTC) as events hold it."""
    import orjson

    text = orjson.dumps(moment, option=orjson.OPT_UTC_Z)  # a third of the time that `isoformat` takes
    if len(text) == _WITH_MICROSECONDS:
        return text[1:24].decode() + "Z"
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"


def moment_of(value: Any) -> datetime | None:
    """Return the moment that a value says; None where it says none. Seconds and milliseconds since 1970 are numbers.

    Raises:
        RefusedError: it cannot be read.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise RefusedError(Refused.INVALID, "a time is not written as RFC 3339 (2026-11-24T12:00:00Z)")


def happened(time: Any, sent: datetime | None, received: datetime, most_skew: float) -> datetime:
    """Return when it happened, at the latest now; `sent` is the sender's clock when it sent, which tells how wrong that clock is.

    Raises:
        RefusedError: that is more than `most_skew` seconds in the future.
    """
    moment = moment_of(time)
    if moment is None:
        return received
    if sent is not None and abs(received - sent) > _SKEW:
        moment += received - sent
    if (moment - received).total_seconds() > most_skew:
        raise RefusedError(Refused.FUTURE, "its time is in the future; the sender's clock may be wrong")
    return min(moment, received)
