"""The ledger's lists as a table of Delta Lake: which files count, in one log that every change is one entry of.

A file is added to the table with the columns `destination`, `binding`, `op`, `place` (its order among those of the destination) and
`entry` (the `Segment`); files that a list names no more are removed by the same entry of the log, so that a reader sees the old
list or the new one. Two writers cannot write one entry: the log's files are made only where there is none. The kept identifiers
are in the files and not in the table's schema: without the keys they are of no use to anybody.

The log is looked at anew for each use, and shortened by checkpoints.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.hashing import canonical
from audiform.state.s3.bucket import Bucket
from audiform.state.s3.errors import delta, lock_lost, talking, unreachable
from audiform.state.segments.segment import Segment

FOLDER = "ledger"
_PARTITIONS = ("destination", "binding", "op", "place", "entry")
_COLUMNS = {"identity": "binary", "variables": "binary", "unsure": "boolean"} | dict.fromkeys(
    _PARTITIONS, "string"
)
_ENTRIES = "10"
"""Entries of the log after which a checkpoint stands for all of them."""

_RETENTION = "interval 1 days"
"""How long entries are kept that a checkpoint stands for: somebody may be reading them."""

_LONGEST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class _Added:
    """A file as the table has it; `partitions` are its values, as they are needed to remove it."""

    path: str
    size: int
    place: float
    segment: Segment
    partitions: Mapping[str, str]


@dataclass(slots=True)
class SegmentTable:
    """The lists of all destinations of one environment, as one process sees them."""

    bucket: Bucket
    retention: str = _RETENTION
    _table: Any = None
    _options: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def lists(self) -> dict[str, tuple[Segment, ...]]:
        """Return the list of each destination that has one, oldest first, as they are now."""
        with self._guard, self._talking():
            found: dict[str, list[_Added]] = {}
            for item in self._added():
                found.setdefault(item.partitions["destination"], []).append(item)
        return {
            key: tuple(item.segment for item in sorted(items, key=lambda item: item.place))
            for key, items in sorted(found.items())
        }

    def replace(
        self, destination_key: str, segments: Sequence[Segment], folder: Path, seen: Collection[Segment]
    ) -> None:
        """Replace a destination's list, which is the one that was `seen`, by one entry of the log.

        `folder` has the files that are new to it.

        Raises:
            DiagnosticError: it is another list by now (`state-lock-lost`).
        """
        with self._guard, self._talking():
            known = {
                item.path.partition("/")[2]: item
                for item in self._added()
                if item.partitions["destination"] == destination_key
            }
            if {item.segment for item in known.values()} != {*seen}:
                raise lock_lost(self.bucket.place)
            added = [
                _add(
                    destination_key,
                    segment,
                    place,
                    item.size if item else (folder / segment.file).stat().st_size,
                )
                for segment, place in zip(segments, _places(segments, known), strict=True)
                # A file that is added anew with other values has those from then on.
                if (item := known.get(segment.file)) is None or item.segment != segment
            ]
            gone = known.keys() - {segment.file for segment in segments}
            removed = [_remove(known[file]) for file in sorted(gone)]
            if added or removed:
                self._commit([*added, *removed])

    def _added(self) -> Iterator[_Added]:
        table = self._current()
        if table is None:
            return
        import pyarrow as pa

        arrow: Any = pa
        for row in arrow.table(table.get_add_actions(flatten=True)).to_pylist():
            partitions = {name: row[f"partition.{name}"] for name in _PARTITIONS}
            segment = Segment.listed(json.loads(partitions["entry"]))
            yield _Added(row["path"], row["size_bytes"], float(partitions["place"]), segment, partitions)

    def _current(self) -> Any:
        """Return the table as it is now, None where there is none. Credentials may have changed since it was opened."""
        options = self._storage()
        if self._table is not None and options == self._options:
            self._table.update_incremental()
            return self._table
        try:
            self._table = delta().DeltaTable(self._uri, storage_options=options)
        except delta().exceptions.TableNotFoundError:
            return None
        self._options = options
        return self._table

    def _commit(self, actions: list[Any]) -> None:
        deltalake = delta()
        schema = deltalake.Schema(
            [deltalake.Field(name, delta().schema.PrimitiveType(kind)) for name, kind in _COLUMNS.items()]
        )
        if self._table is None:
            self._options = self._storage()
            self._table = deltalake.DeltaTable.create(
                self._uri,
                schema=schema,
                partition_by=[*_PARTITIONS],
                configuration={
                    "delta.checkpointInterval": _ENTRIES,
                    "delta.logRetentionDuration": self.retention,
                    "delta.deletedFileRetentionDuration": self.retention,
                },
                storage_options=self._options,
            )
        try:
            self._table.create_write_transaction(
                actions,
                "append",
                schema,
                [*_PARTITIONS],
                # Nobody else writes while the lock is held; who does all the same has won, and this run ends.
                commit_properties=deltalake.CommitProperties(max_commit_retries=0),
                post_commithook_properties=deltalake.PostCommitHookProperties(
                    create_checkpoint=True, cleanup_expired_logs=True
                ),
            )
        except delta().exceptions.CommitFailedError:
            raise lock_lost(self.bucket.place) from None

    @property
    def _uri(self) -> str:
        return f"s3://{self.bucket.place.bucket}/{self.bucket.place.key(FOLDER)}"

    def _storage(self) -> dict[str, str]:
        """Return how Delta Lake's library reaches the bucket: with the credentials that AWS's own client found."""
        place, session = self.bucket.place, self.bucket.session
        with talking(place):
            found = session.get_credentials()
            if found is None:
                raise unreachable(place, "no credentials were found")
            keys = found.get_frozen_credentials()
        options = {
            "aws_access_key_id": keys.access_key,
            "aws_secret_access_key": keys.secret_key,
            "aws_session_token": keys.token,
            "aws_region": session.region_name or "us-east-1",
            "aws_endpoint": place.endpoint,
            "aws_allow_http": "true" if place.endpoint and place.endpoint.startswith("http:") else None,
            "aws_conditional_put": "etag",
        }
        return {name: value for name, value in options.items() if value}

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (delta().exceptions.DeltaError, OSError) as problem:
            self._table = None
            said = " ".join(f"{problem}".split())[:_LONGEST_MESSAGE].rstrip(".")
            raise unreachable(self.bucket.place, said) from None


def _places(segments: Sequence[Segment], known: Mapping[str, _Added]) -> list[float]:
    """Return a number for each: those that the table has keep theirs, others come after or between those of their binding."""
    top = max((item.place for item in known.values()), default=0.0)
    before: dict[str, float] = {}
    places: list[float] = []
    for index, segment in enumerate(segments):
        item = known.get(segment.file)
        if item is not None:
            place = item.place
        else:
            after = [
                known[other.file].place
                for other in segments[index + 1 :]
                if other.binding == segment.binding and other.file in known
            ]
            top += 1
            place = (before.get(segment.binding, after[0] - 2) + after[0]) / 2 if after else top
        before[segment.binding] = place
        places.append(place)
    return places


def _add(destination_key: str, segment: Segment, place: float, size: int) -> Any:
    values = {
        "destination": destination_key,
        "binding": segment.binding,
        "op": segment.op,
        "place": repr(place),
        "entry": canonical(segment.entry()),
    }
    return delta().transaction.AddAction(
        path=f"{destination_key}/{segment.file}",
        size=size,
        partition_values=values,
        modification_time=int(time.time() * 1000),
        data_change=True,
        stats=canonical({"numRecords": segment.rows}),
    )


def _remove(item: _Added) -> Any:
    return delta().transaction.RemoveAction(
        path=item.path,
        data_change=True,
        deletion_timestamp=int(time.time() * 1000),
        size=item.size,
        partition_values={**item.partitions},
    )
