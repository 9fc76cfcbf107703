"""One opening of a ledger: the members as views on a DuckDB connection, the runs as files on a shelf."""

from __future__ import annotations

import shutil
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.sql import literal, name
from audiform.state.ledger import Form, Part, SentKey, Settled, as_sent
from audiform.state.naming import column_of, form_of, is_kept
from audiform.state.segments import folding
from audiform.state.segments.alike import Alike
from audiform.state.segments.compacting import Compactor
from audiform.state.segments.erasing import Eraser
from audiform.state.segments.sealing import Sealer
from audiform.state.segments.segment import (
    PARQUET,
    Segment,
    kept_sql,
    live,
    members_sql,
    passed,
    revealed_sql,
)
from audiform.state.segments.shelf import Shelf
from audiform.state.store import Run
from audiform.state.writing import written

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def _nullable(columns: Iterable[str], rows: str) -> str:
    """Return the query of rows whose file says that any value may be missing: so it does not depend on what DuckDB knows of them."""
    return f"SELECT {', '.join(f'try({column}) AS {column}' for column in columns)} FROM {rows}"


def digest_sql(variable: str, text_sql: str) -> str:
    """Return the SQL of a digest with the key that a variable of the connection holds."""
    return f"CAST(md5_number(getvariable('{variable}') || {text_sql}) AS UUID)"


