"""The `file:` backend's ledger: a folder per destination, opened in a DuckDB of its own by each session."""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from audiform.sql import literal
from audiform.state.ledger import LedgerSession, Settled
from audiform.state.local.schema import make_directory
from audiform.state.local.session import LocalSession
from audiform.state.local.store import LocalStore, local_store

MEMORY = "512MB"
"""What one session's DuckDB may use before it spills to disk: memory does not grow with people."""

_IDENTITY = b"audiform ledger: identity"


@dataclass(slots=True)
class LocalLedger:
    """The members of one environment, beside its records in `state`."""

    state: Path
    memory: str = MEMORY
    _alive: set[str] = field(default_factory=set[str])
    """Runs of this process: what they do not know yet is no sign of a kill."""
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @property
    def directory(self) -> Path:
        """Where the folders of the destinations are."""
        return self.state / "ledger"

    def open(self, *, write: bool) -> LedgerSession:
        """Return a session on the ledger as it is now; runs that were killed are recovered first.

        A session that writes needs a state that exists (`StateStore.create`). One that reads changes nothing on
        disk: it sees those runs as the next writer will leave them.

        Raises:
            DiagnosticError: the key of a state that holds something is gone (`state-key-lost`).
        """
        if write:
            make_directory(self.state)
            self.directory.mkdir(mode=0o700, exist_ok=True)
        with self._guard, closing(local_store(self.state, "")) as store:
            session = self._session(store.database.key() or secrets.token_bytes(32), write=write)
            try:
                self._recover(session, store)
            except BaseException:
                session.close()
                raise
        return session

    def destinations(self) -> Sequence[str]:
        """Return the keys of the destinations that have members."""
        return sorted(file.parent.name for file in self.directory.glob("*/members.json"))

    def _session(self, key: bytes, *, write: bool) -> LocalSession:
        import duckdb

        spill = self.directory / f"spill-{os.getpid()}-{secrets.token_hex(4)}"
        connection = duckdb.connect(config=_config(spill, self.memory))
        variable = f"audiform_{secrets.token_hex(8)}"
        digest_key = hmac.digest(key, _IDENTITY, "sha256").hex()[:32]
        connection.execute(f"SET VARIABLE {variable} = {literal(digest_key)}")
        connection.execute("CREATE SCHEMA audiform")
        return LocalSession(connection, self.directory, spill, key, digest_key, variable, write, self._alive)

    def _recover(self, session: LocalSession, store: LocalStore) -> None:
        """Fold the runs that were killed: those that did not end and are no run of this process."""
        for run in store.open_runs():
            if run.id in self._alive:
                continue
            batches = store.batches(run.id)
            session.fold(
                run, [Settled.read(item.number, item.data, settled=item.settled) for item in batches]
            )
            if session.write:
                store.end_run(run.id)
        if session.write:
            session.tidy(self._alive)
            self._remove_spills()

    def _remove_spills(self) -> None:
        """Remove what killed processes have spilled: it may hold people in clear."""
        for folder in self.directory.glob("spill-*"):
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
