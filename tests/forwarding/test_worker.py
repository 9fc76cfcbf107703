"""One event connector at work, against a fake platform, with a clock that runs when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from audiform.event_client import EventLimits, Sent
from audiform.eventlog.memory import MemoryLog
from audiform.events.event import Event
from audiform.events.route import NotSent, Reason
from audiform.forwarding.destination import Destination
from audiform.forwarding.fakes import ACCEPTED, FakeRoute, FakeSender
from audiform.forwarding.records import MemoryRecords
from audiform.forwarding.worker import Worker
from audiform.outcome import Category, OutcomeKind
from audiform.wire import Timing

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RETRY = Sent(OutcomeKind.RETRY, Category.UNAVAILABLE, "503 busy")
LOST = replace(RETRY, answer_lost=True)
BAD = Sent(OutcomeKind.REJECTED, Category.INVALID_RECORD, "no such product")


def event(number: int, person: str = "u-1", **change: Any) -> Event:
    """Return an event of a person."""
    made = Event(f"e-{number}", "web", "track", "Viewed", "", "2026-11-24T12:00:00.000Z", {"user_id": person})
    return replace(made, **change)


@dataclass
class Stage:
    """A worker with all that it needs. Time runs a hundred times faster than outside."""

    sender: FakeSender = field(default_factory=FakeSender)
    route: FakeRoute = field(default_factory=FakeRoute)
    log: MemoryLog = field(default_factory=MemoryLog)
    records: MemoryRecords = field(default_factory=MemoryRecords)
    window: float = 3600.0
    max_seconds: float = 0.0
    deduplicates: bool = False
    said: list[str] = field(default_factory=list)
    speed: float = 100.0

    def worker(self) -> Worker:
        """Return a worker that is not started."""
        begun = asyncio.get_running_loop().time()

        def passed() -> float:
            return (asyncio.get_running_loop().time() - begun) * self.speed

        timing = Timing(
            clock=lambda: START + timedelta(seconds=passed()),
            monotonic=passed,
            sleep=lambda seconds: asyncio.sleep(seconds / self.speed),
            chance=lambda: 0.5,
        )
        destination = Destination(
            "crm", self.route, self.sender, self.window, self.max_seconds, deduplicates=self.deduplicates
        )
        return Worker(destination, self.log, self.records, timing, person=lambda who: f"digest of {len(who)}")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[Worker]:
        """Run a worker."""
        worker = self.worker()
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()

    def count(self, what: str, detail: str = "") -> int:
        """Return a figure."""
        return self.records.tally.get(("crm", what, detail), 0)

    @property
    def settled(self) -> int:
        """How many events of the log the connector has settled."""
        return len(self.log.settled["crm"])


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so, for five seconds."""
    for _ in range(1_000):
        if true():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not become so within five seconds")


def test_events_are_sent_in_batches_and_settled_once():
    """Each event is sent once, in the order of the log, in batches of the most that the platform takes."""
    stage = Stage()

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(number) for number in range(7)])
            await until(lambda: stage.settled == 7)
            return await worker.snapshot()

    snapshot = asyncio.run(run())
    assert [f"e-{number}" for number in range(7)] == sorted(stage.sender.sent)
    assert {3, 1} == {len(batch) for batch in stage.sender.batches}
    assert (7, 0, 0, "closed") == (stage.count("sent"), snapshot.lag, snapshot.holding, snapshot.breaker)
    assert snapshot.p99 is not None
    assert {} == stage.records.batches


def test_a_batch_waits_for_others_but_not_for_long():
    """A lone event is sent when its time is over, a full batch at once."""
    stage = Stage(max_seconds=20.0)

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(4)])
            await until(lambda: stage.sender.batches)
            early = list(stage.sender.batches)
            await until(lambda: stage.settled == 4)
            return early

    assert [["e-0", "e-1", "e-2"]] == asyncio.run(run())
    assert ["e-3"] == stage.sender.batches[-1]


def test_bytes_close_a_batch_too():
    """A request holds no more than the platform takes."""
    stage = Stage(sender=FakeSender(EventLimits(100, bytes=8)))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(4)])
            await until(lambda: stage.settled == 4)

    asyncio.run(run())
    assert {2} == {len(batch) for batch in stage.sender.batches}


