"""The sandbox's web server: aiohttp on the loopback interface, one handler for everything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from audiform.connectors.ways import is_local
from audiform.sandbox.faults import Fault, FaultKind
from audiform.sandbox.services import Services
from audiform.sandbox.wire import Answer, Call, answer_json

if TYPE_CHECKING:
    from aiohttp import web

HOST = "127.0.0.1"
_PAGES = "_sandbox"


@asynccontextmanager
async def listening(services: Services, port: int) -> AsyncIterator[str]:
    """Serve until the block is left; yield the URL without a slash at its end. Port 0: any free one.

    Raises:
        OSError: the port is taken.
    """
    from aiohttp import web

    runner = web.ServerRunner(web.Server(_Handler(services), access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        bound: int = runner.addresses[0][1]
        yield f"http://{HOST}:{bound}"
    finally:
        await runner.cleanup()


class _Handler:
    """Takes a request apart, asks the services and gives the answer, or loses the connection."""

    __slots__ = ("_services",)

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if not is_local(f"http://{request.host}"):
            # A web page whose name leads here would otherwise read through a browser who is in the sandbox.
            return _response(
                answer_json(421, {"sandbox": "the sandbox answers to the names of this machine only"})
            )
        service, _, path = request.rel_url.raw_path.lstrip("/").partition("/")
        call = Call(
            request.method,
            f"/{path}",
            dict(request.query),
            {name.lower(): text for name, text in request.headers.items()},
            base=f"http://{request.host}/{service}",
        )
        platform = self._services.platforms.get(service)
        if platform is not None and platform.loses(call):
            self._services.note(service, call, Answer(0))
            return _lost(request)
        whole = Call(
            call.method, call.path, call.query, call.headers, await request.content.read(), call.base
        )
        if service == _PAGES:
            return _response(self._services.page(whole))
        if platform is None:
            return _response(self._services.unknown(service))
        answer, fault = platform.answer(whole)
        self._services.note(service, whole, answer)
        return await _delivered(request, answer, fault)


async def _delivered(request: web.BaseRequest, answer: Answer, fault: Fault | None) -> web.StreamResponse:
    if fault is None:
        return _response(answer)
    match fault.fault:
        case FaultKind.RESET_AFTER_BODY:
            return _lost(request)
        case FaultKind.RESET_IN_ANSWER:
            return await _broken(request, answer)
        case FaultKind.SLOW:
            await asyncio.sleep(fault.seconds)
        case _:
            pass
    return _response(answer)


async def _broken(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Send the head and half of the answer, then cut the connection."""
    from aiohttp import web

    whole = web.StreamResponse(status=answer.status, headers=answer.headers)
    whole.content_length = max(2, len(answer.body))
    await whole.prepare(request)
    await whole.write(answer.body[: len(answer.body) // 2])
    return _lost(request)


def _response(answer: Answer) -> web.StreamResponse:
    from aiohttp import web

    return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def _lost(request: web.BaseRequest) -> web.StreamResponse:
    """Cut the connection; what is returned goes nowhere."""
    from aiohttp import web

    if request.transport is not None:
        request.transport.abort()
    return web.Response()
