"""What every backend's ledger must hold to: a test file of a backend subclasses `LedgerContract` and gives it a place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from itertools import islice

import pytest

from audiform.address import Address, Kind
from audiform.diagnostics import DiagnosticError
from audiform.state.ledger import (
    PROFILE,
    Batch,
    Form,
    Ledger,
    LedgerSession,
    Part,
    SentKey,
    Settled,
    as_sent,
    destination_key,
)
from audiform.state.ledger_key import NO_KEYS, LedgerKeys
from audiform.state.renaming import rename
from audiform.state.store import Record, Run, StateStore

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
KEY = destination_key("ads", "1")
FIRST = LedgerKeys("a key of thirty-two characters, at least")
SECOND = LedgerKeys("another one of as many characters or more", FIRST.current)
FORMS = {"email": Form.HEX, "device": Form.SEALED, PROFILE: Form.HEX}


def run(name: str, binding: str = "one", key: str = KEY) -> Run:
    """Return a run of a binding."""
    return Run(name, binding, key, {}, NOON)


def digest(person: str) -> str:
    """Return the e-mail digest that is sent of a person."""
    return sha256(person.encode()).hexdigest()


def people(session: LedgerSession, *names: str, variables: str = "") -> str:
    """Return a query of people as they are staged, in this order."""
    rows = ", ".join(f"({number}, '{name}')" for number, name in enumerate(names))
    more = session.digest(f"'{variables}'") if variables else "CAST(NULL AS UUID)"
    return (
        f"SELECT {session.digest('name')} AS identity, {more} AS variables, "
        f"sha256(name) AS {as_sent('email')}, 'device of ' || name AS {as_sent('device')}, md5(name) AS {as_sent(PROFILE)} "
        f"FROM (VALUES {rows}) people (number, name) ORDER BY number"
    )


def staged(session: LedgerSession, what: Run, *names: str, part: Part = Part.ADD, **more: str) -> None:
    """Stage people for a part of a run."""
    session.stage(what, part, people(session, *names, **more), FORMS)


def settled(count: int, part: Part = Part.ADD, **exceptions: object) -> Settled:
    """Return a batch of all rows of a part, all of them taken but the exceptions."""
    return Settled(Batch(0, part, 0, count), **exceptions)  # type: ignore[arg-type]


def members(session: LedgerSession, key: str = KEY) -> dict[str, tuple[str, bool]]:
    """Return device -> binding and whether it is unsure, opened."""
    session.revealed(f"SELECT * FROM {session.members(key)}", "audiform.opened")
    found = session.connection.execute(
        f"SELECT {as_sent('device')}, binding, unsure, {as_sent('email')} FROM audiform.opened"
    ).fetchall()
    assert all(digest(device.removeprefix("device of ")) == email for device, _, _, email in found)
    return {device.removeprefix("device of "): (binding, unsure) for device, binding, unsure, _ in found}


def kept(session: LedgerSession) -> dict[str, bytes]:
    """Return identity -> what is kept of the device."""
    columns = f"CAST(identity AS VARCHAR), {Form.SEALED.column('device')}"
    return dict(session.connection.execute(f"SELECT {columns} FROM {session.members(KEY)}").fetchall())


def code_of(use: Callable[[], object]) -> str:
    """Return the code of the diagnostic that `use` raises."""
    with pytest.raises(DiagnosticError) as caught:
        use()
    return caught.value.diagnostics[0].code


def refused(ledger: Ledger) -> list[str]:
    """Return why a ledger cannot be looked at, and why it cannot be opened."""
    return [code_of(ledger.verify_key), code_of(lambda: ledger.open(write=True))]


def connector(name: str) -> Record:
    """Return the record of a connector."""
    return Record(Address(Kind.CONNECTOR, name), "digest", {"type": "adverts", "dependencies": []})


def bound(name: str, on: str) -> Record:
    """Return the record of a binding on the destination `1` of a connector."""
    body = {"connector": on, "destination_id": "1", "dependencies": [f"connector.{on}"]}
    return Record(Address(Kind.BINDING, name), "digest", body)


class LedgerContract:
    """The promises. `ledger` and `store` are given by the backend's test class as fixtures; `kept` reads all that it keeps."""

    @contextmanager
    def _open(self, ledger: Ledger, *, write: bool = True) -> Iterator[LedgerSession]:
        with closing(ledger.open(write=write)) as session:
            yield session

    def test_a_ledger_that_never_was_is_empty(self, ledger: Ledger):
        """Reading where nothing was ever written finds nobody."""
        with self._open(ledger, write=False) as session:
            assert 0 == session.count(KEY)
            assert [] == session.connection.execute(f"SELECT * FROM {session.members(KEY)}").fetchall()
        assert [] == list(ledger.destinations())

    def test_what_was_taken_are_members(self, ledger: Ledger, store: StateStore):
        """Folded rows are members for the next opening, with their identifiers as they were sent."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
        with self._open(ledger, write=False) as session:
            assert {"ann": ("one", False), "bob": ("one", False)} == members(session)
            assert [2, 0] == [session.count(KEY, "one"), session.count(KEY, "two")]
        assert [KEY] == list(ledger.destinations())

    def test_what_was_not_taken_is_left_out(self, ledger: Ledger, store: StateStore):
        """Rejected, failed and never sent rows are no members; unsure ones are, and are known as such."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob", "cid", "dan", "eve")
            session.fold(run("r1"), [settled(4, rejected=(0,), failed=((1, 2),), unsure=((2, 3),))])

            assert {"cid": ("one", True), "dan": ("one", False)} == members(session)

    def test_folding_twice_is_folding_once(self, ledger: Ledger, store: StateStore):
        """A fold that was done but not noted is done again without harm."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann")
            session.fold(run("r1"), [settled(1)])
        with self._open(ledger) as session:
            session.fold(run("r1"), [settled(1)])

            assert 1 == session.count(KEY)

    def test_the_newest_word_about_a_member_counts(self, ledger: Ledger, store: StateStore):
        """A member that is put again has its new variables, one that is removed is gone, over many runs."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r0"), "ann", "bob")
            session.fold(run("r0"), [settled(2)])
            for number in range(1, 25):
                staged(session, run(f"r{number}"), "ann", part=Part.MODIFY, variables=str(number))
                session.fold(run(f"r{number}"), [settled(1, Part.MODIFY)])
            staged(session, run("end"), "bob", part=Part.REMOVE)
            session.fold(run("end"), [settled(1, Part.REMOVE)])
        with self._open(ledger, write=False) as session:
            found = session.connection.execute(
                f"SELECT variables = {session.digest(chr(39) + '24' + chr(39))} FROM {session.members(KEY)}"
            ).fetchall()

            assert [(True,)] == found

    def test_a_removal_that_nobody_saw_leaves_an_unsure_member(self, ledger: Ledger, store: StateStore):
        """It is removed again, or added again when it is wanted."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
            staged(session, run("r2"), "bob", part=Part.REMOVE)
            session.fold(run("r2"), [settled(1, Part.REMOVE, unsure=((0, 1),))])

            assert {"ann": ("one", False), "bob": ("one", True)} == members(session)

    def test_keys_are_not_forgotten_before_their_new_member_is_there(self, ledger: Ledger, store: StateStore):
        """Members that go because others hold their keys stay while one of those others could not be added."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
            for name, rejected in (("r2", (0,)), ("r3", ())):
                staged(session, run(name), "new")
                staged(session, run(name), "ann", part=Part.TRIM)
                staged(session, run(name), "bob", part=Part.FORGET)
                session.fold(run(name), [settled(1, rejected=rejected), settled(1, Part.TRIM)])
                expected = {"ann", "bob"} if rejected else {"new"}
                assert expected == set(members(session))

    def test_a_killed_run_is_recovered_by_the_next_opening(self, ledger: Ledger, store: StateStore):
        """Settled batches are folded, started ones are unsure, others never were; a reader sees the same."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob", "cid")
            store.begin_run(run("r1"))
            store.start_batch("r1", 0, Batch(0, Part.ADD, 0, 1).data())
            store.settle_batch("r1", 0, Settled(Batch(0, Part.ADD, 0, 1)).data(), [], [])
            store.start_batch("r1", 1, Batch(1, Part.ADD, 1, 2).data())
        expected = {"ann": ("one", False), "bob": ("one", True)}
        with self._open(ledger, write=False) as session:
            assert expected == members(session)
        assert ["r1"] == [item.id for item in store.open_runs()]
        with self._open(ledger) as session:
            assert expected == members(session)
        assert [] == list(store.open_runs())

    def test_a_run_of_this_process_is_left_alone(self, ledger: Ledger, store: StateStore):
        """Deliveries run side by side: one that opens the ledger does not recover another that is on its way."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann")
            store.begin_run(run("r1"))
            with self._open(ledger) as other:
                assert 0 == other.count(KEY)
            assert ["r1"] == [item.id for item in store.open_runs()]
            session.fold(run("r1"), [settled(1)])
            assert 1 == session.count(KEY)

    def test_bindings_and_destinations_are_apart(self, ledger: Ledger, store: StateStore):
        """Dropping one binding, or one destination, leaves the others."""
        store.create()
        other = destination_key("ads", "2")
        with self._open(ledger) as session:
            for name, binding, key in (("r1", "one", KEY), ("r2", "two", KEY), ("r3", "one", other)):
                staged(session, run(name, binding, key), "ann")
                session.fold(run(name, binding, key), [settled(1)])
            assert [2, 1] == [session.count(KEY), session.count(other)]
            session.drop(KEY, "one")
            assert {"ann": ("two", False)} == members(session)
            session.drop(other)
        assert [KEY] == list(ledger.destinations())

    def test_a_moved_connector_keeps_its_members(self, ledger: Ledger, store: StateStore):
        """Everybody is found under the new key, as sure or unsure as before, whose ever they are; twice is once."""
        store.create()
        store.put(connector("ads"), bound("one", "ads"))
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2, unsure=((1, 2),))])
            staged(session, run("r2", "two"), "cid")
            session.fold(run("r2", "two"), [settled(1)])
        for old, new in (("ads", "adverts"), ("adverts", "ads"), ("ads", "adverts")):
            rename(store, ledger, Address(Kind.CONNECTOR, old), Address(Kind.CONNECTOR, new), lambda: NOON)
        with self._open(ledger, write=False) as session:
            expected = {"ann": ("one", False), "bob": ("one", True), "cid": ("two", False)}

            assert expected == members(session, destination_key("adverts", "1"))
            assert 0 == session.count(KEY)
        assert "adverts" == store.read().records[Address(Kind.BINDING, "one")].body["connector"]

    def test_a_renamed_binding_keeps_its_members(self, ledger: Ledger, store: StateStore):
        """A binding that was moved in the state has its members under the new name."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann")
            session.fold(run("r1"), [settled(1)])
            session.rename("one", "first")

            assert {"ann": ("first", False)} == members(session)

    def test_digests_are_keyed_and_stay(
        self, ledger: Ledger, store: StateStore, opened: Callable[..., Ledger]
    ):
        """The same text has the same digest in every opening, and no plain hash of it."""
        store.create()
        found = []
        for each in (ledger, opened()):
            with self._open(each) as session:
                query = f"SELECT CAST({session.digest(chr(39) + 'ann' + chr(39))} AS VARCHAR), md5('ann')"
                found += session.connection.execute(query).fetchall()

        assert found[0] == found[1]
        assert found[0][0].replace("-", "") != found[0][1]

    def test_staged_rows_have_their_place(self, ledger: Ledger, store: StateStore):
        """Rows are numbered in the order in which they were staged."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob", "cid")
            relation = session.staged(run("r1"), Part.ADD)
            query = f"SELECT row FROM {relation} WHERE identity = {session.digest(chr(39) + 'bob' + chr(39))}"

            assert [(1,)] == session.connection.execute(query).fetchall()

    def test_sessions_beside_one_see_its_tables_and_have_their_own(self, ledger: Ledger, store: StateStore):
        """Also once nothing else can be reached; their digests are the same, and what they stage alike is kept for each."""
        store.create()
        other = destination_key("ads", "2")
        with self._open(ledger) as first:
            first.connection.execute("CREATE TABLE audiform.known AS SELECT 1 AS one")
            first.connection.execute(f"SET allowed_directories = {list(first.folders)}")
            first.connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            for name, binding, key in (("r1", "one", KEY), ("r2", "two", other)):
                with closing(ledger.open(write=True, beside=first)) as session:
                    seen = session.connection.execute(f"SELECT one FROM {first.database}.audiform.known")
                    session.connection.execute("CREATE TABLE audiform.mine AS SELECT 1 AS one")
                    with closing(session.cursor()) as cursor:
                        cursor.execute("SELECT one FROM audiform.mine")
                    mine = run(name, binding, key)
                    assert [(1,)] == seen.fetchall()
                    assert 2 == session.stage(
                        mine, Part.ADD, people(session, "ann", "bob"), FORMS, "everybody"
                    )
                    session.fold(mine, [settled(2)])
            left = first.connection.execute("FROM duckdb_databases() SELECT database_name WHERE NOT internal")
            assert [("memory",)] == left.fetchall()
        with self._open(ledger, write=False) as session:
            assert {"ann": ("one", False), "bob": ("one", False)} == members(session)
            assert {"ann": ("two", False), "bob": ("two", False)} == members(session, other)

    def test_only_the_right_key_opens_the_ledger(self, store: StateStore, opened: Callable[..., Ledger]):
        """The key of the environment comes and goes while nothing is encrypted; from then on it is that one or none."""
        store.create()
        for keys in (FIRST, NO_KEYS):
            with self._open(opened(keys)) as session:
                session.stage(run(f"r{keys is FIRST}"), Part.ADD, people(session, "ann"), {})
                session.fold(run(f"r{keys is FIRST}"), [settled(1)])
        with self._open(opened(FIRST)) as session:
            staged(session, run("r2"), "ann")
            session.fold(run("r2"), [settled(1)])
        with self._open(opened(FIRST), write=False) as session:
            assert ["ann"] == [*members(session)]

        assert ["ledger-key-missing"] * 2 == refused(opened(NO_KEYS))
        assert ["ledger-key-wrong"] * 2 == refused(opened(SECOND))
        for wrong in (NO_KEYS, LedgerKeys("new" * 20)):
            assert "ledger-key-missing" == code_of(partial(list, opened(wrong).rekey()))
        wrong = LedgerKeys("new" * 20, "old" * 20)
        assert "ledger-key-wrong" == code_of(partial(list, opened(wrong).rekey()))

    def test_a_rekey_goes_on_where_it_was_killed(self, store: StateStore, opened: Callable[..., Ledger]):
        """Until it ends nothing opens the ledger; done, the new key opens all of it and no other does.

        A run that was killed before is folded with the old key. Digests are as they were.
        """
        store.create()
        other = destination_key("ads", "2")
        with self._open(opened()) as session:
            for name, key in (("r1", KEY), ("r2", other)):
                staged(session, run(name, key=key), "ann", "bob")
                session.fold(run(name, key=key), [settled(2)])
            before = kept(session)
            staged(session, run("r3"), "cid")
            store.begin_run(run("r3"))
            store.start_batch("r3", 0, Batch(0, Part.ADD, 0, 1).data())
        assert ["ledger-not-rekeyed"] * 2 == refused(opened(FIRST))
        done = 0
        for steps in range(1, 20):
            way = opened(FIRST).rekey()
            found = [*islice(way, steps)]
            done += sum(found)
            if len(found) < steps:
                break
            way.close()  # type: ignore[attr-defined] # a generator that never goes on: as after a kill
            assert {"ledger-rekey-unfinished"} == {*refused(opened(FIRST)), *refused(opened())}
            assert "ledger-rekey-unfinished" == code_of(partial(list, opened(SECOND).rekey()))

        assert 5 == done
        assert ["ledger-key-missing"] * 2 == refused(opened())
        for keys in (FIRST, SECOND):
            assert (keys is FIRST) == (not [*opened(keys).rekey()])
            with self._open(opened(keys)) as session:
                assert {"ann": ("one", False), "bob": ("one", False), "cid": ("one", True)} == members(
                    session
                )
                assert {"ann", "bob"} == set(members(session, other))
                after = kept(session)
                assert before.keys() < after.keys()
                assert not {*before.values()} & {*after.values()}
                before = {identity: after[identity] for identity in before}

    def test_what_is_sent_in_clear_is_nowhere_in_clear(
        self, ledger: Ledger, store: StateStore, kept: Callable[[], Iterable[bytes]]
    ):
        """No file of the ledger holds an identifier that is sent in clear; the same value is kept alike."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            staged(session, run("r2", "two"), "ann")
            session.fold(run("r1"), [settled(2)])
            session.fold(run("r2", "two"), [settled(1)])
            found = session.connection.execute(
                f"SELECT count(*), count(DISTINCT {Form.SEALED.column('device')}) FROM {session.members(KEY)}"
            ).fetchall()

        assert [(3, 2)] == found
        everything = [*kept()]
        assert everything
        assert not [data for data in everything if b"device of" in data]

    def test_what_a_run_moved_is_remembered(self, ledger: Ledger, store: StateStore):
        """Those that a run added and removed are known after later runs and compaction, as they were sent."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob", "cid")
            session.fold(run("r1"), [settled(3, rejected=(2,))])
            staged(session, run("r2"), "bob", part=Part.REMOVE)
            staged(session, run("r2"), "dan")
            session.fold(run("r2"), [settled(1), settled(1, Part.REMOVE)])
            for number in range(12):
                staged(session, run(f"m{number}"), "ann", "dan", part=Part.MODIFY, variables=str(number))
                session.fold(run(f"m{number}"), [settled(2, Part.MODIFY)])
        with self._open(ledger, write=False) as session:
            found = {
                (name, part): {*named(session, relation)}
                for name in ("r1", "r2", "r9")
                for part, relation in session.moved(KEY, name).items()
            }
            assert {"ann", "dan"} == set(members(session))

        assert {
            ("r1", Part.ADD): {"ann", "bob"},
            ("r2", Part.ADD): {"dan"},
            ("r2", Part.REMOVE): {"bob"},
        } == found

    def test_nothing_is_left_of_whom_is_erased(self, ledger: Ledger, store: StateStore):
        """An erased person is no member, and in nothing that is kept of runs; the others are as they were."""
        store.create()
        with self._open(ledger) as session:
            staged(session, run("r1"), "ann", "bob")
            session.fold(run("r1"), [settled(2)])
            staged(session, run("r2", "two"), "ann", "cid")
            session.fold(run("r2", "two"), [settled(2)])
            staged(session, run("r3", "two"), "ann", "cid", part=Part.REMOVE)
            session.fold(run("r3", "two"), [settled(2, Part.REMOVE, failed=((1, 2),))])
        keys = [SentKey(Form.SEALED, "device", "device of ann"), SentKey(Form.HEX, "email", digest("ann"))]
        with self._open(ledger) as session:
            traces = session.traces(KEY, keys)
            assert traces >= 3
            assert [traces, 0] == [session.erase(KEY, keys), session.traces(KEY, keys)]
            assert {"bob": ("one", False), "cid": ("two", False)} == members(session)
        with self._open(ledger) as session:
            assert {"bob": ("one", False), "cid": ("two", False)} == members(session)
            assert 0 == session.traces(KEY, keys)
            assert ["bob"] == named(session, session.moved(KEY, "r1")[Part.ADD])
            assert 0 == session.erase(destination_key("ads", "other"), keys)


def named(session: LedgerSession, relation: str) -> list[str]:
    """Return the people of a relation of kept rows."""
    session.revealed(f"SELECT * FROM {relation}", "audiform.opened")
    rows = session.connection.execute(
        f"SELECT {as_sent('device')} FROM audiform.opened ORDER BY 1"
    ).fetchall()
    return [row[0].removeprefix("device of ") for row in rows]
