"""What becomes of each record of a batch; events are not idempotent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from audiform.cases.clock import still_clock
from audiform.config.event_kinds import EventConnector
from audiform.connectors.catalog import Catalog
from audiform.event_client import EventSender, Sent, sender_of
from audiform.events.route import Mapped
from audiform.outcome import Category, OutcomeKind, Request, Response
from audiform.transport import FakeTransport

ACCEPTED = Sent(OutcomeKind.ACCEPTED)
SETTINGS = {
    "url": "https://crm.example.com/x",
    "send": {"request": {"body": "${rows}"}, "row": {"id": "${row.event_id}"}, "rows_per_request": 50},
    "outcomes": [{"status": 422, "outcome": "rejected", "category": "invalid_record"}],
}


class Server:
    """Refuses a whole request for any record that it does not want, and keeps what it took."""

    def __init__(
        self, unwanted: Sequence[str] = (), lost: Callable[[list[str]], bool] = lambda _: False
    ) -> None:
        self.unwanted = unwanted
        self.lost = lost
        self.requests: list[list[str]] = []
        self.taken: list[str] = []

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        ids = [one["id"] for one in json.loads(request.body or b"[]")]
        self.requests.append(ids)
        if set(ids) & set(self.unwanted):
            return Response(422)
        self.taken += ids
        return Response(0, error="timeout") if self.lost(ids) else Response(200)


def sender(server: Server, **body: Any) -> EventSender:
    """Return the sender of a connector to `server`."""
    connector = EventConnector.model_validate({"type": "http_event", "settings": SETTINGS, **body})
    transport = FakeTransport(server.answer)
    return sender_of(connector, Catalog().get("http_event"), lambda name: name, transport, still_clock())


def records(count: int, size: int = 12) -> list[Mapped]:
    """Return records named e0, e1, ..."""
    return [Mapped(f"e{n}", None, {}, size, json.dumps({"id": f"e{n}"}).encode()) for n in range(count)]


def sent(server: Server, given: Sequence[Mapped], **body: Any) -> list[OutcomeKind]:
    """Return what became of each record."""
    return [one.outcome for one in asyncio.run(sender(server, **body).send(given))]


def test_a_batch_is_cut_at_the_limits():
    """Records go out in order, in as few requests as the limits allow; one that is too large stands alone and is rejected."""
    server = Server()
    batch = [*records(3), *records(1, size=101), *records(2)]

    found = sent(server, batch, batch={"max_records": 2, "max_bytes": 100})

    assert [["e0", "e1"], ["e2"], ["e0", "e1"]] == server.requests
    assert [*["accepted"] * 3, "rejected", *["accepted"] * 2] == found


def test_limits_are_the_narrower_of_type_and_connector():
    """A connector may ask for less than its type allows, and gets no more."""
    assert 50 == sender(Server()).limits.records
    assert 50 == sender(Server(), batch={"max_records": 5_000}).limits.records
    assert (7, 900) == (
        (limits := sender(Server(), batch={"max_records": 7, "max_bytes": 900}).limits).records,
        limits.bytes,
    )


def test_what_the_platform_does_not_want_keeps_nothing_else_back():
    """The records that make a platform refuse a batch are found, and each other one is delivered once."""
    server = Server(unwanted=["e3", "e11"])

    found = sent(server, records(20))

    assert ["e3", "e11"] == [f"e{n}" for n, kind in enumerate(found) if kind is OutcomeKind.REJECTED]
    assert sorted(f"e{n}" for n in range(20) if n not in (3, 11)) == sorted(server.taken)


def test_an_answer_that_is_lost_while_records_are_looked_for_concerns_its_part_only():
    """What was accepted before is not sent again; only of the part whose answer was lost it is not known."""
    server = Server(unwanted=["e0"], lost=lambda ids: ids == ["e2", "e3"])

    found = asyncio.run(sender(server).send(records(4)))

    assert ["rejected", "accepted", "retry", "retry"] == [one.outcome for one in found]
    assert [False, False, True, True] == [one.answer_lost for one in found]
    assert server.taken == ["e1", "e2", "e3"]


def test_a_platform_that_wants_nothing_is_not_asked_for_ever():
    """Where ten records in a row are refused alone and none was taken, the others wait instead of becoming dead letters."""
    server = Server(unwanted=[f"e{n}" for n in range(50)])

    found = asyncio.run(sender(server).send(records(50)))

    kinds = [one.outcome for one in found]
    assert [10, 40] == [kinds.count(OutcomeKind.REJECTED), kinds.count(OutcomeKind.RETRY)]
    assert len(server.requests) < 30
    assert Category.INVALID_REQUEST is found[-1].category


def test_one_try_has_one_name():
    """The same records have the same name each time that they are sent together, for servers that know it again."""
    names: list[str] = []

    def answer(request: Request) -> Response:
        names.append(dict(request.headers)["idempotency-key"])
        return Response(500)

    request = {"body": "${rows}", "headers": {"Idempotency-Key": "${operation.id}"}}
    settings = {**SETTINGS, "send": {**SETTINGS["send"], "request": request}}  # type: ignore[dict-item]
    connector = EventConnector.model_validate({"type": "http_event", "settings": settings})
    sending = sender_of(connector, Catalog().get("http_event"), str, FakeTransport(answer), still_clock())
    for batch in (records(3), records(3), records(2)):
        asyncio.run(sending.send(batch))

    assert names[0] == names[1] != names[2]
