"""The `file:` backend's shelf: the ledger's files where they lie. DuckDB reads and writes them there."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiform.state.local.schema import make_directory
from audiform.state.lock import Holding
from audiform.state.segments.segment import Segment
from audiform.state.writing import written

_LIST = "members.json"
_OLD_SECONDS = 3600.0
"""A file that no list names is removed after this time: a reader may still be at it."""


@dataclass(frozen=True, slots=True)
class LocalShelf:
    """See `Shelf`."""

    directory: Path
    holding: Holding

    def destinations(self) -> Sequence[str]:
        """Return the names of the folders that have a list."""
        return sorted(file.parent.name for file in self.directory.glob(f"*/{_LIST}"))

    def read(self, destination_key: str) -> tuple[Segment, ...]:
        """Read the list."""
        try:
            entries = json.loads((self.directory / destination_key / _LIST).read_bytes())
        except FileNotFoundError:
            return ()
        return tuple(map(Segment.listed, entries))

    def replace(self, destination_key: str, segments: Sequence[Segment]) -> None:
        """Write the list beside the old one, and rename it."""
        folder = self.directory / destination_key
        temporary = folder / f".{_LIST}"
        temporary.write_text(json.dumps([item.entry() for item in segments], indent=1), encoding="utf-8")
        _make_durable(temporary)
        self.holding.check()
        temporary.replace(folder / _LIST)
        _sync(folder)

    def prepare(self, destination_key: str) -> Path:
        """Make the folder."""
        folder = self.directory / destination_key
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def keep(self, destination_key: str, file: str) -> None:
        """Give the file to its owner only, and wait until it and its name are on disk."""
        folder = self.directory / destination_key
        _make_durable(folder / file)
        _sync(folder)

    def fetch(self, destination_key: str, files: Iterable[str]) -> None:
        """Do nothing: they are here."""

    def fetch_run(self, destination_key: str, run: str) -> None:
        """Do nothing: they are here."""

    def files(self, destination_key: str) -> Sequence[str]:
        """Return what lies in the folder."""
        return sorted(file.name for file in (self.directory / destination_key).glob("*.parquet"))

    def remove(self, destination_key: str, files: Iterable[str]) -> None:
        """Remove the files, and wait until their names are gone from the disk."""
        folder = self.directory / destination_key
        for file in files:
            (folder / file).unlink(missing_ok=True)
        _sync(folder)

    def forget(self, destination_key: str) -> None:
        """Remove the list, then the folder."""
        folder = self.directory / destination_key
        if folder.exists():
            self.holding.check()
            (folder / _LIST).unlink(missing_ok=True)
            shutil.rmtree(folder)

    def tidy(self, runs: Collection[str]) -> None:
        """Remove files that are old and that nobody needs."""
        for folder in self.directory.glob("*/"):
            needed = {segment.file for segment in self.read(folder.name)}
            for file in folder.glob("*.parquet"):
                is_old = file.stat().st_mtime < time.time() - _OLD_SECONDS
                if is_old and file.name not in needed and file.name.partition(".")[0] not in runs:
                    file.unlink()

    def close(self) -> None:
        """Do nothing: nothing is open."""


def open_shelf(state: Path, holding: Holding, *, write: bool, within: Path | None = None) -> LocalShelf:
    """Return the shelf of the state in a folder; one to write on is made where it is missing."""
    del within  # All sessions have the one folder.
    shelf = LocalShelf(state / "ledger", holding)
    if write:
        with written(state):
            make_directory(state)
            shelf.directory.mkdir(mode=0o700, exist_ok=True)
    return shelf


def _make_durable(file: Path) -> None:
    file.chmod(0o600)
    _sync(file)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
