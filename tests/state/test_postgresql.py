"""The `postgresql:` backend: the contracts on a real server, and what is its own (places, passwords, locks, caches)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from audiform.state.ledger import Ledger
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.open import open_state, open_store
from audiform.state.store import StateStore
from servers import Database
from state.contract import StoreContract
from state.ledger_contract import LedgerContract


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


def open_remote(place: str) -> StateStore:
    """Return the store of environment `test` at the URL `place`."""
    return open_store(place, Path(), "test")


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


class TestPostgresqlStore(StoreContract):
    """The contract on a server."""

    @pytest.fixture
    def opened(self) -> Callable[[str], StateStore]:
        """Return how a place becomes a store."""
        return open_remote

    @pytest.fixture
    def opening_code(self) -> str:
        """Return the import that defines `opened` in another process."""
        return "from state.test_postgresql import open_remote as opened"


class TestPostgresqlLedger(LedgerContract):
    """The contract on a server."""

    @pytest.fixture
    def opened(self, place: str) -> Iterator[Callable[..., Ledger]]:
        """Return how another process opens the same ledger."""
        with ExitStack() as stores:

            def another(keys: LedgerKeys = NO_KEYS) -> Ledger:
                store, ledger = open_state(place, Path(), "test", keys)
                stores.callback(store.close)
                return ledger

            yield another

    @pytest.fixture
    def state(self, place: str) -> Iterator[tuple[StateStore, Ledger]]:
        """Open store and ledger together."""
        store, ledger = open_state(place, Path(), "test")
        with closing(store):
            yield store, ledger

    @pytest.fixture
    def kept(self, place: str) -> Callable[[], Iterable[bytes]]:
        """Return how everything that is kept is read: every row of every table of the schema."""
        return lambda: rows(place)

    @pytest.fixture
    def store(self, state: tuple[StateStore, Ledger]) -> StateStore:
        """Return the store."""
        return state[0]

    @pytest.fixture
    def ledger(self, state: tuple[StateStore, Ledger]) -> Ledger:
        """Return the ledger."""
        return state[1]
