"""Puts the backend together: store and ledger share one way to the bucket, so that what holds the lock is what writes."""

from __future__ import annotations

from contextlib import nullcontext

from audiform.memory import Memory
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.s3.bucket import Bucket
from audiform.state.s3.database import Database
from audiform.state.s3.locks import S3Locks
from audiform.state.s3.place import Place, place_of
from audiform.state.s3.shelf import Shelves
from audiform.state.s3.table import SegmentTable
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.tables.store import TableStore


def s3_state(
    place: Place, release: str, keys: LedgerKeys = NO_KEYS, memory: Memory | None = None
) -> tuple[TableStore, SegmentLedger]:
    """Return store and ledger of one environment; nothing is opened or made yet. Closing the store closes both."""
    bucket = Bucket(place)
    database = Database(bucket)
    store = TableStore(database, S3Locks(database, release))
    shelves = Shelves(bucket, SegmentTable(bucket))
    return store, SegmentLedger(shelves, lambda: nullcontext(store), keys, memory or Memory())


def open_at(
    url: str, project: str, environment: str, release: str, keys: LedgerKeys, memory: Memory
) -> tuple[TableStore, SegmentLedger]:
    """Return store and ledger of one environment of a project at a URL.

    Raises:
        DiagnosticError: the URL is not one of this backend's (`invalid-state-url`).
    """
    return s3_state(place_of(url, project, environment), release, keys, memory)
