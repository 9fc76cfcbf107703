"""The `file:` backend: the contract, and what is its own (files, permissions, migrations)."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from audiform.diagnostics import DiagnosticError
from audiform.state.local import schema
from audiform.state.open import open_store
from audiform.state.store import StateStore
from audiform.state.tables.store import TableStore
from audiform.state.writing import written
from state.contract import NOON, StoreContract, record


def open_local(place: str) -> StateStore:
    """Return the store of environment `test` in the folder `place`."""
    return open_store("file:.audiform", Path(place), "test")


class TestLocalStore(StoreContract):
    """The contract on files."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> str:
        """Return a folder of its own for each test."""
        return str(tmp_path)

    @pytest.fixture
    def opened(self) -> Callable[[str], StateStore]:
        """Return how a place becomes a store."""
        return open_local

    @pytest.fixture
    def opening_code(self) -> str:
        """Return the import that defines `opened` in another process."""
        return "from state.test_local import open_local as opened"


def files_of(folder: Path) -> dict[str, str]:
    """Return path -> permissions of everything below `folder`."""
    return {
        str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.rglob("*")
    }


def test_reading_makes_no_file(tmp_path: Path):
    """A plan on a fresh checkout leaves the folder as it was."""
    with closing(open_local(str(tmp_path))) as store:
        store.read()
        store.pending()
        store.secret_digest("s3cret")

    assert {} == files_of(tmp_path)


def test_reading_leaves_the_files_as_they_are(tmp_path: Path):
    """A plan on an applied state adds no file and changes none."""
    with closing(open_local(str(tmp_path))) as store:
        store.put(record())
    database = schema.database_path(tmp_path / ".audiform/test")
    before = (files_of(tmp_path), database.read_bytes())
    with closing(open_local(str(tmp_path))) as store:
        store.read()

    assert before == (files_of(tmp_path), database.read_bytes())


def test_a_state_is_for_its_owner_only(tmp_path: Path):
    """Folders are 0700, the database, its log, the key and the lock 0600."""
    with closing(open_local(str(tmp_path))) as store, store.lock("apply"):
        store.put(record())
        modes = files_of(tmp_path)

    del modes[".audiform/test/.gitignore"]
    expected = {
        ".audiform": "0o700",
        ".audiform/test": "0o700",
        ".audiform/test/key": "0o600",
        ".audiform/test/lock": "0o600",
        ".audiform/test/state.sqlite": "0o600",
        ".audiform/test/state.sqlite-shm": "0o600",
        ".audiform/test/state.sqlite-wal": "0o600",
    }
    assert expected == modes


def test_the_state_is_out_of_git(tmp_path: Path):
    """The folder tells git to leave it alone: it holds the key and the members."""
    with closing(open_local(str(tmp_path))) as store:
        store.create()

    assert "*\n" == (tmp_path / ".audiform/test/.gitignore").read_text()


def test_a_state_on_a_read_only_disk_can_be_read(tmp_path: Path):
    """A folder that cannot be written is read as it is."""
    with closing(open_local(str(tmp_path))) as store:
        store.put(record())
    reader = schema.immutable_reader(schema.database_path(tmp_path / ".audiform/test"))

    assert [("lapsed_on_ads",)] == reader.execute("SELECT name FROM record").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM record")
    reader.close()


def test_what_was_written_last_is_never_left_out(tmp_path: Path):
    """Where the log beside the database cannot be read, the database alone is not taken for the state."""
    with closing(open_local(str(tmp_path))) as store:
        store.put(record())
        shutil.copytree(tmp_path / ".audiform", tmp_path / "killed/.audiform")
    beside = tmp_path / "killed/.audiform/test/state.sqlite-shm"
    beside.unlink()
    beside.symlink_to(tmp_path / "nowhere")

    with closing(open_local(str(tmp_path / "killed"))) as store, pytest.raises(DiagnosticError) as caught:
        store.read()
    assert "state-not-readable" == caught.value.diagnostics[0].code


def test_a_full_disk_is_no_bug(tmp_path: Path):
    """What the disk does not take is said, nothing of it is written, and the store goes on when there is room."""
    with closing(open_local(str(tmp_path))) as store:
        store.create()
        assert isinstance(store, TableStore)
        with store.database.writing() as connection:
            ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(DiagnosticError, match="database or disk is full") as caught:
            store.put(*(record(name=f"one{number}") for number in range(1000)))
        assert "state-not-written" == caught.value.diagnostics[0].code
        with store.database.writing() as connection:
            connection.execute("PRAGMA max_page_count = 1000000")

        assert {} == store.read().records
        assert 1 == store.put(record())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS])
