"""Points in time as events have them: RFC 3339 texts, dates, and seconds or milliseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

_FRACTION = re.compile(r"(\.\d{6})\d+")
_SECONDS = 100_000_000_000
"""A number beyond it counts milliseconds: as seconds it would be the year 5138."""


class UnfitError(ValueError):
    """A value of an event that cannot be what is wanted; the message says why, and holds no value."""


def moment(value: Any) -> datetime:
    """Return the point in time that a value of an event means; a text without a zone is in UTC.

    Raises:
        UnfitError: it means none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnfitError("it is no time")
    if isinstance(value, str) and not value.strip().replace(".", "", 1).isdigit():
        return _from_text(value.strip())
    try:
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if abs(number) >= _SECONDS else number, UTC)
    except (OverflowError, OSError, ValueError):
        # The value is in the message of some of them.
        raise UnfitError("it is no time") from None


def _from_text(text: str) -> datetime:
    # Some clients write nanoseconds, which Python does not read.
    try:
        read = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise UnfitError("it is no time such as 2026-11-24T10:00:00Z") from None


def rfc3339(value: datetime) -> str:
    """Return a point in time in UTC, with milliseconds and `Z`."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