@dataclass(slots=True)
class SegmentSession:
    """See `LedgerSession`. `key`: what is encrypted is so with it; `alive`: runs of this process, which nobody recovers.

    `spill`: where what has no room in memory goes; None for a session beside another one, to which both belong. `alike`: what
    those that are beside one write once.
    """

    connection: DuckDBPyConnection
    shelf: Shelf
    spill: Path | None
    key: bytes = field(repr=False)
    digest_key: str = field(repr=False)
    variable: str
    write: bool
    alive: set[str] = field(repr=False)
    database: str = "memory"
    alike: Alike | None = None
    _lists: dict[str, tuple[Segment, ...]] = field(default_factory=dict[str, tuple[Segment, ...]], repr=False)
    _runs: set[str] = field(default_factory=set[str], repr=False)

    @property
    def folders(self) -> Sequence[str]:
        """The folder of the ledger's files; the spill folder is in it."""
        return (str(self.shelf.directory),)

    def members(self, destination_key: str) -> str:
        """Make the view anew and return its name."""
        view = f"audiform.{name(f'members {destination_key}')}"
        query = members_sql(self._folder(destination_key), self._fetched(destination_key))
        self.connection.execute(f"CREATE OR REPLACE VIEW {view} AS {query}")
        return view

    def segments(self, destination_key: str) -> tuple[Path, tuple[Segment, ...]]:
        """Return the destination's folder and the segments that count; their files lie in it."""
        return self._folder(destination_key), self._fetched(destination_key)

    def columns(self, destination_key: str) -> Sequence[tuple[Form, str]]:
        """Return the kept columns of all segments, each once."""
        found = (column for segment in live(self._segments(destination_key)) for column in segment.columns)
        return [form_of(column) for column in dict.fromkeys(found)]

    def digest(self, text_sql: str) -> str:
        """Return the SQL of a digest that nobody can compute without the key, which is in no text."""
        return digest_sql(self.variable, text_sql)

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
            self.connection, self.cursor, source, lambda reader: self._sealer.opened(reader, opened), opened
        ) as rows:
            self.connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT *{hidden}{texts} FROM {rows}")

    def count(self, destination_key: str, binding: str | None = None) -> int:
        """Count the members of a destination, or those that one binding added."""
        segments = live(self._segments(destination_key))
        mine = [item for item in segments if binding in (None, item.binding)]
        several = {item.binding for item in mine if item.op == "delete"} | _repeated(mine)
        # Where one file says it all, its list knows how many they are.
        count = sum(item.rows for item in mine if item.binding not in several)
        if several:
            names = ", ".join(map(literal, several))
            query = f"SELECT count(*) FROM {self.members(destination_key)} WHERE binding IN ({names})"
            count += self._number(query)
        return count

    def stage(
        self, run: Run, part: Part, query: str, forms: Mapping[str, Form], alike: str | None = None
    ) -> int:
        """Write the part's file and wait until it is kept."""
        file = self.shelf.prepare(run.destination_key) / folding.staged_name(run, part)
        self.alive.add(run.id)
        self._runs.add(run.id)
        with written(self.shelf.directory):
            if alike is None or self.alike is None:
                self._write(file, query, forms)
            else:
                with self.alike.written(alike, file) as is_there:
                    if not is_there:
                        self._write(file, query, forms)
            self.shelf.keep(run.destination_key, file.name)
        return folding.row_count(self.connection, file)

    def staged(self, run: Run, part: Part) -> str:
        """Return the part's file, with the number of each row."""
        file = self._folder(run.destination_key) / folding.staged_name(run, part)
        rows = f"read_parquet({literal(str(file))}, file_row_number = true)"
        return f"(SELECT * RENAME (file_row_number AS row) FROM {rows})"

    def fold(self, run: Run, settled: Sequence[Settled]) -> None:
        """Add what the run says to the list; done twice it is the same, and a reader does it in memory."""
        key = run.destination_key
        # Read anew: where the lock was taken away, another run may have written since.
        before = self.shelf.read(key) if self.write else self._segments(key)
        if not any(segment.file.startswith(f"{run.id}.") for segment in before):
            self.shelf.fetch_run(key, run.id)
            with written(self.shelf.directory):
                self._lists[key] = self._folded(run, before, settled)

    def drop(self, destination_key: str, binding: str | None = None) -> None:
        """Take the binding's segments off the list, or forget the whole destination."""
        segments, now = self._segments(destination_key), time.time()
        rest = tuple(item for item in segments if binding not in (None, item.binding))
        if binding is not None:
            rest = (*rest, *passed((item for item in segments if item.binding == binding), now))
        self._lists[destination_key] = rest
        with written(self.shelf.directory):
            if rest:
                self.shelf.replace(destination_key, rest)
            else:
                self.shelf.forget(destination_key)

    def rename(self, binding: str, new: str) -> None:
        """Write the new name into every list."""
        for key in self.shelf.destinations():
            segments = self.shelf.read(key)
            if any(segment.binding == binding for segment in segments):
                renamed = [
                    replace(item, binding=new) if item.binding == binding else item for item in segments
                ]
                self.shelf.replace(key, renamed)
        self._lists.clear()

    def moved(self, destination_key: str, run: str) -> Mapping[Part, str]:
        """Return the files of the run that the list still names."""
        now, folder = time.time(), self._folder(destination_key)
        mine = [item for item in self._segments(destination_key) if item.run == run]
        taken = [item for item in passed(mine, now) if item.file.split(".")[1] != "members"]
        self.shelf.fetch(destination_key, (item.file for item in taken))
        return {
            Part(item.file.split(".")[1]): f"(SELECT * FROM read_parquet({literal(str(folder / item.file))}))"
            for item in taken
        }

    def kept(self, key: SentKey) -> bytes:
        """Return the bytes of a digest, or the value encrypted."""
        match key.form:
            case Form.HEX:
                return bytes.fromhex(key.value)
            case Form.BASE64:
                return b64decode(key.value)
            case Form.SEALED:
                return self._sealer.seal(key.value)

    def traces(self, destination_key: str, keys: Sequence[SentKey]) -> int:
        """Count the rows in every file of the destination, listed or not."""
        return sum(self._eraser(destination_key, keys).found().values())

    def erase(self, destination_key: str, keys: Sequence[SentKey]) -> int:
        """Write the files that have such rows anew without them."""
        gone = self._eraser(destination_key, keys).erase()
        self._lists.pop(destination_key, None)
        return gone

    def expire(self) -> None:
        """Take off every list what was remembered long enough, also where nobody is moved any more."""
        now = time.time()
        for key in self.shelf.destinations():
            segments = self.shelf.read(key)
            rest = [item for item in segments if not item.past or item.is_kept_until(now)]
            if not rest:
                self.shelf.forget(key)
            elif len(rest) < len(segments):
                self.shelf.replace(key, rest)

    def close(self) -> None:
        """Close the connection; what it spilled is gone. A run that was not folded is recovered by the next opening."""
        if self.spill is None:
            # What is left of its tables would be there as long as the other session.
            self.connection.execute(f"USE memory; DETACH {self.database}")
        self.connection.close()
        if self.spill is not None:
            if self.alike is not None:
                self.alike.close()
            shutil.rmtree(self.spill, ignore_errors=True)
        self.shelf.close()
        self.alive -= self._runs

    def _write(self, file: Path, query: str, forms: Mapping[str, Form]) -> None:
        kept = [name(item) for item in self._names(query) if is_kept(item)]
        columns = ", ".join([*kept, *(kept_sql(form, identifier) for identifier, form in forms.items())])
        named = [
            "identity",
            "variables",
            "unsure",
            *kept,
            *(form.column(item) for item, form in forms.items()),
        ]
        source = f"SELECT identity, variables, false AS unsure{columns and ', '}{columns} FROM ({query})"
        sealed = {
            f"sealed:{identifier}": f"sealed:{identifier}"
            for identifier, form in forms.items()
            if form is Form.SEALED
        }
        with folding.rows_of(
            self.connection, self.cursor, source, lambda reader: self._sealer.sealed(reader, sealed), sealed
        ) as rows:
            self.connection.execute(f"COPY ({_nullable(named, rows)}) TO {literal(str(file))} {PARQUET}")

    def _eraser(self, destination_key: str, keys: Sequence[SentKey]) -> Eraser:
        wanted = [(column_of(key), self.kept(key)) for key in keys]
        return Eraser(self.connection, self.shelf, destination_key, wanted)

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self.key)

    def cursor(self) -> DuckDBPyConnection:
        """Return a second connection with the same tables and digests."""
        cursor = self.connection.cursor()
        self.prepare(cursor)
        return cursor

    def prepare(self, connection: DuckDBPyConnection) -> None:
        """Say what belongs to a connection: which tables are meant, and the key without which a digest is NULL."""
        connection.execute(f"USE {self.database}")
        connection.execute(f"SET VARIABLE {self.variable} = {literal(self.digest_key)}")

    def _folder(self, destination_key: str) -> Path:
        return self.shelf.directory / destination_key

    def _segments(self, destination_key: str) -> tuple[Segment, ...]:
        if destination_key not in self._lists:
            self._lists[destination_key] = self.shelf.read(destination_key)
        return self._lists[destination_key]

    def _fetched(self, destination_key: str) -> tuple[Segment, ...]:
        """Return the segments that count; their files can be read."""
        segments = live(self._segments(destination_key))
        self.shelf.fetch(destination_key, (segment.file for segment in segments if segment.table is None))
        return segments

    def _folded(self, run: Run, before: Sequence[Segment], settled: Sequence[Settled]) -> tuple[Segment, ...]:
        """Return the list with what the run says; written, if this session writes."""
        folder, now = self._folder(run.destination_key), time.time()
        found = folding.segments_of(self.connection, folder, run, settled, write=self.write)
        added = [replace(item, at=now) for item in found]
        return self._written(run, before, added) if self.write else (*before, *added)

    def _written(self, run: Run, before: Sequence[Segment], added: Sequence[Segment]) -> tuple[Segment, ...]:
        """Return the list with what the run added; it is kept, and its files before it."""
        if not added:
            return tuple(before)
        key, now = run.destination_key, time.time()
        segments = [item for item in (*before, *added) if not item.past or item.is_kept_until(now)]
        after = Compactor(self.connection, self.shelf, run).compacted(segments, now)
        staged = {folding.staged_name(run, part) for part in Part}
        needed = {item.file for item in after} - staged
        for file in sorted(needed - {item.file for item in before}):
            self.shelf.keep(key, file)
        self.shelf.replace(key, after)
        for file in {item.file for item in added} - needed - staged:
            (self._folder(key) / file).unlink()
        return after

    def _names(self, query: str) -> list[str]:
        return [row[0] for row in self.connection.execute(f"DESCRIBE {query}").fetchall()]

    def _number(self, query: str) -> int:
        rows: list[Any] = self.connection.execute(query).fetchall()
        return int(rows[0][0])


def _repeated(segments: Sequence[Segment]) -> set[str]:
    """Return the bindings that have several segments."""
    return {name for name, count in Counter(item.binding for item in segments).items() if count > 1}
