"""Asks the collector as an ASGI server does, without a network."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from audiform.collector.app import Collector
from audiform.collector.source import HttpSource, Limits, keyring
from audiform.collector.violations import EventTypes
from audiform.eventlog.log import EventLog
from audiform.eventlog.memory import MemoryLog
from audiform.events.event import Event

KEY = "canary-write-key"
NOW = datetime(2026, 11, 24, 12, 0, 0, 500_000, UTC)
BASIC = f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}"
TRACK = {"userId": "u-1", "event": "Order Completed", "messageId": "m-1", "properties": {"total": 12.5}}


@dataclass(frozen=True)
class Told:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Client:
    """A collector with one source, `web`, and who asks it."""

    log: EventLog = field(default_factory=MemoryLog)
    limits: Limits = field(default_factory=Limits)
    origins: tuple[str, ...] = ()
    rate: float | None = None
    types: EventTypes = field(default_factory=EventTypes)
    monotonic: list[float] = field(default_factory=lambda: [0.0])
    collector: Collector = field(init=False)

    def __post_init__(self) -> None:
        source = HttpSource("web", (KEY, "second-key"), frozenset(self.origins), self.rate, self.limits)
        keys = keyring([source], lambda: self.monotonic[0])
        self.collector = Collector(self.log, keys, self.types, clock=lambda: NOW)

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        pieces: int = 1,
    ) -> Told:
        """Send one request, its body in so many pieces."""
        wire = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        scope = {"type": "http", "method": method, "path": path, "headers": wire}
        size = -(-len(body) // pieces) or 1
        parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
        messages = [
            {"type": "http.request", "body": part, "more_body": place < len(parts) - 1}
            for place, part in enumerate(parts)
        ]
        sent: list[Any] = []

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.collector(scope, receive, send))
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        text = sent[1]["body"]
        return Told(sent[0]["status"], found, json.loads(text) if text[:1] in {b"{", b"["} else text.decode())

    def post(self, path: str, said: Any, headers: Mapping[str, str] | None = None) -> Told:
        """Send JSON with the write key."""
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.ask(
            "POST",
            path,
            body,
            {"authorization": BASIC, "content-type": "application/json"} | dict(headers or {}),
        )

    @property
    def kept(self) -> list[Event]:
        """What is in the log."""
        return [entry.event for entry in asyncio.run(self._newest())]

    async def _newest(self) -> Any:
        return await self.log.newest(1_000)
