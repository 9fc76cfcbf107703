"""Folders for the ledgers of other machines: for their owner only, and gone with the session, or with the next one after a kill."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

_PREFIX = "audiform-ledger-"
_LOCK = "lock"


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder in the place for temporary files (TMPDIR). While it is in use, its `lock` is held."""

    directory: Path
    handle: int

    def prepare(self, destination_key: str) -> Path:
        """Return the folder of a destination, made where it is missing."""
        folder = self.directory / destination_key
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def add(self, destination_key: str, file: str) -> int:
        """Make a file, for its owner only; return its handle."""
        path = self.prepare(destination_key) / file
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.directory, ignore_errors=True)
        os.close(self.handle)


def open_cache(within: Path | None = None) -> Cache:
    """Return a new folder; those that killed processes have left are removed. `within`: in the folder of another cache."""
    place = within or Path(tempfile.gettempdir())
    if within is None:
        for old in place.glob(f"{_PREFIX}*"):
            _remove_left(old)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    handle = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return Cache(directory, handle)


def _remove_left(folder: Path) -> None:
    """Remove a folder of this user that nobody uses; one that was made just now has no lock yet, and stays."""
    if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
        return
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(handle)
