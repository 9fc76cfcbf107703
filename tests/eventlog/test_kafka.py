"""The log on Kafka, on the mock cluster that librdkafka brings: it speaks the protocol, groups and committed offsets included."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from audiform.eventlog.kafka.log import KafkaLog
from audiform.eventlog.kafka.reader import KafkaReader
from audiform.eventlog.log import Entry, LogUnavailableError, Start
from audiform.eventlog.place import place_of
from eventlog.brokers import SESSION_SECONDS, Brokers, brokers
from eventlog.contract import CHECKS, closing, events, fetched, ids


@pytest.fixture(scope="module")
def cluster() -> Iterator[Brokers]:
    """Run one cluster; each test has a topic of its own."""
    with brokers() as running:
        yield running


def log_of(url: str, **settings: object) -> KafkaLog:
    """Return a log."""
    return KafkaLog(place_of(url), session_seconds=SESSION_SECONDS, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_kafka_keeps_the_contract(check, cluster):
    """A topic of one partition does what every log does; only a repeated event it cannot tell after a restart."""
    url = cluster.make(check.__name__, 1)
    asyncio.run(check(lambda: closing(log_of(url))))


@pytest.mark.slow
def test_workers_share_the_partitions_and_keep_each_person_in_order(cluster):
    """Every event is handed out once between two workers, each person's in order; who leaves hands over what it did not settle."""
    url = cluster.make("shared", 4)
    many = [
        replace(event, body={"user_id": f"u-{number % 8}"}) for number, event in enumerate(events(*range(40)))
    ]

    def worker() -> KafkaLog:
        # Long enough that a busy machine does not take one for dead.
        return KafkaLog(place_of(url), session_seconds=3.0)

    async def run():
        async with closing(worker()) as one:
            mine = await one.reader("ads")
            await one.append(many[:20])
            before = await fetched(mine, 20)
            await mine.acknowledge(before[5:])
            async with closing(worker()) as two:
                theirs = await two.reader("ads")
                early = await both_have_partitions(mine, theirs)
                await two.append(many[20:])
                got = await shared_out([mine, theirs], early, set(range(20, 40)))
                await mine.acknowledge(got[0])
                await theirs.acknowledge(got[1][:-1])
                lags = await mine.lag(), await theirs.lag()
                held = [mine.holds(entry) for entry in (*got[0], *got[1])]
                await theirs.close()
            rest = await fetched(mine, 1)
            await mine.close()
            return before, got, lags, held, rest

    before, (mine, theirs), lags, held, rest = asyncio.run(run())
    again = [number for number in [*ids(mine), *ids(theirs)] if number < 20]
    assert set(again) <= set(ids(before[:5]))  # only what was not settled when its partition went
    assert list(range(20, 40)) == sorted(number for number in [*ids(mine), *ids(theirs)] if number >= 20)
    for got in (mine, theirs):
        for person in {entry.event.body["user_id"] for entry in got}:
            own = ids([entry for entry in got if entry.event.body["user_id"] == person])
            assert sorted(own) == own
    assert ([True] * len(mine) + [False] * len(theirs), 1) == (held, lags[1])
    assert ids(theirs[-1:]) == ids(rest)


async def shared_out(
    readers: Sequence[KafkaReader], found: list[list[Entry]], wanted: set[int]
) -> list[list[Entry]]:
    """Return what each reader gets, with what it has `found`, until all that is wanted is there, and a moment longer."""
    late = 0
    for _ in range(100):
        for reader, got in zip(readers, found, strict=True):
            got.extend(await reader.fetch(99, 0.1))
        late += wanted <= {number for got in found for number in ids(got)}
        if late == 3:
            return found
    pytest.fail("not all of it came within twenty seconds", pytrace=False)


async def both_have_partitions(*readers: KafkaReader) -> list[list[Entry]]:
    """Wait until the group has shared them out; return what each reader got meanwhile: what nobody had settled."""
    found: list[list[Entry]] = [[] for _ in readers]
    until = time.monotonic() + 40
    while time.monotonic() < until:
        for reader, got in zip(readers, found, strict=True):
            got.extend(await reader.fetch(1, 0))
        if all(len(reader.ownership.partitions) == 2 for reader in readers):
            return found
        await asyncio.sleep(0.05)
    pytest.fail("the group did not share its partitions within forty seconds", pytrace=False)


def test_an_event_that_was_kept_a_moment_ago_is_kept_once(cluster):
    """A sender that did not hear the answer of this worker sends it again."""
    url = cluster.make("once", 1)

    async def run():
        async with closing(log_of(url)) as log:
            await log.append(events(1, 2, 2))
            await log.append(events(2, 3))
            return ids(await log.newest(9))

    assert [1, 2, 3] == asyncio.run(run())


@pytest.mark.slow
def test_brokers_that_go_away_are_said(cluster):
    """An append says so, and what was settled meanwhile is committed when they are back."""
    url = cluster.make("away", 1)

    async def run():
        async with closing(log_of(url, wait_seconds=2)) as log:
            reader = await log.reader("ads", Start.BEGINNING)
            await log.append(events(1))
            got = await fetched(reader, 1)
            cluster.down()
            with pytest.raises(LogUnavailableError, match="did not keep the event in time"):
                await log.append(events(2))
            await reader.acknowledge(got)
            cluster.up()
            await log.append(events(3))
            after: Sequence[Entry] = []
            while not after:
                with suppress(LogUnavailableError):  # it was told that they were away, once
                    after = await fetched(reader, 1)
            await reader.acknowledge(after)
            await reader.close()
        async with closing(log_of(url)) as log:
            reader = await log.reader("ads")
            return ids(after), ids(await reader.fetch(9, 1.0)), await reader.lag()

    assert ([3], [], 0) == asyncio.run(run())


def test_nobody_there_is_said():
    """A log that cannot be reached never looks like an empty one."""

    async def run():
        async with closing(log_of("kafka://127.0.0.1:1/none", wait_seconds=0.5)) as log:
            await log.append(events(1))

    with pytest.raises(LogUnavailableError):
        asyncio.run(run())
