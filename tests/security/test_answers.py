"""A platform that is broken, or that wants harm: what it answers costs bounded memory and leads nowhere."""

from __future__ import annotations

import asyncio
import resource
import zlib
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from aiohttp import web

from audiform.connectors.auth.oauth2_refresh import SCHEME, OAuth2Refresh
from audiform.connectors.auth.scheme import AuthError, Context, Session
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Pagination
from audiform.connectors.pagination import ForeignPageError, next_request
from audiform.connectors.response import classify
from audiform.outcome import Outcome, OutcomeKind, Request, Response
from audiform.transport import HttpTransport

MIB = 1024 * 1024
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@contextmanager
def served(handler: Handler) -> Iterator[str]:
    """Serve on a port of this machine; yield the URL."""
    started, urls = Event(), list[str]()
    loop = asyncio.new_event_loop()

    async def start() -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(handler))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        urls.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
        return runner

    def run() -> None:
        runner = loop.run_until_complete(start())
        started.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def sent(url: str, *headers: tuple[str, str]) -> Response:
    """Return what becomes of one request."""

    async def once() -> Response:
        transport = HttpTransport()
        try:
            return await transport.send(Request("POST", url, headers, b"{}"), 30)
        finally:
            await transport.close()

    return asyncio.run(once())


def test_a_bomb_of_zeros_is_not_unpacked():
    """A megabyte that unpacks to a gigabyte is given up at the bound; memory grows by little more than that."""
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = b"".join([*(pack.compress(bytes(MIB)) for _ in range(1024)), pack.flush()])

    async def answer(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=zeros, headers={"content-encoding": "gzip"})

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with served(answer) as url:
        response = sent(url)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024

    assert (0, "the answer has more than 67,108,864 bytes") == (response.status, response.error)
    assert 300 > grown


def test_an_answer_without_an_end_is_given_up():
    """It is read to the bound and not kept beyond."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(MIB))

    with served(answer) as url:
        response = sent(url)

    assert (0, "the answer has more than 67,108,864 bytes") == (response.status, response.error)


def test_a_redirect_is_never_followed():
    """Neither the credentials nor the people go where an answer points to."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=307, headers={"location": "/elsewhere"})

    with served(answer) as url:
        response = sent(f"{url}/here")

    assert (307, ["/here"]) == (response.status, asked)


@pytest.mark.parametrize(
    "page",
    [
        "https://evil.example.com/page",
        "//evil.example.com/page",
        "http://api.example.com/page",
        "file:///etc/passwd",
    ],
)
def test_a_foreign_page_is_never_fetched(page):
    """A listing goes on at the same host in the same way, or not at all."""
    request = Request("GET", "https://api.example.com/lists")
    outcome = Outcome(OutcomeKind.ACCEPTED, extracted={"page.next": page})

    with pytest.raises(ForeignPageError):
        next_request(Pagination(style="url"), outcome, request, lambda _: request)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("depth", [10, 500, 900, 960, 990, 100_000])
def test_an_answer_that_is_nested_for_ever_is_a_failure(depth: int, status: int):
    """Deep JSON is no crash: not where it is read, and not where its message is shown."""
    kind = Catalog().get("klaviyo_lists")
    create = kind.manifest.destination.create
    assert create is not None
    body = b'{"errors":[{"detail":%b}]}' % (b"[" * depth + b"]" * depth)
    outcome = classify(kind, create.response, Response(status, {}, body))

    assert OutcomeKind.FAILED is outcome.kind
    assert 500 >= len(outcome.message)


@pytest.mark.parametrize("depth", [900, 100_000])
def test_a_token_that_is_nested_for_ever_is_none(depth: int):
    """The answer of a token's URL is read with the same care."""
    config = OAuth2Refresh(
        scheme="oauth2_refresh", token_url="https://auth.example.com/token", client_in="body"
    )
    scope = {
        "credentials": dict.fromkeys(("client_id", "client_secret", "refresh_token"), "a"),
        "settings": {},
    }
    flow = SCHEME.flow(config, Context(scope, Session(), 0.0, lambda url: url))
    next(flow)

    with pytest.raises(AuthError):
        flow.send(Response(200, {}, b'{"access_token":' + b"[" * depth + b"]" * depth + b"}"))


@pytest.mark.parametrize(
    "header",
    [("x-a", "a\r\nx-evil: 1"), ("x-a", "a\nb"), ("x-a\r\nx-evil", "1"), ("x-a", "a\0b"), ("x-a", "é")],
)
def test_a_header_is_one_header(header):
    """A setting or a secret with a line break adds no header: nothing is sent, and the value is not shown."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.extend(request.headers)
        return web.Response(text="{}")

    with served(answer) as url:
        response = sent(url, header)

    assert [] == asked
    assert (0, False) == (response.status, response.sent)
    assert str(response.error).startswith("a header has a character that none may have: look for")
