"""A store on tables: the contract's methods, each one transaction of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from audiform.address import Address, Kind
from audiform.state.digests import identity_key, tombstone_digest
from audiform.state.keys import keyed_digest
from audiform.state.ledger_key import Sealed
from audiform.state.store import (
    Count,
    DeadLetter,
    Empty,
    HistoryEntry,
    Intent,
    LastRun,
    Lock,
    LockInfo,
    Record,
    Run,
    RunBatch,
    StateView,
    Tombstone,
    Watermark,
)
from audiform.state.tables import facts, figures, history, journal, last_runs, records, watermarks
from audiform.state.tables.connection import Connection, Database, Locks


@dataclass(frozen=True, slots=True)
class TableStore:
    """State of one environment in one database."""

    database: Database
    locks: Locks
    _last: list[StateView] = field(default_factory=list[StateView], repr=False, compare=False)
    """What was read last: a sync reads the records for each of its bindings, and nobody writes them meanwhile."""

    def read(self) -> StateView:
        """Return everything that is recorded; makes no file where there is none."""
        with self.database.reading() as connection:
            return Empty().view if connection is None else self._read(connection)

    def create(self) -> StateView:
        """Make the state where there is none; return what it holds."""
        with self.database.writing() as connection:
            return self._read(connection)

    def secret_digest(self, value: str) -> str:
        """Return the keyed digest of a secret; empty while nothing was ever written."""
        key = self.database.key()
        return "" if key is None else keyed_digest(key, "secret", value)

    def tombstone_digests(self) -> Callable[[str, str], str]:
        """Return what makes the tombstone of an identifier's value; it is empty while nothing was ever written."""
        key = self.database.key()
        return (lambda _, __: "") if key is None else partial(tombstone_digest, identity_key(key))

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written."""
        return self.database.key()

    def sealed(self) -> Sealed:
        """Return which key the ledger is encrypted with."""
        with self.database.reading() as connection:
            return Sealed() if connection is None else facts.sealed(connection)

    def record_sealed(self, what: Sealed) -> None:
        """Write which key the ledger is encrypted with."""
        with self.database.writing() as connection:
            facts.record_sealed(connection, what)

    def put(self, *items: Record) -> int:
        """Write records in one transaction; return the serial."""
        with self.database.writing() as connection:
            return records.put(connection, items)

    def replace(self, view: StateView) -> int:
        """Put these records in the place of all; return the serial."""
        with self.database.writing() as connection:
            return records.replace(connection, view)

    def remove(self, address: Address) -> int:
        """Drop one record, its watermark and its last run; return the serial."""
        with self.database.writing() as connection:
            if address.kind is Kind.BINDING:
                watermarks.drop(connection, address.name)
                last_runs.drop(connection, address.name)
            return records.remove(connection, address)

    def move(self, old: Address, new: Address) -> int:
        """Give a record, its watermark and its last run another address; return the serial."""
        with self.database.writing() as connection:
            serial = records.move(connection, old, new)
            if old.kind is Kind.BINDING:
                watermarks.rename(connection, old.name, new.name)
                last_runs.rename(connection, old.name, new.name)
            return serial

    def intend(self, run: str, address: Address, action: str, marker: str, data: Mapping[str, Any]) -> Intent:
        """Write an intent before its effect."""
        with self.database.writing() as connection:
            return journal.intend(connection, run, address, action, marker, data)

    def settle(self, intent: Intent) -> None:
        """Settle an intent after its effect is recorded."""
        with self.database.writing() as connection:
            journal.settle(connection, intent)

    def pending(self) -> tuple[Intent, ...]:
        """Return the unsettled intents, oldest first."""
        with self.database.reading() as connection:
            return () if connection is None else journal.pending(connection)

    def spent(self, plan: str) -> datetime | None:
        """Return when a plan was applied, or None."""
        with self.database.reading() as connection:
            return None if connection is None else records.spent(connection, plan)

    def spend(self, plan: str, at: datetime) -> bool:
        """Mark a plan as applied; return whether it was not before."""
        with self.database.writing() as connection:
            return records.spend(connection, plan, at)

    def begin_run(self, run: Run) -> None:
        """Write a run whose rows are staged."""
        with self.database.writing() as connection:
            journal.begin_run(connection, run)

    def start_batch(self, run: str, number: int, data: Mapping[str, Any]) -> None:
        """Write that a batch is about to be sent."""
        with self.database.writing() as connection:
            journal.start_batch(connection, run, number, data)

    def settle_batch(
        self,
        run: str,
        number: int,
        data: Mapping[str, Any],
        counts: Iterable[Count],
        letters: Iterable[DeadLetter],
    ) -> None:
        """Record the answer of a batch with its figures and rejected records; a second time changes nothing."""
        with self.database.writing() as connection:
            if journal.settle_batch(connection, run, number, data):
                figures.count(connection, counts)
                figures.bury(connection, letters)

    def end_run(self, run: str) -> None:
        """Forget a run that is folded."""
        with self.database.writing() as connection:
            journal.end_run(connection, run)

    def open_runs(self) -> tuple[Run, ...]:
        """Return the runs that did not end."""
        with self.database.reading() as connection:
            return () if connection is None else journal.open_runs(connection)

    def batches(self, run: str) -> tuple[RunBatch, ...]:
        """Return the started and settled batches of a run."""
        with self.database.reading() as connection:
            return () if connection is None else journal.batches(connection, run)

    def count(self, counts: Iterable[Count]) -> None:
        """Add figures to the statistics."""
        with self.database.writing() as connection:
            figures.count(connection, counts)

    def counts(self, since_day: str) -> tuple[Count, ...]:
        """Return the figures since a day."""
        with self.database.reading() as connection:
            return () if connection is None else figures.counts(connection, since_day)

    def bury(self, letters: Iterable[DeadLetter]) -> None:
        """Keep rejected records."""
        with self.database.writing() as connection:
            figures.bury(connection, letters)

    def exhume(self, binding: str) -> None:
        """Forget the rejected records of a binding."""
        with self.database.writing() as connection:
            figures.exhume(connection, binding)

    def unbury(self, keys: Iterable[str]) -> int:
        """Drop the rejected records that have one of the keys; return how many."""
        with self.database.writing() as connection:
            return figures.unbury(connection, keys)

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """Return the rejected records."""
        with self.database.reading() as connection:
            return () if connection is None else figures.dead_letters(connection)

    def rejected(self, binding: str) -> tuple[tuple[str, str], ...]:
        """Return signal and identity of a binding's rejected records."""
        with self.database.reading() as connection:
            return () if connection is None else figures.rejected(connection, binding)

    def entomb(self, tombstones: Iterable[Tombstone]) -> None:
        """Keep tombstones in one transaction."""
        with self.database.writing() as connection:
            history.entomb(connection, tombstones)

    def tombstones(self) -> tuple[Tombstone, ...]:
        """Return whom no sync may send again, oldest first."""
        with self.database.reading() as connection:
            return () if connection is None else history.tombstones(connection)

    def remember(self, entry: HistoryEntry) -> None:
        """Write an entry of the history, or write it anew."""
        with self.database.writing() as connection:
            history.remember(connection, entry)

    def drop_history(self, ids: Iterable[str]) -> None:
        """Drop entries of the history."""
        with self.database.writing() as connection:
            history.drop(connection, ids)

    def history(self) -> tuple[HistoryEntry, ...]:
        """Return the recorded runs of commands, oldest first."""
        with self.database.reading() as connection:
            return () if connection is None else history.entries(connection)

    def last_runs(self) -> dict[str, LastRun]:
        """Return what became of each binding when it was sent last."""
        with self.database.reading() as connection:
            return {} if connection is None else last_runs.read(connection)

    def note_runs(self, runs: Iterable[LastRun]) -> None:
        """Write what became of bindings."""
        with self.database.writing() as connection:
            last_runs.note(connection, runs)

    def watermark(self, binding: str) -> Watermark | None:
        """Return how far a binding has read its audience."""
        with self.database.reading() as connection:
            return None if connection is None else watermarks.read(connection, binding)

    def keep_watermark(self, watermark: Watermark) -> None:
        """Write how far a binding has read its audience."""
        with self.database.writing() as connection:
            watermarks.keep(connection, watermark)

    def drop_watermark(self, binding: str) -> None:
        """Forget how far a binding has read its audience."""
        with self.database.writing() as connection:
            watermarks.drop(connection, binding)

    def lock(self, operation: str) -> Lock:
        """Take the lock; raises LockedError at once when it is held."""
        lock = self.locks.take(operation)
        try:
            self.read()
        except BaseException:
            lock.__exit__()
            raise
        return lock

    def force_unlock(self) -> LockInfo | None:
        """Take the lock away from whoever holds it."""
        return self.locks.take_away()

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def _read(self, connection: Connection) -> StateView:
        self._last[:] = [records.read(connection, self._last[0] if self._last else None)]
        return self._last[0]
