"""How values of DuckDB's types travel through Spark and back, so that they arrive as they left."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from audiform.address import Address
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sql import name

_PLAIN: Final[Mapping[str, tuple[str, str]]] = {
    "BOOLEAN": ("BOOLEAN", "boolean"),
    "TINYINT": ("TINYINT", "tinyint"),
    "SMALLINT": ("SMALLINT", "smallint"),
    "INTEGER": ("INTEGER", "int"),
    "BIGINT": ("BIGINT", "bigint"),
    "UTINYINT": ("SMALLINT", "smallint"),
    "USMALLINT": ("INTEGER", "int"),
    "UINTEGER": ("BIGINT", "bigint"),
    "UBIGINT": ("DECIMAL(20,0)", "decimal(20,0)"),
    "HUGEINT": ("DECIMAL(38,0)", "decimal(38,0)"),
    "FLOAT": ("FLOAT", "float"),
    "DOUBLE": ("DOUBLE", "double"),
    "VARCHAR": ("VARCHAR", "string"),
    "JSON": ("VARCHAR", "string"),
    "UUID": ("VARCHAR", "string"),
    "BLOB": ("BLOB", "binary"),
    "DATE": ("DATE", "date"),
    "TIMESTAMP": ("TIMESTAMP", "timestamp_ntz"),
    "TIMESTAMP_S": ("TIMESTAMP", "timestamp_ntz"),
    "TIMESTAMP_MS": ("TIMESTAMP", "timestamp_ntz"),
    "TIMESTAMP WITH TIME ZONE": ("TIMESTAMP WITH TIME ZONE", "timestamp"),
}
"""DuckDB's type -> the one that it is carried as, in the words of DuckDB and of Spark."""
_DECIMAL: Final = re.compile(r"DECIMAL\(\d+,\d+\)")
_NOTHING: Final = '"NULL"'
"""The type of a column that is null in all that DuckDB has looked at."""
_WORDS: Final = re.compile(r"ENUM\(.*\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `kind` is its type in DuckDB; `carrier` and `spark` what it is carried as."""

    name: str
    kind: str
    carrier: str
    spark: str

    @property
    def field(self) -> str:
        """The column in a schema of Spark."""
        return f"`{self.name}` {self.spark}"

    @property
    def packed(self) -> str:
        """The SQL of DuckDB that makes it travel."""
        return f"CAST({name(self.name)} AS {self.carrier}) AS {name(self.name)}"

    @property
    def unpacked(self) -> str:
        """The SQL of DuckDB that makes of it what it was."""
        return f"CAST({name(self.name)} AS {self.kind}) AS {name(self.name)}"


def carried(column: str, kind: str, address: Address) -> Column:
    """Return how a column of a type travels.

    Raises:
        DiagnosticError: nobody has said how (`type-not-carried`).
    """
    if kind in _PLAIN:
        return Column(column, kind, *_PLAIN[kind])
    if _DECIMAL.fullmatch(kind):
        return Column(column, kind, kind, kind.lower())
    if kind == _NOTHING or _WORDS.fullmatch(kind):
        return Column(column, "VARCHAR", *_PLAIN["VARCHAR"])
    detail = (
        f"The query of `{address}` returns `{column}`, which is {kind}. Spark's executors are handed numbers, texts, booleans, dates and "
        f"timestamps: write what is meant as one of them, for example `CAST({column} AS VARCHAR) AS {column}`."
    )
    raise DiagnosticError([Diagnostic("type-not-carried", detail, address=address, path=("query",))])
