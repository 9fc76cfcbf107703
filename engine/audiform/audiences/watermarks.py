"""The highest watermark of what was read: as SQL finds it, as it is kept, and how far below it is read again. Pure.

It is kept as text of one form per kind, so that texts of a kind sort as their values do, but for integers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Literal

from audiform.config.kinds import Audience
from audiform.sql import name

Kind = Literal["timestamp", "timestamptz", "date", "integer", "text"]

_INTEGERS: Final = frozenset(
    [
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "UTINYINT",
        "USMALLINT",
        "UINTEGER",
        "UBIGINT",
        "UHUGEINT",
    ]
)
_KINDS: Final[Mapping[str, Kind]] = {
    "TIMESTAMP": "timestamp",
    "TIMESTAMP_S": "timestamp",
    "TIMESTAMP_MS": "timestamp",
    "TIMESTAMP_NS": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "DATE": "date",
    "VARCHAR": "text",
}
_WHOLE: Final = re.compile(r"DECIMAL\(\d+,0\)")
_TEXT: Final = re.compile(r"[\w :.+/=,-]{1,100}", re.ASCII)
_OVERLAP: Final = "10m"
"""Of timestamps: a transaction gives its rows the time at which it began, and they are seen when it ends."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What an audience says of its rows' changes. `overlap`: how far below the watermark is read again, None: as far as is usual."""

    watermark: str
    member: str | None = None
    deleted: str | None = None
    overlap: str | int | None = None

    @property
    def columns(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The columns of the audience's query that are needed, each after its place in the audience."""
        yield ("watermark",), self.watermark
        if self.member is not None:
            yield ("member",), self.member
        if self.deleted is not None:
            yield ("deleted",), self.deleted

    @property
    def gone(self) -> str:
        """The SQL that a row says that its profile does not belong."""
        ways = [f"{name(self.member)} IS NOT TRUE"] if self.member is not None else []
        ways += [f"{name(self.deleted)} IS TRUE"] if self.deleted is not None else []
        return f"({' OR '.join(ways)})" if ways else "false"


def tracked(audience: Audience) -> Tracked | None:
    """Return what an audience with a watermark says of its rows' changes; None of another one."""
    mark = audience.watermark
    if mark is None:
        return None
    if isinstance(mark, str):
        return Tracked(mark, audience.member, audience.deleted)
    return Tracked(mark.column, audience.member, audience.deleted, mark.overlap)


def kind_of(column_type: str) -> Kind | None:
    """Return what kind of watermark a column of one of DuckDB's types is; None where it is none."""
    if column_type in _INTEGERS or _WHOLE.fullmatch(column_type):
        return "integer"
    return _KINDS.get(column_type)


def highest_sql(column: str, kind: Kind) -> str:
    """Return the SQL of the highest watermark of a column, for `value_of`."""
    match kind:
        case "timestamp":
            return f"epoch_us(max(CAST({column} AS TIMESTAMP)) FILTER (isfinite({column})))"
        case "timestamptz":
            return f"epoch_us(max({column}) FILTER (isfinite({column})))"
        case "date":
            return f"date_diff('day', DATE '1970-01-01', max({column}) FILTER (isfinite({column})))"
        case "integer":
            return f"CAST(max({column}) AS VARCHAR)"
        case "text":
            return f"max({column})"


def value_of(kind: Kind, highest: Any, now: datetime) -> str:
    """Return the highest watermark as it is kept.

    A time is never later than now: one row that says 2099 would hide everything that changes until then. Without a time zone
    it may be that of any place.

    Raises:
        ValueError: it is a text that cannot stand in a statement of every database.
    """
    match kind:
        case "timestamptz":
            return f"{_moment(highest, now):%Y-%m-%d %H:%M:%S.%f}+00:00"
        case "timestamp":
            return f"{_moment(highest, now + _DAY):%Y-%m-%d %H:%M:%S.%f}"
        case "date":
            most = (now + _DAY).date()
            days = min(highest, (most - _EPOCH.date()).days)
            return (_EPOCH.date() + timedelta(days=days)).isoformat()
        case "integer":
            return str(highest)
        case "text":
            if _TEXT.fullmatch(highest) is None:
                raise ValueError
            return str(highest)


def later(kind: Kind, one: str, other: str) -> str:
    """Return the higher one of two watermarks."""
    return max(one, other, key=int) if kind == "integer" else max(one, other)


def fits(kind: Kind, overlap: str | int | None) -> bool:
    """Whether an overlap is of the kind's unit: a number of integers, a duration of times, nothing of texts."""
    if overlap is None:
        return True
    return kind != "text" and isinstance(overlap, int) == (kind == "integer")


def lowered(kind: Kind, value: str, overlap: str | int | None) -> str:
    """Return from where on is read again; the overlap fits."""
    if kind == "integer":
        return str(int(value) - int(overlap or 0))
    if kind == "text":
        return value
    if kind == "date":
        days = -(-_seconds(str(overlap or "0s")) // _SECONDS["d"])
        return (date.fromisoformat(value) - timedelta(days=days)).isoformat()
    # Nanoseconds were rounded to the next microsecond.
    before = timedelta(seconds=_seconds(str(overlap or _OVERLAP)), microseconds=1)
    moment = datetime.fromisoformat(value) - before
    return f"{moment:%Y-%m-%d %H:%M:%S.%f}{'+00:00' if kind == 'timestamptz' else ''}"


def shown(kind: str, value: str) -> str | None:
    """Return a watermark as it may be shown: a time. A number or a text may say more than that."""
    if kind == "date":
        return value
    return f"{value[:19]}{' UTC' if kind == 'timestamptz' else ''}" if kind.startswith("timestamp") else None


def _moment(microseconds: int, most: datetime) -> datetime:
    limit = (most - _EPOCH) // timedelta(microseconds=1)
    return _EPOCH + timedelta(microseconds=min(microseconds, limit))


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]
