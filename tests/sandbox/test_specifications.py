"""The sandbox is no mirror of mistakes: what it takes and what it says is what the vendor's own specification describes.

A manifest that is wrong makes client and stand-in wrong together; a vendor's document does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from audiform.connectors.request import base_url
from audiform.outcome import Request, Response
from audiform.sandbox.serve import serve
from audiform.transport import HttpTransport, Transport
from connectors.specification import Specification
from connectors.test_contract import DOCUMENTS, OF_AUDIENCES, Made
from sandbox.samples import client_of, opened, person, sample_of
from sandbox.test_types import Remote

TOLERATED: Mapping[str, Mapping[str, str]] = {
    "microsoft_customer_match": {
        "answer.Audiences[0]: None is not valid": "null stands for an id that is not there: the documentation says so in words",
    },
    "sendgrid_lists": {
        "is too short": "ids are 36 characters long there, and no manifest looks into them",
        "is not of type 'array'": "errors are described as a list, and recorded answers have an object with one",
    },
}
"""What the stand-in says otherwise than a document, and why that is right."""


@dataclass
class Watching:
    """A transport that keeps what went over it."""

    inner: Transport = field(default_factory=HttpTransport)
    seen: list[tuple[Request, Response]] = field(default_factory=list)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as in the Protocol
        """Send, and keep both sides."""
        response = await self.inner.send(request, timeout)
        self.seen.append((request, response))
        return response

    async def close(self) -> None:
        """Close what is below."""
        await self.inner.close()


@dataclass
class Conversation:
    """One exchange as the vendor would see it: with its own host instead of the stand-in's."""

    method: str
    url: str
    headers: dict[str, str]
    sent: Any
    status: int
    answer: Any


def talked(name: str) -> list[Conversation]:
    """Return all that was said while everything that a type can do was done once, and some of it in vain."""
    kind, settings = opened(name)
    with serve({name: kind}) as sandbox:
        client = client_of(kind, settings, sandbox.endpoint(name))
        watching = Watching()
        client = replace(client, transport=watching)
        remote = Remote(
            name, sandbox, client, {"name": "Buyers", **sample_of(kind.manifest.destination.attributes)}
        )
        everything(remote)
        base = base_url(kind, {"settings": client.constants({})["settings"]})
        return [conversation(one, sandbox.endpoint(name), base) for one in watching.seen]


def everything(remote: Remote) -> None:
    """Do what the type can do, in the order of a list's life."""
    target = remote.manifest.destination
    if remote.manifest.check is not None:
        remote.run(remote.client.call(remote.manifest.check, {}))
    identity = remote.created()
    people = [person(remote.manifest, number) for number in range(1, 4)]
    for signal in ("add", "modify", "remove"):
        if signal in remote.manifest.signals:
            remote.send(signal, identity, people)
    for operation in ("read", "update"):
        if getattr(target, operation) is not None:
            remote.call(operation, identity)
    if target.find is not None:
        remote.run(_listed(remote))
    if target.delete is not None:
        remote.call("delete", identity)
        if target.read is not None:
            remote.call("read", identity)


async def _listed(remote: Remote) -> list[Any]:
    find = remote.manifest.destination.find
    assert find is not None
    scope = {"destination": remote.attributes, "marker": "Buyers"}
    return [entry async for entry in remote.client.listing(find, scope)]


def conversation(seen: tuple[Request, Response], endpoint: str, base: str) -> Conversation:
    """Return one exchange in the vendor's words."""
    request, response = seen
    return Conversation(
        request.method,
        request.url.replace(endpoint, base),
        {key.lower(): text for key, text in request.headers},
        read(request),
        response.status,
        json.loads(response.body) if response.body else None,
    )


def read(request: Request) -> Any:
    """Return what a body says, of a form too."""
    if not request.body:
        return None
    form = "x-www-form-urlencoded" in dict(request.headers).get("content-type", "")
    return dict(parse_qsl(request.body.decode())) if form else Made(request, Response(200)).body


def wrong(specified: Specification, one: Conversation) -> Iterator[str]:
    """Yield what either side says that the vendor does not know."""
    if one.status < 300:
        yield from specified.problems(one.method, one.url, one.headers, one.sent)
    yield from specified.wrong_in_answer(one.method, one.url, one.status, one.answer)


@pytest.mark.parametrize("name", OF_AUDIENCES)
def test_what_the_sandbox_takes_and_says_is_described(name: str, shared: Path) -> None:
    """Each request that it accepted, and each answer that it gave, is one that the vendor's document knows."""
    file, details = DOCUMENTS[name]
    specified = Specification.read(shared / "specs" / file, **details)
    talk = [one for one in talked(name) if not urlsplit(one.url).path.endswith("token")]
    found = {f"{one.method} {one.url}: {text}" for one in talk for text in wrong(specified, one)}
    known = TOLERATED.get(name, {})

    assert len(talk) > 1
    assert set() == {text for text in found if not any(part in text for part in known)}
    assert set() == {part for part in known if not any(part in text for text in found)}


def test_what_a_vendor_would_not_say_is_seen(shared: Path) -> None:
    """The check itself: a wrong type, an unknown key and a status that is not described are each found."""
    file, details = DOCUMENTS["intercom_tags"]
    specified = Specification.read(shared / "specs" / file, **details)
    url = "https://api.intercom.io/tags/1"

    assert [] == list(specified.wrong_in_answer("GET", url, 200, {"type": "tag", "id": "1", "name": "A"}))
    assert list(specified.wrong_in_answer("GET", url, 200, {"id": 1}))
    assert list(specified.wrong_in_answer("GET", url, 200, {"id": "1", "colour": "red"}))
    assert list(specified.wrong_in_answer("GET", url, 418, {}))
