"""The contracts of a state that is reached by a URL alone: the same for a database and for a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from audiform.state.ledger import Ledger
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.open import open_state, open_store
from audiform.state.store import StateStore
from state.contract import StoreContract
from state.ledger_contract import LedgerContract


def open_remote(place: str) -> StateStore:
    """Return the store of environment `test` at the URL `place`."""
    return open_store(place, Path(), "test")


class RemoteStore(StoreContract):
    """The contract on a server; a test file says what `place` is."""

    @pytest.fixture
    def opened(self) -> Callable[[str], StateStore]:
        """Return how a place becomes a store."""
        return open_remote

    @pytest.fixture
    def opening_code(self) -> str:
        """Return the import that defines `opened` in another process."""
        return "from state.remote import open_remote as opened"


class RemoteLedger(LedgerContract):
    """The contract on a server; a test file says what `place` is, and how what is `kept` is read."""

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
    def store(self, state: tuple[StateStore, Ledger]) -> StateStore:
        """Return the store."""
        return state[0]

    @pytest.fixture
    def ledger(self, state: tuple[StateStore, Ledger]) -> Ledger:
        """Return the ledger."""
        return state[1]
