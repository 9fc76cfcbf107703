"""The ledger: who was sent to which destination, and what. Its rows never become Python objects.

Everything is SQL on one DuckDB connection, because the membership difference is a join of the source
with the ledger. A backend's session puts its tables where that connection can read them.

Members are kept per *destination* (`destination_key`), one row per binding and member:

    binding     VARCHAR   name of the binding that added the member
    identity    UHUGEINT  keyed digest of what identifies the member there
    ids         STRUCT    identifier -> value as sent (hashed) or, where sent in clear, encrypted BLOB
    variables   UHUGEINT  keyed digest of the variables as sent (null where the type has none)

A run is `stage` (durable, before anything is sent) -> per batch `started` then `settled` -> `fold`.
A run that was killed is recovered by the next `open`: settled batches are folded, started ones are
*unsure* (their adds stay members so that they can be removed, their rows are sent again), the others
are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from audiform.outcome import Signal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows `[first, last)` of a staged run, all of one signal."""

    number: int
    signal: Signal
    first: int
    last: int


class LedgerSession(Protocol):
    """An open ledger; `connection` can read the members of every destination."""

    connection: DuckDBPyConnection

    def members(self, destination_key: str) -> str:
        """Return the quoted SQL name of the destination's members (an empty relation if it has none)."""
        ...

    def count(self, destination_key: str, binding: str | None = None) -> int: ...
    def drop(self, destination_key: str, binding: str | None = None) -> None:
        """Forget the members: the destination is gone, or the binding was forgotten."""
        ...

    def close(self) -> None: ...


class Ledger(Protocol):
    """Opens sessions. Reading never waits for a writer's end for more than a moment; see the backend."""

    def open(self, *, write: bool) -> LedgerSession: ...
    def destinations(self) -> Sequence[str]: ...