def test_what_nobody_wants_is_settled_and_what_cannot_be_mapped_is_kept():
    """Other events leave no trace; people without consent are counted; a missing field is a dead letter."""
    reasons = {"e-0": Reason.OTHER_EVENT, "e-1": Reason.NO_CONSENT, "e-2": Reason.MISSING_FIELD}
    refuse = lambda each: NotSent(reasons[each.id], "`total` is missing") if each.id in reasons else None  # noqa: E731
    stage = Stage(route=FakeRoute(refuse=refuse))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(4)])
            await until(lambda: stage.settled == 4)

    asyncio.run(run())
    assert ["e-3"] == stage.sender.sent
    assert (0, 1, 1) == tuple(stage.count("not_sent", reason) for reason in reasons.values())
    (letter,) = stage.records.letters.values()
    assert ("e-2", "missing_field", "`total` is missing", "digest of 3") == (
        letter.event_id, letter.category, letter.message, letter.person,
    )  # fmt: skip


def test_a_rejected_event_is_a_dead_letter_and_harms_no_other():
    """With the platform's category and message; the rest of its batch is taken."""
    stage = Stage(FakeSender(answer=lambda name, _: BAD if name == "e-1" else ACCEPTED))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(3)])
            await until(lambda: stage.settled == 3)

    asyncio.run(run())
    assert (2, 1) == (stage.count("sent"), stage.count("dead", "invalid_record"))
    assert [("e-1", "no such product", False)] == [
        (letter.event_id, letter.message, letter.uncertain) for letter in stage.records.letters.values()
    ]


def test_a_failure_is_tried_again_until_it_works():
    """With waits that grow; nothing is lost, and nothing counts as sent twice that the platform surely did not take."""
    stage = Stage(FakeSender(answer=lambda _, tries: ACCEPTED if tries == 4 else RETRY))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(3)])
            await until(lambda: stage.settled == 3)

    asyncio.run(run())
    assert (3, 9, 0) == (
        stage.count("sent"),
        stage.count("retried", "unavailable"),
        stage.count("maybe_twice"),
    )
    assert {} == stage.records.letters


def test_a_lost_answer_is_counted_where_the_platform_cannot_tell():
    """Sent again, it may have been delivered twice; a platform with an id for that is told apart."""
    for deduplicates, detail in ((False, ""), (True, "same_id")):
        answer = lambda _, tries: ACCEPTED if tries == 2 else LOST  # noqa: E731
        stage = Stage(FakeSender(answer=answer), deduplicates=deduplicates)

        async def run(stage: Stage = stage):
            async with stage.working():
                await stage.log.append([event(1)])
                await until(lambda: stage.settled == 1)

        asyncio.run(run())
        assert (1, 1) == (stage.count("sent"), stage.count("maybe_twice", detail))


def test_an_event_whose_time_is_over_is_a_dead_letter():
    """After the window a failure is the last one, and the letter says how often it was tried; it may have arrived."""
    stage = Stage(FakeSender(answer=lambda *_: LOST), window=30.0)

    async def run():
        async with stage.working():
            await stage.log.append([event(1), event(2)])
            await until(lambda: stage.settled == 2)

    asyncio.run(run())
    letter = stage.records.letters["crm", "0"]
    assert ("unavailable", True) == (letter.category, letter.uncertain)
    assert "tries in 0.00833333 hours: 503 busy" in letter.message
    assert 2 == stage.count("dead", "unavailable")


def test_an_old_event_gets_its_try():
    """After a stop of days the first try is not too late; only a failure then is the last."""
    old = "2026-11-20T12:00:00.000Z"
    stage = Stage(FakeSender(answer=lambda name, _: RETRY if name == "e-2" else ACCEPTED))

    async def run():
        async with stage.working():
            await stage.log.append([event(1, received=old), event(2, received=old)])
            await until(lambda: stage.settled == 2)

    asyncio.run(run())
    assert (1, 1, 1) == (stage.count("sent"), stage.count("dead", "unavailable"), stage.sender.tries["e-2"])


def test_a_pause_of_the_platform_costs_an_old_event_nothing():
    """What waits behind a `Retry-After` was not tried, so it is not given up, however old it is."""
    old = "2026-11-20T12:00:00.000Z"
    limited = replace(RETRY, category=Category.RATE_LIMITED, retry_after=40.0)
    first = {"e-0", "e-1", "e-2"}
    sender = FakeSender(EventLimits(3, concurrency=1), lambda name, _: limited if name in first else ACCEPTED)
    stage = Stage(sender)

    async def run():
        async with stage.working():
            await stage.log.append([event(number, received=old) for number in range(9)])
            await until(lambda: stage.settled == 9)

    asyncio.run(run())
    assert (6, 3) == (stage.count("sent"), stage.count("dead", "rate_limited"))
    assert 0 == stage.count("dead", "unavailable")


