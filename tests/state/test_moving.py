"""A state that moves to another place: everything arrives, nobody can go on with two, and a kill loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from audiform.diagnostics import DiagnosticError
from audiform.state.ledger import Batch, Part, Settled
from audiform.state.local.schema import database_path
from audiform.state.moving import Opened, move
from audiform.state.open import open_state
from audiform.state.postgresql.place import place_of
from audiform.state.segments.ledger import SegmentLedger
from audiform.state.segments.shelf import Shelf
from audiform.state.store import Count, DeadLetter, HistoryEntry, LockedError, Tombstone, Watermark
from audiform.state.tables.contents import TABLES
from servers import Database, ObjectStorage
from state.contract import BINDING, NOON, record
from state.ledger_contract import members, run, settled, staged

Opening = Callable[[str], Opened]

pytestmark = pytest.mark.slow


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    """Return how a place is opened; all are closed at the end."""
    with ExitStack() as stores:

        def opened(url: str) -> Opened:
            store, ledger = open_state(url, tmp_path, "test")
            stores.callback(store.close)
            return Opened(store, ledger, url)

        yield opened


@pytest.fixture
def remote(database: Database, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a URL with a schema of its own."""
    monkeypatch.setenv("PGUSER", database.user)
    monkeypatch.setenv("PGPASSWORD", database.password)
    return f"{database.url}?schema=m{uuid4().hex[:12]}"


@pytest.fixture
def bucket(storage: ObjectStorage, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a URL with a prefix of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return f"s3://shop-audiences/m{uuid4().hex[:12]}?region={storage.region}&endpoint_url={storage.url}"


WATERMARK = Watermark("lapsed_on_ads", "definition", "integer", "7", NOON, NOON)


def filled(place: Opened) -> None:
    """Write something of everything: a run that did not end too, with rows that are staged only."""
    store = place.store
    store.put(record(a=1), record("other"))
    store.settle(store.intend("run", BINDING, "create_destination", "", {}))
    store.intend("run", BINDING, "update_destination", "marker", {"a": [1]})
    store.spend("plan", NOON)
    store.count([Count("2024-05-01", "ads", "one", "sent", "add", 3)])
    store.bury([DeadLetter("one", "add", "id1", "invalid_record", "no", NOON, ("k",))])
    store.entomb([Tombstone("digest", "email", "request", NOON)])
    store.remember(HistoryEntry("h1", "apply", "me", NOON, None, 0, None, {}))
    store.keep_watermark(WATERMARK)
    with closing(place.ledger.open(write=True)) as session:
        staged(session, run("r1"), "ann", "bob", "cid")
        session.fold(run("r1"), [settled(3)])
        staged(session, run("r2"), "bob", part=Part.REMOVE)
        session.fold(run("r2"), [settled(1, Part.REMOVE)])
        staged(session, run("r3"), "dan", "eve")
        store.begin_run(run("r3"))
        store.start_batch("r3", 0, Batch(0, Part.ADD, 0, 1).data())
        store.settle_batch("r3", 0, Settled(Batch(0, Part.ADD, 0, 1)).data(), [], [])
        store.start_batch("r3", 1, Batch(1, Part.ADD, 1, 2).data())


HELD = {name: ("one", name == "eve") for name in ("ann", "cid", "dan", "eve")}


def code_of(action: Callable[[], object]) -> str:
    """Return the code that an action is refused with."""
    with pytest.raises(DiagnosticError) as caught:
        action()
    return caught.value.diagnostics[0].code


def is_whole(place: Opened) -> None:
    """See that everything is there, and that the run that did not end is recovered there."""
    store = place.store
    assert [("lapsed_on_ads", {"audience": "lapsed", "a": 1}), ("other", {"audience": "lapsed"})] == [
        (address.name, item.body) for address, item in store.read().records.items()
    ]
    assert [("update_destination", "marker")] == [(one.action, one.marker) for one in store.pending()]
    assert (NOON, WATERMARK) == (store.spent("plan"), store.watermark("lapsed_on_ads"))
    assert (1, 1, 1, 1) == tuple(
        len(found)
        for found in (store.counts("2000"), store.dead_letters(), store.tombstones(), store.history())
    )
    with closing(place.ledger.open(write=False)) as session:
        assert HELD == members(session)


@pytest.mark.parametrize("backend", ["remote", "bucket"])
def test_everything_moves_there_and_back(opening: Opening, backend: str, request: pytest.FixtureRequest):
    """A folder's state goes elsewhere and back to the same folder; each time the place that was left is refused."""
    remote: str = request.getfixturevalue(backend)
    local = opening("file:.audiform")
    filled(local)
    before, secret = local.store.read(), local.store.secret_digest("s3cret")
    moved = move(local, opening(remote))

    there = opening(remote)
    assert (2, 1, 3) == (moved.rows["record"], moved.destinations, moved.files)
    assert (before, secret) == (there.store.read(), there.store.secret_digest("s3cret"))
    is_whole(there)
    left = opening("file:.audiform")
    assert ["state-moved"] * 3 == [
        code_of(action)
        for action in (
            left.store.read,
            lambda: left.store.lock("apply"),
            lambda: move(left, opening("file:other")),
        )
    ]

    with closing(there.ledger.open(write=True)) as session:
        staged(session, run("r4"), "fay")
        session.fold(run("r4"), [settled(1)])
    there.store.put(record(a=2), record("third"))
    move(opening(remote), opening("file:.audiform"))
    back = opening("file:.audiform")
    assert (before.lineage, 3, 2) == (
        back.store.read().lineage,
        len(back.store.read().records),
        back.store.read().records[BINDING].body["a"],
    )
    with closing(back.ledger.open(write=True)) as session:
        assert {*HELD, "fay"} == set(members(session))
    assert "state-moved" == code_of(opening(remote).store.read)
    with back.store.lock("apply"):
        assert "create_destination" not in {intent.action for intent in back.store.pending()}


@dataclass
class Fragile:
    """A shelf that breaks down at its n-th write; `left` counts down over all shelves of a move."""

    shelf: Any
    left: list[int]

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.shelf, name)
        if name not in {"keep", "replace", "remove"}:
            return found

        def write(*arguments: Any) -> Any:
            self.left[0] -= 1
            if self.left[0] == 0:
                raise ConnectionError
            return found(*arguments)

        return write


