"""The `postgresql:` backend: the contracts on a real server, and what is its own (places, passwords, locks, caches)."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from audiform.diagnostics import DiagnosticError
from audiform.state.ledger import Part
from audiform.state.open import open_state, open_store
from audiform.state.postgresql.database import Database as Tables
from audiform.state.postgresql.migrations import VERSION
from audiform.state.postgresql.place import place_of
from audiform.state.store import LockedError
from servers import Database, free_port
from state.contract import record, run_elsewhere
from state.ledger_contract import KEY, members, run, settled, staged
from state.remote import RemoteLedger, RemoteStore, open_remote

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def login(database: Database) -> Iterator[None]:
    """Log in as an operator would: with the password in the environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGUSER", database.user)
        patch.setenv("PGPASSWORD", database.password)
        yield


@pytest.fixture
def place(database: Database) -> str:
    """Return a URL with a schema of its own for each test."""
    return f"{database.url}?schema=s{uuid4().hex[:12]}"


def rows(place: str) -> Iterator[bytes]:
    """Yield every row of every table of a place's schema."""
    url, _, prefix = place.partition("?schema=")
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (f"{prefix}_test",)
        ).fetchall()
        for (table,) in tables:
            query = SQL("SELECT * FROM {}").format(Identifier(f"{prefix}_test", table))
            for row in connection.execute(query):
                yield b" ".join(item if isinstance(item, bytes) else str(item).encode() for item in row)


class TestPostgresqlStore(RemoteStore):
    """The contract on a server."""


class TestPostgresqlLedger(RemoteLedger):
    """The contract on a server."""

    @pytest.fixture
    def kept(self, place: str) -> Callable[[], Iterable[bytes]]:
        """Return how everything that is kept is read: every row of every table of the schema."""
        return lambda: rows(place)


def in_schema(place: str, statement: str) -> list[tuple[object, ...]]:
    """Run a statement in a place's schema, as somebody beside Audiform."""
    url, _, prefix = place.partition("?schema=")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("SET search_path TO {}").format(Identifier(f"{prefix}_test")))
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def code_of(action: Callable[[], object]) -> tuple[str, str]:
    """Return code and detail of what an action is refused with."""
    with pytest.raises(DiagnosticError) as caught:
        action()
    return caught.value.diagnostics[0].code, caught.value.diagnostics[0].detail


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a place for temporary files that no other test uses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_plan_makes_nothing(place: str, temporary: Path):
    """Reading where nothing was ever written makes no schema, and no folder is left."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store), closing(ledger.open(write=False)) as session:
        assert (0, 0) == (len(store.read().records), session.count(KEY))

    assert [] == in_schema(place, "SELECT 1 FROM pg_namespace WHERE nspname = current_schema()")
    assert [] == [*temporary.iterdir()]


def test_environments_and_projects_are_apart(database: Database, place: str):
    """Two environments in one database have their own lineage, records and lock; so have two projects."""
    with ExitStack() as open_ones:
        staging, production = (
            open_ones.enter_context(closing(open_store(place, Path(), name)))
            for name in ("staging", "production")
        )
        open_ones.enter_context(staging.lock("apply"))
        open_ones.enter_context(production.lock("apply"))
        staging.put(record())
        assert {} == production.create().records
        assert staging.read().lineage != production.read().lineage
    schemas = {place_of(database.url, project, "test", {}).schema for project in ("shop", "blog")}
    assert {"audiform_shop_test", "audiform_blog_test"} == schemas


def test_a_name_that_is_too_long_stays_one_of_its_own(database: Database):
    """The server would cut both names to the same one."""
    names = [place_of(database.url, "p" * 60, environment, {}).schema for environment in ("one", "two")]

    assert [63, 63] == [len(name) for name in names]
    assert names[0] != names[1]


@pytest.mark.parametrize(
    ("url", "variables", "security"),
    [
        ("postgresql://db.example.com/a", {}, "sslmode=verify-full&sslrootcert=system"),
        ("postgresql://db.example.com/a?sslrootcert=ca.pem", {}, "sslmode=verify-full&sslrootcert=ca.pem"),
        ("postgresql://db.example.com/a?sslmode=require", {}, "sslmode=require"),
        ("postgresql://db.example.com/a", {"PGSSLMODE": "verify-ca"}, ""),
        ("postgresql://127.0.0.1/a", {}, ""),
        ("postgresql:///a?host=/run/postgresql", {}, ""),
        ("postgresql:///a", {"PGHOST": "db.example.com"}, "sslmode=verify-full&sslrootcert=system"),
        ("postgresql://localhost/a?host=db.example.com", {}, "sslmode=verify-full&sslrootcert=system"),
    ],
    ids=[
        "remote",
        "own authority",
        "decided in the URL",
        "decided outside",
        "this machine",
        "socket",
        "host outside",
        "another host as a parameter",
    ],
)
def test_the_way_to_another_machine_is_private(url: str, variables: dict[str, str], security: str):
    """It is encrypted and the server verified, unless somebody decided otherwise."""
    query = parse_qsl(urlsplit(place_of(url, "shop", "test", variables).conninfo).query)

    assert security == "&".join(f"{name}={value}" for name, value in query if name.startswith("ssl"))


def test_a_socket_and_a_service_are_places_too(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A URL without a host leads over a socket of this machine, or to what a service file says."""
    found = in_schema(place, "SELECT current_setting('unix_socket_directories'), current_setting('port')")
    folder, port = found[0]
    (tmp_path / "services").write_text(f"[state]\nhost=127.0.0.1\nport={port}\ndbname=shop\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    schema = place.partition("?")[2]
    with closing(open_remote(f"postgresql:///shop?host={folder}&port={port}&{schema}")) as store:
        lineage = store.create().lineage
    for url in (f"postgresql://?service=state&{schema}", f"postgresql:///?service=state&{schema}", place):
        with closing(open_remote(url)) as store:
            assert lineage == store.read().lineage


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("postgresql://me:canary@db.example.com/a", "state-url-password"),
        ("postgresql://db.example.com/a?password=canary", "state-url-password"),
        ("postgresql://db.example.com", "invalid-state-url"),
        ("postgresql://db.example.com/a?schema=", "invalid-state-url"),
    ],
    ids=["password", "password as a parameter", "no database", "no schema"],
)
def test_a_url_that_is_refused(url: str, code: str):
    """A password is not shown; what is missing is said."""
    found, detail = code_of(lambda: open_store(url, Path(), "test", project="shop"))

    assert (code, False) == (found, "canary" in detail)


