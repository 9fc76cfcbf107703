"""One limit for all executors: each of their requests asks the driver first, which knows what the platform allows.

The driver answers `go` when the connector's own gate lets the request pass: the rate, the number at once, a pause that the
platform asked for. It answers `stop` once the run has failed. Where the driver is gone nobody answers, and nothing more is
sent: what a killed run left in executors cannot undo what the next one does.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from audiform.delivery.courier import Course
from audiform.limits import Gate
from audiform.outcome import Request, Response
from audiform.transport import Transport

_TAKE: Final = b"take\n"
_DONE: Final = b"done\n"
_GO: Final = b"go\n"
_STOP: Final = b"stop\n"
LEFT: ContextVar[list[None] | None] = ContextVar("LEFT", default=None)
"""Grows with each request that leaves, of the batch that is being sent."""


class StoppedError(Exception):
    """The driver does not want another request, or is gone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where executors ask, and with what word."""

    host: str
    port: int
    word: str = field(repr=False)


@dataclass(slots=True)
class Desk:
    """Gives permits, in the driver's event loop."""

    gate: Gate
    course: Course | None = None
    _server: asyncio.Server | None = field(default=None, init=False)
    _word: str = field(default_factory=lambda: secrets.token_hex(32), init=False, repr=False)

    async def open(self, host: str, bind: str) -> Place:
        """Listen; `host` is the driver's name for its executors, `bind` the address that it listens on."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, bind, 0)
        return Place(host, self._server.sockets[0].getsockname()[1], self._word)

    async def close(self) -> None:
        """Give no more permits."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one task: what it holds when it goes away is free again."""
        held: list[AsyncExitStack] = []
        waiting: set[asyncio.Task[None]] = set()
        try:
            word = await reader.readline()
            if not hmac.compare_digest(word.strip(), self._word.encode()):
                return
            while line := await reader.readline():
                if line == _DONE:
                    await held.pop().aclose()
                else:
                    # Beside this: a request that waits must not keep another one from giving back what it holds.
                    task = asyncio.create_task(self._grant(writer, held))
                    waiting.add(task)
                    task.add_done_callback(waiting.discard)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for task in waiting:
                task.cancel()
            for one in held:
                await one.aclose()
            with suppress(OSError):
                writer.close()

    async def _grant(self, writer: asyncio.StreamWriter, held: list[AsyncExitStack]) -> None:
        passed = AsyncExitStack()
        await passed.enter_async_context(self.gate.passed())
        held.append(passed)
        writer.write(_STOP if self._stopped else _GO)
        with suppress(OSError):
            await writer.drain()

    @property
    def _stopped(self) -> bool:
        return self._server is None or (self.course is not None and self.course.failed)


@dataclass(slots=True)
class Permits:
    """Asks for permits, in an executor: over one connection for each task."""

    place: Place
    _ways: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def take(self) -> None:
        """Wait for a permit.

        Raises:
            StoppedError: there will be none.
        """
        try:
            async with self._turn:
                reader, writer = await self._connected()
                writer.write(_TAKE)
                await writer.drain()
                answer = await reader.readline()
        except OSError:
            raise StoppedError from None
        if answer != _GO:
            raise StoppedError

    def done(self) -> None:
        """Give one back."""
        if self._ways is not None:
            self._ways[1].write(_DONE)

    async def close(self) -> None:
        """Go away."""
        if self._ways is not None:
            self._ways[1].close()
            with suppress(OSError):
                await self._ways[1].wait_closed()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._ways is None:
            self._ways = await asyncio.open_connection(self.place.host, self.place.port)
            self._ways[1].write(f"{self.place.word}\n".encode())
        return self._ways


@dataclass(frozen=True, slots=True)
class PermittedTransport:
    """Sends nothing without a permit."""

    inner: Transport
    permits: Permits

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send `request` once the driver lets it pass."""
        await self.permits.take()
        left = LEFT.get()
        if left is not None:
            left.append(None)
        try:
            return await self.inner.send(request, timeout)
        finally:
            self.permits.done()

    async def close(self) -> None:
        """Close the way out, then the one to the driver."""
        await self.inner.close()
        await self.permits.close()
