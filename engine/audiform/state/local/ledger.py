"""The `file:` backend's ledger: a folder per destination, with its list in `members.json`."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from pathlib import Path

from audiform.memory import Memory
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.local.shelf import open_shelf
from audiform.state.local.store import local_store
from audiform.state.lock import Holding
from audiform.state.segments.ledger import SegmentLedger


def local_ledger(
    state: Path, keys: LedgerKeys = NO_KEYS, memory: Memory | None = None, holding: Holding | None = None
) -> SegmentLedger:
    """Return the ledger of the environment whose records are in `state`. Nothing is made yet.

    `holding`: the store's, where a run writes both.
    """
    mine = holding or Holding()
    return SegmentLedger(
        partial(open_shelf, state, mine),
        lambda: closing(local_store(state, "", mine)),
        keys,
        memory or Memory(),
    )
