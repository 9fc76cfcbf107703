"""Runs the collector on a port. uvicorn with httptools: the fastest of those measured, and well kept."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from audiform.collector.one_piece import protocol
from audiform.diagnostics import Diagnostic, DiagnosticError

_MOST_REQUESTS = 4_000
"""More at once get 503: memory does not grow with who sends."""
_KEEP_SECONDS = 30
_STOP_SECONDS = 10


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises:
        DiagnosticError: the port cannot be taken (`address-in-use`).
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise DiagnosticError((_not_taken(host, port, error),)) from None
    return listener


@asynccontextmanager
async def served(application: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve while the block runs; at its end, requests that were begun are answered before anything else is closed.

    Signals are left to whoever runs the process.
    """
    import uvicorn

    config = uvicorn.Config(
        application,
        loop="none",
        http=protocol(),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=_MOST_REQUESTS,
        backlog=2_048,
        timeout_keep_alive=_KEEP_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    ticking = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown(sockets=[listener])


def event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop to run everything on: uvloop's, with which the server is twice as fast."""
    import uvloop

    return uvloop.new_event_loop()


def _not_taken(host: str, port: int, error: OSError) -> Diagnostic:
    remedy = "End what listens there, or choose another port with `--port`."
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        remedy = (
            "Choose an address of this machine with `--host`: 127.0.0.1 for itself alone, 0.0.0.0 for all."
        )
    return Diagnostic(
        code="address-in-use",
        detail=f"`audiform run` cannot listen on {host}, port {port}: {error.strerror or error}. Nothing was taken in or sent. "
        f"{remedy}",
    )
