"""The ledger's files as objects, and its lists as a table of Delta Lake. Sessions read and write the files in a cache."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audiform.state.s3.bucket import Bucket
from audiform.state.s3.errors import file_gone
from audiform.state.s3.table import FOLDER, SegmentTable
from audiform.state.segments.cache import Cache, open_cache
from audiform.state.segments.segment import Segment

_OLD = timedelta(hours=1)
"""A file that no list names is removed after this time: a reader may still be at it."""


@dataclass(frozen=True, slots=True)
class S3Shelf:
    """See `Shelf`."""

    bucket: Bucket
    table: SegmentTable
    cache: Cache
    seen: dict[str, tuple[Segment, ...]] = field(default_factory=dict[str, tuple[Segment, ...]])
    """The lists that this session has read or written last: it replaces these, and no other ones."""

    @property
    def directory(self) -> Path:
        """The cache's folder."""
        return self.cache.directory

    def destinations(self) -> Sequence[str]:
        """Return the keys of the lists."""
        return [*self.table.lists()]

    def read(self, destination_key: str) -> tuple[Segment, ...]:
        """Read one list."""
        self.seen[destination_key] = self.table.lists().get(destination_key, ())
        return self.seen[destination_key]

    def replace(self, destination_key: str, segments: Sequence[Segment]) -> None:
        """Write an entry of the table's log."""
        if destination_key not in self.seen:
            self.read(destination_key)
        self.table.replace(
            destination_key, segments, self.directory / destination_key, self.seen[destination_key]
        )
        self.seen[destination_key] = tuple(segments)

    def prepare(self, destination_key: str) -> Path:
        """Make the folder in the cache."""
        return self.cache.prepare(destination_key)

    def keep(self, destination_key: str, file: str) -> None:
        """Upload the file."""
        path = self.directory / destination_key / file
        path.chmod(0o600)
        self.bucket.upload(path, _name(destination_key, file))

    def fetch(self, destination_key: str, files: Iterable[str]) -> None:
        """Download what is not in the cache; a file has its name once it is whole."""
        folder = self.directory / destination_key
        for file in dict.fromkeys(files):
            if (folder / file).exists():
                continue
            part = f".{file}.part"
            try:
                found = self.bucket.download(
                    _name(destination_key, file), self.cache.add(destination_key, part)
                )
                if not found:
                    raise file_gone(self.bucket.place, file)
                (folder / part).rename(folder / file)
            finally:
                (folder / part).unlink(missing_ok=True)

    def fetch_run(self, destination_key: str, run: str) -> None:
        """Download the files that there are of the run."""
        prefix = _name(destination_key, f"{run}.")
        self.fetch(destination_key, [f"{run}.{item.name}" for item in self.bucket.list(prefix)])

    def files(self, destination_key: str) -> Sequence[str]:
        """Return the names of the destination's objects."""
        return sorted(item.name for item in self.bucket.list(_name(destination_key, "")))

    def remove(self, destination_key: str, files: Iterable[str]) -> None:
        """Remove files, here and there."""
        gone = [*files]
        self.bucket.delete([_name(destination_key, file) for file in gone])
        for file in gone:
            (self.directory / destination_key / file).unlink(missing_ok=True)

    def forget(self, destination_key: str) -> None:
        """Empty the list, then remove the objects."""
        self.replace(destination_key, ())
        self.bucket.delete([_name(destination_key, file) for file in self.files(destination_key)])

    def tidy(self, runs: Collection[str]) -> None:
        """Remove objects that are old and that nobody needs."""
        needed = {f"{key}/{item.file}" for key, found in self.table.lists().items() for item in found}
        until = datetime.now(UTC) - _OLD
        self.bucket.delete(
            [
                _name("", item.name)
                for item in self.bucket.list(_name("", ""))
                if item.name.endswith(".parquet")
                and not item.name.startswith("_delta_log/")
                and item.name not in needed
                and item.modified < until
                and _run(item.name) not in runs
            ]
        )

    def close(self) -> None:
        """Remove the cache."""
        self.cache.close()


@dataclass(frozen=True, slots=True)
class Shelves:
    """Opens the shelf of a session: in a cache of its own, on the bucket and the table of all."""

    bucket: Bucket
    table: SegmentTable

    def __call__(self, *, write: bool, within: Path | None = None) -> S3Shelf:
        """Return a shelf; there is nothing to be made before it is written on."""
        return S3Shelf(self.bucket, self.table, open_cache(within))


def _name(destination_key: str, file: str) -> str:
    return f"{FOLDER}/{destination_key}/{file}" if destination_key else f"{FOLDER}/{file}"


def _run(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0]
