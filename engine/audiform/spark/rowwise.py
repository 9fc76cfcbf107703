"""What is done with rows one by one, in the executors: a batch of Arrow goes into DuckDB, and the engine's own SQL runs over it.

Each of these is handed to `mapInArrow`. It is pickled on the way, keys included: Spark carries it as it carries every task.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.audiences.desired import desired_sql, is_unresolved
from audiform.audiences.difference import PEOPLE, SCHEMA, content_sql
from audiform.audiences.ways import Way, by_python
from audiform.delivery.people import resolve, suppress
from audiform.spark.carried import Column
from audiform.sql import literal, name
from audiform.state.ledger import Form
from audiform.state.naming import form_of
from audiform.state.segments.sealing import Sealer
from audiform.state.segments.segment import PARQUET, kept_sql, revealed_sql
from audiform.state.segments.session import SegmentSession, digest_sql
from audiform.state.store import Tombstone

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

GIVEN = "given"
WAITED = "waited"
"""Whether only Python could normalise a value of the row: such rows come last, as in the embedded engine."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a session of the ledger makes digests with, and encrypts; `variable` holds the first one in DuckDB."""

    variable: str
    digest: str = field(repr=False)
    sealing: bytes = field(repr=False)

    def digest_sql(self, text_sql: str) -> str:
        """Return the SQL of the keyed digest of a text."""
        return digest_sql(self.variable, text_sql)


def keys_of(session: SegmentSession) -> Keys:
    """Return the keys of a session."""
    return Keys(session.variable, session.digest_key, session.key)


class RowError(Exception):
    """Rows could not be worked on. It says what kind of error it was, and nothing of the data."""


def opened(keys: Keys) -> DuckDBPyConnection:
    """Return a connection of one thread, which reaches no file that a statement of ours does not name; Spark has many of them."""
    import duckdb

    connection = duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    connection.execute(f"SET VARIABLE {keys.variable} = {literal(keys.digest)}")
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    return connection


@contextmanager
def guarded() -> Iterator[None]:
    """Let no error out of an executor that quotes what it was working on: Spark writes it into a log.

    Raises:
        RowError: instead.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, its text is not for a log
        raise RowError(type(error).__name__) from None


def fragment(part: str, number: int) -> str:
    """Return the name of the file with what is kept of the rows of one batch."""
    return f"{part}.{number:09d}.parquet"


@dataclass(frozen=True, slots=True)
class Judge:
    """Profiles -> desired members: normalised, hashed, named and judged, as `delivery/people.py` does it.

    `given`: the columns of the query; `made`: those that are handed on. `content`: with what rejected records are known by.
    """

    way: Way
    given: Sequence[Column]
    made: Sequence[Column]
    keys: Keys
    tombstones: Sequence[Tombstone] = field(repr=False)
    content: bool

    @property
    def schema(self) -> str:
        """What is handed on, as a schema of Spark."""
        more = ["content string"] if self.content else []
        return ", ".join([*(column.field for column in self.made), *more, f"{WAITED} boolean"])

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Judge batch after batch, each in its order."""
        with_digests = opened(self.keys)
        for batch in batches:
            if batch.num_rows:
                with guarded():
                    found = self._judged(with_digests, batch)
                yield from found.to_batches()

    def _judged(self, connection: DuckDBPyConnection, batch: Any) -> Any:
        connection.register(GIVEN, batch)
        profiles = f"(SELECT {', '.join(column.unpacked for column in self.given)} FROM {GIVEN})"
        connection.execute(
            f"CREATE TABLE {PEOPLE} AS {desired_sql([self.way], profiles, self.keys.digest_sql)}"
        )
        connection.unregister(GIVEN)
        waiting = by_python([self.way])
        plain = f"WHERE NOT ({is_unresolved(waiting)})" if waiting else ""
        before = connection.execute(f"SELECT count(*) FROM {PEOPLE} {plain}").fetchall()[0][0]
        resolve(connection, [self.way], self.keys.digest_sql)
        suppress(connection, [self.way], self.tombstones, self.keys.digest_sql)
        found = connection.sql(self._query(before)).to_arrow_table()
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        return found

    def _query(self, plain: int) -> str:
        columns = [column.packed for column in self.made]
        if self.content:
            columns.append(f"CAST({content_sql(self.keys.digest_sql)} AS VARCHAR) AS content")
        columns.append(f"row_number() OVER () > {plain} AS {WAITED}")
        return f"SELECT {', '.join(columns)} FROM {PEOPLE}"


