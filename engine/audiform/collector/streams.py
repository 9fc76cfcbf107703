"""Reads events from a stream of others into the log; a message is acknowledged once its event is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiform.collector.reading import Reading
from audiform.config.event_kinds import EventSource, NatsSettings
from audiform.config.secret_references import SecretReference
from audiform.diagnostics import DiagnosticError
from audiform.eventlog.log import EventLog, LogFullError, LogUnavailableError, Reader, Start
from audiform.eventlog.nats import connected, durable_reader
from audiform.eventlog.place import place_of
from audiform.events.event import Event
from audiform.forwarding.telling import Telling

_AT_ONCE = 500
_WAIT_SECONDS = 1.0
_AGAIN_SECONDS = 2.0
_ACK_SECONDS = 30.0


@dataclass(slots=True)
class StreamReader:
    """One source of type `nats`."""

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
                async with AsyncExitStack() as stack:
                    reader = await self._reader(stack, Reading(self.name))
                    while True:
                        await self._move(reader)
            except (LogFullError, LogUnavailableError, DiagnosticError) as error:
                why = error.diagnostics[0].detail if isinstance(error, DiagnosticError) else str(error)
                self.telling.say("source_waits", source=self.name, why=why)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _move(self, reader: Reader) -> None:
        entries = await reader.fetch(_AT_ONCE, _WAIT_SECONDS)
        if entries:
            await self.log.append([entry.event for entry in entries])
            await reader.acknowledge(entries)

    async def _reader(self, stack: AsyncExitStack, reading: Reading) -> Reader:
        settings = NatsSettings.model_validate(self.source.settings)
        secrets = {name: self.secret(reference) for name, reference in self.source.credentials.items()}
        place = place_of(settings.url, secrets.get("user"), secrets.get("password"))
        client = await connected(place)
        stack.push_async_callback(client.close)

        def decode(data: bytes, position: str) -> Event | None:
            return reading.message(data, f"{self.name}:{position}")

        reader = await durable_reader(
            client.jetstream(), place.name, settings.consumer, Start.BEGINNING, decode, _ACK_SECONDS
        )
        stack.push_async_callback(reader.close)
        return reader
