"""Which transport runs a request: the scheme of its URL says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from audiform.lazily import load
from audiform.outcome import Request, Response
from audiform.transport import Transport

_HTTP = "audiform.transport:HttpTransport"
_FILES = "audiform.transports.files:FilesTransport"
SCHEMES: Mapping[str, str] = {
    "https": _HTTP,
    "http": _HTTP,
    "kafka": "audiform.transports.kafka:KafkaTransport",
    "postgresql": "audiform.transports.postgresql:PostgresqlTransport",
    "file": _FILES,
    "s3": _FILES,
    "gs": _FILES,
    "sftp": _FILES,
}
"""Scheme of a URL -> where its transport is. Nothing is imported or opened before it is used."""


@dataclass(slots=True)
class RoutedTransport:
    """Every transport there is, each opened when it is first needed."""

    _open: dict[str, Transport] = field(default_factory=dict[str, Transport], repr=False)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send `request` on the way that its URL names."""
        place = SCHEMES.get(urlsplit(request.url).scheme)
        if place is None:
            return Response(0, error="the URL is not valid", sent=False)
        if place not in self._open:
            self._open[place] = load(place)()
        return await self._open[place].send(request, timeout)

    async def close(self) -> None:
        """Close what was opened. A transport that was closed may be used again."""
        while self._open:
            await self._open.popitem()[1].close()
