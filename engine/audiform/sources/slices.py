"""A part of a source: rows whose watermark is at or above a value, asked in the dialect of whoever runs the query.

    SELECT * FROM (the audience's SQL) AS profiles WHERE "changed_at" >= CAST('2026-05-01 12:00:00+00:00' AS timestamptz)

The value is a constant of the column's own type and the column stands alone, so that an index on it can be used. Texts are compared
byte by byte, as DuckDB does, whatever the database's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from audiform.audiences.watermarks import Kind
from audiform.sql import literal, name

_DUCKDB: Final = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "date": "DATE"}
_STANDARD: Final = {"timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}
_TYPES: Final[Mapping[str, Mapping[str, str]]] = {
    "duckdb": _DUCKDB,
    "delta": _DUCKDB,
    "snowflake": {"timestamp": "TIMESTAMP_NTZ", "timestamptz": "TIMESTAMP_TZ", "date": "DATE"},
    "bigquery": {"timestamp": "DATETIME", "timestamptz": "TIMESTAMP", "date": "DATE"},
}
"""Type of a source -> what its database calls the types of time, where that is not the standard's word."""

_BYTEWISE: Final[Mapping[str, str]] = {"postgresql": ' COLLATE "C"', "sqlite": " COLLATE BINARY"}
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
