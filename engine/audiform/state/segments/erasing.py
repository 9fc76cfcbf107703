"""Leaves nothing of one person in a destination: files that hold a row of theirs are written anew without it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.sql import literal
from audiform.state.naming import keep_wanted, named_by
from audiform.state.segments.folding import row_count
from audiform.state.segments.segment import PARQUET
from audiform.state.segments.shelf import Shelf

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WANTED = "audiform.wanted"


@dataclass(frozen=True, slots=True)
class Eraser:
    """Finds and erases in one destination. `wanted`: kept columns, with what the person's rows have in them."""

    connection: DuckDBPyConnection
    shelf: Shelf
    destination_key: str
    wanted: Sequence[tuple[str, bytes]] = field(repr=False)

    def found(self) -> dict[str, int]:
        """Return the files that hold the person, listed or not, and in how many rows."""
        files = self.shelf.files(self.destination_key)
        if not files:
            return {}
        keep_wanted(self.connection, self.wanted, _WANTED)
        self.shelf.fetch(self.destination_key, files)
        rows = {file: self._rows(file) for file in files}
        return {file: count for file, count in rows.items() if count}

    def erase(self) -> int:
        """Write the files anew, then the list, then drop what it named; return how many rows are gone."""
        found, segments = self.found(), self.shelf.read(self.destination_key)
        listed = {item.file for item in segments}
        written = {file: self._without(file) for file in found if file in listed}
        if written:
            after = [
                replace(item, file=written[item.file][0], rows=written[item.file][1])
                if item.file in written
                else item
                for item in segments
            ]
            self.shelf.replace(self.destination_key, after)
        if found:
            self.shelf.remove(self.destination_key, found)
        return sum(found.values())

    def _rows(self, file: str) -> int:
        condition = self._condition(file)
        if condition is None:
            return 0
        query = f"SELECT count(*) FROM {self._source(file)} WHERE {condition}"
        rows: list[Any] = self.connection.execute(query).fetchall()
        return int(rows[0][0])

    def _without(self, file: str) -> tuple[str, int]:
        """Keep the rows of the others in a new file; return its name, which begins as before, and how many they are."""
        new = Path(file).with_suffix(f".{secrets.token_hex(4)}.parquet").name
        path = self.shelf.prepare(self.destination_key) / new
        query = f"SELECT * FROM {self._source(file)} WHERE NOT ({self._condition(file)})"
        self.connection.execute(f"COPY ({query}) TO {literal(str(path))} {PARQUET}")
        self.shelf.keep(self.destination_key, new)
        return new, row_count(self.connection, path)

    def _condition(self, file: str) -> str | None:
        names = self.connection.execute(f"DESCRIBE FROM {self._source(file)}").fetchall()
        known = {column for column, _ in self.wanted}
        return named_by((row[0] for row in names if row[0] in known), _WANTED)

    def _source(self, file: str) -> str:
        path = self.shelf.directory / self.destination_key / file
        return f"read_parquet({literal(str(path))})"
