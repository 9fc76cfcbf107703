"""A part of a source: rows whose watermark is at or above a value, asked in the dialect of whoever runs the query.

    SELECT * FROM (the audience's SQL) AS profiles WHERE "changed_at" >= CAST('2026-05-01 12:00:00+00:00' AS timestamptz)

The value is a constant of the column's own type and the column stands alone, so that an index on it can be used. Texts are compared
byte by byte, as DuckDB does, whatever the database's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from audiform.address import Address
from audiform.audiences.watermarks import Kind, Tracked, fits, kind_of, lowered, value_of
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sql import literal, name

_DUCKDB: Final = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "date": "DATE"}
_STANDARD: Final = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}
_MYSQL: Final = {"timestamp": "DATETIME(6)", "timestamptz": "DATETIME(6)", "date": "DATE"}
_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "duckdb": _DUCKDB,
    "delta": _DUCKDB,
    "snowflake": {"timestamp": "TIMESTAMP_NTZ", "timestamptz": "TIMESTAMP_TZ", "date": "DATE"},
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "bigquery": {"timestamp": "DATETIME", "timestamptz": "TIMESTAMP", "date": "DATE"},
}
"""Type of a source -> what its database calls the types of time, where that is not the standard's word."""

_BYTEWISE: Final[Mapping[str, str]] = {
    "postgresql": ' COLLATE "C"',
    "mysql": " COLLATE utf8mb4_bin",
    "mariadb": " COLLATE utf8mb4_bin",
    "sqlite": " COLLATE BINARY",
}
"""Type of a source -> what makes its database compare texts byte by byte, where it may do otherwise."""

_BACKTICKS: Final = frozenset({"bigquery", "mysql", "mariadb"})


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows whose `column` is at least `value`, the text of a `kind` of value."""

    column: str
    kind: Kind
    value: str = field(repr=False)

    def condition(self, source_type: str) -> str:
        """Return the condition as the database of a source type is asked."""
        column = f"`{self.column}`" if source_type in _BACKTICKS else name(self.column)
        match self.kind:
            case "integer":
                return f"{column} >= {int(self.value)}"
            case "text":
                return f"{column}{_BYTEWISE.get(source_type, '')} >= {literal(self.value)}"
            case _:
                kind = _TYPES.get(source_type, _STANDARD)[self.kind]
                return f"{column} >= CAST({literal(self.value)} AS {kind})"


def slice_since(address: Address, tracked: Tracked, kind: Kind, value: str) -> Slice:
    """Return what changed since a watermark that was kept, and what is read again for what came late.

    Raises:
        DiagnosticError: the audience's overlap is not in the unit of the watermark (`watermark-overlap`).
    """
    check_overlap(address, tracked, kind)
    return Slice(tracked.watermark, kind, lowered(kind, value, tracked.overlap))


def check_overlap(address: Address, tracked: Tracked, kind: Kind) -> None:
    """See that the audience's overlap is in the unit of the watermark.

    Raises:
        DiagnosticError: it is not (`watermark-overlap`).
    """
    if fits(kind, tracked.overlap):
        return
    units = {"integer": "a number is", "text": "nothing can be"}
    text = (
        f"`watermark.overlap` of `{address}` is `{tracked.overlap}`, and `{tracked.watermark}` is a column of {_words(kind)}, from which "
        f"{units.get(kind, 'a duration, such as 30m, is')} subtracted."
    )
    raise DiagnosticError(
        [Diagnostic("watermark-overlap", text, address=address, path=("watermark", "overlap"))]
    )


def kind_in(columns: Mapping[str, str], column: str, address: Address) -> Kind:
    """Return what kind of watermark a column of a query is; `columns`: name -> DuckDB's type.

    Raises:
        DiagnosticError: it does not sort, or not in steps (`watermark-type`).
    """
    kind = kind_of(columns[column])
    if kind is None:
        raise _unusable(column, f"which is {columns[column]}", address)
    return kind


def kept_value(kind: Kind, highest: Any, now: datetime, column: str, address: Address) -> str:
    """Return the highest watermark that was read as it is kept.

    Raises:
        DiagnosticError: it is a text that cannot be asked for in every database (`watermark-type`).
    """
    try:
        return value_of(kind, highest, now)
    except ValueError:
        raise _unusable(
            column, "whose highest value is a text with other characters than those", address
        ) from None


def _words(kind: Kind) -> str:
    return {"date": "dates", "integer": "integers", "text": "texts"}.get(kind, "timestamps")


def _unusable(column: str, what: str, address: Address) -> DiagnosticError:
    text = (
        f"The watermark of `{address}` is `{column}`, {what}. It has to be a timestamp, a date, an integer or a text of letters, "
        "digits, spaces and `:._+/=,-` (100 at most): convert it in the query, or name another column."
    )
    return DiagnosticError([Diagnostic("watermark-type", text, address=address, path=("watermark",))])
