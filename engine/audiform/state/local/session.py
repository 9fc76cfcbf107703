"""One opening of the local ledger: the members as views on a DuckDB connection, the runs as files beside them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.sql import literal, name
from audiform.state.ledger import Form, Part, Settled, as_sent
from audiform.state.local import folding
from audiform.state.local.sealing import Sealer
from audiform.state.local.segments import (
    Segment,
    binding_sql,
    form_of,
    is_kept,
    kept_sql,
    make_durable,
    members_sql,
    needs_compaction,
    read_segments,
    revealed_sql,
    sync,
    write_segments,
)
from audiform.state.store import Run

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PARQUET = "(FORMAT parquet, COMPRESSION uncompressed, PARQUET_VERSION V2, DICTIONARY_SIZE_LIMIT 1)"
"""Digests and ciphertext do not compress; trying costs more than writing them."""

_OLD_SECONDS = 3600.0
"""A file that no list names is removed after this time: a reader may still be at it."""


@dataclass(slots=True)
class LocalSession:
    """See `LedgerSession`. `key`: the state's; `alive`: runs of this process, which nobody recovers."""

    connection: DuckDBPyConnection
    directory: Path
    spill: Path
    key: bytes = field(repr=False)
    digest_key: str = field(repr=False)
    variable: str
    write: bool
    alive: set[str] = field(repr=False)
    _lists: dict[str, tuple[Segment, ...]] = field(default_factory=dict[str, tuple[Segment, ...]], repr=False)
    _runs: set[str] = field(default_factory=set[str], repr=False)

    @property
    def folders(self) -> Sequence[str]:
        """The ledger's folder; the spill folder is in it."""
        return (str(self.directory),)

    def members(self, destination_key: str) -> str:
        """Make the view anew and return its name."""
        view = f"audiform.{name(f'members {destination_key}')}"
        query = members_sql(self.directory / destination_key, self._segments(destination_key))
        self.connection.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
        return view

    def columns(self, destination_key: str) -> Sequence[tuple[Form, str]]:
        """Return the kept columns of all segments, each once."""
        found = (column for segment in self._segments(destination_key) for column in segment.columns)
        return [form_of(column) for column in dict.fromkeys(found)]

    def digest(self, text_sql: str) -> str:
        """Return the SQL of a digest that nobody can compute without the key, which is in no text."""
        return f"CAST(md5_number(getvariable('{self.variable}') || {text_sql}) AS UUID)"

    def revealed(self, query: str, table: str) -> None:
        """Make `table`; sealed columns are opened a batch at a time."""
        columns = [item for item in self._names(query) if is_kept(item)]
        sealed = {
            column: f"id:{form_of(column)[1]} opened"
            for column in columns
            if form_of(column)[0] is Form.SEALED
        }
        # The sealed columns stay as well, because keys are compared as they are kept.
        copies = "".join(f", {name(column)} AS {name(f'{column} copy')}" for column in sealed)
        source = f"SELECT *{copies} FROM ({query})"
        opened = {f"{column} copy": new for column, new in sealed.items()}
        texts = "".join(
            f", {sql} AS {as_sent(identifier)}" for identifier, sql in revealed_sql(columns).items()
        )
        hidden = f" EXCLUDE ({', '.join(name(new) for new in opened.values())})" if opened else ""
        with folding.rows_of(
            self.connection, self._cursor, source, lambda reader: self._sealer.opened(reader, opened), opened
        ) as rows:
            self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT *{hidden}{texts} FROM {rows}")

    def count(self, destination_key: str, binding: str | None = None) -> int:
        """Count the members of a destination, or those that one binding added."""
        where = "" if binding is None else f" WHERE binding = {literal(binding)}"
        return self._number(f"SELECT count(*) FROM {self.members(destination_key)}{where}")

    def stage(self, run: Run, part: Part, query: str, forms: Mapping[str, Form]) -> int:
        """Write the part's file and wait until it is on disk."""
        folder = self.directory / run.destination_key
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / folding.staged_name(run, part)
        kept = [name(item) for item in self._names(query) if is_kept(item)]
        columns = ", ".join([*kept, *(kept_sql(form, identifier) for identifier, form in forms.items())])
        source = f"SELECT identity, variables, false AS unsure{columns and ', '}{columns} FROM ({query})"
        sealed = {
            f"sealed:{identifier}": f"sealed:{identifier}"
            for identifier, form in forms.items()
            if form is Form.SEALED
        }
        self.alive.add(run.id)
        self._runs.add(run.id)
        with folding.rows_of(
            self.connection, self._cursor, source, lambda reader: self._sealer.sealed(reader, sealed), sealed
        ) as rows:
            self.connection.execute(f"COPY (SELECT * FROM {rows}) TO {literal(str(file))} {PARQUET}")
        make_durable(file)
        sync(folder)
        return folding.row_count(self.connection, file)

    def staged(self, run: Run, part: Part) -> str:
        """Return the part's file, with the number of each row."""
        file = self.directory / run.destination_key / folding.staged_name(run, part)
        rows = f"read_parquet({literal(str(file))}, file_row_number = true)"
        return f"(SELECT * RENAME (file_row_number AS row) FROM {rows})"

    def fold(self, run: Run, settled: Sequence[Settled]) -> None:
        """Add what the run says to the list; done twice it is the same, and a reader does it in memory."""
        folder, before = self.directory / run.destination_key, self._segments(run.destination_key)
        if not any(segment.file.startswith(run.id) for segment in before):
            added = folding.segments_of(self.connection, folder, run, settled, write=self.write)
            after = (*before, *added)
            if self.write:
                after = self._compacted(folder, after, run)
                if added:
                    write_segments(folder, after)
            self._lists[run.destination_key] = after
        self.alive.discard(run.id)

    def drop(self, destination_key: str, binding: str | None = None) -> None:
        """Take the binding's segments off the list, or forget the whole destination."""
        folder = self.directory / destination_key
        rest = tuple(item for item in self._segments(destination_key) if binding not in (None, item.binding))
        self._lists[destination_key] = rest
        if rest:
            write_segments(folder, rest)
        elif folder.exists():
            # The list goes first: without it there are no members, whatever else is left by a kill.
            (folder / "members.json").unlink(missing_ok=True)
            shutil.rmtree(folder)

    def rename(self, binding: str, new: str) -> None:
        """Write the new name into every list."""
        for file in self.directory.glob("*/members.json"):
            segments = read_segments(file.parent)
            if any(segment.binding == binding for segment in segments):
                renamed = [
                    replace(item, binding=new) if item.binding == binding else item for item in segments
                ]
                write_segments(file.parent, renamed)
        self._lists.clear()

    def tidy(self, runs: set[str]) -> None:
        """Remove files that no list and none of the `runs` needs."""
        for folder in self.directory.glob("*/"):
            needed = {segment.file for segment in read_segments(folder)} | {"members.json"}
            for file in folder.glob("*.parquet"):
                is_old = file.stat().st_mtime < time.time() - _OLD_SECONDS
                if is_old and file.name not in needed and file.name.partition(".")[0] not in runs:
                    file.unlink()

    def close(self) -> None:
        """Close the connection; what it spilled is gone. A run that was not folded is recovered by the next opening."""
        self.connection.close()
        shutil.rmtree(self.spill, ignore_errors=True)
        self.alive -= self._runs

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.key)

    def _cursor(self) -> DuckDBPyConnection:
        """Return a second connection; variables belong to a connection, and a digest without its key is NULL."""
        cursor = self.connection.cursor()
        cursor.execute(f"SET VARIABLE {self.variable} = {literal(self.digest_key)}")
        return cursor

    def _segments(self, destination_key: str) -> tuple[Segment, ...]:
        if destination_key not in self._lists:
            self._lists[destination_key] = read_segments(self.directory / destination_key)
        return self._lists[destination_key]

    def _compacted(self, folder: Path, segments: tuple[Segment, ...], run: Run) -> tuple[Segment, ...]:
        own = [segment for segment in segments if segment.binding == run.binding]
        if not needs_compaction(own):
            return segments
        file = folder / f"{run.id}.members.parquet"
        self.connection.execute(f"COPY ({binding_sql(folder, own)}) TO {literal(str(file))} {PARQUET}")
        make_durable(file)
        columns = tuple(dict.fromkeys(column for segment in own for column in segment.columns))
        whole = Segment(file.name, run.binding, "put", folding.row_count(self.connection, file), columns)
        return (*(segment for segment in segments if segment.binding != run.binding), whole)

    def _names(self, query: str) -> list[str]:
        return [row[0] for row in self.connection.execute(f"DESCRIBE {query}").fetchall()]

    def _number(self, query: str) -> int:
        rows: list[Any] = self.connection.execute(query).fetchall()
        return int(rows[0][0])
