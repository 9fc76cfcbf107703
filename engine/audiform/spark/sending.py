"""Sends one batch from an executor: the same requests, built and answered by the same code as in one process."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.audiences.difference import table_of
from audiform.client import ConnectorClient, Rows
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import SignalOperation
from audiform.delivery.courier import Answer, send_chunk
from audiform.delivery.rows import Chunk, Outgoing, chunk_of
from audiform.outcome import Category, Outcome, OutcomeKind
from audiform.spark.carried import Column
from audiform.spark.parts import PLACE
from audiform.spark.permits import LEFT, Permits, PermittedTransport, Place, StoppedError
from audiform.spark.rowwise import GIVEN, Keys, guarded, opened
from audiform.sql import name
from audiform.transports.routed import RoutedTransport
from audiform.wire import RetryPolicy

ANSWERS = "answers"


@dataclass(frozen=True, slots=True)
class Connection:
    """A configured connector with its secrets, as executors are handed it: `repr` shows none of them."""

    connector_type: ConnectorType
    settings: Mapping[str, Any] = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)
    endpoint: str | None
    policy: RetryPolicy

    def client(self, transport: PermittedTransport) -> ConnectorClient:
        """Return a client that sends as the driver's would."""
        return ConnectorClient(
            self.connector_type,
            self.settings,
            self.credentials.__getitem__,
            transport,
            endpoint=self.endpoint,
            policy=self.policy,
        )


@dataclass(slots=True)
class OwnCourse:
    """How the task goes; the driver's own course is asked with each permit."""

    failed: bool = False


@dataclass(frozen=True, slots=True)
class Stoppable:
    """A client whose batches may be stopped by the driver: between their requests, or before the first."""

    client: ConnectorClient

    async def send_batch(self, signal: SignalOperation, scope: Mapping[str, Any], rows: Rows) -> Outcome:
        """Send a batch; of one that was stopped in the middle nobody knows what became of it."""
        left: list[None] = []
        token = LEFT.set(left)
        try:
            return await self.client.send_batch(signal, scope, rows)
        except StoppedError:
            return Outcome(OutcomeKind.RETRY if left else OutcomeKind.FAILED, unsure=bool(left))
        finally:
            LEFT.reset(token)


@dataclass(frozen=True, slots=True)
class Send:
    """Rows of one batch -> the pickled answers of their requests. `columns`: of desired members, where they come from these."""

    outgoing: Outgoing
    columns: Sequence[Column]
    connection: Connection
    scope: Mapping[str, Any] = field(repr=False)
    place: Place
    keys: Keys

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Send the partition. A task that is tried again does not know what the one before it has sent."""
        import pyarrow as pa
        from pyspark import TaskContext

        arrow: Any = pa
        tables = [batch for batch in batches if batch.num_rows]
        if not tables:
            return
        context = TaskContext.get()
        again = context is not None and context.attemptNumber() > 0
        with guarded():
            table = arrow.Table.from_batches(tables)
            answers = asyncio.run(self._sent(self._chunk(table)))
        found = [
            replace(
                answer, outcome=replace(answer.outcome, extracted={}, unsure=answer.outcome.unsure or again)
            )
            for answer in answers
        ]
        yield arrow.RecordBatch.from_pydict({ANSWERS: arrow.array([pickle.dumps(found)], arrow.binary())})

    async def _sent(self, chunk: Chunk) -> Sequence[Answer]:
        transport = PermittedTransport(RoutedTransport(), Permits(self.place))
        sender = Stoppable(self.connection.client(transport))
        try:
            return await send_chunk(sender, self.outgoing, chunk, self.scope, OwnCourse(), lambda _: None)
        finally:
            await transport.close()

    def _chunk(self, table: Any) -> Chunk:
        """Write the rows as the request has them: DuckDB's expression over the columns, as over its own table."""
        connection = opened(self.keys)
        connection.register(GIVEN, table)
        known = {column.name for column in self.columns}
        others = [name(column) for column in table.column_names if column not in known]
        columns = [*others, *(column.unpacked for column in self.columns)]
        connection.execute(
            f"CREATE VIEW {table_of(self.outgoing.part)} AS SELECT {', '.join(columns)} FROM {GIVEN}"
        )
        texts: Any = connection.sql(self.outgoing.query()).to_arrow_table()
        return chunk_of(table.column(PLACE)[0].as_py(), texts.combine_chunks().to_batches()[0], self.outgoing)


def answers_of(pickled: bytes) -> Sequence[Answer]:
    """Return what an executor of ours has answered."""
    found: Sequence[Answer] = pickle.loads(pickled)  # noqa: S301 - made by `Send`, carried by Spark as it carries its tasks
    return found


def lost(first: int, count: int) -> Sequence[Answer]:
    """Return what is known of a batch whose task was lost: nothing."""
    message = "the cluster lost the task that sent the batch, so nobody knows what the platform took of it"
    outcome = Outcome(
        OutcomeKind.RETRY, Category.OTHER, message, "The next run sends these people again", unsure=True
    )
    return (Answer(first, first + count, outcome),)
