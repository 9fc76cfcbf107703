"""Which transport runs a request: the scheme of its URL says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from audiform.outcome import Request, Response
from audiform.transport import HttpTransport, Transport
from audiform.transports.files import FilesTransport
from audiform.transports.kafka import KafkaTransport
from audiform.transports.postgresql import PostgresqlTransport

SCHEMES: Mapping[str, Callable[[], Transport]] = {
    "https": HttpTransport,
    "http": HttpTransport,
    "kafka": KafkaTransport,
    "postgresql": PostgresqlTransport,
    "file": FilesTransport,
    "s3": FilesTransport,
    "gs": FilesTransport,
    "sftp": FilesTransport,
}
"""Scheme of a URL -> its transport. Nothing is opened, and no library is imported, before it is used."""


@dataclass(slots=True)
class RoutedTransport:
    """Every transport there is, each opened when it is first needed."""

    _open: dict[Callable[[], Transport], Transport] = field(
        default_factory=dict[Callable[[], Transport], Transport], repr=False
    )

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send `request` on the way that its URL names."""
        make = SCHEMES.get(urlsplit(request.url).scheme)
        if make is None:
            return Response(0, error="the URL is not valid", sent=False)
        return await self._open.setdefault(make, make()).send(request, timeout)

    async def close(self) -> None:
        """Close what was opened. A transport that was closed may be used again."""
        while self._open:
            await self._open.popitem()[1].close()