@dataclass(frozen=True, slots=True)
class Reveal:
    """Members -> with their identifiers as they were sent: `LedgerSession.revealed`."""

    columns: Sequence[str]
    keys: Keys
    content: bool

    def schema(self, frame: Any) -> str:
        """Return what is handed on of the rows of `frame`, as a schema of Spark."""
        there = [f"`{item.name}` {item.dataType.simpleString()}" for item in frame.schema.fields]
        texts = [f"`id:{identifier}` string" for identifier in revealed_sql(self.columns)]
        return ", ".join([*there, *texts, *(["content string"] if self.content else [])])

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Open what is encrypted, and write digests as texts."""
        import pyarrow as pa

        arrow: Any = pa
        connection = opened(self.keys)
        sealed = [column for column in self.columns if form_of(column)[0] is Form.SEALED]
        hidden = {f"{column} copy": f"id:{form_of(column)[1]} opened" for column in sealed}
        for batch in batches:
            with guarded():
                table = arrow.Table.from_batches([batch])
                for column in sealed:
                    table = table.append_column(f"{column} copy", table.column(column))
                reader: Any = Sealer(self.keys.sealing).opened(table.to_reader(), hidden)
                connection.register(GIVEN, reader)
                found: Any = connection.sql(self._query([*hidden.values()])).to_arrow_table()
                connection.unregister(GIVEN)
            yield from found.to_batches()

    def _query(self, hidden: Sequence[str]) -> str:
        exclude = f" EXCLUDE ({', '.join(map(name, hidden))})" if hidden else ""
        texts = [
            f"{sql} AS {name(f'id:{identifier}')}" for identifier, sql in revealed_sql(self.columns).items()
        ]
        if self.content:
            texts.append(f"CAST({content_sql(self.keys.digest_sql)} AS VARCHAR) AS content")
        return f"SELECT {', '.join([f'*{exclude}', *texts])} FROM {GIVEN}"


@dataclass(frozen=True, slots=True)
class Keep:
    """Rows of a part -> what the ledger keeps of them, in a file of their own for each `batch` of the journal.

    `kept`: columns that have the kept form already; `forms`: those as sent, with the form that they get.
    """

    folder: str
    kept: Sequence[str]
    forms: Mapping[str, Form]
    keys: Keys

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Write one file, under a name of its own until it is whole: a task may be tried again."""
        import duckdb
        import pyarrow as pa

        arrow: Any = pa
        tables = [batch for batch in batches if batch.num_rows]
        if not tables:
            return
        table = arrow.Table.from_batches(tables)
        part, number = table.column("part")[0].as_py(), table.column("batch")[0].as_py()
        with guarded():
            sealed = {
                f"sealed:{identifier}": f"sealed:{identifier}"
                for identifier, form in self.forms.items()
                if form is Form.SEALED
            }
            connection = opened(self.keys)
            connection.register(GIVEN, table)
            rows = Sealer(self.keys.sealing).sealed(connection.sql(self._query()).to_arrow_reader(), sealed)
            with_own = duckdb.connect()
            with_own.register("kept_rows", rows)
            target = Path(self.folder) / fragment(part, number)
            own = target.with_suffix(f".{secrets.token_hex(4)}")
            with_own.execute(f"COPY (SELECT * FROM kept_rows) TO {literal(str(own))} {PARQUET}")
            own.replace(target)
        yield arrow.RecordBatch.from_pydict({"batch": arrow.array([number], arrow.int64())})

    def _query(self) -> str:
        kept = [name(column) for column in self.kept]
        kept += [kept_sql(form, identifier) for identifier, form in self.forms.items()]
        return f"SELECT {', '.join(['identity', 'variables', *kept])} FROM {GIVEN}"
