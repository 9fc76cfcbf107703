"""MySQL and MariaDB as the drivers of the other databases: a connection, a cursor, and rows as Arrow batches.

No ADBC driver of theirs is among Python's packages. `asyncmy` reads rows as they arrive, some thousands at a time, on a thread of its own;
each batch becomes Arrow's columns while the next is on its way.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import Any, Final, Self, TypeVar

from audiform.sources.mysql_columns import TEXTS, Column, NotBooleanError, column_of

_Result = TypeVar("_Result")

_ROWS: Final = 20_000
_CONNECT_SECONDS: Final = 10
_WRITE_SECONDS: Final = 600
"""How long the server waits for us to take rows: DuckDB may be busy with those that it has."""
_STATES: Final[Mapping[int, str]] = {
    1969: "57014",
    3024: "57014",
    1317: "57014",
    2006: "08000",
    2013: "08000",
}
"""Number of an error -> SQLSTATE, where the server gives none, or a vague one."""
_ABOUT_NAMES: Final = frozenset({1049, 1051, 1054, 1109, 1146, 1305})
"""Errors whose quoted words are the author's own names."""


_SYNTAX: Final = 1064


class MysqlError(OSError):
    """What the server or the way to it says, in the form of the other drivers; the message may quote data."""

    def __init__(self, number: int, state: str, message: str) -> None:
        super().__init__(f"ERROR: {message}\nSQLSTATE: {state}")
        self.number = number
        self.sqlstate = state


