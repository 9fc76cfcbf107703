"""The one way out: a Protocol, the real transport, and the fake that tests use."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol

from audiform.outcome import Request, Response

if TYPE_CHECKING:
    import ssl

    import httpx

_MOST_BYTES = 64 * 1024 * 1024
"""An answer larger than this is not read: memory does not grow with what a platform sends."""
_CONNECT_SECONDS = 10.0
_NO_HEADER = "a header has a character that none may have: look for a line break or an accent in credentials and settings"
_PIECE = 256 * 1024
"""A longer body is sent in pieces of this size, so that other requests and their timeouts get their turn."""


class Transport(Protocol):
    """Sends one request. An answer that does not arrive is a `Response` with status 0, never an exception."""

    async def send(self, request: Request, timeout: float) -> Response: ...  # noqa: ASYNC109 - httpx enforces it
    async def close(self) -> None: ...


@dataclass(slots=True)
class HttpTransport:
    """HTTP over pooled connections: TLS verified, redirects off. Belongs to the event loop that first uses it."""

    connections: int = 64
    _client: httpx.AsyncClient | None = field(default=None, repr=False)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - httpx enforces it
        """Send `request`; `timeout` is in seconds, for each read and write."""
        import httpx

        if self._client is None:
            self._client = _open(self.connections)
        limits = httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
        try:
            content, headers = _content(request)
            built = self._client.build_request(
                request.method, request.url, headers=headers, content=content, timeout=limits
            )
            answer = await self._client.send(built, stream=True)
            try:
                body = await _read(answer)
            finally:
                await answer.aclose()
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return Response(0, error=_name(error), sent=_may_have_left(error))
        except ValueError:
            # Refused by httpx or aiohttp before a byte is written. Its own text would hold the header, a secret perhaps.
            return Response(0, error=_NO_HEADER, sent=False)
        if body is None:
            return Response(0, error=f"the answer has more than {_MOST_BYTES:,} bytes")
        return Response(
            answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, body
        )

    async def close(self) -> None:
        """Close the connections. A transport that was closed may be used again."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


@dataclass(slots=True)
class FakeTransport:
    """Answers from a function and keeps what was sent, for tests."""

    handler: Callable[[Request], Response]
    requests: list[Request] = field(default_factory=list[Request])
    closed: bool = False

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Keep `request` and return the handler's answer."""
        self.requests.append(request)
        return self.handler(request)

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def _open(connections: int) -> httpx.AsyncClient:
    import httpx
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    # Proxies of the environment are honoured, except for this machine itself: a sandbox is never behind one.
    own: dict[str, httpx.AsyncBaseTransport | None] = dict.fromkeys(
        ("all://localhost", "all://127.0.0.1", "all://[::1]")
    )
    session = AiohttpTransport(limits=limits, verify=_trust()).get_client()
    # aiohttp sends a PUT or DELETE again by itself when its connection is lost. Whether something is sent again is
    # decided where limits are kept and where it is remembered that the first one may have been processed.
    session._retry_connection = False  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    transport = AiohttpTransport(limits=limits, verify=_trust(), client=session)
    return httpx.AsyncClient(transport=transport, mounts=own, follow_redirects=False)


@cache
def _trust() -> ssl.SSLContext:
    """Return whose certificates are trusted. Reading them takes longer than most requests, so that is done once."""
    import httpx

    return httpx.create_ssl_context()


def _content(request: Request) -> tuple[bytes | AsyncIterator[bytes] | None, list[tuple[str, str]]]:
    """Return body and headers as httpx takes them: a long body in pieces, but with its length."""
    headers = list(request.headers)
    if request.body is None or len(request.body) <= _PIECE:
        return request.body, headers
    return _pieces(request.body), [*headers, ("content-length", str(len(request.body)))]


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]


async def _read(answer: httpx.Response) -> bytes | None:
    """Return the body, or None when it is too large to be an honest answer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.aiter_bytes():
        size += len(chunk)
        if size > _MOST_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _may_have_left(error: Exception) -> bool:
    """Whether the request may have reached the platform: yes, unless there never was a connection for it.

    The transport's own error decides, not httpx's: a connection that is lost while the answer is awaited is
    translated to a ConnectTimeout.
    """
    import aiohttp
    import httpx

    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return False
    cause = error.__cause__
    if isinstance(cause, aiohttp.ClientError):
        return not isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return not isinstance(error, httpx.ConnectError | httpx.PoolTimeout)


def _name(error: Exception) -> str:
    """Return what happened without the URL or any other text of the error, which may hold a person's key."""
    import httpx

    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError() if not _may_have_left(error):
            return "no connection (host name, network or certificate)"
        case httpx.ConnectTimeout():
            return "the connection was lost"
        case httpx.PoolTimeout():
            return "no free connection in time"
        case httpx.TimeoutException():
            return "timeout"
        case httpx.InvalidURL() | httpx.UnsupportedProtocol():
            return "the URL is not valid"
        case _:
            return "the connection was lost"
