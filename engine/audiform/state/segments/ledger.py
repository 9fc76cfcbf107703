"""A ledger of segments, opened in a DuckDB of its own by each session; a backend gives it a shelf and its records."""

from __future__ import annotations

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

from audiform.memory import Memory
from audiform.sql import literal, name
from audiform.state.digests import identity_key
from audiform.state.ledger import LedgerSession, Settled
from audiform.state.ledger_key import NO_KEYS, LedgerKeys, Sealed, key_id, old_key, sealing_key
from audiform.state.segments.alike import Alike
from audiform.state.segments.rekeying import Rekeying
from audiform.state.segments.sealing import Sealer
from audiform.state.segments.session import SegmentSession
from audiform.state.segments.shelf import Shelf
from audiform.state.store import Run, RunBatch


class Records(Protocol):
    """What a ledger needs of the records beside it: its keys, and the runs that did not end."""

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written."""
        ...

    def sealed(self) -> Sealed:
        """Return which key the ledger is encrypted with."""
        ...

    def record_sealed(self, what: Sealed) -> None:
        """Write which key the ledger is encrypted with, durably."""
        ...

    def open_runs(self) -> Sequence[Run]: ...
    def batches(self, run: str) -> Sequence[RunBatch]: ...
    def end_run(self, run: str) -> None: ...


class OpenShelf(Protocol):
    """Opens the shelf of one session; one that only reads makes nothing where nothing is.

    `within`: what it copies here lies in the folder of another one, because the session reaches no other.
    """

    def __call__(self, *, write: bool, within: Path | None = None) -> Shelf: ...


@dataclass(slots=True)
class SegmentLedger:
    """The members of one environment: `shelf` opens where their files are, `records` what is recorded beside them."""

    shelf: OpenShelf
    records: Callable[[], AbstractContextManager[Records]]
    keys: LedgerKeys = NO_KEYS
    memory: Memory = field(default_factory=Memory)
    _alive: set[str] = field(default_factory=set[str])
    """Runs of this process: what they do not know yet is no sign of a kill."""
    _expired: bool = False
    """Whether what was remembered long enough was dropped: once in a process is enough."""
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def open(self, *, write: bool, beside: LedgerSession | None = None) -> LedgerSession:
        """Return a session on the ledger as it is now; runs that were killed are recovered first.

        A session that writes needs a state that exists (`StateStore.create`). One that reads changes nothing: it
        sees those runs as the next writer will leave them. `beside`: see `Ledger`.

        Raises:
            DiagnosticError: the key of a state that holds something is gone (`state-key-lost`), or the ledger is
                encrypted with another one than there is (`ledger-key-missing`, `ledger-key-wrong`, ...).
        """
        with self._guard, self.records() as records:
            if beside is not None:
                session = self._beside(cast("SegmentSession", beside), write=write)
            else:
                state_key = records.key() or secrets.token_bytes(32)
                key = self._key(records, state_key, write=write)
                session = self._session(state_key, key, write=write)
            try:
                self._recover(session, records)
            except BaseException:
                session.close()
                raise
        return session

    def verify_key(self) -> None:
        """See that what is encrypted can be opened with the key at hand."""
        with self.records() as records:
            self._key(records, records.key() or b"", write=False)

    def rekey(self) -> Iterator[int]:
        """Encrypt everything with the present key, a destination at a time.

        Raises:
            DiagnosticError: the key of before is not at hand (`ledger-key-missing`, `ledger-key-wrong`), or an earlier
                change to yet another one did not end (`ledger-rekey-unfinished`).
        """
        with self.records() as records:
            state_key, recorded = records.key() or b"", records.sealed()
            key, new = old_key(self.keys, recorded, state_key), key_id(self.keys.current)
            if not state_key or recorded == Sealed(new):
                return
            with closing(self._session(state_key, key, write=True)) as session:
                if recorded.next is None:
                    self._recover(session, records)
                    records.record_sealed(Sealed(recorded.key, next=new))
                    yield 0
                change = Rekeying(session, Sealer(key), Sealer(self.keys.current.encode()), new)
                for destination in session.shelf.destinations():
                    yield from change.destination(destination)
                yield 0
                records.record_sealed(Sealed(new))
                session.shelf.tidy(self._alive)

    def destinations(self) -> Sequence[str]:
        """Return the keys of the destinations that have members, or had some lately."""
        with closing(self.shelf(write=False)) as shelf:
            return shelf.destinations()

    def _key(self, records: Records, state_key: bytes, *, write: bool) -> bytes:
        """Return the key that encrypts; where nothing is encrypted yet, the one that there is becomes it."""
        recorded, present = records.sealed(), key_id(self.keys.current)
        if recorded.next is None and recorded.key != present and not self._holds_sealed(records):
            recorded = Sealed(present)
            if write:
                records.record_sealed(recorded)
        return sealing_key(self.keys, recorded, state_key)

    def _holds_sealed(self, records: Records) -> bool:
        """Whether anything is encrypted. A run that did not end counts: it may have staged such rows."""
        if records.open_runs():
            return True
        with closing(self.shelf(write=False)) as shelf:
            return any(item.sealed for key in shelf.destinations() for item in shelf.read(key))

    def _session(self, state_key: bytes, key: bytes, *, write: bool) -> SegmentSession:
        import duckdb

        shelf = self.shelf(write=write)
        spill = shelf.directory / f"spill-{os.getpid()}-{secrets.token_hex(4)}"
        connection = duckdb.connect(config=_config(spill, self.memory))
        variable = f"audiform_{secrets.token_hex(8)}"
        digest_key = identity_key(state_key)
        connection.execute(f"SET VARIABLE {variable} = {literal(digest_key)}")
        connection.execute("CREATE SCHEMA audiform")
        return SegmentSession(connection, shelf, spill, key, digest_key, variable, write, self._alive)

    def _beside(self, first: SegmentSession, *, write: bool) -> SegmentSession:
        """Return a session with tables of its own in the same DuckDB; its digests are those of the first one."""
        shelf = self.shelf(write=write, within=first.shelf.directory)
        connection, own = first.connection.cursor(), name(f"beside {secrets.token_hex(8)}")
        if first.alike is None and first.spill is not None:
            first.alike = Alike(first.spill)
        session = SegmentSession(
            connection,
            shelf,
            None,
            first.key,
            first.digest_key,
            first.variable,
            write,
            self._alive,
            own,
            first.alike,
        )
        connection.execute(f"ATTACH ':memory:' AS {own}")
        session.prepare(connection)
        connection.execute("CREATE SCHEMA audiform")
        return session

    def _recover(self, session: SegmentSession, records: Records) -> None:
        """Fold the runs that were killed: those that did not end and are no run of this process."""
        for run in records.open_runs():
            if run.id in self._alive:
                continue
            batches = records.batches(run.id)
            session.fold(
                run, [Settled.read(item.number, item.data, settled=item.settled) for item in batches]
            )
            if session.write:
                records.end_run(run.id)
        if session.write:
            if not self._expired:
                session.expire()
                self._expired = True
            session.shelf.tidy(self._alive)
            _remove_spills(session.shelf.directory)


def _remove_spills(directory: Path) -> None:
    """Remove what killed processes have spilled: it may hold people in clear. A plan may be made meanwhile: it is alive."""
    for folder in directory.glob("spill-*"):
        if not _is_alive(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _config(spill: Path, memory: Memory) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": f"{memory.share}B",
        "threads": memory.threads,
        "temp_directory": str(spill),
        # What is spilled may be people in clear. DuckDB calls its built-in cipher unsafe because of how it draws its
        # random numbers; the safe one is an extension, which would have to be fetched. The files live for a run only.
        "temp_file_encryption": True,
        "force_mbedtls_unsafe": "true",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