def test_a_server_that_does_not_answer(place: str, monkeypatch: pytest.MonkeyPatch):
    """What was tried is said without the password; so is a user who is not let in."""
    unknown = f"postgresql://127.0.0.1:{free_port()}/shop"
    with closing(open_remote(unknown)) as store:
        assert "state-unreachable" == code_of(store.read)[0]
    monkeypatch.setenv("PGPASSWORD", "canary-s3cret")
    with closing(open_remote(place)) as store:
        code, detail = code_of(store.create)
    assert ("state-unreachable", True, False) == (code, "password" in detail, "canary" in detail)


def test_a_missing_client_says_what_to_install():
    """Without the extra, the first use says how it is installed."""
    code = """
        import sys
        sys.modules["psycopg"] = None
        from pathlib import Path
        from audiform.diagnostics import DiagnosticError
        from audiform.state.open import open_store
        try:
            open_store("postgresql://db.example.com/a", Path(), "test").read()
        except DiagnosticError as error:
            print(error)
        """

    assert "pip install 'audiform[postgresql]'" in run_elsewhere(code, "").stdout


def test_a_user_without_the_right_is_refused(database: Database, place: str, monkeypatch: pytest.MonkeyPatch):
    """A reader of the database can plan where nothing is, and cannot begin a state."""
    reader = f"r{uuid4().hex[:8]}"
    in_schema(place, f"CREATE ROLE {reader} LOGIN PASSWORD 'x'")
    monkeypatch.setenv("PGUSER", reader)
    monkeypatch.setenv("PGPASSWORD", "x")
    with closing(open_remote(place)) as store:
        assert "" == store.read().lineage
        assert "state-refused" == code_of(store.create)[0]


