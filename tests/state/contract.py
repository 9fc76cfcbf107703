"""What every backend must hold to: a test file of a backend subclasses `StoreContract` and gives it a place.

`place` is text that `opened` turns into a store, in this process and in another one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audiform.address import Address, Kind
from audiform.state.store import (
    Count,
    DeadLetter,
    HistoryEntry,
    LastRun,
    LockedError,
    Record,
    Run,
    StateStore,
    StateView,
    Tombstone,
    Watermark,
)

BINDING = Address(Kind.BINDING, "lapsed_on_ads")
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def record(name: str = "lapsed_on_ads", **body: object) -> Record:
    """Return a binding's record with sane contents."""
    return Record(
        Address(Kind.BINDING, name), f"digest of {body}", {"audience": "lapsed", **body}, protected=True
    )


def run_elsewhere(code: str, place: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process of its own; `place` is its only argument."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", textwrap.dedent(code), place]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


class StoreContract:
    """The promises. `opened` and `opening_code` are given by the backend's test class as fixtures."""

    def test_a_state_that_never_was_is_empty(self, place: str, opened: Callable[[str], StateStore]):
        """Reading where nothing was ever written shows nothing, not even a lineage."""
        with closing(opened(place)) as store:
            view = store.read()

            assert ("", 0, {}) == (view.lineage, view.serial, view.records)
            assert "" == store.secret_digest("s3cret")
            assert [] == [
                *store.pending(),
                *store.open_runs(),
                *store.counts("2000-01-01"),
                *store.dead_letters(),
                *store.tombstones(),
                *store.history(),
            ]

    def test_records_come_back_as_they_were_written(self, place: str, opened: Callable[[str], StateStore]):
        """A record read by another opening equals the one that was put, nested data and null included."""
        written = record(destination={"name": "Zoë", "ids": [1, None, 2.5]}, destination_id=None)
        with closing(opened(place)) as store:
            store.put(written, record("other"))
        with closing(opened(place)) as store:
            assert written == store.read().records[BINDING]
            assert ["lapsed_on_ads", "other"] == [address.name for address in store.read().records]

    def test_the_serial_grows_by_one_with_each_change_only(
        self, place: str, opened: Callable[[str], StateStore]
    ):
        """Writing the same again, removing nothing, journal and figures leave the serial as it is."""
        with closing(opened(place)) as store:
            created = store.create().serial
            first = store.put(record(a=1), record("other"))
            again = store.put(record(a=1))
            changed = store.put(record(a=2), record("other"))
            absent = store.remove(Address(Kind.BINDING, "absent"))
            store.settle(store.intend("run", BINDING, "create_destination", "", {}))
            store.count([Count("2024-05-01", "ads", "b", "sent", "add", 3)])
            removed = store.remove(BINDING)

            assert [0, 1, 1, 2, 2, 3] == [created, first, again, changed, absent, removed]
            assert 3 == store.read().serial

    def test_the_lineage_never_changes(self, place: str, opened: Callable[[str], StateStore]):
        """The lineage of the first write stands in every later reading, by every opening."""
        with closing(opened(place)) as store:
            lineage = store.create().lineage
            store.put(record())
            store.remove(BINDING)
        with closing(opened(place)) as store:
            assert lineage
            assert [lineage, lineage] == [store.create().lineage, store.read().lineage]

    def test_a_view_is_a_copy(self, place: str, opened: Callable[[str], StateStore]):
        """What was read does not change when the state does."""
        with closing(opened(place)) as store:
            store.put(record(a=1))
            view = store.read()
            store.put(record(a=2))

            assert 1 == view.records[BINDING].body["a"]

    def test_a_record_moves_with_its_content(self, place: str, opened: Callable[[str], StateStore]):
        """A moved record has its old content under the new address only."""
        new = Address(Kind.BINDING, "renamed")
        with closing(opened(place)) as store:
            store.put(record(a=1))
            store.move(BINDING, new)

            assert {new: 1} == {address: item.body["a"] for address, item in store.read().records.items()}

    def test_a_move_never_overwrites(self, place: str, opened: Callable[[str], StateStore]):
        """Moving to a taken address, from an absent one or to another kind changes nothing."""
        with closing(opened(place)) as store:
            serial = store.put(record(), record("other"))
            with pytest.raises(ValueError, match=r"binding\.other"):
                store.move(BINDING, Address(Kind.BINDING, "other"))
            with pytest.raises(ValueError, match="kinds"):
                store.move(BINDING, Address(Kind.AUDIENCE, "lapsed_on_ads"))
            with pytest.raises(KeyError):
                store.move(Address(Kind.BINDING, "absent"), Address(Kind.BINDING, "new"))

            assert serial == store.read().serial

    def test_all_records_are_replaced_at_once(self, place: str, opened: Callable[[str], StateStore]):
        """They and their lineage are those of the view; the serial is higher than both were. A new state can begin so."""
        view = StateView("lineage", 7, {BINDING: record(a=1)})
        with closing(opened(place)) as store:
            assert 8 == store.replace(view)
            store.put(record(a=2), record("other"))
            assert 10 == store.replace(view)
        with closing(opened(place)) as store:
            assert StateView("lineage", 10, view.records) == store.read()

    def test_intents_are_pending_until_settled(self, place: str, opened: Callable[[str], StateStore]):
        """An intent is seen by the next opening, with all it carries, until it is settled."""
        with closing(opened(place)) as store:
            first = store.intend(
                "run", BINDING, "create_destination", "audiform:shop/x/y#1", {"body": {"a": [1]}}
            )
            second = store.intend("run", BINDING, "update_destination", "", {})
        with closing(opened(place)) as store:
            assert [first, second] == list(store.pending())
            store.settle(first)
            assert [second] == list(store.pending())

    def test_a_run_keeps_its_batches_until_it_ends(self, place: str, opened: Callable[[str], StateStore]):
        """Started and settled batches are told apart by the next opening; an ended run leaves nothing."""
        run = Run("r1", "lapsed_on_ads", "k" * 32, {"staged": "file"}, NOON)
        with closing(opened(place)) as store:
            store.begin_run(run)
            store.start_batch("r1", 0, {"rows": 10})
            store.start_batch("r1", 1, {"rows": 5})
            store.settle_batch("r1", 0, {"accepted": 9}, [], [])
        with closing(opened(place)) as store:
            assert [run] == list(store.open_runs())
            assert [(0, True, {"accepted": 9}), (1, False, {"rows": 5})] == [
                (batch.number, batch.settled, batch.data) for batch in store.batches("r1")
            ]
            store.end_run("r1")
            assert [] == [*store.open_runs(), *store.batches("r1")]

    def test_a_batch_is_counted_once(self, place: str, opened: Callable[[str], StateStore]):
        """Settling a batch a second time, after a crash, adds no figures and no dead letters."""
        figures = [Count("2024-05-01", "ads", "b", "sent", "add", 9)]
        letters = [DeadLetter("b", "add", "id1", "invalid_record", "no", NOON)]
        with closing(opened(place)) as store:
            store.begin_run(Run("r1", "b", "k", {}, NOON))
            store.start_batch("r1", 0, {})
            store.settle_batch("r1", 0, {}, figures, letters)
            store.settle_batch("r1", 0, {}, figures, [])

            assert figures == list(store.counts("2024-05-01"))
            assert letters == list(store.dead_letters())

    def test_a_watermark_goes_with_its_binding(self, place: str, opened: Callable[[str], StateStore]):
        """The last one counts; it has its binding's new name, and is gone with the record. The serial stays as it is."""
        first = Watermark("lapsed_on_ads", "query-1", "integer", "41", NOON, NOON)
        second = replace(first, value="97", at=NOON + timedelta(hours=1))
        new = Address(Kind.BINDING, "renamed")
        with closing(opened(place)) as store:
            assert store.watermark("lapsed_on_ads") is None
            serial = store.put(record())
            store.keep_watermark(first)
            store.keep_watermark(second)
            assert serial == store.read().serial
        with closing(opened(place)) as store:
            assert second == store.watermark("lapsed_on_ads")
            store.move(BINDING, new)
            assert [None, replace(second, binding="renamed")] == [
                store.watermark("lapsed_on_ads"),
                store.watermark("renamed"),
            ]
            store.remove(Address(Kind.AUDIENCE, "renamed"))
            assert store.watermark("renamed") is not None
            store.remove(new)
            assert store.watermark("renamed") is None
            store.keep_watermark(first)
            store.drop_watermark("lapsed_on_ads")
            assert store.watermark("lapsed_on_ads") is None

    def test_the_last_run_goes_with_its_binding(self, place: str, opened: Callable[[str], StateStore]):
        """The last one counts; it has its binding's new name, and is gone with the record. The serial stays as it is."""
        running = LastRun("lapsed_on_ads", NOON, None, "running", 2)
        done = LastRun("lapsed_on_ads", NOON, NOON + timedelta(minutes=4), "done")
        other = LastRun("other", NOON, NOON, "failed", 1)
        with closing(opened(place)) as store:
            assert {} == store.last_runs()
            serial = store.put(record())
            store.note_runs([running, other])
            store.note_runs([done])
            assert serial == store.read().serial
        with closing(opened(place)) as store:
            assert {"lapsed_on_ads": done, "other": other} == store.last_runs()
            store.move(BINDING, Address(Kind.BINDING, "other"))
            assert {"other": replace(done, binding="other")} == store.last_runs()
            store.remove(Address(Kind.BINDING, "other"))
            assert {} == store.last_runs()

    def test_a_plan_is_spent_once(self, place: str, opened: Callable[[str], StateStore]):
        """A second time is told from the first, and by every process; the serial stays as it is."""
        with closing(opened(place)) as store:
            assert store.spent("digest") is None
            assert (True, False) == (store.spend("digest", NOON), store.spend("digest", NOON))
        with closing(opened(place)) as store:
            assert (NOON, None) == (store.spent("digest"), store.spent("other"))
            assert 0 == store.read().serial

    def test_figures_add_up_by_day_and_meaning(self, place: str, opened: Callable[[str], StateStore]):
        """Figures of one day, binding and meaning are summed; older days and zeros are left out."""
        with closing(opened(place)) as store:
            store.count(
                [
                    Count("2024-05-01", "ads", "b", "sent", "add", 2),
                    Count("2024-04-01", "ads", "b", "sent", "add", 7),
                ]
            )
            store.count(
                [
                    Count("2024-05-01", "ads", "b", "sent", "add", 3),
                    Count("2024-05-01", "ads", "b", "error", "timeout", 0),
                ]
            )

            assert [Count("2024-05-01", "ads", "b", "sent", "add", 5)] == list(store.counts("2024-05-01"))

    def test_the_last_rejection_of_a_person_counts(self, place: str, opened: Callable[[str], StateStore]):
        """A person rejected again for the same binding and signal is one dead letter: the later one."""
        with closing(opened(place)) as store:
            store.bury([DeadLetter("b", "add", "id1", "invalid_record", "first", NOON)])
            store.bury([DeadLetter("b", "add", "id1", "invalid_record", "second", NOON)])

            assert ["second"] == [letter.message for letter in store.dead_letters()]

    def test_a_letter_is_found_by_any_key_of_its_person(
        self, place: str, opened: Callable[[str], StateStore]
    ):
        """Erasing by some keys drops the letters that have one of them, of every binding, and no others."""
        letters = [
            DeadLetter("a", "add", "id1", "invalid_record", "no", NOON, ("k1", "k2")),
            DeadLetter("b", "add", "id1", "invalid_record", "no", NOON, ("k2",)),
            DeadLetter("b", "add", "id2", "invalid_record", "no", NOON, ("k11", "k22")),
            DeadLetter("b", "add", "id3", "invalid_record", "no", NOON),
        ]
        with closing(opened(place)) as store:
            store.bury(letters)
            assert letters == list(store.dead_letters())
            assert [2, 0] == [store.unbury(["k2", "k3"]), store.unbury(["k2"])]
            assert letters[2:] == list(store.dead_letters())

    def test_a_tombstone_stays_as_it_was(self, place: str, opened: Callable[[str], StateStore]):
        """Tombstones outlive the opening; one that is written again keeps its first request and time."""
        first = Tombstone("d1", "email", "r1", NOON)
        with closing(opened(place)) as store:
            store.entomb([first])
        with closing(opened(place)) as store:
            store.entomb(
                [
                    Tombstone("d1", "email", "r2", NOON + timedelta(1)),
                    Tombstone("d2", "phone", "r2", NOON + timedelta(1)),
                ]
            )
            assert [first, Tombstone("d2", "phone", "r2", NOON + timedelta(1))] == list(store.tombstones())
            assert 0 == store.read().serial

    def test_the_history_holds_each_run_once(self, place: str, opened: Callable[[str], StateStore]):
        """An entry is written when it begins and again when it ends; dropped ones are gone. The serial stays."""
        begun = HistoryEntry("h1", "apply", "ann@ci", NOON, None, 3, None, {"moves": []})
        ended = replace(begun, ended=NOON + timedelta(hours=1), serial_after=5, data={"moves": [{"add": 1}]})
        later = HistoryEntry("h0", "sync", "ci", NOON + timedelta(1), None, 5, None, {}, pinned=True)
        with closing(opened(place)) as store:
            store.remember(later)
            store.remember(begun)
            store.remember(ended)
        with closing(opened(place)) as store:
            assert [ended, later] == list(store.history())
            assert 0 == store.read().serial
            store.drop_history(["h1", "absent"])
            assert [later] == list(store.history())

    def test_secret_digests_are_keyed(self, place: str, opened: Callable[[str], StateStore]):
        """A secret's digest is the same each time, another one for another secret, and no plain hash of it."""
        from hashlib import sha256

        with closing(opened(place)) as store:
            store.create()
            digest = store.secret_digest("s3cret")
        with closing(opened(place)) as store:
            assert digest == store.secret_digest("s3cret")
            assert digest != store.secret_digest("other")
            assert digest != sha256(b"s3cret").hexdigest()

    def test_a_held_lock_names_its_holder(self, place: str, opened: Callable[[str], StateStore]):
        """Whoever comes second learns who holds the lock, for what, and how to release it; then it is free."""
        with closing(opened(place)) as first, closing(opened(place)) as second:
            with first.lock("apply") as lock:
                with pytest.raises(LockedError) as caught:
                    second.lock("sync")
                assert lock.info == caught.value.holder
                assert ("apply", os.getpid()) == (lock.info.operation, lock.info.pid)
                assert "state unlock" in str(caught.value)
            with second.lock("sync") as lock:
                assert "sync" == lock.info.operation

    def test_the_lock_excludes_other_processes(
        self, place: str, opened: Callable[[str], StateStore], opening_code: str
    ):
        """Another process is refused while the lock is held."""
        code = f"""
            import sys
            {opening_code}
            from audiform.state.store import LockedError
            try:
                opened(sys.argv[1]).lock("sync")
            except LockedError as error:
                print(error.holder.pid)
            """
        with closing(opened(place)) as store, store.lock("apply"):
            assert str(os.getpid()) == run_elsewhere(code, place).stdout.strip()

    def test_the_lock_of_a_killed_process_is_taken_over(
        self, place: str, opened: Callable[[str], StateStore], opening_code: str
    ):
        """A process that dies with the lock, without any clean-up, leaves it free."""
        code = f"""
            import os, signal, sys
            {opening_code}
            lock = opened(sys.argv[1]).lock("apply")
            os.kill(os.getpid(), signal.SIGKILL)
            """
        assert -9 == run_elsewhere(code, place).returncode
        with closing(opened(place)) as store, store.lock("apply") as lock:
            assert os.getpid() == lock.info.pid

    def test_a_lock_can_be_taken_away(self, place: str, opened: Callable[[str], StateStore]):
        """A forced unlock says who held the lock; the old holder's end does not free the next one's."""
        with closing(opened(place)) as store, closing(opened(place)) as other:
            with store.lock("apply"):
                freed = other.force_unlock()
                assert freed is not None
                assert "apply" == freed.operation
                taken = other.lock("sync")
            with taken, pytest.raises(LockedError):
                store.lock("plan")
            assert other.force_unlock() is None

    def test_another_process_takes_nothing_away(
        self, place: str, opened: Callable[[str], StateStore], opening_code: str
    ):
        """What a process writes after another one has read and ended is there, however often it opened the state itself."""
        code = f"""
            import sys
            {opening_code}
            store = opened(sys.argv[1])
            print(*(address.name for address in store.read().records))
            store.close()
            """
        with closing(opened(place)) as store, closing(opened(place)) as beside:
            store.put(record("first"))
            beside.put(record("second"))
            assert "first second\n" == run_elsewhere(code, place).stdout
            store.put(record("third"))
            assert "first second third\n" == run_elsewhere(code, place).stdout
        assert "first second third\n" == run_elsewhere(code, place).stdout

    def test_what_was_written_survives_a_kill(
        self, place: str, opened: Callable[[str], StateStore], opening_code: str
    ):
        """A process killed in the middle of its writes leaves all that returned and nothing in half."""
        code = f"""
            import os, signal, sys
            {opening_code}
            from audiform.address import parse_address
            from audiform.state.store import Record
            store = opened(sys.argv[1])
            def records():
                yield Record(parse_address("binding.half"), "d", {{}})
                os.kill(os.getpid(), signal.SIGKILL)
            store.put(Record(parse_address("binding.whole"), "d", {{"n": 1}}))
            store.intend("run", parse_address("binding.whole"), "create_destination", "m", {{}})
            store.put(*records())
            """
        assert -9 == run_elsewhere(code, place).returncode
        with closing(opened(place)) as store:
            view = store.read()
            assert (1, ["whole"]) == (view.serial, [address.name for address in view.records])
            assert ["create_destination"] == [intent.action for intent in store.pending()]
            assert 2 == store.put(record())