def test_retry_after_is_kept():
    """A platform that says when gets nothing before, from no batch."""
    limited = replace(RETRY, category=Category.RATE_LIMITED, retry_after=40.0)
    stage = Stage(FakeSender(answer=lambda _, tries: ACCEPTED if tries > 1 else limited))

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(1)])
            await until(lambda: stage.sender.batches)
            await stage.log.append([event(2)])
            await asyncio.sleep(0.2)
            meanwhile = len(stage.sender.batches), (await worker.snapshot()).breaker
            await until(lambda: stage.settled == 2)
            return meanwhile

    assert (1, "open") == asyncio.run(run())


def test_a_broken_destination_is_left_alone_and_memory_stays():
    """After three failures there are few tries, and only so much is taken out of the log."""
    stage = Stage(FakeSender(EventLimits(100), answer=lambda *_: RETRY), window=1e9, speed=1.0)

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(number) for number in range(9_000)])
            await until(lambda: worker._queue.held >= 5_000)
            await asyncio.sleep(0.3)
            return worker._queue.held, await worker.snapshot()

    held, snapshot = asyncio.run(run())
    assert 5_000 <= held <= 5_250
    assert ("open", 9_000, "503 busy") == (snapshot.breaker, snapshot.lag, snapshot.last_error)
    assert len(stage.sender.batches) < 12


def test_events_of_one_person_stay_in_order():
    """The second one waits until the first is settled, while other people's go on."""
    answer = lambda name, tries: RETRY if (name, tries) == ("e-0", 1) else ACCEPTED  # noqa: E731
    stage = Stage(FakeSender(EventLimits(3, concurrency=4), answer), FakeRoute(ordered=True))

    async def run():
        async with stage.working():
            await stage.log.append(
                [event(0, "a"), event(1, "a"), event(2, "b"), event(3, "a"), event(4, "b")]
            )
            await until(lambda: stage.settled == 5)

    asyncio.run(run())
    mine = [name for name in stage.sender.sent if name in {"e-0", "e-1", "e-3"}]
    assert ["e-0", "e-0", "e-1", "e-3"] == mine
    assert stage.sender.sent.index("e-4") < stage.sender.sent.index("e-1")


def test_so_many_requests_at_once_and_no_more():
    """The type's concurrency holds."""
    stage = Stage(FakeSender(EventLimits(1, concurrency=3), seconds=0.01))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(20)])
            await until(lambda: stage.settled == 20)

    asyncio.run(run())
    assert 3 == stage.sender.most_at_once


def test_a_stop_waits_for_answers_and_leaves_the_rest():
    """Nothing new is sent after it, what was sent is settled, and what was not comes with the next start."""
    stage = Stage(FakeSender(EventLimits(1, concurrency=1), seconds=0.05))

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(10)])
            await until(lambda: stage.settled >= 1)
        stopped, done = len(stage.sender.batches), stage.settled
        await asyncio.sleep(0.1)
        assert (stopped, stopped) == (len(stage.sender.batches), done)
        stage.sender.seconds = 0
        async with stage.working():
            await until(lambda: stage.settled == 10)

    asyncio.run(run())
    assert {1} == set(stage.sender.tries.values())
    assert 0 == stage.count("maybe_twice")


def test_what_was_on_its_way_at_a_kill_is_counted_when_it_is_sent_again():
    """The platform may have taken it; nobody has heard."""
    stage = Stage()

    async def run():
        await stage.log.reader("crm")
        await stage.log.append([event(1), event(2)])
        await stage.records.begin("crm", ["0"], {})
        async with stage.working():
            await until(lambda: stage.settled == 2)

    asyncio.run(run())
    assert (2, 1) == (stage.count("sent"), stage.count("maybe_twice"))


def test_a_dead_letter_is_sent_again_when_somebody_asks():
    """Delivered, it is no letter any more; refused again, it stays, with what was said last."""
    answers = {"e-1": [BAD, ACCEPTED], "e-2": [BAD, replace(BAD, message="still not")]}
    stage = Stage(FakeSender(answer=lambda name, tries: answers[name][tries - 1]))

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(1), event(2)])
            await until(lambda: len(stage.records.letters) == 2)
            stage.records.ask()
            for _ in range(3):  # it is looked at often, and sent once
                await worker.replay(await stage.records.replays())
            await until(lambda: len(stage.records.letters) == 1 and not await_replays(stage))
            return await worker.snapshot()

    snapshot = asyncio.run(run())
    assert ["still not"] == [letter.message for letter in stage.records.letters.values()]
    assert ({"e-1": 2, "e-2": 2}, 0) == (stage.sender.tries, snapshot.holding)


def await_replays(stage: Stage) -> bool:
    """Say whether a letter is still asked for."""
    return any(letter.replay for letter in stage.records.letters.values())


