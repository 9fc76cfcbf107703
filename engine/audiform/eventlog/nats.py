"""The log on NATS JetStream: one stream, one durable consumer per event connector, shared by all workers.

An event counts as kept when the server says so: its stream's replicas and `sync_interval` decide how durable that is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from audiform.eventlog.log import Entry, LogFullError, LogUnavailableError, Retention, Start
from audiform.eventlog.place import Place, safe_name
from audiform.eventlog.recent import Recent
from audiform.events.event import Event

_FULL = frozenset({10047, 10077, 10122})
"""What the server calls it when a stream or its disk has no room."""
_SAME_SECONDS = 600.0
_TIGHT = 0.9
_TIDY_SECONDS = 5.0
_MOST_OPEN = 20_000
_FLUSH_SECONDS = 2

Decode = Callable[[bytes, str], Event | None]
"""Makes an event of a message and its position; None: there is none in it."""


@dataclass(slots=True)
class NatsLog:
    """A stream; it is made where there is none, and its owner's settings stay where there is one."""

    place: Place
    retention: Retention = field(default_factory=Retention)
    ack_seconds: float = 30.0
    """A worker that says nothing for so long is gone, and others get its events."""
    wait_seconds: float = 5.0
    """For an answer of the server."""
    _client: Any = field(default=None, repr=False)
    _tidying: asyncio.Task[None] | None = None
    _connecting: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def append(self, events: Sequence[Event]) -> None:
        """Keep events; returns when the server has all of them."""
        stream = await self._jetstream()
        await asyncio.gather(*(self._publish(stream, event) for event in events))

    async def reader(self, consumer: str, start: Start = Start.NOW) -> NatsReader:
        """Return a reader; readers of one name share the events."""
        stream = await self._jetstream()
        with answering():
            to = (self._client, stream)
            return await durable_reader(to, self.place.name, consumer, start, _decoded, self.ack_seconds)

    def hold_for(self, consumers: Collection[str]) -> None:
        """Do nothing: the server holds for every durable consumer that was not deleted."""

    async def forget(self, consumer: str) -> None:
        """Delete the durable consumer."""
        from nats.js.errors import NotFoundError

        stream = await self._jetstream()
        with answering(), suppress(NotFoundError):
            await stream.delete_consumer(self.place.name, safe_name(consumer))

    async def find(self, positions: Sequence[str]) -> Mapping[str, Event]:
        """Return the events at these positions."""
        from nats.js.errors import NotFoundError

        stream, found = await self._jetstream(), dict[str, Event]()
        for position in positions:
            with answering(), suppress(NotFoundError):
                message = await stream.get_msg(self.place.name, seq=int(position))
                found[position] = Event.from_json(message.data)
        return found

    async def newest(self, count: int) -> Sequence[Entry]:
        """Return the newest events, oldest first."""
        stream = await self._jetstream()
        with answering():
            last = (await stream.stream_info(self.place.name)).state.last_seq
        found = await self.find([str(place) for place in range(max(1, last - count + 1), last + 1)])
        return [Entry(position, event) for position, event in found.items()]

    async def tidy(self) -> None:
        """Make room, where it gets tight, of a quarter of the events that every consumer has settled."""
        stream = await self._jetstream()
        info = await stream.stream_info(self.place.name)
        if not info.config.max_bytes or info.state.bytes < info.config.max_bytes * _TIGHT:
            return
        floors = [each.ack_floor.stream_seq for each in await stream.consumers_info(self.place.name)]
        settled = min(floors, default=info.state.last_seq) - info.state.first_seq + 1
        if settled > 0:
            await stream.purge_stream(self.place.name, seq=info.state.first_seq + max(1, settled // 4))

    async def close(self) -> None:
        """Close the connection."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()

    async def _publish(self, stream: Any, event: Event) -> None:
        from nats.errors import Error
        from nats.js.errors import APIError

        same = {"Nats-Msg-Id": f"{event.source}\x1f{event.id}".encode().hex()}
        try:
            await stream.publish(_subject(self.place.name), event.to_json(), self.wait_seconds, headers=same)
        except APIError as error:
            if error.err_code in _FULL:
                raise LogFullError("the stream of events is full") from None
            raise LogUnavailableError(f"NATS did not keep the event (error {error.err_code})") from None
        except Error as error:
            raise LogUnavailableError(f"NATS did not answer ({type(error).__name__})") from None

    async def _jetstream(self) -> Any:
        async with self._connecting:
            if self._client is None:
                self._client = await connected(self.place, self.wait_seconds)
                await self._made(self._client.jetstream())
                self._tidying = asyncio.create_task(self._tidy_often())
        return self._client.jetstream(timeout=self.wait_seconds)

    async def _made(self, stream: Any) -> None:
        from nats.js.api import DiscardPolicy, StorageType, StreamConfig
        from nats.js.errors import NotFoundError

        with suppress(NotFoundError):
            await stream.stream_info(self.place.name)
            return
        await stream.add_stream(
            StreamConfig(
                name=self.place.name,
                subjects=[_subject(self.place.name)],
                storage=StorageType.FILE,
                discard=DiscardPolicy.NEW,
                max_age=self.retention.max_seconds,
                max_bytes=self.retention.max_bytes,
                duplicate_window=min(_SAME_SECONDS, self.retention.max_seconds),
            )
        )

    async def _tidy_often(self) -> None:
        from nats.errors import Error

        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            with suppress(Error):  # not reachable: the next time
                await self.tidy()


@dataclass(slots=True, eq=False)
class NatsReader:
    """A durable consumer. What is open is kept alive, so that nobody else gets it while it is retried here."""

    subscription: Any = field(repr=False)
    client: Any = field(repr=False)
    stream: Any = field(repr=False)
    decode: Decode = field(repr=False)
    ack_seconds: float
    _open: dict[str, Any] = field(default_factory=dict[str, Any], repr=False)
    _settled: Recent = field(default_factory=lambda: Recent(_MOST_OPEN), repr=False)
    """The last that were acknowledged: a server that was killed may not know it any more, and hands them out again."""
    _alive: asyncio.Task[None] | None = None

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]:
        """Return the next events; wait for the first of them."""
        if self._alive is None:
            self._alive = asyncio.create_task(self._keep_alive())
        try:
            # The library's own TimeoutError, or Python's where the time ran out between two of its requests.
            with answering(TimeoutError):
                messages = await self.subscription.fetch(most, timeout=max(wait, 0.01))
        except TimeoutError:
            return ()
        return [entry for message in messages if (entry := await self._entry(message)) is not None]

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Tell the server that these are settled; one that does not hear of it is told again when it hands them out again."""
        from nats.errors import Error

        for entry in entries:
            message = self._open.pop(entry.position, None)
            if message is not None:
                self._settled.add(entry.position)
                with suppress(Error):
                    await message.ack()

    def holds(self, entry: Entry) -> bool:
        """Return True: what is kept alive is handed to nobody else."""
        del entry
        return True

    async def lag(self) -> int:
        """Count what waits at the server, and what was handed out and is not settled."""
        with answering():
            info = await self.subscription.consumer_info()
        return int(info.num_pending + info.num_ack_pending)

    async def skip(self) -> None:
        """Settle what is there now. Workers that skip together share it."""
        with answering():
            info = await self.subscription.consumer_info()
            last = (await self.stream.stream_info(info.stream_name)).state.last_seq
            await self.acknowledge([Entry(position, _NOBODY) for position in list(self._open)])
            while (await self.subscription.consumer_info()).delivered.stream_seq < last:
                await self.acknowledge(await self.fetch(min(_MOST_OPEN, 1_000), 1.0))

    async def close(self) -> None:
        """Give back what is open, so that others get it at once."""
        from nats.errors import Error

        if self._alive is not None:
            self._alive.cancel()
            await asyncio.gather(self._alive, return_exceptions=True)
        with suppress(Error):
            for message in self._open.values():
                await message.nak()
            await self.subscription.unsubscribe()
            # Until the server has read this, it hands out more, which nobody would hear of before it is handed out again.
            await self.client.flush(_FLUSH_SECONDS)
        self._open.clear()

    async def _entry(self, message: Any) -> Entry | None:
        from nats.errors import Error

        position = str(message.metadata.sequence.stream)
        if position in self._settled:
            with suppress(Error):
                await message.ack()
            return None
        if position in self._open:
            # It is on its way here, and is answered as it was handed out last.
            self._open[position] = message
            return None
        event = self.decode(message.data, position)
        if event is None:
            with suppress(Error):
                await message.ack()
            return None
        self._open[position] = message
        return Entry(position, event)

    async def _keep_alive(self) -> None:
        from nats.errors import Error

        while True:
            await asyncio.sleep(self.ack_seconds / 3)
            with suppress(Error):
                for message in list(self._open.values()):
                    await message.in_progress()


_NOBODY = Event("", "", "", None, "", "", {})


async def durable_reader(
    to: tuple[Any, Any], name: str, consumer: str, start: Start, decode: Decode, ack_seconds: float
) -> NatsReader:
    """Return a reader of the stream `name` by a client and its JetStream, made for a consumer that the server does not know."""
    from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
    from nats.js.errors import NotFoundError

    client, stream = to
    durable = safe_name(consumer)
    try:
        info = await stream.consumer_info(name, durable)
    except NotFoundError:
        config = ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_seconds,
            deliver_policy=DeliverPolicy.NEW if start is Start.NOW else DeliverPolicy.ALL,
            max_ack_pending=_MOST_OPEN,
        )
        info = await stream.add_consumer(name, config)
    # Its owner may have chosen another time, and what is open must be kept alive within that.
    ack_seconds = info.config.ack_wait or ack_seconds
    subscription = await stream.pull_subscribe_bind(durable=durable, stream=name)
    return NatsReader(subscription, client, stream, decode, ack_seconds)


@contextmanager
def answering(*but: type[Exception]) -> Iterator[None]:
    """Say of whatever goes wrong between here and the servers that the log is not there; `but`: what somebody else handles.

    Raises:
        LogUnavailableError: the servers did not answer, or said no.
    """
    from nats.errors import Error

    try:
        yield
    except (Error, TimeoutError) as error:
        if isinstance(error, but):
            raise
        raise LogUnavailableError(f"NATS did not answer ({type(error).__name__})") from None


async def connected(place: Place, wait_seconds: float = 5.0) -> Any:
    """Return a connection that comes back by itself when a server does.

    Raises:
        LogUnavailableError: there is no server, or it lets nobody in.
    """
    from nats.aio.client import Client
    from nats.errors import Error

    client: Any = Client()  # its own types say little
    scheme = "tls" if place.encrypted else "nats"
    try:
        async with asyncio.timeout(wait_seconds):
            await client.connect(
                [f"{scheme}://{server}" for server in place.servers],
                user=place.user,
                password=place.password,
                name="audiform",
                max_reconnect_attempts=-1,  # for ever, once it was connected
                reconnect_time_wait=0.2,
                error_cb=_quiet,
            )
    except (Error, OSError, TimeoutError) as error:
        raise LogUnavailableError(
            f"no connection to NATS at {', '.join(place.servers)} ({type(error).__name__})"
        ) from None
    return client


async def _quiet(_: Exception) -> None:
    """Errors reach whoever waits for an answer; nats-py would print them too."""


def _subject(name: str) -> str:
    return f"audiform.events.{name}"


def _decoded(data: bytes, _: str) -> Event:
    return Event.from_json(data)
