"""Where a ledger's files are kept: the one thing about members that backends do differently.

A file is written once, in its destination's folder of a local `directory`, and kept under its name. Each destination has
one list, which says what files count. Where the directory is the place itself, keeping means waiting for the disk; else it
is a cache, for its owner only, that goes with the session, and what is missing in it is fetched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from audiform.state.segments.segment import Segment


class Shelf(Protocol):
    """The files and lists of one environment, for one session."""

    @property
    def directory(self) -> Path:
        """Where files are written and read: a folder per destination, named by its key."""
        ...

    def destinations(self) -> Sequence[str]:
        """Return the keys of the destinations that have a list, in order."""
        ...

    def read(self, destination_key: str) -> tuple[Segment, ...]:
        """Return the destination's list, oldest first; empty where there is none."""
        ...

    def replace(self, destination_key: str, segments: Sequence[Segment]) -> None:
        """Replace the list in one step, durably; its files are kept already."""
        ...

    def prepare(self, destination_key: str) -> Path:
        """Return the destination's folder, made where it is missing, to write files in."""
        ...

    def keep(self, destination_key: str, file: str) -> None:
        """Keep a file that was written in the folder; it is durable when this returns."""
        ...

    def fetch(self, destination_key: str, files: Iterable[str]) -> None:
        """Have the files in the folder."""
        ...

    def fetch_run(self, destination_key: str, run: str) -> None:
        """Have all files of a run in the folder: their names begin with its id and a dot."""
        ...

    def files(self, destination_key: str) -> Sequence[str]:
        """Return the names of all files that are kept of a destination, whether its list names them or not."""
        ...

    def remove(self, destination_key: str, files: Iterable[str]) -> None:
        """Remove files at once, although somebody may be reading them: they hold somebody who is to be forgotten."""
        ...

    def forget(self, destination_key: str) -> None:
        """Remove a destination: its list first, because without it there are no members."""
        ...

    def tidy(self, runs: Collection[str]) -> None:
        """Remove what no list and none of the `runs` needs, once nobody can be reading it any more."""
        ...

    def close(self) -> None:
        """Let go of the place; a cache is removed."""
        ...