def test_a_letter_whose_event_is_gone_says_so():
    """It cannot be sent, and is not asked for for ever."""
    stage = Stage(FakeSender(answer=lambda *_: BAD))

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(1)])
            await until(lambda: stage.records.letters)
            stage.records.ask()
            stage.log.entries.clear()
            await worker.replay(await stage.records.replays())

    asyncio.run(run())
    (letter,) = stage.records.letters.values()
    assert (False, True) == (letter.replay, "no longer in the log" in letter.message)


def test_a_bug_of_a_sender_loses_nothing():
    """Its events are tried again, and counted as perhaps delivered."""

    class Buggy(FakeSender):
        async def send(self, records):
            if not self.batches:
                self.batches.append([])
                raise RuntimeError("canary@example.com")
            return await FakeSender.send(self, records)

    stage = Stage(Buggy())

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(1)])
            await until(lambda: stage.settled == 1)
            return await worker.snapshot()

    snapshot = asyncio.run(run())
    assert (1, 1) == (stage.count("sent"), stage.count("maybe_twice"))
    assert "RuntimeError" in snapshot.last_error
    assert "canary" not in snapshot.last_error


def test_a_pause_can_be_skipped():
    """What was kept during it is not sent; what comes then is."""
    stage = Stage()

    async def run():
        await stage.log.reader("crm")
        await stage.log.append([event(1)])
        worker = stage.worker()
        await worker.start(skip=True)
        await stage.log.append([event(2)])
        await until(lambda: stage.settled == 2)
        await worker.stop()

    asyncio.run(run())
    assert ["e-2"] == stage.sender.sent


def test_what_was_settled_before_is_not_sent_again():
    """A log on a server that is killed hands out again what it did not write down; the next worker settles it, and sends nothing."""
    stage = Stage()

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(3)])
            await until(lambda: stage.settled == 3)
        stage.log.settled["crm"].clear()
        async with stage.working():
            await stage.log.append([event(3)])
            await until(lambda: stage.settled == 4)

    asyncio.run(run())
    assert ["e-0", "e-1", "e-2", "e-3"] == sorted(stage.sender.sent)
    assert (4, 0) == (stage.count("sent"), stage.count("maybe_twice"))


def test_what_another_worker_has_by_now_is_not_sent_here():
    """Its destination was away; when it is back, only the rest is sent, and those behind it of the same person too."""
    stage = Stage(route=FakeRoute(ordered=True), sender=FakeSender(EventLimits(1)))
    stage.sender.answer = lambda _, tries: RETRY if tries == 1 else ACCEPTED

    async def run():
        async with stage.working():
            await stage.log.append([event(number) for number in range(2)])
            await until(lambda: stage.sender.batches)
            stage.log.elsewhere.add("0")
            await until(lambda: stage.settled == 1)

    asyncio.run(run())
    assert ["e-0", "e-1", "e-1"] == stage.sender.sent


def test_a_wait_for_ever_ends_with_the_window():
    """A platform that says to come back in a year is asked once more when the time of the event is over."""
    limited = replace(RETRY, category=Category.RATE_LIMITED, retry_after=365 * 86_400.0)
    stage = Stage(FakeSender(answer=lambda *_: limited), window=40.0)

    async def run():
        async with stage.working():
            await stage.log.append([event(1)])
            await until(lambda: stage.settled == 1)

    asyncio.run(run())
    assert [1, 0] == [
        stage.count("dead", "rate_limited") + stage.count("dead", "unavailable"),
        stage.count("sent"),
    ]


def test_a_restart_knows_since_when_nothing_is_taken():
    """A destination that is away for longer than the window is not given the whole window again by each restart."""
    stage = Stage(FakeSender(answer=lambda *_: RETRY), window=1e9)

    async def run():
        async with stage.working() as worker:
            await stage.log.append([event(1)])
            await until(lambda: "crm" in stage.records.broken)
            since = stage.records.broken["crm"]
        stage.records.broken["crm"] = since - 3_600
        async with stage.working() as worker:
            again = worker._breaker.broken_for()
            stage.sender.answer = lambda *_: ACCEPTED
            await until(lambda: stage.settled == 1)
            return again

    assert 3_599 <= asyncio.run(run()) < 4_600
    assert {} == stage.records.broken


def test_who_was_forgotten_is_not_sent():
    """Neither from the log nor as a dead letter that is replayed; it is counted, and nobody else waits."""
    stage = Stage()

    async def run():
        async with stage.working() as worker:
            worker.forgotten = lambda event: event.body["user_id"] == "gone"
            await stage.log.append([event(0, "gone"), event(1), event(2, "gone", type="other")])
            await until(lambda: stage.settled == 3)

    asyncio.run(run())
    assert ["e-1"] == stage.sender.sent
    assert 2 == stage.count("not_sent", "suppressed")
