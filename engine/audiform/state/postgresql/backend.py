"""Puts the backend together: store and ledger share one connection, so that what holds the lock is what writes."""

from __future__ import annotations

import os
from contextlib import nullcontext

from audiform.memory import Memory
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.postgresql.database import Database
from audiform.state.postgresql.locks import PostgresqlLocks
from audiform.state.postgresql.place import Place, place_of
from audiform.state.postgresql.shelf import Shelves
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.tables.store import TableStore


def postgresql_state(
    place: Place, release: str, keys: LedgerKeys = NO_KEYS, memory: Memory | None = None
) -> tuple[TableStore, SegmentLedger]:
    """Return store and ledger of one environment; nothing is opened or made yet. Closing the store closes both."""
    database = Database(place)
    store = TableStore(database, PostgresqlLocks(database, release))
    return store, SegmentLedger(Shelves(database), lambda: nullcontext(store), keys, memory or Memory())


def open_at(
    url: str, project: str, environment: str, release: str, keys: LedgerKeys, memory: Memory
) -> tuple[TableStore, SegmentLedger]:
    """Return store and ledger of one environment of a project at a URL.

    Raises:
        DiagnosticError: the URL is not one of this backend's (`invalid-state-url`, `state-url-password`).
    """
    return postgresql_state(place_of(url, project, environment, os.environ), release, keys, memory)
