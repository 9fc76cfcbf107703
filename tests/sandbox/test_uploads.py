"""Rows that are uploaded as a file: the stand-in checks the file, and keeps its rows until a signal names them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import pytest

from audiform.client import ConnectorClient, Rows
from audiform.connectors.manifest import SignalOperation, Upload
from audiform.connectors.request import build
from audiform.outcome import Category, Outcome, Request, Response
from audiform.sandbox.serve import Sandbox, serve
from audiform.transport import HttpTransport
from sandbox.samples import client_of, opened

NAME = "tiktok_file_audiences"
KIND, SETTINGS = opened(NAME)
SCOPE = {"destination": {"id": "167290896"}, "identifiers": ["EMAIL_SHA256"]}
T = TypeVar("T")


class Changing(HttpTransport):
    """Changes what goes over the wire, where a test says so."""

    def __init__(self, change: Callable[[Request], Request]) -> None:
        super().__init__()
        self.change = change

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send another request than the one that was made."""
        return await super().send(self.change(request), timeout)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Yield a stand-in."""
    with serve({NAME: KIND}) as running:
        yield running


def signal(name: str) -> SignalOperation:
    """Return a signal with an upload."""
    found = KIND.manifest.signals["add" if name == "add" else "remove"]
    assert isinstance(found, SignalOperation)
    return found


def rows(*numbers: int) -> Rows:
    """Return a batch of people."""
    return Rows(b",".join(json.dumps([f"{number:064x}"]).encode() for number in numbers), len(numbers))


def done(client: ConnectorClient, work: Awaitable[T]) -> T:
    """Finish a call, and close what its event loop opened."""

    async def whole() -> T:
        try:
            return await work
        finally:
            await client.transport.close()

    return asyncio.run(whole())


def sent(
    sandbox: Sandbox, name: str, batch: Rows, change: Callable[[Request], Request] | None = None
) -> Outcome:
    """Return what comes of a batch."""
    client = client_of(KIND, SETTINGS, sandbox.endpoint(NAME))
    if change is not None:
        client.transport = Changing(change)
        client.__post_init__()
    return done(client, client.send_batch(signal(name), SCOPE, batch))


def test_a_file_is_appended_and_removed(sandbox: Sandbox):
    """Those of the first file are held without those of the second."""
    assert sent(sandbox, "add", rows(1, 2, 3)).ok
    assert sent(sandbox, "remove", rows(2)).ok
    (destination,) = sandbox.destinations(NAME)
    assert {"email": [f"{1:064x}", f"{3:064x}"]} == destination.members.as_json()


def test_a_file_that_was_changed_on_its_way_is_refused(sandbox: Sandbox):
    """The checksum is compared, and nobody is held."""

    def change(request: Request) -> Request:
        return replace(request, body=(request.body or b"").replace(b"0001\n", b"0002\n"))

    outcome = sent(sandbox, "add", rows(1), change)
    assert (Category.INVALID_REQUEST, False) == (outcome.category, outcome.unsure)
    assert "not the one that was sent" in outcome.message
    assert () == sandbox.destinations(NAME)


def test_a_file_that_was_never_uploaded_is_refused(sandbox: Sandbox):
    """A signal names a file that is there."""

    def change(request: Request) -> Request:
        return replace(request, body=(request.body or b"").replace(b'"file_paths":["', b'"file_paths":["x'))

    outcome = sent(sandbox, "add", rows(1), change)
    assert (Category.INVALID_REQUEST, True) == (outcome.category, "no such file" in outcome.message)


def test_the_upload_is_what_the_type_says():
    """What goes out first is the file; its request has no row in its URL or headers."""
    upload = signal("add").upload
    assert isinstance(upload, Upload)
    made = build(
        KIND, upload.request, {"settings": SETTINGS, "identifier": {"field": "EMAIL_SHA256"}}, rows(7).text
    )
    assert made.body is not None
    assert 1 == made.body.count(f"{7:064x}\n".encode())
    assert f"{7:064x}" not in made.url + str(made.headers)
