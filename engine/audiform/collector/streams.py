"""Reads events from a stream of others into the log; a message is acknowledged once its event is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from audiform.collector.kafka import joined
from audiform.collector.reading import Reading
from audiform.config.event_kinds import EventSource, KafkaSettings, NatsSettings
from audiform.config.secret_references import SecretReference
from audiform.diagnostics import DiagnosticError
from audiform.eventlog.log import Entry, EventLog, LogFullError, LogUnavailableError, Start
from audiform.eventlog.nats import answering, connected, durable_reader
from audiform.eventlog.place import Place, place_of
from audiform.events.event import Event
from audiform.forwarding.telling import Telling

_AT_ONCE = 500
_WAIT_SECONDS = 1.0
_AGAIN_SECONDS = 2.0
_ACK_SECONDS = 30.0


class Stream(Protocol):
    """What is read, by the name of a consumer that its servers remember."""

    async def fetch(self, most: int, wait: float) -> Sequence[Entry]: ...
    async def acknowledge(self, entries: Sequence[Entry]) -> None: ...
    async def close(self) -> None: ...


@dataclass(slots=True)
class StreamReader:
    """One source of type `nats` or `kafka`."""

    name: str
    source: EventSource
    log: EventLog
    root: Path
    secret: Callable[[SecretReference], str] = field(repr=False)
    records: Any = field(repr=False)
    telling: Telling = field(repr=False)

    async def run(self) -> None:
        """Read until it is cancelled; what goes wrong is said, and tried again."""
        while True:
            try:
                await self._read()
            except LogUnavailableError as error:
                self._wait(str(error))
            except DiagnosticError as error:
                self._wait(error.diagnostics[0].detail)
            except ModuleNotFoundError as error:
                extra = f"pip install 'audiform[{self.source.type}]'"
                self._wait(f"the Python package `{error.name}` is not installed: run `{extra}`")
            except Exception as error:  # noqa: BLE001 - a bug of ours must not end a source in silence
                self.telling.say("bug", source=self.name, error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _read(self) -> None:
        reading = Reading(self.name)
        async with AsyncExitStack() as stack:
            stream = await self._opened(stack, reading)
            stack.push_async_callback(stream.close)
            while True:
                entries = await stream.fetch(_AT_ONCE, _WAIT_SECONDS)
                if entries:
                    await self._keep([entry.event for entry in entries])
                await stream.acknowledge(entries)
                if reading.refused:
                    self.telling.say("messages_not_read", source=self.name, reasons=reading.refused)
                    reading.refused = {}

    async def _keep(self, events: Sequence[Event]) -> None:
        """Append, and wait while there is no room, or no log: what was read is held, and nothing more is read."""
        while True:
            try:
                await self.log.append(events)
            except LogFullError as full:
                self._wait(str(full))
                await asyncio.sleep(full.retry_after)
            except LogUnavailableError as gone:
                self._wait(str(gone))
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return

    async def _opened(self, stack: AsyncExitStack, reading: Reading) -> Stream:
        secrets = {name: self.secret(reference) for name, reference in self.source.credentials.items()}
        place = place_of(str(self.source.settings["url"]), secrets.get("user"), secrets.get("password"))
        if self.source.type == "kafka":
            return joined(place, KafkaSettings.model_validate(self.source.settings), reading)
        settings = NatsSettings.model_validate(self.source.settings)
        return await self._of_nats(stack, place, settings, reading)

    async def _of_nats(
        self, stack: AsyncExitStack, place: Place, settings: NatsSettings, reading: Reading
    ) -> Stream:
        from nats.js.errors import NotFoundError

        client = await connected(place)
        stack.push_async_callback(client.close)

        def decode(data: bytes, position: str) -> Event | None:
            return reading.message(data, f"{self.name}:{position}")

        try:
            with answering(NotFoundError):
                to = (client, client.jetstream())
                return await durable_reader(
                    to, place.name, settings.consumer, Start.BEGINNING, decode, _ACK_SECONDS
                )
        except NotFoundError:
            raise LogUnavailableError("the stream does not exist") from None

    def _wait(self, why: str) -> None:
        self.telling.say("source_waits", source=self.name, why=why)
