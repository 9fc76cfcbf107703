"""The log on a real NATS server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from audiform.eventlog.log import LogFullError, LogUnavailableError, Retention, Start
from audiform.eventlog.nats import NatsLog, NatsReader
from audiform.eventlog.place import place_of
from eventlog.contract import CHECKS, ONCE, closing, events, fetched, ids, until_full
from eventlog.servers import Nats, nats_server


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Nats]:
    """Run one server; each test has a stream of its own."""
    with nats_server(tmp_path_factory.mktemp("nats")) as running:
        yield running


def log_of(server: Nats, stream: str, **settings: object) -> NatsLog:
    """Return a log."""
    return NatsLog(place_of(server.url(stream)), Retention(max_bytes=2**20), **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("check", [*CHECKS, *ONCE], ids=lambda check: check.__name__)
def test_nats_keeps_the_contract(check, server):
    """A stream does what every log does."""
    asyncio.run(check(lambda: closing(log_of(server, check.__name__))))


def test_workers_share_the_work(server):
    """Readers of one name get each event once between them; what one of them dies with, another one gets."""

    async def run():
        async with closing(log_of(server, "shared", ack_seconds=1)) as log:
            one, two = await log.reader("ads"), await log.reader("ads")
            await log.append(events(*range(20)))
            first, second = await one.fetch(10, 2), await two.fetch(10, 2)
            await one.acknowledge(first)
            await two.acknowledge(second[:4])
            await asyncio.sleep(1.5)  # it is kept alive
            kept = await one.fetch(10, 0.05)
            assert two._alive is not None
            two._alive.cancel()  # it dies
            again = await fetched(one, 6)
            await one.acknowledge(again)
            await one.close()
            return ids(first), ids(second), kept, sorted(ids(again))

    first, second, kept, again = asyncio.run(run())
    assert list(range(20)) == sorted([*first, *second])
    assert ((), sorted(second[4:])) == (tuple(kept), again)


class Impatient:
    """A subscription whose time runs out between two of its requests: the library then raises Python's own error."""

    async def fetch(self, most: int, **_: float) -> list[object]:
        raise TimeoutError


def test_a_wait_that_ends_with_nothing_gives_nothing():
    """However the library says so."""

    async def run():
        reader = NatsReader(Impatient(), None, None, lambda _, __: None, 1.0)
        found = await reader.fetch(10, 0.01)
        assert reader._alive is not None
        reader._alive.cancel()
        return found

    assert () == asyncio.run(run())


def test_a_full_stream_takes_nothing_until_something_is_settled(server):
    """The sender is told to come back; settled events make room before they are old."""
    large = [replace(event, body={"text": "x" * 50_000}) for event in events(*range(40))]

    async def run():
        async with closing(log_of(server, "full")) as log:
            reader = await log.reader("ads", Start.BEGINNING)
            await until_full(log, large)
            await log.tidy()
            with pytest.raises(LogFullError):
                await log.append(large[-1:])
            await reader.acknowledge(await reader.fetch(100, 1))
            await asyncio.sleep(0.1)
            await log.tidy()
            await log.append(large[-1:])
            return ids(await fetched(reader, 1))

    assert [39] == asyncio.run(run())


def test_a_restart_of_the_server_loses_nothing(tmp_path):
    """While it is away an append says so; afterwards everything that was kept is there."""

    async def run(server: Nats):
        async with closing(log_of(server, "restart", wait_seconds=1)) as log:
            reader = await log.reader("ads", Start.BEGINNING)
            await log.append(events(1, 2))
            server.stop()
            refused = asyncio.create_task(log.append(events(3)))
            with pytest.raises(LogUnavailableError):
                await asyncio.wait_for(refused, 8)
            server.start()
            for _ in range(50):
                try:
                    await log.append(events(3))
                    break
                except LogUnavailableError:
                    await asyncio.sleep(0.1)
            return ids(await fetched(reader, 3))

    with nats_server(tmp_path) as server:
        assert [1, 2, 3] == asyncio.run(run(server))


def test_a_server_that_goes_away_is_said_as_what_it_is(tmp_path):
    """Whatever is asked of it; what was settled meanwhile is settled once it is back, and harms nobody until then."""

    async def run(server: Nats):
        async with closing(log_of(server, "away", wait_seconds=0.3, ack_seconds=1)) as log:
            reader = await log.reader("ads", Start.BEGINNING)
            await log.append(events(1, 2))
            got = await fetched(reader, 2)
            server.stop()
            await reader.acknowledge(got)
            said = []
            for asked in (reader.lag(), log.newest(1), log.reader("crm"), log.find(["1"])):
                with pytest.raises(LogUnavailableError, match="NATS did not answer"):
                    await asked
                said.append(asked)
            server.start()
            later = await fetched_until(reader)
            return len(said), later, await reader.lag()

    async def fetched_until(reader):
        for _ in range(40):
            try:
                if await reader.fetch(10, 0.2):
                    return "again"
                if await reader.lag() == 0:
                    return "settled"
            except LogUnavailableError:
                await asyncio.sleep(0.1)
        return "open"

    with nats_server(tmp_path) as server:
        assert (4, "settled", 0) == asyncio.run(run(server))


def test_nobody_there_is_said(tmp_path):
    """A log that cannot be reached never looks like an empty one."""

    async def run():
        async with closing(NatsLog(place_of("nats://127.0.0.1:1/none"), wait_seconds=0.5)) as log:
            await log.append(events(1))

    with pytest.raises(LogUnavailableError, match=r"no connection to NATS at 127\.0\.0\.1:1"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nats://u:p@h.example.com:1/a", "never in a URL"),
        ("nats://h.example.com", "HOST:PORT/NAME"),
        ("nats:///a", "HOST"),
    ],
)
def test_a_place_is_servers_and_a_name(url, why):
    """What is missing is said, and a password is nowhere where it would be printed."""
    with pytest.raises(ValueError, match=why):
        place_of(url)


def test_other_machines_are_reached_encrypted():
    """Only this machine itself is not."""
    far = place_of("nats://a.example.com:4222,127.0.0.1:4222/shop", "u", "secret-canary")

    assert (True, False) == (far.encrypted, place_of("nats://127.0.0.1:4222/shop").encrypted)
    assert "secret-canary" not in repr(far)
