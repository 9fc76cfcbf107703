"""The one way out: whether a request that got no answer may have arrived decides if it may be sent again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from aiohttp import web

from audiform.outcome import Request, Response
from audiform.transport import HttpTransport


def sent(url: str, timeout: float = 5.0) -> Response:
    """Return what becomes of one request."""

    async def once() -> Response:
        transport = HttpTransport()
        try:
            return await transport.send(Request("POST", url, body=b"{}"), timeout)
        finally:
            await transport.close()

    return asyncio.run(once())


@contextmanager
def server(*, reads: bool, answers: bytes) -> Iterator[str]:
    """Yield the URL of a server that takes one connection and then drops it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            connection, _ = listener.accept()
            with connection:
                if reads:
                    connection.recv(65536)
                connection.sendall(answers)

        thread = Thread(target=take, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(timeout=5)


@pytest.mark.parametrize("answers", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
def test_a_connection_that_is_lost_may_have_carried_the_request(answers):
    """A platform that drops the connection, before or inside its answer, may have done what was asked."""
    with server(reads=True, answers=answers) as url:
        response = sent(url)

    assert (0, "the connection was lost", True) == (response.status, response.error, response.sent)


def test_a_connection_that_never_was_carried_nothing():
    """Where nobody listens, nothing was done: the request may be sent again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    response = sent(f"http://127.0.0.1:{port}/")

    assert ("no connection (host name, network or certificate)", False) == (response.error, response.sent)


def test_an_answer_that_takes_too_long_may_still_come():
    """A timeout while the answer is awaited says nothing about what the platform did."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        response = sent(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.2)

    assert ("timeout", True) == (response.error, response.sent)


def test_a_long_body_arrives_whole():
    """A body that goes out in pieces has its length, and arrives byte by byte as it was given."""
    body = bytes(range(256)) * 8192
    headers: dict[str, str] = {}

    async def exchange() -> Response:
        received: list[bytes] = []

        async def take(request: web.Request) -> web.Response:
            headers.update({name.lower(): text for name, text in request.headers.items()})
            received.append(await request.read())
            return web.Response(text=str(received == [body]))

        app = web.Application(client_max_size=2 * len(body))
        app.router.add_post("/", take)
        runner = web.AppRunner(app)
        await runner.setup()
        transport = HttpTransport()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
            return await transport.send(Request("POST", url, body=body), 5)
        finally:
            await transport.close()
            await runner.cleanup()

    assert b"True" == asyncio.run(exchange()).body
    assert (str(len(body)), None) == (headers["content-length"], headers.get("transfer-encoding"))
