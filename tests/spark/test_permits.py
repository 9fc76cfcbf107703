"""One limit for all executors, and none of them sends behind the driver's back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from audiform.limits import Gate, TokenBucket
from audiform.outcome import Request, Response
from audiform.spark.permits import Desk, Permits, PermittedTransport, Place, StoppedError


@dataclass
class Course:
    failed: bool = False


@dataclass
class Counting:
    """Counts how many requests are on their way at once."""

    now: int = 0
    most: int = 0
    sent: list[str] = field(default_factory=list)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        self.sent.append(request.url)
        return Response(200)

    async def close(self) -> None:
        pass


def gate(concurrency: int) -> Gate:
    """Return a gate without a rate."""
    return Gate(concurrency, TokenBucket(None, lambda: 0.0), asyncio.sleep)


def test_the_limit_holds_over_all_executors():
    """Tasks on several connections send no more at once than one process may, and all of it in the end."""

    async def work() -> Counting:
        desk, counting = Desk(gate(2)), Counting()
        place = await desk.open("127.0.0.1", "127.0.0.1")
        tasks = [PermittedTransport(counting, Permits(place)) for _ in range(4)]
        requests = [one.send(Request("POST", f"{number}"), 1.0) for one in tasks for number in range(5)]
        await asyncio.gather(*requests)
        for one in tasks:
            await one.close()
        await desk.close()
        return counting

    counting = asyncio.run(work())

    assert 20 == len(counting.sent)
    assert 2 == counting.most


@pytest.mark.parametrize("why", ["the run has failed", "the driver is gone", "another word"])
def test_without_a_permit_nothing_is_sent(why):
    """A run that failed, a driver that was killed, and somebody who does not know the word: no request leaves."""

    async def work() -> Counting:
        desk, counting = Desk(gate(2)), Counting()
        place = await desk.open("127.0.0.1", "127.0.0.1")
        if why == "the run has failed":
            desk.course = Course(failed=True)
        elif why == "the driver is gone":
            await desk.close()
        else:
            place = Place(place.host, place.port, "guessed")
        transport = PermittedTransport(counting, Permits(place))
        try:
            with pytest.raises(StoppedError):
                await transport.send(Request("POST", "x"), 1.0)
        finally:
            await transport.close()
            await desk.close()
        return counting

    assert [] == asyncio.run(work()).sent


def test_what_a_lost_executor_held_is_free_again():
    """A task that vanishes in the middle of its request keeps nobody else waiting."""

    async def work() -> None:
        desk = Desk(gate(1))
        place = await desk.open("127.0.0.1", "127.0.0.1")
        lost, other = Permits(place), Permits(place)
        await lost.take()
        await lost.close()
        await asyncio.wait_for(other.take(), 5)
        await other.close()
        await desk.close()

    asyncio.run(work())
