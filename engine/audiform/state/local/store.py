"""The `file:` backend's store: tables in `state.sqlite`, and a file that is locked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audiform.state import lock
from audiform.state.local.database import Database
from audiform.state.local.schema import make_directory
from audiform.state.store import LockInfo
from audiform.state.tables.store import TableStore
from audiform.state.writing import written


@dataclass(frozen=True, slots=True)
class FileLocks:
    """The lock of the state in a directory; `release` is the command that frees it."""

    directory: Path
    release: str
    holding: lock.Holding

    def take(self, operation: str) -> lock.FileLock:
        """Take the lock; raises LockedError at once when it is held."""
        with written(self.directory):
            make_directory(self.directory)
            held = lock.take(self.directory / "lock", operation, self.release)
        self.holding.lock = held
        return held

    def take_away(self) -> LockInfo | None:
        """Take the lock away from whoever holds it."""
        return lock.force_release(self.directory / "lock")


def local_store(directory: Path, release: str, holding: lock.Holding | None = None) -> TableStore:
    """Return the store in `directory`; nothing is opened or made yet.

    `release` is the command that frees its lock; `holding` is shared by all that writes while it is held.
    """
    holding = holding or lock.Holding()
    return TableStore(Database(directory, holding), FileLocks(directory, release, holding))
