"""Takes the rows of a part to the platform, some requests at a time: from this process, or from executors of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from audiform.client import ConnectorClient, Rows
from audiform.connectors.manifest import SignalOperation
from audiform.delivery.rows import Chunk, Outgoing, chunks
from audiform.outcome import Category, Outcome, OutcomeKind
from audiform.state.ledger import LedgerSession

Told = Callable[[int], None]
"""Is told of how many people more it is known what became of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of rows `[first, last)` of a part."""

    first: int
    last: int
    outcome: Outcome

    @property
    def size(self) -> int:
        """How many rows it is about."""
        return self.last - self.first


class Course(Protocol):
    """How a run goes: once it has failed, nothing more is begun."""

    failed: bool


class Sender(Protocol):
    """What sends one batch: a `ConnectorClient`."""

    async def send_batch(self, signal: SignalOperation, scope: Mapping[str, Any], rows: Rows) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """Rows `[first, first + count)` of a part, journalled at once. `send` returns the answers of their requests."""

    first: int
    count: int
    send: Callable[[Course, Told], Awaitable[Sequence[Answer]]] = field(repr=False)


class Courier(Protocol):
    """Yields what is to be sent, in order, and sends it when it is asked to."""

    def at_once(self, outgoing: Outgoing) -> int:
        """Return how many parcels are on their way at the same time."""
        ...

    def parcels(self, outgoing: Outgoing) -> AsyncIterator[Parcel]: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LocalCourier:
    """Sends from this process, what lies in the tables of the session."""

    client: ConnectorClient
    session: LedgerSession
    scope: Mapping[str, Any] = field(repr=False)

    def at_once(self, outgoing: Outgoing) -> int:
        """Return enough for the platform's limit, and one that waits."""
        return parcels_at_once(outgoing)

    async def parcels(self, outgoing: Outgoing) -> AsyncIterator[Parcel]:
        """Yield what was read, a few requests' worth at a time."""
        async for chunk in chunks(self.session, outgoing):
            yield Parcel(
                chunk.first, chunk.count, partial(send_chunk, self.client, outgoing, chunk, self.scope)
            )

    async def close(self) -> None:
        """Do nothing: nothing is open."""


def parcels_at_once(outgoing: Outgoing) -> int:
    """Return how many parcels are on their way: enough for the platform's limit, and one that waits."""
    requests = max(1, outgoing.at_once // outgoing.most_rows)
    return max(2, outgoing.manifest.limits.concurrency // requests + 1)


async def send_chunk(
    sender: Sender, outgoing: Outgoing, chunk: Chunk, scope: Mapping[str, Any], course: Course, told: Told
) -> Sequence[Answer]:
    """Send the requests of a chunk side by side; a failure keeps those back that were not begun."""

    async def request(first: int, last: int) -> Answer:
        rows = chunk.rows(first, last)
        if last - first == 1 and outgoing.most_bytes is not None and len(rows.text) > outgoing.most_bytes:
            outcome = _too_large(outgoing.most_bytes)
        elif course.failed:
            outcome = Outcome(OutcomeKind.FAILED)
        else:
            inside = {**scope, "identifiers": outgoing.fields}
            outcome = await sender.send_batch(outgoing.operation, inside, rows)
        if not outcome.ok and outcome.kind is not OutcomeKind.REJECTED:
            course.failed = True
        told(last - first)
        return Answer(chunk.first + first, chunk.first + last, outcome)

    return await asyncio.gather(*(request(first, last) for first, last in chunk.requests(outgoing)))


def _too_large(most: int) -> Outcome:
    message = f"one record has more than the {most:,} bytes that the platform takes at once"
    return Outcome(OutcomeKind.REJECTED, Category.INVALID_RECORD, message)
