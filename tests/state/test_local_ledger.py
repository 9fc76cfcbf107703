"""The `file:` backend's ledger: the contract, and what is its own (files, permissions, what is left lying about)."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.memory import ASIDE, Memory
from audiform.state.ledger import KEPT, Ledger, Part
from audiform.state.ledger_key import NO_KEYS
from audiform.state.local.ledger import local_ledger
from audiform.state.open import open_ledger, open_state, open_store
from audiform.state.segments.compacting import MOST_SEGMENTS
from audiform.state.segments.rekeying import Rekeying
from audiform.state.segments.sealing import Sealer
from audiform.state.segments.session import SegmentSession
from audiform.state.store import StateStore
from state.ledger_contract import KEY, LedgerContract, run, settled, staged

NOBODY = 2**22 + 1
"""A process that there is not: the system numbers fewer."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return a ledger of its own for each test."""
    return open_ledger("file:.audiform", tmp_path, "test")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    """Return the store beside the ledger."""
    with closing(open_store("file:.audiform", tmp_path, "test")) as opened:
        yield opened


class TestLocalLedger(LedgerContract):
    """The contract on files."""

    @pytest.fixture
    def kept(self, tmp_path: Path) -> Callable[[], Iterable[bytes]]:
        """Return how everything that is kept is read."""
        return lambda: (path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Callable[..., Ledger]:
        """Return how another process opens the same ledger, with keys or without."""
        return lambda keys=NO_KEYS: open_ledger("file:.audiform", tmp_path, "test", keys)


def test_reading_makes_no_file(ledger: Ledger, tmp_path: Path):
    """A plan on a fresh checkout leaves the folder as it was."""
    with closing(ledger.open(write=False)) as session:
        session.count(KEY)

    assert [] == list(tmp_path.rglob("*"))


def test_the_ledger_is_for_its_owner_only(ledger: Ledger, store: StateStore, tmp_path: Path):
    """Folders are 0700 and files 0600, also those of a run on its way."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        staged(session, run("r1"), "ann", "bob")
        session.fold(run("r1"), [settled(2, rejected=(0,))])
    modes = {
        path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / ".audiform/test/ledger").rglob("*")
    }

    assert modes
    assert {0o700 if path.is_dir() else 0o600 for path in modes} == set(modes.values())
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())


def test_a_whole_part_becomes_members_without_a_copy(ledger: Ledger, store: StateStore, tmp_path: Path):
    """A run whose rows were all taken adds a line to a list; its staged file is the ledger's."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        staged(session, run("r1"), "ann", "bob")
        session.fold(run("r1"), [settled(2)])

    assert ["r1.add.parquet"] == [path.name for path in tmp_path.rglob("*.parquet")]


def test_many_runs_are_few_files(ledger: Ledger, store: StateStore, tmp_path: Path):
    """Those that count are written as one before they are too many to be read quickly."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        staged(session, run("start"), *(f"person{number}" for number in range(100)))
        session.fold(run("start"), [settled(100)])
        for number in range(40):
            staged(session, run(f"r{number}"), f"new{number}")
            session.fold(run(f"r{number}"), [settled(1)])
        assert 140 == session.count(KEY)
    listed = (tmp_path / f".audiform/test/ledger/{KEY}/members.json").read_text().count('"past": false')

    assert listed <= MOST_SEGMENTS


def test_what_was_moved_is_forgotten_in_time(ledger: Ledger, store: StateStore, tmp_path: Path):
    """After the stated time nothing is left of members that are no more, also where nothing moves any more."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        for number, part in enumerate((Part.ADD, Part.REMOVE)):
            staged(session, run(f"r{number}"), "ann", part=part)
            session.fold(run(f"r{number}"), [settled(1, part)])
        session.drop(KEY, "one")
        assert [Part.REMOVE] == [*session.moved(KEY, "r1")]
    long_ago = time.time() - KEPT.total_seconds() - 1
    listing = tmp_path / f".audiform/test/ledger/{KEY}/members.json"
    listing.write_text(re.sub(r'"at": [0-9.]+', f'"at": {long_ago}', listing.read_text()))
    with closing(open_ledger("file:.audiform", tmp_path, "test").open(write=True)) as session:
        assert {} == session.moved(KEY, "r1")

    assert [] == [path.name for path in tmp_path.rglob("*.parquet")]


def test_files_that_nobody_needs_are_removed_when_they_are_old(
    ledger: Ledger, store: StateStore, tmp_path: Path
):
    """What a killed run has staged goes after an hour; what a list names stays."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        staged(session, run("r1"), "ann")
        session.fold(run("r1"), [settled(1)])
        staged(session, run("r2"), "bob", part=Part.MODIFY)
    for path in tmp_path.rglob("*.parquet"):
        os.utime(path, (0, 0))
    spill, needed = (tmp_path / f".audiform/test/ledger/spill-{pid}-abcd" for pid in (NOBODY, os.getppid()))
    spill.mkdir()
    needed.mkdir()
    with closing(ledger.open(write=True)) as session:
        assert 1 == session.count(KEY)

    assert ["r1.add.parquet"] == [path.name for path in tmp_path.rglob("*.parquet")]
    assert [False, True] == [spill.exists(), needed.exists()]


def test_two_runs_that_know_nothing_of_each_other_forget_nobody(store: StateStore, tmp_path: Path):
    """Where a lock was taken away, whoever comes second adds to what the first has written, and takes nothing back."""
    store.create()
    with (
        closing(open_ledger("file:.audiform", tmp_path, "test").open(write=True)) as one,
        closing(open_ledger("file:.audiform", tmp_path, "test").open(write=True)) as other,
    ):
        staged(one, run("r1"), "ann")
        assert 0 == other.count(KEY)
        one.fold(run("r1"), [settled(1)])
        staged(other, run("r2", "two"), "bob")
        other.fold(run("r2", "two"), [settled(1)])

        assert 2 == other.count(KEY)


def test_a_run_whose_lock_was_taken_away_changes_no_list(tmp_path: Path):
    """Whoever lost the lock neither adds members nor drops any."""
    store, ledger = open_state("file:.audiform", tmp_path, "test")
    store.create()
    with closing(store), store.lock("sync"), closing(ledger.open(write=True)) as session:
        staged(session, run("r1"), "ann")
        session.fold(run("r1"), [settled(1)])
        staged(session, run("r2"), "bob")
        with closing(open_store("file:.audiform", tmp_path, "test")) as other:
            other.force_unlock()
        for change in (lambda: session.fold(run("r2"), [settled(1)]), lambda: session.drop(KEY)):
            with pytest.raises(DiagnosticError) as caught:
                change()
            assert "state-lock-lost" == caught.value.diagnostics[0].code

    with closing(open_ledger("file:.audiform", tmp_path, "test").open(write=False)) as session:
        assert 1 == session.count(KEY)


def test_a_lost_key_is_an_error(ledger: Ledger, store: StateStore, tmp_path: Path):
    """Without the state's key nobody can be compared: nothing is opened."""
    store.create()
    (tmp_path / ".audiform/test/key").unlink()

    with pytest.raises(DiagnosticError) as caught:
        ledger.open(write=False)

    assert "state-key-lost" == caught.value.diagnostics[0].code


def test_what_does_not_fit_into_memory_is_on_disk_encrypted_and_only_for_a_time(
    store: StateStore, tmp_path: Path
):
    """A session spills what it has no memory for; no person can be read there, and nothing is left."""
    store.create()
    state = tmp_path / ".audiform/test"
    with closing(local_ledger(state, memory=Memory(ASIDE + 30_000_000)).open(write=True)) as session:
        session.connection.execute("SET threads = 1")
        session.connection.execute(
            "CREATE TABLE audiform.large AS SELECT 'canary' || i || '@example.com' AS email FROM range(1000000) t(i)"
        )
        spilled = [path for path in state.rglob("spill-*/*") if path.is_file()]
        assert spilled
        assert not [path for path in spilled if b"canary" in path.read_bytes()]
        found = session.connection.execute("SELECT count(DISTINCT email) FROM audiform.large").fetchall()
        assert [(1_000_000,)] == found

    assert not list(state.rglob("spill-*"))


def test_a_rekey_that_wrote_something_else_does_not_count(ledger: Ledger, store: StateStore, tmp_path: Path):
    """What was written is read back and compared before it is kept."""
    store.create()
    with closing(ledger.open(write=True)) as session:
        assert isinstance(session, SegmentSession)
        for name, person in (("r1", "ann"), ("r2", "bob")):
            staged(session, run(name), person)
            session.fold(run(name), [settled(1)])
        one, other = sorted(tmp_path.rglob("*.parquet"))
        change = Rekeying(session, Sealer(session.key), Sealer(session.key), "id")
        change.verify(one, one, ("sealed:device",))
        with pytest.raises(DiagnosticError) as caught:
            change.verify(one, other, ("sealed:device",))

    assert "ledger-rekey-failed" == caught.value.diagnostics[0].code