def test_a_run_whose_lock_was_taken_away_writes_nothing(place: str):
    """Whoever takes the lock ends the other's connection: it neither records nor folds anything from then on."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store), closing(open_remote(place)) as other:
        store.create()
        with store.lock("apply"), closing(ledger.open(write=True)) as session:
            staged(session, run("r1"), "ann")
            assert other.force_unlock() is not None
            with other.lock("sync"):
                assert "state-lock-lost" == code_of(lambda: store.put(record()))[0]
                assert "state-lock-lost" == code_of(lambda: session.fold(run("r1"), [settled(1)]))[0]
        assert {} == other.read().records
        with other.lock("apply"), pytest.raises(LockedError):
            store.lock("apply")


def test_what_was_written_is_on_disk(place: str):
    """A server or a user whose default is to confirm early does not make it so here."""
    user = os.environ["PGUSER"]
    in_schema(place, f"ALTER ROLE {user} SET synchronous_commit = off")
    try:
        database = Tables(place_of(place, "", "test", {}))
        with closing(database), database.connected() as connection:
            assert [("on",)] == connection.execute("SHOW synchronous_commit").fetchall()
    finally:
        in_schema(place, f"ALTER ROLE {user} RESET synchronous_commit")


def test_an_older_schema_is_read_as_it_is_and_brought_up_to_date_by_writing(place: str):
    """What the first version wrote is read without a change, and written after a migration."""
    with closing(open_remote(place)) as store:
        store.put(record())
    in_schema(
        place,
        "DROP TABLE ledger_piece; DROP TABLE ledger_file; DROP TABLE ledger_list; DROP TABLE watermark; DROP TABLE last_run",
    )
    in_schema(place, "UPDATE fact SET value = '1' WHERE name = 'schema_version'")
    store, ledger = open_state(place, Path(), "test")
    with closing(store):
        assert [record().address] == list(store.read().records)
        assert [] == list(ledger.destinations())
        assert [("1",)] == in_schema(place, "SELECT value FROM fact WHERE name = 'schema_version'")
        store.put(record(a=1))
        assert [(str(VERSION),)] == in_schema(place, "SELECT value FROM fact WHERE name = 'schema_version'")


def test_a_newer_schema_is_refused(place: str):
    """A schema that is unknown is neither read nor written."""
    with closing(open_remote(place)) as store:
        store.put(record())
    in_schema(place, "UPDATE fact SET value = '99' WHERE name = 'schema_version'")
    for use in (lambda store: store.read(), lambda store: store.create()):
        with closing(open_remote(place)) as store:
            assert "state-too-new" == code_of(partial(use, store))[0]


@pytest.mark.parametrize("damaged", ["repeat('0', 64)", "'no key'"], ids=["another key", "no key"])
def test_a_lost_key_is_an_error(place: str, damaged: str):
    """A state without its key is neither written nor compared: everybody would look new."""
    with closing(open_remote(place)) as store:
        store.create()
    in_schema(place, f"UPDATE fact SET value = {damaged} WHERE name = 'key'")
    for use in (lambda store: store.secret_digest("s3cret"), lambda store: store.put(record())):
        with closing(open_remote(place)) as store:
            assert "state-key-lost" == code_of(partial(use, store))[0]


def test_the_cache_is_for_its_owner_only_and_gone_with_the_session(place: str, temporary: Path):
    """What is fetched is private; what a killed process left is removed by the next session, what is in use is not."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store):
        store.create()
        with closing(ledger.open(write=True)) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
            folder = Path(session.folders[0])
        assert not folder.exists()
        left = Path(tempfile.mkdtemp(prefix="audiform-ledger-"))
        (left / "lock").touch()
        with closing(ledger.open(write=False)) as session, closing(ledger.open(write=False)) as another:
            assert 2 == len(members(session)) == len(members(another))
            folder = Path(session.folders[0])
            modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
            assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items())
            assert any(path.suffix == ".parquet" for path in modes)

    assert [] == [*temporary.iterdir()]


def test_a_file_that_is_gone_is_said(place: str):
    """A ledger whose file is missing is not taken for one without members."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store):
        store.create()
        with closing(ledger.open(write=True)) as session:
            staged(session, run("r1"), "ann")
            session.fold(run("r1"), [settled(1)])
        in_schema(place, "DELETE FROM ledger_file")
        with closing(ledger.open(write=False)) as session:
            assert "ledger-file-missing" == code_of(lambda: session.members(KEY))[0]


def test_files_that_nobody_needs_are_removed_when_they_are_old(place: str):
    """What a killed run has staged goes after an hour; what a list names stays."""
    store, ledger = open_state(place, Path(), "test")
    with closing(store):
        store.create()
        with closing(ledger.open(write=True)) as session:
            staged(session, run("r1"), "ann")
            session.fold(run("r1"), [settled(1)])
            staged(session, run("r2"), "bob", part=Part.MODIFY)
        in_schema(place, "UPDATE ledger_file SET kept = now() - interval '2 hours'")
        with closing(ledger.open(write=True)) as session:
            assert 1 == session.count(KEY)

        assert [("r1.add.parquet",)] == in_schema(place, "SELECT file FROM ledger_file")
        assert [("r1.add.parquet",)] == in_schema(place, "SELECT DISTINCT file FROM ledger_piece")