def breaking(place: Opened, writes: int) -> Opened:
    """Return the place with a ledger that breaks down at a write."""
    left = [writes]

    def fragile(*, write: bool, within: Path | None = None) -> Shelf:
        return Fragile(place.ledger.shelf(write=write, within=within), left)

    return replace(place, ledger=SegmentLedger(fragile, place.ledger.records))


@pytest.mark.parametrize("to_folder", [False, True], ids=["to a database", "to a folder"])
def test_a_move_that_was_interrupted_goes_on(opening: Opening, remote: str, *, to_folder: bool):
    """Until all is there the old place is gone on with and the new one is refused; then it is the other way round."""
    old, new = (remote, "file:new") if to_folder else ("file:old", remote)
    filled(opening(old))
    writes = 0
    while True:
        writes += 1
        try:
            move(opening(old), breaking(opening(new), writes))
        except ConnectionError:
            assert "state-arriving" == code_of(opening(new).store.read)
            assert 2 == len(opening(old).store.read().records)
            continue
        break

    assert writes >= 3
    is_whole(opening(new))
    assert "state-moved" == code_of(opening(old).store.read)


def test_a_move_that_was_interrupted_at_its_end_goes_on(opening: Opening):
    """Between the two marks nobody can go on with either place; the same move ends it."""
    filled(opening("file:old"))
    move(opening("file:old"), opening("file:new"))
    new = opening("file:new")
    with new.store.database.writing() as connection:
        lineage = new.store.read().lineage
        connection.execute("INSERT INTO fact VALUES ('arriving_from', ?)", (lineage,))
    assert ["state-moved", "state-arriving"] == [
        code_of(opening(url).store.read) for url in ("file:old", "file:new")
    ]
    move(opening("file:old"), opening("file:new"))

    is_whole(opening("file:new"))
    assert "state-moved" == code_of(opening("file:old").store.read)


def test_what_cannot_be_moved_is_said(opening: Opening):
    """There is nothing to move, the new place has a state of its own, or one of the two is locked."""
    assert "state-empty" == code_of(lambda: move(opening("file:old"), opening("file:new")))
    filled(opening("file:old"))
    opening("file:taken").store.put(record())
    assert "state-not-empty" == code_of(lambda: move(opening("file:old"), opening("file:taken")))
    opening("file:made").store.create()
    assert "state-not-empty" == code_of(lambda: move(opening("file:old"), opening("file:made")))
    for url in ("file:old", "file:new"):
        with opening(url).store.lock("apply"), pytest.raises(LockedError):
            move(opening("file:old"), opening("file:new"))

    assert 2 == len(opening("file:old").store.read().records)


def test_a_file_that_arrives_damaged_does_not_count(opening: Opening, tmp_path: Path):
    """What was read back is compared; the damaged file is copied again by the next try."""
    filled(opening("file:old"))
    with pytest.raises(ConnectionError):
        move(opening("file:old"), breaking(opening("file:new"), 4))
    damaged = next((tmp_path / "new").rglob("r1.*.parquet"))
    damaged.write_bytes(b"x" * damaged.stat().st_size)

    assert "state-not-the-same" == code_of(lambda: move(opening("file:old"), opening("file:new")))
    assert 2 == len(opening("file:old").store.read().records)
    move(opening("file:old"), opening("file:new"))
    is_whole(opening("file:new"))


def test_every_table_moves(opening: Opening, remote: str, tmp_path: Path):
    """A table that is added to a backend is added to what moves."""
    opening("file:.audiform").store.create()
    opening(remote).store.create()
    with closing(sqlite3.connect(database_path(tmp_path / ".audiform/test"))) as connection:
        local = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall()
    where = place_of(remote, "", "test", {})
    with psycopg.connect(where.conninfo) as server:
        there = server.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = %s", (where.schema,)
        ).fetchall()

    assert {*TABLES} == {name for (name,) in local}
    assert {*TABLES, "holder", "ledger_file", "ledger_list", "ledger_piece"} == {name for (name,) in there}
