"""The sandbox against the vendors' own specifications: it accepts what they describe and answers as they do.

A manifest runs both ways, so that a mistake in it could be one of the client and of its stand-in together. Here
a third party judges: what goes out and what comes back is held to the vendor's document.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from audiform.client import ConnectorClient, PlatformError, Rows
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.request import base_url
from audiform.outcome import Category, Request, Response
from audiform.sandbox.serve import Sandbox, serve
from audiform.transport import HttpTransport
from connectors.specification import Specification
from connectors.test_contract import OF_AUDIENCES, Made, specification
from sandbox.samples import client_of, in_use, opened, person, rendered, sample_of


@dataclass
class Listening:
    """A real transport that keeps what went out and what came back."""

    inner: HttpTransport = field(default_factory=HttpTransport)
    exchanges: list[tuple[Request, Response]] = field(default_factory=list)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Send on, and keep both sides."""
        response = await self.inner.send(request, timeout)
        self.exchanges.append((request, response))
        return response

    async def close(self) -> None:
        """Close the real one."""
        await self.inner.close()


@dataclass
class Overheard:
    """A type, its sandbox, its vendor's document, and everything that was said."""

    name: str
    client: ConnectorClient
    sandbox: Sandbox
    heard: Listening
    specified: Specification

    @property
    def manifest(self) -> Manifest:
        """The type's manifest."""
        return self.client.connector_type.manifest

    def problems(self) -> Iterator[str]:
        """Yield what the document does not know of what was said."""
        platform = base_url(self.client.connector_type, self.client.constants({}))
        for request, response in self.heard.exchanges:
            parts = urlsplit(request.url)
            path = parts.path.removeprefix(f"/{self.name}")
            if path.endswith("/token"):
                continue
            url = platform + path + (f"?{parts.query}" if parts.query else "")
            headers = {name.lower(): text for name, text in request.headers}
            body = Made(request, response).body
            said = json.loads(response.body) if response.body.strip() else None
            asked = f"{request.method} {path}"
            # A link to a page is the sandbox's own; nobody but itself reads it.
            if "_sandbox_page" not in parts.query:
                yield from (
                    f"{asked}: {text}" for text in self.specified.problems(request.method, url, headers, body)
                )
            for text in self.specified.problems_in_answer(request.method, url, response.status, said):
                yield f"{asked} -> {response.status}: {text}"


async def everything(told: Overheard, attributes: dict[str, Any]) -> None:
    """Do all that the type can do, once."""
    target = told.manifest.destination
    identity = attributes.get(target.external or "", "")
    if target.create is not None:
        made = await told.client.call(target.create, {"destination": attributes})
        assert made.ok, made
        identity = made.extracted["destination.id"]
    whole = {**attributes, "id": identity}
    for operation in (target.read, target.update):
        if operation is not None:
            assert (await told.client.call(operation, {"destination": whole})).ok
    if target.find is not None:
        try:
            assert [
                entry
                async for entry in told.client.listing(
                    target.find, {"destination": attributes, "marker": "m"}
                )
            ]
        except PlatformError as error:
            raise AssertionError(error.outcome) from error
    for name in ("add", "modify", "remove"):
        signal = told.manifest.signals.get(name)
        if isinstance(signal, SignalOperation):
            await batch(told, signal, whole)
    if target.delete is not None:
        assert (await told.client.call(target.delete, {"destination": whole})).ok
    if target.read is not None and target.create is not None:
        gone = await told.client.call(target.read, {"destination": whole})
        assert Category.DESTINATION_MISSING is gone.category
    await told.client.transport.close()


async def batch(told: Overheard, signal: SignalOperation, whole: dict[str, Any]) -> None:
    """Send one batch of as many people as the type takes, three at most."""
    most = signal.rows_per_request or told.manifest.limits.rows_per_request
    people = tuple(person(told.manifest, number) for number in range(min(3, most)))
    fields = in_use(told.manifest)
    scope = {"destination": whole, "identifiers": list(fields)}
    constants = told.client.constants(scope)
    text = b",".join(
        json.dumps(rendered(signal, told.manifest, row, fields, constants)).encode() for row in people
    )
    assert (await told.client.send_batch(signal, scope, Rows(text, len(people), people))).ok


@pytest.fixture(params=OF_AUDIENCES)
def told(request, shared: Path) -> Iterator[Overheard]:
    """Yield each type that there is a document of."""
    kind, settings = opened(request.param)
    with serve({request.param: kind}) as sandbox:
        client = client_of(kind, settings, sandbox.endpoint(request.param))
        client.transport = Listening()
        client.__post_init__()
        yield Overheard(request.param, client, sandbox, client.transport, specification(kind, shared))


def test_the_sandbox_speaks_as_the_vendor_does(told: Overheard) -> None:
    """Every request that it takes is described, and its answers have no key, no type and no status that is not."""
    attributes = {"name": "Buyers", **sample_of(told.manifest.destination.attributes)}
    asyncio.run(everything(told, attributes))
    assert len(told.heard.exchanges) > 1
    assert set() == set(told.problems())


def test_an_answer_that_the_vendor_would_not_give_is_found(shared: Path) -> None:
    """The judge itself: a status, a key and a type that the document does not have are each seen; less is no fault."""
    specified = specification(opened("klaviyo_lists")[0], shared)
    url = "https://a.klaviyo.com/api/lists/1"
    good = {"data": {"type": "list", "id": "1", "attributes": {"name": "A"}}}

    assert [] == list(specified.problems_in_answer("GET", url, 200, good))
    assert list(specified.problems_in_answer("GET", url, 202, good))
    assert list(specified.problems_in_answer("GET", url, 200, {"data": {**good["data"], "more": 1}}))
    assert list(specified.problems_in_answer("GET", url, 200, {"data": {**good["data"], "id": 1}}))
