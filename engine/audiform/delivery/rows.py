"""The rows of a part as request texts: streamed out of DuckDB on a thread, a few requests' worth at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.audiences.batch import cut
from audiform.audiences.desired import variable_column
from audiform.audiences.difference import table_of
from audiform.client import Rows
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.request import needs_records
from audiform.connectors.row import row_sql
from audiform.outcome import Signal
from audiform.state.ledger import LedgerSession, Part, as_sent

_ROWS_AT_ONCE = 40_000
_REQUESTS_AT_ONCE = 64
"""What is read and journalled at once, at most: the journal waits for the disk, and must not slow down small requests."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """How the rows of one part are written. `identifiers` and `variables`: names in use.

    `constants`: what is the same in every row, as the scope of a template.
    """

    part: Part
    operation: SignalOperation
    manifest: Manifest
    identifiers: Sequence[str]
    variables: Sequence[str]
    constants: Mapping[str, Any] = field(repr=False)

    @property
    def operation_signal(self) -> Signal:
        """The signal that carries the rows."""
        return self.part.signal or Signal.ADD

    @property
    def most_rows(self) -> int:
        """Rows that one request may have."""
        return self.operation.rows_per_request or self.manifest.limits.rows_per_request

    @property
    def most_bytes(self) -> int | None:
        """Bytes that the rows of one request may have."""
        return self.operation.bytes_per_request or self.manifest.limits.bytes_per_request

    @property
    def at_once(self) -> int:
        """Rows that are read and journalled at once: those of one request, or of several small ones."""
        return self.most_rows * min(_REQUESTS_AT_ONCE, max(1, _ROWS_AT_ONCE // self.most_rows))

    @property
    def fields(self) -> list[str]:
        """What the platform calls the identifiers in use."""
        return [self.manifest.identifiers[name].field for name in self.identifiers]

    def query(self) -> str:
        """Return the query of the rows' texts and, where the operation needs them, of their values."""
        columns = ["'' AS text"] if self.operation.lookup else [f"{self._row()} || ',' AS text"]
        if needs_records(self.operation):
            columns += [as_sent(name) for name in self.identifiers]
            columns += [variable_column(name) for name in self.variables]
        return f"SELECT {', '.join(columns)} FROM {table_of(self.part)}"

    def _row(self) -> str:
        identifiers = {name: as_sent(name) for name in self.identifiers}
        variables = {name: variable_column(name) for name in self.variables}
        return row_sql(self.operation.row, self.manifest, identifiers, variables, self.constants)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows `[first, first + count)` of a part. `text`: each followed by a comma; `ends` are the places between them."""

    first: int
    count: int
    text: memoryview = field(repr=False)
    ends: Sequence[int] = field(repr=False)
    records: tuple[Mapping[str, Any], ...] | None = field(repr=False)

    def requests(self, outgoing: Outgoing) -> list[tuple[int, int]]:
        """Return the rows of each request, counted from the chunk's first."""
        return list(cut(self.ends, outgoing.most_rows, outgoing.most_bytes))

    def rows(self, first: int, last: int) -> Rows:
        """Return some of the rows as the client takes them."""
        text = bytes(self.text[self.ends[first] : max(self.ends[first], self.ends[last] - 1)])
        return Rows(text, last - first, None if self.records is None else self.records[first:last])


async def chunks(session: LedgerSession, outgoing: Outgoing) -> AsyncIterator[Chunk]:
    """Yield the rows of a part in the order in which they were staged."""
    cursor = session.cursor()
    try:
        reader = await asyncio.to_thread(
            lambda: cursor.sql(outgoing.query()).to_arrow_reader(outgoing.at_once)
        )
        first, regular = 0, _regular(reader, outgoing.at_once)
        while (batch := await asyncio.to_thread(_next, regular)) is not None:
            yield chunk_of(first, batch, outgoing)
            first += batch.num_rows
    finally:
        await asyncio.to_thread(cursor.close)


def _next(batches: Iterator[Any]) -> Any:
    return next(batches, None)


def _regular(reader: Any, size: int) -> Iterator[Any]:
    """Yield batches of `size` rows, and one of what is left: where DuckDB ends its own depends on how it has stored them."""
    held: list[Any] = []
    missing = size
    for batch in reader:
        rest = batch
        while rest.num_rows:
            held.append(rest.slice(0, missing))
            missing -= held[-1].num_rows
            rest = rest.slice(held[-1].num_rows)
            if not missing:
                yield _joined(held)
                held, missing = [], size
    if held:
        yield _joined(held)


def _joined(batches: Sequence[Any]) -> Any:
    import pyarrow as pa

    arrow: Any = pa
    if len(batches) == 1:
        return batches[0]
    return arrow.Table.from_batches(batches).combine_chunks().to_batches()[0]


def chunk_of(first: int, batch: Any, outgoing: Outgoing) -> Chunk:
    """Take the texts out of Arrow's buffers as they lie there: one after the other, and no row is a Python object."""
    texts = batch.column(0)
    _, ends, data = texts.buffers()
    places = memoryview(ends).cast("i")[texts.offset : texts.offset + len(texts) + 1]
    text = memoryview(data) if data is not None else memoryview(b"")
    records = _records(batch, outgoing) if needs_records(outgoing.operation) else None
    return Chunk(first, len(texts), text, places, records)


def _records(batch: Any, outgoing: Outgoing) -> tuple[Mapping[str, Any], ...]:
    """Return the rows as values, for the operations that put them into a URL or look ids up by them."""
    split = 1 + len(outgoing.identifiers)
    columns = [column.to_pylist() for column in batch.columns[1:]]
    found: list[Mapping[str, Any]] = []
    for row in zip(*columns, strict=True):
        record = dict(zip(outgoing.identifiers, row[: split - 1], strict=True))
        if outgoing.variables:
            record["variables"] = dict(zip(outgoing.variables, row[split - 1 :], strict=True))
        found.append(record)
    return tuple(found)
