"""What is recorded, as Protocols: state, journal, lock, statistics and dead letters. See `ledger.py` for members.

A backend is a folder beside this file (`local/`) and passes one contract test (`tests/state/contract.py`).
All of it is synchronous and small; people are in the ledger only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

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
    """Who holds the lock, where, since when and for what; `release` is the command that takes it away."""

    id: str
    who: str
    host: str
    pid: int
    operation: str
    since: datetime
    release: str


class LockedError(Exception):
    """Another run holds the lock; exit code 4."""

    def __init__(self, holder: LockInfo) -> None:
        self.holder = holder
        super().__init__(
            f"{holder.who} on {holder.host} (pid {holder.pid}) has been running `{holder.operation}` "
            f"since {holder.since:%Y-%m-%d %H:%M:%S} UTC\n"
            "Two runs at once could send the same people twice; wait until it is done\n"
            f"If that run no longer exists, release the lock with:\n\n    {holder.release}\n"
        )


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
    keys: tuple[str, ...] = ()
    """Keyed digests of each of the person's identifiers (`naming.trace_text`): what an erasure finds the letter by."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One form of an identifier of somebody who asked to be forgotten: a keyed digest, never the identifier.

    `digest` is a `LedgerSession.digest` of `ledger.tombstone_text`, so that a sync compares whole columns with it.
    `request` is the id of the erasure, which has several: one per form in which a platform is sent the identifier.
    """

    digest: str
    identifier: str
    request: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a binding has read its audience, where each row has a value that grows when the row changes.

    Everybody below `value`, which is a `kind` of value as text, is in the ledger as the binding's `definition` says: a digest of
    what is read, what is made of it, and where it goes. `whole`: when all of it was read last; `at`: when some of it was.
    """

    binding: str
    definition: str
    kind: str
    value: str = field(repr=False)
    whole: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class LastRun:
    """What became of a binding when it was sent last, by a sync or an apply: what its schedule goes on from.

    `result`: `running` until it ended, and for good where it was killed; `done`, `stopped` by a guard, `failed`, `interrupted`, or
    `refused` because its files are not what was applied. `failures`: how many runs in a row did not get anything done.
    """

    binding: str
    started: datetime
    ended: datetime | None
    result: str
    failures: int = 0


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One run of a command that changed something: who, when, what. `data` is JSON, without people and secrets.

    `ended` and `serial_after` are None while it runs, and stay so when it was killed. `pinned`: never dropped by
    age, because it holds an erasure's receipts, or alone knows how a destination is reached.
    """

    id: str
    operation: str
    who: str
    started: datetime
    ended: datetime | None
    serial_before: int
    serial_after: int | None
    data: Mapping[str, Any]
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One sync of one binding, from the staging of its rows until they are folded into the ledger."""

    id: str
    binding: str
    destination_key: str
    data: Mapping[str, Any]
    started: datetime


@dataclass(frozen=True, slots=True)
class RunBatch:
    """One batch of a run that was started; `settled` once its answer is recorded."""

    number: int
    settled: bool
    data: Mapping[str, Any]


class StateReader(Protocol):
    """What plan may do: read."""

    def read(self) -> StateView: ...
    def pending(self) -> Sequence[Intent]: ...
    def secret_digest(self, value: str) -> str:
        """Return the keyed digest of a secret (key made with the state, kept beside it).

        Empty while there is no key: nothing was ever written, so there is nothing to compare with.
        """
        ...

    def spent(self, plan: str) -> datetime | None:
        """Return when the plan of this digest was applied, or None: a signed plan is applied once."""
        ...

    def open_runs(self) -> Sequence[Run]: ...
    def batches(self, run: str) -> Sequence[RunBatch]: ...
    def tombstones(self) -> Sequence[Tombstone]:
        """Return whom no sync may send again, oldest first."""
        ...

    def tombstone_digests(self) -> Callable[[str, str], str]:
        """Return what makes the tombstone of an identifier and a value, to be compared with those that there are."""
        ...

    def history(self) -> Sequence[HistoryEntry]:
        """Return the recorded runs of commands, oldest first."""
        ...

    def last_runs(self) -> Mapping[str, LastRun]:
        """Return binding -> what became of it when it was sent last; a binding that never was is not in it."""
        ...

    def watermark(self, binding: str) -> Watermark | None:
        """Return how far a binding has read its audience; None where all of it has to be read."""
        ...