def test_what_a_disk_refuses_is_said_with_its_reason(number: int, tmp_path: Path):
    """A full disk, a quota, a read-only disk: each is named, with the place; anything else stays what it is."""
    with pytest.raises(DiagnosticError) as caught, written(tmp_path):
        raise OSError(number, "any")
    with pytest.raises(FileNotFoundError), written(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "any")

    assert f"{tmp_path} could not be written: {os.strerror(number)}" in caught.value.diagnostics[0].detail


def test_a_run_whose_lock_was_taken_away_writes_and_reads_nothing(tmp_path: Path):
    """After `state unlock` the run that had the lock stops at its next step: another one may have begun."""
    with (
        closing(open_local(str(tmp_path))) as store,
        closing(open_local(str(tmp_path))) as other,
    ):
        with store.lock("apply"):
            store.put(record())
            other.force_unlock()
            with other.lock("apply"):
                for use in (lambda: store.put(record(name="late")), store.read, store.pending):
                    with pytest.raises(DiagnosticError) as caught:
                        use()
                    assert "state-lock-lost" == caught.value.diagnostics[0].code
                other.put(record(name="next"))

        assert ["lapsed_on_ads", "next"] == [address.name for address in store.read().records]


def test_a_newer_state_is_refused(tmp_path: Path):
    """A state whose schema is unknown is neither read nor written."""
    with closing(open_local(str(tmp_path))) as store:
        store.put(record())
    with closing(sqlite3.connect(schema.database_path(tmp_path / ".audiform/test"))) as connection:
        connection.execute("PRAGMA user_version = 99")

    for use in (StateStore.read, StateStore.create):
        with closing(open_local(str(tmp_path))) as store, pytest.raises(DiagnosticError) as caught:
            getattr(store, use.__name__)()
        assert "state-too-new" == caught.value.diagnostics[0].code


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"x" * 32)])
def test_a_lost_key_is_an_error(tmp_path: Path, damage: Callable[[Path], object]):
    """A state without its key is neither written nor compared: everybody would look new."""
    with closing(open_local(str(tmp_path))) as store:
        store.create()
    damage(tmp_path / ".audiform/test/key")

    for use in (lambda store: store.secret_digest("s3cret"), lambda store: store.put(record())):
        with closing(open_local(str(tmp_path))) as store, pytest.raises(DiagnosticError) as caught:
            use(store)
        assert "state-key-lost" == caught.value.diagnostics[0].code


def test_an_older_state_is_brought_up_to_date(tmp_path: Path):
    """What the first version wrote is read without a change on disk, and written after a migration."""
    with closing(open_local(str(tmp_path))) as store:
        store.put(record())
    path = schema.database_path(tmp_path / ".audiform/test")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE spent; DROP TABLE tombstone; DROP TABLE history; DROP TABLE watermark; DROP TABLE last_run;"
            "ALTER TABLE dead_letter DROP COLUMN keys; PRAGMA user_version = 1"
        )
    with closing(open_local(str(tmp_path))) as store:
        assert store.spent("digest") is None
        assert [record().address] == list(store.read().records)
    with closing(sqlite3.connect(path)) as connection:
        assert (1,) == connection.execute("PRAGMA user_version").fetchone()
    with closing(open_local(str(tmp_path))) as store:
        assert store.spend("digest", NOON)
        assert [record().address] == list(store.read().records)


def test_environments_are_apart(tmp_path: Path):
    """Two environments of one project have their own lineage, records and lock."""
    with (
        closing(open_store("file:.audiform", tmp_path, "staging")) as staging,
        closing(open_store("file:.audiform", tmp_path, "production")) as production,
        staging.lock("apply"),
        production.lock("apply"),
    ):
        staging.put(record())

        assert {} == production.create().records
        assert staging.read().lineage != production.read().lineage


@pytest.mark.parametrize("url", ["ftp://db/audiform", "gs://bucket/state", ".audiform", "file:"])
def test_an_unknown_backend_says_what_to_write(tmp_path: Path, url: str):
    """A URL without a backend is refused with the line that works."""
    with pytest.raises(DiagnosticError) as caught:
        open_store(url, tmp_path, "test")

    diagnostic = caught.value.diagnostics[0]
    assert "unknown-state-backend" == diagnostic.code
    assert "file:.audiform" in diagnostic.detail
