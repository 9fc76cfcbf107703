"""A ledger of segments, opened in a DuckDB of its own by each session; a backend gives it a shelf and its records."""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from audiform.sql import literal
from audiform.state.ledger import LedgerSession, Settled
from audiform.state.segments.session import SegmentSession
from audiform.state.segments.shelf import Shelf
from audiform.state.store import Run, RunBatch

MEMORY = "512MB"
"""What one session's DuckDB may use before it spills to disk: memory does not grow with people."""

_IDENTITY = b"audiform ledger: identity"


class Records(Protocol):
    """What a ledger needs of the records beside it: the key, and the runs that did not end."""

    def key(self) -> bytes | None:
        """Return the state's key; None where nothing was ever written."""
        ...

    def open_runs(self) -> Sequence[Run]: ...
    def batches(self, run: str) -> Sequence[RunBatch]: ...
    def end_run(self, run: str) -> None: ...
    def close(self) -> None: ...


class OpenShelf(Protocol):
    """Opens the shelf of one session; one that only reads makes nothing where nothing is."""

    def __call__(self, *, write: bool) -> Shelf: ...


@dataclass(slots=True)
class SegmentLedger:
    """The members of one environment: `shelf` opens where their files are, `records` what is recorded beside them."""

    shelf: OpenShelf
    records: Callable[[], Records]
    memory: str = MEMORY
    _alive: set[str] = field(default_factory=set[str])
    """Runs of this process: what they do not know yet is no sign of a kill."""
    _expired: bool = False
    """Whether what was remembered long enough was dropped: once in a process is enough."""
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def open(self, *, write: bool) -> LedgerSession:
        """Return a session on the ledger as it is now; runs that were killed are recovered first.

        A session that writes needs a state that exists (`StateStore.create`). One that reads changes nothing: it
        sees those runs as the next writer will leave them.

        Raises:
            DiagnosticError: the key of a state that holds something is gone (`state-key-lost`).
        """
        with self._guard, closing(self.records()) as records:
            key = records.key() or secrets.token_bytes(32)
            session = self._session(self.shelf(write=write), key, write=write)
            try:
                self._recover(session, records)
            except BaseException:
                session.close()
                raise
        return session

    def destinations(self) -> Sequence[str]:
        """Return the keys of the destinations that have members, or had some lately."""
        with closing(self.shelf(write=False)) as shelf:
            return shelf.destinations()

    def _session(self, shelf: Shelf, key: bytes, *, write: bool) -> SegmentSession:
        import duckdb

        spill = shelf.directory / f"spill-{os.getpid()}-{secrets.token_hex(4)}"
        connection = duckdb.connect(config=_config(spill, self.memory))
        variable = f"audiform_{secrets.token_hex(8)}"
        digest_key = hmac.digest(key, _IDENTITY, "sha256").hex()[:32]
        connection.execute(f"SET VARIABLE {variable} = {literal(digest_key)}")
        connection.execute("CREATE SCHEMA audiform")
        return SegmentSession(connection, shelf, spill, key, digest_key, variable, write, self._alive)

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
    """Remove what killed processes have spilled: it may hold people in clear."""
    for folder in directory.glob("spill-*"):
        if int(folder.name.split("-")[1]) != os.getpid():
            shutil.rmtree(folder, ignore_errors=True)


def _config(spill: Path, memory: str) -> dict[str, str | bool | int | float | list[str]]:
    return {
        "memory_limit": memory,
        "temp_directory": str(spill),
        # What is spilled may be people in clear. DuckDB calls its built-in cipher unsafe because of how it draws its
        # random numbers; the safe one is an extension, which would have to be fetched. The files live for a run only.
        "temp_file_encryption": True,
        "force_mbedtls_unsafe": "true",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
