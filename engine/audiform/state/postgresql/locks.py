"""A session-level advisory lock, held by the connection: when the process dies, however it dies, the server lets go of it.

A row says who holds it. It counts only while the connection that it names holds the lock, so what a killed run left says
nothing. The lock is taken away by ending that connection: who held it cannot write any more.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from audiform.diagnostics import DiagnosticError
from audiform.state.lock import user
from audiform.state.postgresql.database import Database
from audiform.state.postgresql.errors import not_ended
from audiform.state.postgresql.schema import advisory_key, version_of
from audiform.state.store import LockedError, LockInfo

if TYPE_CHECKING:
    from psycopg import Connection

_GONE_SECONDS = 5.0
"""How long the server may take to notice that a process of this machine is gone, or to end a connection."""

_PAUSE_SECONDS = 0.02

_NOTICE = (
    "SELECT set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),"
    " set_config('tcp_keepalives_count', '3', false)"
)
"""A holder whose machine vanished is noticed within a minute, not after the two hours that are usual."""

_BACKEND = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    " AND (classid::bigint << 32 | objid::bigint) = %s"
)


@dataclass(frozen=True, slots=True)
class PostgresqlLock:
    """A held lock; leaving the `with` releases it."""

    info: LockInfo
    database: Database
    number: int

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            with self.database.connected() as connection:
                connection.execute("DELETE FROM holder WHERE id = %s", (self.info.id,))
                connection.execute("SELECT pg_advisory_unlock(%s)", (self.number,))
                self.database.locked = False
        except DiagnosticError:
            # The connection is gone, and the lock with it: somebody took it away, or the server ended.
            self.database.close()


@dataclass(frozen=True, slots=True)
class PostgresqlLocks:
    """The lock of one schema; `release` is the command that frees it."""

    database: Database
    release: str

    @property
    def number(self) -> int:
        """The number of the advisory lock."""
        return advisory_key("lock", self.database.place.schema)

    def take(self, operation: str) -> PostgresqlLock:
        """Take the lock; raises LockedError at once when it is held."""
        with self.database.connected() as connection:
            self.database.prepare(connection)
            if self.database.locked or not _taken(connection, self.number):
                self._wait_for_the_dead(connection)
            connection.execute(_NOTICE)
            info = _info(operation, self.release)
            connection.execute("DELETE FROM holder")
            connection.execute(
                "INSERT INTO holder VALUES (%s, %s, %s, %s, %s, %s, pg_backend_pid())",
                (info.id, info.who, info.host, info.pid, operation, info.since.isoformat()),
            )
            self.database.locked = True
        return PostgresqlLock(info, self.database, self.number)

    def take_away(self) -> LockInfo | None:
        """End the connection that holds the lock; return who held it, or None when nobody had."""
        with self.database.connected() as connection:
            if not version_of(connection):
                return None
            held = connection.execute(_BACKEND, (self.number,)).fetchone()
            holder = self._holder(connection, held)
            if held is None:
                return holder if connection.execute("DELETE FROM holder").rowcount else None
            connection.execute("SELECT pg_terminate_backend(%s)", held)
            until = time.monotonic() + _GONE_SECONDS
            while connection.execute(_BACKEND, (self.number,)).fetchone() == held:
                if time.monotonic() > until:
                    raise not_ended(self.database.place, held[0])
                time.sleep(_PAUSE_SECONDS)
            connection.execute("DELETE FROM holder")
            return holder

    def _wait_for_the_dead(self, connection: Connection[Any]) -> None:
        """Take the lock of a process that is gone as soon as the server has noticed; of any other, raise LockedError."""
        until = time.monotonic() + _GONE_SECONDS
        while True:
            backend = connection.execute(_BACKEND, (self.number,)).fetchone()
            holder = self._holder(connection, backend)
            if self.database.locked or not _is_gone(holder) or time.monotonic() > until:
                raise LockedError(holder)
            time.sleep(_PAUSE_SECONDS)
            if _taken(connection, self.number):
                return

    def _holder(self, connection: Connection[Any], backend: tuple[Any, ...] | None) -> LockInfo:
        """Return who holds the lock; a holder between locking and writing its name is not yet known."""
        row = connection.execute(
            "SELECT id, who, host, pid, operation, since, backend FROM holder"
        ).fetchone()
        if row is None or (backend is not None and row[-1] != backend[0]):
            return LockInfo(
                "", "somebody", "another machine", 0, "another command", datetime.now(UTC), self.release
            )
        identity, who, host, pid, operation, since, _ = row
        return LockInfo(identity, who, host, pid, operation, datetime.fromisoformat(since), self.release)


def _taken(connection: Connection[Any], number: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
    return row is not None and bool(row[0])


def _is_gone(holder: LockInfo) -> bool:
    """Whether the holder was a process of this machine that no longer exists."""
    if holder.host != socket.gethostname() or not holder.pid:
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _info(operation: str, release: str) -> LockInfo:
    return LockInfo(
        str(uuid.uuid4()), user(), socket.gethostname(), os.getpid(), operation, datetime.now(UTC), release
    )
