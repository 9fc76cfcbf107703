"""Moves a state with its ledger from one place to another, so that at no moment two places can be gone on with.

Both locks are held. The new place is marked as one that a state is arriving at, filled and read back: the same rows, the same
lists, the same bytes. Then the old one is marked as moved, and only then the mark of the new one is removed. Killed at any
point, the same command goes on: what has arrived is not copied again, and is compared again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.segments.shelf import Shelf
from audiform.state.tables import contents, facts
from audiform.state.tables.contents import Contents
from audiform.state.tables.store import TableStore

OPERATION = "audiform state migrate"


@dataclass(frozen=True, slots=True)
class Opened:
    """A place of a state: what is there, and the `url` by which it is shown."""

    store: TableStore
    ledger: SegmentLedger
    url: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved and compared. `rows`: by table; `members`: rows that the ledger's lists name, older ones included."""

    rows: Mapping[str, int]
    destinations: int
    files: int
    members: int


def move(source: Opened, target: Opened) -> Moved:
    """Move everything; afterwards only the target can be gone on with.

    Raises:
        LockedError: a run is going on at one of them.
        DiagnosticError: there is nothing to move, it was moved before, the target holds something else, or what was
            read back differs.
    """
    with source.store.locks.take(OPERATION), target.store.locks.take(OPERATION):
        held = _contents(source.store)
        _check(source, target, held)
        key = source.store.key()
        target.store.database.adopt(key or b"")
        if target.store.key() != key:
            raise _taken(target.url)
        with target.store.database.writing() as connection:
            contents.write(connection, held)
            facts.mark(connection, "moved_to", None)
            facts.mark(connection, "arriving_from", held.lineage)
        files = _move_files(source, target)
        if _contents(target.store).digest != held.digest:
            raise _differs(target.url, "its tables")
        _mark(source.store, "moved_to", target.url)
        _mark(target.store, "arriving_from", None)
    rows = {table: len(found) for table, found in held.tables.items()}
    return Moved(rows, len(files), sum(map(len, files.values())), sum(map(sum, files.values())))


def _check(source: Opened, target: Opened, held: Contents) -> None:
    """See that there is something to move, and that nothing is overwritten that is not this very state."""
    if not held.lineage:
        detail = "Nothing was ever recorded here, so there is nothing to move. Write the new place as `state: {url: ...}`."
        raise DiagnosticError([Diagnostic("state-empty", detail)])
    there = _contents(target.store)
    with target.store.database.reading() as connection:
        arriving = connection and facts.moved(connection, "arriving_from")
        left = connection and facts.moved(connection, "moved_to")
    with source.store.database.reading() as connection:
        gone = connection and facts.moved(connection, "moved_to")
    goes_on = arriving == held.lineage
    if gone is not None and not (goes_on and gone == target.url):
        detail = (
            f"This state was moved to `{gone}` before. Move it from there: with that place in audiform.yaml."
        )
        raise DiagnosticError([Diagnostic("state-moved", detail)])
    comes_back = left is not None and there.lineage == held.lineage
    if not (goes_on or comes_back or there.is_empty):
        raise _taken(target.url)


def _move_files(source: Opened, target: Opened) -> Mapping[str, Sequence[int]]:
    """Move the files of all destinations; return how many rows each file has."""
    staged: dict[str, list[str]] = {}
    for run in source.store.open_runs():
        staged.setdefault(run.destination_key, []).append(f"{run.id}.")
    with closing(source.ledger.shelf(write=False)) as shelf:
        known = [*dict.fromkeys([*shelf.destinations(), *staged])]
    with closing(target.ledger.shelf(write=True)) as shelf:
        for key in {*shelf.destinations()} - {*known}:
            shelf.forget(key)
    # A shelf for each: what it has to fetch or to copy is gone with it.
    return {key: _move_destination(source, target, key, tuple(staged.get(key, ()))) for key in known}


def _move_destination(source: Opened, target: Opened, key: str, staged: tuple[str, ...]) -> Sequence[int]:
    with closing(source.ledger.shelf(write=False)) as old, closing(target.ledger.shelf(write=True)) as new:
        segments = old.read(key)
        unfolded = [file for file in old.files(key) if staged and file.startswith(staged)]
        files = [*dict.fromkeys([*(item.file for item in segments), *unfolded])]
        old.fetch(key, files)
        folder, there = new.prepare(key), {*new.files(key)}
        for file in files:
            if file not in there:
                _copy(old.directory / key / file, folder / file)
                new.keep(key, file)
        new.remove(key, there - {*files})
        new.replace(key, segments)
        with closing(target.ledger.shelf(write=False)) as check:
            _compare(old, check, key, files)
            if check.read(key) != segments:
                raise _differs(target.url, "a list of the ledger")
    rows = {item.file: item.rows for item in segments}
    return [rows.get(file, 0) for file in files]


def _copy(old: Path, new: Path) -> None:
    """Copy a file; it has its name once it is whole and on disk."""
    part = new.with_name(f".{new.name}.part")
    part.touch(mode=0o600)
    shutil.copyfile(old, part)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(new)


def _compare(old: Shelf, new: Shelf, key: str, files: Iterable[str]) -> None:
    for file in files:
        new.fetch(key, (file,))
        if _digest(old.directory / key / file) != _digest(new.directory / key / file):
            new.remove(key, (file,))
            raise _differs(str(new.directory), f"{file} of the ledger")


def _digest(file: Path) -> bytes:
    found = sha256()
    with file.open("rb") as data:
        while piece := data.read(1 << 20):
            found.update(piece)
    return found.digest()


def _contents(store: TableStore) -> Contents:
    with store.database.reading() as connection:
        return contents.read(connection)


def _mark(store: TableStore, name: facts.Mark, value: str | None) -> None:
    with store.database.writing() as connection:
        facts.mark(connection, name, value)


def _taken(url: str) -> DiagnosticError:
    detail = (
        f"`{url}` holds a state already, and it is another one than that which would be moved there. Nothing was changed. "
        "Choose another place, or another `schema`, folder or prefix in it."
    )
    return DiagnosticError([Diagnostic("state-not-empty", detail)])


def _differs(url: str, what: str) -> DiagnosticError:
    detail = (
        f"What was written to `{url}` was read back, and {what} is not what the old place holds. Nothing counts there, and the "
        "old place is as it was. Run `audiform state migrate` again; if it says the same, see whether a disk is damaged or full."
    )
    return DiagnosticError([Diagnostic("state-not-the-same", detail)])
