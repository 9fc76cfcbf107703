"""The connection to the database: opened late, one for reading and writing, because a lock is the connection's.

Whoever holds the lock writes over the connection that holds it. So a run whose lock was taken away, or whose connection broke,
cannot write any more: its next statement fails, and no other connection is opened in its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiform.state.keys import keyed_digest, new_key
from audiform.state.postgresql.errors import client, failed, key_lost, lock_lost
from audiform.state.postgresql.migrations import VERSION
from audiform.state.postgresql.place import Place
from audiform.state.postgresql.schema import found, migrate, version_of

if TYPE_CHECKING:
    import psycopg

_SESSION = (
    "SELECT set_config('search_path', quote_ident(%s), false),"
    " CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')"
    " THEN set_config('synchronous_commit', 'on', false) END"
)
"""What was written is on disk when a statement returns, whatever the server's or the user's default."""


@dataclass(frozen=True, slots=True)
class Statements:
    """A connection as the statements of `tables/` need it."""

    connection: psycopg.Connection[Any]

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> psycopg.Cursor[Any]:
        """Run one statement."""
        return self.connection.execute(_translated(sql), _values(parameters))

    def executemany(self, sql: str, parameters: Sequence[Sequence[object]], /) -> psycopg.Cursor[Any]:
        """Run a statement once for each of the parameters, in one go."""
        cursor = self.connection.cursor()
        cursor.executemany(_translated(sql), [_values(item) for item in parameters])
        return cursor


@dataclass(slots=True)
class Database:
    """One process's way to one schema. Safe to use from several threads; one transaction at a time."""

    place: Place
    locked: bool = False
    """Whether this connection holds the lock."""
    _connection: psycopg.Connection[Any] | None = None
    _version: int = -1
    _founded: bool = False
    """Whether the state is known to have its lineage and its key."""
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @contextmanager
    def reading(self) -> Generator[Statements | None]:
        """Yield a connection that sees one moment of the state; None where nothing was ever written.

        An older schema is brought up to date for that moment only: what was done to it is rolled back.
        """
        with self.connected() as connection:
            if connection.info.transaction_status:
                yield Statements(connection)
                return
            if self._version != VERSION:
                self._version = version_of(connection)
            if not self._version:
                yield None
                return
            old = self._version != VERSION
            with self._transaction(connection, read_only=not old, rolled_back=old):
                if old:
                    migrate(connection, self.place)
                yield Statements(connection)

    @contextmanager
    def writing(self) -> Generator[Statements]:
        """Yield a connection in a transaction: committed and on disk at the end, or nothing of it."""
        with self.connected() as connection:
            self.prepare(connection)
            with self._transaction(connection):
                if not self._founded:
                    found(connection, new_key())
                    self.key()
                yield Statements(connection)
            self._founded = True

    @contextmanager
    def connected(self) -> Generator[psycopg.Connection[Any]]:
        """Yield the connection, for one thread at a time.

        Raises:
            DiagnosticError: the server cannot be reached or refuses something; or the lock was lost with the connection.
        """
        error = client().Error
        with self._guard:
            try:
                yield self._open()
            except error as problem:
                if self.locked and (self._connection is None or self._connection.closed):
                    raise lock_lost(self.place) from None
                raise failed(problem, self.place) from None

    def prepare(self, connection: psycopg.Connection[Any]) -> None:
        """Make the schema, or bring it to this version, where that was not done yet."""
        if self._version != VERSION:
            with self._transaction(connection):
                migrate(connection, self.place)
            self._version = VERSION

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written.

        Raises:
            DiagnosticError: the key of a state that holds something is gone or another one (`state-key-lost`).
        """
        with self.reading() as connection:
            facts = dict(connection.execute("SELECT name, value FROM fact")) if connection else {}
        if "lineage" not in facts:
            return None
        try:
            key = bytes.fromhex(facts.get("key", ""))
        except ValueError:
            raise key_lost(self.place) from None
        if keyed_digest(key, "check", "") != facts.get("key_check"):
            raise key_lost(self.place)
        return key

    def adopt(self, key: bytes) -> None:
        """Make the state with the key."""
        with self.connected() as connection:
            self.prepare(connection)
            with self._transaction(connection):
                found(connection, key)

    def close(self) -> None:
        """Close the connection; a lock goes with it. What is asked for afterwards opens another one."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
            self._connection, self.locked = None, False

    def _open(self) -> psycopg.Connection[Any]:
        known = self._connection
        if known is not None and not known.closed:
            return known
        if self.locked:
            raise lock_lost(self.place)
        connect: Callable[..., psycopg.Connection[Any]] = client().connect
        opened = connect(self.place.conninfo, autocommit=True)
        opened.execute(_SESSION, (self.place.schema,))
        self._connection, self._version = opened, -1
        return opened

    def _transaction(
        self, connection: psycopg.Connection[Any], *, read_only: bool = False, rolled_back: bool = False
    ) -> AbstractContextManager[object]:
        from psycopg import IsolationLevel

        connection.read_only = read_only
        connection.isolation_level = (
            IsolationLevel.REPEATABLE_READ if read_only else IsolationLevel.READ_COMMITTED
        )
        return connection.transaction(force_rollback=rolled_back)


def _translated(sql: str) -> bytes:
    """Return the statement with this client's placeholders; none of them has a `?` or `%` of its own."""
    return sql.replace("?", "%s").encode()


def _values(parameters: Sequence[object]) -> tuple[object, ...]:
    """Return the parameters; text of this server has no NUL, which a platform's message may hold."""
    return tuple(
        item.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(item, str) else item
        for item in parameters
    )
