"""What the statements of this folder need of a database. They are written with `?`, and in what SQLite and PostgreSQL share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from audiform.state.store import Lock, LockInfo


class Cursor(Protocol):
    """What a statement found or did."""

    @property
    def rowcount(self) -> int: ...
    @property
    def description(self) -> Sequence[Any] | None: ...
    def fetchone(self) -> Any: ...
    def fetchall(self) -> list[Any]: ...
    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection in a transaction."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> Cursor: ...
    def executemany(self, sql: str, parameters: Sequence[Sequence[object]], /) -> Cursor: ...


class Database(Protocol):
    """One process's way to the tables. Safe to use from several threads; one transaction at a time."""

    def reading(self) -> AbstractContextManager[Connection | None]:
        """Return a connection that sees one moment; None where nothing was ever written."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """Return a connection in a transaction: committed and durable at the end, or nothing of it."""
        ...

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written."""
        ...

    def adopt(self, key: bytes) -> None:
        """Make a state that is none yet, with the key of another one; where there is one, nothing is done."""
        ...

    def close(self) -> None: ...


class Locks(Protocol):
    """The lock of one state."""

    def take(self, operation: str) -> Lock: ...
    def take_away(self) -> LockInfo | None: ...
