"""What a watcher sends and when, and what it says, over hours that take no time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.store import LockedError, LockInfo
from watch.stage import SIX, Stage, stage

HOURLY = {"every": "1h"}
QUARTERLY = {"every": "15m"}


@pytest.fixture
def play(quick_path) -> Iterator[Stage]:
    """Return a stage."""
    made = stage(quick_path / "state")
    with closing(made.store):
        yield made


def test_a_binding_is_sent_each_time_it_is_due(play):
    """Once each quarter of an hour, at the time; one without a schedule, and one that is switched off, never."""
    for name in ("often", "by_hand", "off"):
        play.bind(name, None if name == "by_hand" else QUARTERLY, enabled=name != "off")
        play.ran(name, SIX)

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=46)

    asyncio.run(run())

    assert [("often",)] * 3 == play.sent
    assert [
        {
            "event": "sync_started",
            "binding": "often",
            "due": "2026-11-25T06:15:00+00:00",
            "late_seconds": 0.0,
        },
        {
            "event": "sync_ended",
            "binding": "often",
            "result": "done",
            "seconds": 0.0,
            "people": {"add": 3, "left_out": 2},
        },
    ] == play.said[:2]
    assert {("often", "done"): 3} == play.watcher.ended


def test_bindings_of_one_audience_are_sent_together(play):
    """The audience is read once for them; another audience is a sync of its own, under the same lock."""
    play.bind("ads", QUARTERLY)
    play.bind("mail", QUARTERLY)
    play.bind("letters", QUARTERLY, audience="members")
    for name in ("ads", "mail", "letters"):
        play.ran(name, SIX)

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=16)

    asyncio.run(run())

    assert [("ads", "mail"), ("letters",)] == play.sent
    assert 1 == play.session.opened


def test_after_downtime_a_binding_is_sent_once(play):
    """A night of missed hours is made up for by one run, at once; the next is at its time."""
    play.bind("ads", HOURLY)
    play.ran("ads", SIX - timedelta(hours=9))

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=59)

    asyncio.run(run())

    assert [("ads",)] == play.sent
    assert ["2026-11-24T22:00:00+00:00"] == [line["due"] for line in play.events("sync_started")]
    assert [8 * 3600.0] == [line["late_seconds"] for line in play.events("sync_started")]


def test_missed_times_are_skipped_and_said_where_that_is_asked(play):
    """Nothing is sent before the next time; that some were missed is said once."""
    play.bind("ads", {**HOURLY, "catch_up": "skip"})
    play.ran("ads", SIX - timedelta(hours=9))
    play.time.now = SIX + timedelta(minutes=10)

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=49)
            assert [] == play.sent
            await time.passes(minutes=2)

    asyncio.run(run())

    assert [("ads",)] == play.sent
    missed = {"binding": "ads", "due": "2026-11-24T22:00:00+00:00", "next": "2026-11-25T07:00:00+00:00"}
    assert [{"event": "missed", **missed}] == play.events("missed")


def test_a_binding_runs_once_at_a_time_and_holds_no_other_up(play):
    """While one takes hours, another one is sent each quarter; what became due of the first meanwhile is one run."""
    play.bind("slow", HOURLY)
    play.bind("quick", QUARTERLY, audience="members")
    play.ran("slow", SIX)
    play.ran("quick", SIX)
    play.takes(slow=2.5 * 3600)

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(hours=3, minutes=20)
            assert (1, 13) == (play.sent.count(("slow",)), play.sent.count(("quick",)))
            assert (4, True) == (play.session.opened, play.session.is_open)
            play.takes()
            await time.passes(minutes=20)

    asyncio.run(run())

    assert (2, 14) == (play.sent.count(("slow",)), play.sent.count(("quick",)))
    assert not play.session.is_open


def test_the_lock_is_free_now_and_then(play):
    """However many are due while others run, after a quarter of an hour what is under way ends and somebody else gets a turn."""
    play.bind("even", {"cron": "*/10 * * * *"})
    play.bind("odd", {"cron": "5-59/10 * * * *"}, audience="members")
    play.ran("even", SIX)
    play.ran("odd", SIX)
    play.takes(even=480, odd=480)

    async def run() -> None:
        async with play.watching() as time:
            # From 6:05 on one or the other is under way. At 6:20 `even` joins what was under way before; at 6:25 nothing may.
            await time.passes(minutes=28)
            assert (1, False) == (play.session.opened, play.session.is_open)
            await time.passes(minutes=1)
            assert (2, True) == (play.session.opened, play.session.is_open)

    asyncio.run(run())


def test_a_failure_is_tried_again_and_holds_no_other_up(play):
    """After a minute, then two, then four; the others are sent at their times."""
    play.bind("ads", {"cron": "0 6 * * *"})
    play.bind("mail", QUARTERLY, audience="members")
    play.ran("ads", SIX - timedelta(days=1))
    play.ran("mail", SIX)
    play.results["ads"] = "failed"

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=4)
            assert [("ads",)] * 3 == play.sent
            play.results["ads"] = "done"
            await time.passes(minutes=20)

    asyncio.run(run())

    assert (4, 1) == (play.sent.count(("ads",)), play.sent.count(("mail",)))
    assert ["failed", "failed", "failed", "done"] == [
        line["result"] for line in play.events("sync_ended") if line["binding"] == "ads"
    ]
    assert 0 == play.store.last_runs()["ads"].failures


def test_what_is_not_as_it_was_applied_is_refused_and_waits(play):
    """Of a binding that no file has any more, and of one that a file switched off, nothing is sent, and that is written down."""
    play.bind("gone", HOURLY)
    play.session.bindings.discard("gone")

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=4)

    asyncio.run(run())

    assert [] == play.sent
    ended = play.events("sync_ended")
    assert ["refused"] * 3 == [line["result"] for line in ended]
    assert "no file declares it any more" in ended[0]["problems"][0]
    assert ("refused", 3) == (play.store.last_runs()["gone"].result, play.store.last_runs()["gone"].failures)


def test_another_holder_of_the_lock_is_waited_for(play):
    """That is said once; as soon as the lock is free the binding is sent."""
    play.bind("ads", HOURLY)
    holder = LockInfo("1", "ann", "laptop", 7, "audiform apply", SIX, "audiform state unlock")
    play.session.refusing = LockedError(holder)

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=10)
            assert [] == play.sent
            play.session.refusing = None
            await time.passes(seconds=6)

    asyncio.run(run())

    assert [("ads",)] == play.sent
    waiting = {"who": "ann@laptop", "operation": "audiform apply", "since": "2026-11-25T06:00:00+00:00"}
    assert [{"event": "waiting_for_lock", **waiting}] == play.events("waiting_for_lock")


def test_what_was_sent_by_another_meanwhile_is_not_sent_again(play):
    """Two watchers of one state: who gets the lock second looks again, and finds nothing due."""
    play.bind("ads", HOURLY)
    play.ran("ads", SIX - timedelta(hours=2))
    play.session.refusing = LockedError(LockInfo("1", "ann", "laptop", 7, "audiform sync", SIX, ""))

    async def run() -> None:
        async with play.watching() as time:
            play.session.refusing = None
            opening = play.session.opening

            def late():
                play.ran("ads", play.time.now)
                return opening()

            play.watcher.setup = type(play.watcher.setup)(
                play.store, late, "shop", frozenset(), play.watcher.setup.timing, play.watcher.setup.telling
            )
            await time.passes(minutes=30)

    asyncio.run(run())

    assert 1 == play.session.opened
    assert [] == play.sent


def test_trouble_of_all_is_said_and_tried_again(play):
    """A project that cannot be read: its message with its place, longer and longer waits, and no end of the process."""
    play.bind("ads", HOURLY)
    play.session.refusing = DiagnosticError([Diagnostic("yaml-syntax", "A bracket is missing.")])

    async def run() -> None:
        async with play.watching() as time:
            await time.passes(minutes=30)
            play.session.refusing = None
            await time.passes(minutes=5)

    asyncio.run(run())

    trouble = play.events("trouble")
    assert ["yaml-syntax: A bracket is missing."] == trouble[0]["problems"]
    assert [5, 10, 20, 40, 80, 160, 300, 300] == [line["again_in_seconds"] for line in trouble][:8]
    assert [("ads",)] == play.sent


def test_an_order_to_stop_interrupts_and_that_is_written_down(play):
    """What is under way ends as Ctrl-C ends a sync; the next watcher goes on with it at once."""
    play.bind("ads", HOURLY)

    async def run() -> None:
        play.takes(ads=600)
        async with play.watching() as time:
            await time.passes(minutes=1)
            assert "running" == play.store.last_runs()["ads"].result

    asyncio.run(run())

    assert [{"event": "sync_interrupted", "bindings": ["ads"]}] == play.events("sync_interrupted")
    assert "interrupted" == play.store.last_runs()["ads"].result
    assert not play.session.is_open


def test_trouble_of_a_run_ends_the_session_and_the_others(play):
    """A lock that was taken away is the end of all that was under way; the watcher goes on after a wait."""
    play.bind("ads", HOURLY)
    play.bind("mail", HOURLY, audience="members")
    play.results["ads"] = DiagnosticError([Diagnostic("state-lock-lost", "The lock was taken away.")])

    async def run() -> None:
        play.takes(mail=600)
        async with play.watching() as time:
            await time.passes(seconds=4)

    asyncio.run(run())

    assert ["state-lock-lost: The lock was taken away."] == play.events("trouble")[0]["problems"]
    assert ["mail"] == play.events("sync_interrupted")[0]["bindings"]


def test_only_the_bindings_that_were_named_are_watched(quick_path):
    """The others are another process's."""
    play = stage(quick_path / "state", frozenset({"ads"}))
    with closing(play.store):
        play.bind("ads", HOURLY)
        play.bind("mail", HOURLY)

        async def run() -> None:
            async with play.watching() as time:
                await time.passes(minutes=1)

        asyncio.run(run())

        assert [("ads",)] == play.sent