class MysqlConnection:
    """One connection, on a thread of its own; one statement at a time."""

    def __init__(self, options: Mapping[str, str]) -> None:
        """Connect, in a transaction that cannot write and sees the data as it is now.

        Raises:
            MysqlError: there is no connection, or the server refuses it.
            ModuleNotFoundError: the driver is not installed.
        """
        import_module("asyncmy")
        self._options = dict(options)
        self._loop = asyncio.new_event_loop()
        self._thread = ThreadPoolExecutor(1, "audiform-mysql")
        self._doing: asyncio.Task[Any] | None = None
        self._connection: Any = None
        try:
            self._connection = self.run(_connected(self._options))
            for statement in _session(self.run(_version(self._connection)), int(options["timeout"])):
                self.run(_execute(self._connection, statement))
        except BaseException:
            self.close()
            raise

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do something on the connection's thread, and wait for it."""
        return self.begin(work).result()

    def begin(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        """Begin something on the connection's thread.

        The loop runs for that long only: between two fetches nobody takes from the socket, so that the server waits too.
        """
        return self._thread.submit(self._loop.run_until_complete, self._done(work))

    def cursor(self) -> MysqlCursor:
        """Return what runs one statement."""
        return MysqlCursor(self, self._connection)

    def kill(self) -> None:
        """Stop what the server is doing for this connection: it is told so through another one."""
        work = _killed(self._options, self._connection.thread_id())
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(asyncio.run, work).result()

    def close(self) -> None:
        """End the connection at once: rows that were not taken are not waited for."""
        if self._loop.is_closed():
            return
        doing = self._doing
        if doing is not None and not doing.done():
            self._loop.call_soon_threadsafe(doing.cancel)
        self.run(_closed(self._connection))
        self._thread.shutdown()
        self._loop.close()

    async def _done(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        self._doing = asyncio.current_task()
        return await _translated(work)


class MysqlCursor:
    """One statement and its rows, in the words of ADBC's cursors."""

    def __init__(self, owner: MysqlConnection, connection: Any) -> None:
        self._owner = owner
        self._connection = connection
        self._cursor: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left to close: the connection ends with its cursor."""

    def execute(self, statement: str) -> None:
        """Run a statement, up to its first rows."""
        self._cursor = self._owner.run(_execute(self._connection, statement))

    def fetch_record_batch(self) -> Any:
        """Return the rows as a reader of Arrow batches."""
        import pyarrow as pa

        arrow: Any = pa
        # What a column is, the cursor itself says only in part: not its length, and not whether it is text or bytes.
        columns = [column_of(item) for item in self._cursor._result.fields]  # noqa: SLF001
        schema = arrow.schema([(column.name, column.kind) for column in columns])
        return arrow.RecordBatchReader.from_batches(schema, self._batches(columns, schema))

    def fetch_arrow_table(self) -> Any:
        """Return all rows."""
        return self.fetch_record_batch().read_all()

    def adbc_cancel(self) -> None:
        """Stop the statement."""
        self._owner.kill()

    def _batches(self, columns: list[Column], schema: Any) -> Iterator[Any]:
        import pyarrow as pa

        arrow: Any = pa
        waiting = self._owner.begin(_fetched(self._connection, self._cursor))
        while rows := waiting.result():
            waiting = self._owner.begin(_fetched(self._connection, self._cursor))
            try:
                arrays = [
                    column.array(values)
                    for column, values in zip(columns, zip(*rows, strict=True), strict=True)
                ]
            except NotBooleanError as error:
                raise MysqlError(0, "42000", str(error)) from None
            yield arrow.record_batch(arrays, schema=schema)


def _session(version: str, seconds: int) -> Iterator[str]:
    """Yield what makes a session read-only and limited. The two servers count in different units."""
    limit = (
        f"max_statement_time = {seconds}"
        if "MariaDB" in version
        else f"max_execution_time = {seconds * 1000}"
    )
    yield f"SET SESSION {limit}, net_write_timeout = {_WRITE_SECONDS}, time_zone = '+00:00'"
    yield "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    yield "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


async def _connected(options: Mapping[str, str]) -> Any:
    driver: Any = import_module("asyncmy")
    conversions: dict[Any, Any] = import_module("asyncmy.converters").conversions
    decoders = {key: value for key, value in conversions.items() if key not in TEXTS}
    return await driver.connect(
        host=options["host"],
        port=int(options["port"]),
        user=options["user"],
        password=options["password"],
        db=options["database"],
        charset="utf8mb4",
        program_name="audiform",
        conv=decoders,
        connect_timeout=_CONNECT_SECONDS,
        # The server ends what takes too long; this ends a wait for a server that is gone.
        read_timeout=int(options["timeout"]) + _CONNECT_SECONDS,
        ssl=ssl.create_default_context() if options["tls"] == "yes" else None,
    )


async def _execute(connection: Any, statement: str) -> Any:
    from asyncmy.cursors import SSCursor

    connection._transport.resume_reading()  # noqa: SLF001 - see _fetched
    cursor = connection.cursor(SSCursor)
    await cursor.execute(statement)
    return cursor


async def _fetched(connection: Any, cursor: Any) -> list[Any]:
    """Return some rows. The driver keeps whatever arrives: only what is needed for the next row may arrive."""
    rows: list[Any] = []
    transport, result = connection._transport, cursor._result  # noqa: SLF001
    while len(rows) < _ROWS:
        arrived = result._take_pending_rows(_ROWS - len(rows))  # noqa: SLF001
        if not arrived:
            transport.resume_reading()
            row = await cursor.fetchone()
            transport.pause_reading()
            if row is None:
                break
            arrived = [row]
        rows += arrived
    return rows


async def _closed(connection: Any) -> None:
    if connection is not None:
        connection.close()


async def _version(connection: Any) -> str:
    return str(connection.get_server_info())


async def _killed(options: Mapping[str, str], number: int) -> None:
    connection = await _connected(options)
    try:
        # One that has just ended is not there any more.
        with suppress(Exception):
            await _execute(connection, f"KILL QUERY {number}")
    finally:
        connection.close()


async def _translated(work: Coroutine[Any, Any, _Result]) -> _Result:
    from asyncmy.errors import MySQLError

    try:
        return await work
    except MySQLError as error:
        number, message = (*error.args, "")[:2] if len(error.args) > 1 else (0, str(error))
        state = _STATES.get(number) or str(getattr(error, "sqlstate", None) or "")
        raise MysqlError(number, state, _shown(number, str(message))) from None


def _shown(number: int, message: str) -> str:
    """Return a message with names in backticks: what stands in quotes is taken for a text, and is not shown.

    Of a mistake in the syntax the server quotes whatever comes after it: only the line in the author's SQL is left of that.
    """
    if number == _SYNTAX:
        return re.sub(r"near '.*' at line (\d+)", _place, message, flags=re.DOTALL)
    return re.sub(r"'([^']*)'", r"`\1`", message) if number in _ABOUT_NAMES else message


def _place(found: re.Match[str]) -> str:
    # The author's SQL begins in the second line of the statement.
    return f"in line {max(1, int(found[1]) - 1)}"
