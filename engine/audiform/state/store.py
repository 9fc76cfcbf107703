"""What is recorded, as Protocols: state, journal, lock, statistics and dead letters. See `ledger.py` for members.

A backend is a folder beside this file (`local/`) and passes one contract test (`tests/state/contract.py`).
All of it is synchronous and small; people are in the ledger only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from audiform.address import Address


@dataclass(frozen=True, slots=True)
class Record:
    """What Audiform created and last wrote for one address.

    `body` is canonical JSON data: connector: type, type digest, settings, credential references and
    keyed digests of the secrets; audience: query digest, columns; binding: audience, connector,
    destination attributes as last written, `destination_id`, signals, variables, identifiers, guards,
    on_delete, enabled, `dependencies`. Never a secret, never a person.
    """

    address: Address
    digest: str
    body: Mapping[str, Any]
    protected: bool = False


@dataclass(frozen=True, slots=True)
class StateView:
    """State as read once. `serial` grows by one with each write; `lineage` never changes."""

    lineage: str
    serial: int
    records: Mapping[Address, Record]


@dataclass(frozen=True, slots=True)
class Intent:
    """One outside effect, written before it and settled after it."""

    id: int
    run: str
    address: Address
    action: str
    marker: str
    data: Mapping[str, Any]
    started: datetime


@dataclass(frozen=True, slots=True)
class LockInfo:
    """Who holds the lock, since when and for what."""

    id: str
    who: str
    pid: int
    operation: str
    since: datetime


class LockedError(Exception):
    """Another run holds the lock; exit code 4."""

    def __init__(self, holder: LockInfo) -> None:
        self.holder = holder
        super().__init__(f"locked by {holder.who} (pid {holder.pid}) since {holder.since:%Y-%m-%d %H:%M:%S} for `{holder.operation}`")


@dataclass(frozen=True, slots=True)
class Count:
    """One figure of the statistics: `what` is `sent`, `left_out` or `error`, `detail` a signal, a reason or a category."""

    day: str
    connector: str
    binding: str
    what: str
    detail: str
    count: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that a platform rejected: a keyed digest of the person, never the person."""

    binding: str
    signal: str
    identity: str
    category: str
    message: str
    at: datetime


class StateReader(Protocol):
    """What plan may do: read."""

    def read(self) -> StateView: ...
    def pending(self) -> Sequence[Intent]: ...
    def secret_digest(self, value: str) -> str:
        """Return the keyed digest of a secret (key made with the state, kept beside it)."""
        ...


class StateStore(StateReader, Protocol):
    """What apply and sync may do as well. Every method is durable when it returns."""

    def put(self, record: Record) -> int:
        """Write one record; return the new serial."""
        ...

    def remove(self, address: Address) -> int: ...
    def intend(self, run: str, address: Address, action: str, marker: str, data: Mapping[str, Any]) -> Intent: ...
    def settle(self, intent: Intent) -> None: ...
    def count(self, counts: Iterable[Count]) -> None: ...
    def counts(self, since_day: str) -> Sequence[Count]: ...
    def bury(self, letters: Iterable[DeadLetter]) -> None: ...
    def dead_letters(self) -> Sequence[DeadLetter]: ...
    def lock(self, operation: str) -> Lock: ...
    def force_unlock(self) -> LockInfo | None: ...
    def close(self) -> None: ...


class Lock(Protocol):
    """A held lock; leaving the `with` releases it. A lock whose process is gone is taken over."""

    info: LockInfo

    def __enter__(self) -> Lock: ...
    def __exit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Empty:
    """A state that was never written: what plan reads before the first apply."""

    view: StateView = field(default_factory=lambda: StateView("", 0, {}))