class StateStore(StateReader, Protocol):
    """What apply and sync may do as well. Every method is durable when it returns."""

    def create(self) -> StateView:
        """Make the state where there is none (lineage, key); return what it holds. Markers need the lineage."""
        ...

    def put(self, *records: Record) -> int:
        """Write records in one transaction; return the serial: one more, or the same when nothing differs."""
        ...

    def replace(self, view: StateView) -> int:
        """Put these records in the place of all, with their lineage, in one transaction.

        Return the serial: higher than that of the view and than the one that was there.
        """
        ...

    def remove(self, address: Address) -> int:
        """Drop one record, of a binding its watermark and its last run as well; return the serial."""
        ...

    def move(self, old: Address, new: Address) -> int:
        """Give a record, with watermark and last run, another address of its kind; KeyError without `old`, ValueError with `new` taken."""
        ...

    def intend(
        self, run: str, address: Address, action: str, marker: str, data: Mapping[str, Any]
    ) -> Intent: ...
    def settle(self, intent: Intent) -> None: ...
    def spend(self, plan: str, at: datetime) -> bool:
        """Mark a plan as applied; return False, and change nothing, where it is marked already."""
        ...

    def begin_run(self, run: Run) -> None: ...
    def start_batch(self, run: str, number: int, data: Mapping[str, Any]) -> None: ...
    def settle_batch(
        self,
        run: str,
        number: int,
        data: Mapping[str, Any],
        counts: Iterable[Count],
        letters: Iterable[DeadLetter],
    ) -> None:
        """Record the answer of a batch, its figures and its rejected records in one transaction."""
        ...

    def end_run(self, run: str) -> None:
        """Forget a run and its batches: the ledger holds them now."""
        ...

    def count(self, counts: Iterable[Count]) -> None: ...
    def counts(self, since_day: str) -> Sequence[Count]: ...
    def bury(self, letters: Iterable[DeadLetter]) -> None: ...
    def exhume(self, binding: str) -> None:
        """Forget the rejected records of a binding: they are sent again."""
        ...

    def unbury(self, keys: Iterable[str]) -> int:
        """Drop the rejected records of whoever has one of these `DeadLetter.keys`; return how many they were."""
        ...

    def dead_letters(self) -> Sequence[DeadLetter]: ...
    def rejected(self, binding: str) -> Sequence[tuple[str, str]]:
        """Return signal and identity of each of a binding's dead letters, and nothing else of them: they may be many."""
        ...

    def entomb(self, tombstones: Iterable[Tombstone]) -> None:
        """Keep tombstones, in one transaction; one whose digest is there already stays as it was."""
        ...

    def remember(self, entry: HistoryEntry) -> None:
        """Write an entry of the history, or write it anew under its id. The serial stays as it is."""
        ...

    def drop_history(self, ids: Iterable[str]) -> None:
        """Drop entries of the history."""
        ...

    def note_runs(self, runs: Iterable[LastRun]) -> None:
        """Write what became of bindings, each in the place of what was written of it before. The serial stays as it is."""
        ...

    def keep_watermark(self, watermark: Watermark) -> None:
        """Write how far a binding has read its audience, in the place of what was kept of it."""
        ...

    def drop_watermark(self, binding: str) -> None:
        """Forget it: its members are no longer those of what it has read, so that all of it is read the next time."""
        ...

    def lock(self, operation: str) -> Lock:
        """Take the lock, or raise LockedError at once; of a state that was moved elsewhere nobody gets it (DiagnosticError)."""
        ...

    def force_unlock(self) -> LockInfo | None:
        """Take the lock away from whoever holds it; return who did."""
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    """A held lock; leaving the `with` releases it. A lock whose process is gone is taken over."""

    @property
    def info(self) -> LockInfo: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Empty:
    """A state that was never written: what plan reads before the first apply."""

    view: StateView = field(default_factory=lambda: StateView("", 0, {}))
