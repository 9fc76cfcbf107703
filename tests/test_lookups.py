"""Ids that are looked up before a batch: who is not found, who is made, and whom the platform refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from audiform.client import ConnectorClient, Rows
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Lookup, SignalOperation
from audiform.outcome import Outcome, OutcomeKind, Request, Response
from audiform.transport import FakeTransport

KIND = Catalog().get("klaviyo_lists")
EMAILS = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]
ASKED = {"method": "POST", "path": "/people"}
FOUND = {
    "body": {"people": "{{ lookups }}"},
    "items": {"lookups": {"id": "{{ lookup.id }}", "email": "{{ lookup.key }}"}},
}
SENT = {"method": "POST", "path": "/members", "body": {"ids": "{{ rows }}"}}


def signal(**lookup: Any) -> SignalOperation:
    """Return a signal whose rows are ids, with a look-up of two keys a request."""
    asked = {"request": {**ASKED, "body": {"emails": "{{ lookup.keys }}"}}, "response": FOUND}
    return SignalOperation.model_validate(
        {
            "request": SENT,
            "row": "{{ lookup.id }}",
            "response": {"status": 200},
            "lookup": {"identifier": "email", "rows_per_request": 2, **asked, **lookup},
        }
    )


def send(
    operation: SignalOperation, answer: Callable[[Request], Response], emails: Sequence[str | None]
) -> tuple[Outcome, list[Any]]:
    """Send a batch and return its outcome and the bodies that went out."""
    transport = FakeTransport(answer)
    client = ConnectorClient(KIND, {}, lambda _: "secret", transport)
    records = tuple({"email": email} for email in emails)
    outcome = asyncio.run(
        client.send_batch(operation, {"identifiers": ["email"]}, Rows(b"", len(records), records))
    )
    return outcome, [json.loads(request.body or b"null") for request in transport.requests]


def knows(*people: str) -> Callable[[Request], Response]:
    """Return a platform that knows these people, by ids that are their addresses' first letters."""

    def answer(request: Request) -> Response:
        body = json.loads(request.body or b"null")
        if "ids" in body:
            return Response(200, {}, b"{}")
        there = [{"id": email[0], "email": email} for email in body["emails"] if email in people]
        return Response(200, {}, json.dumps({"people": there}).encode())

    return answer


def test_who_is_not_found_needs_no_signal():
    """Only those who are there are sent, in one request after all look-ups; the others count as done."""
    outcome, bodies = send(signal(), knows("a@example.com", "d@example.com"), [*EMAILS])
    assert (OutcomeKind.ACCEPTED, ()) == (outcome.kind, outcome.rejected)
    assert [{"emails": EMAILS[:2]}, {"emails": EMAILS[2:]}, {"ids": ["a", "d"]}] == bodies


def test_who_is_not_found_may_be_rejected():
    """Where the platform must know a person to take them, the others are rejected by their place in the batch."""
    operation = signal(missing="rejected")
    outcome, bodies = send(operation, knows("a@example.com", "d@example.com"), [EMAILS[0], None, *EMAILS[1:]])
    assert [1, 2, 3] == [error.index for error in outcome.rejected]
    assert 3 == outcome.rejected_count
    assert {"the platform knows nobody by this email"} == {error.message for error in outcome.rejected}
    assert {"ids": ["a", "d"]} == bodies[-1]


def test_nobody_at_all_sends_nothing():
    """When nobody is found, the second request is not made."""
    outcome, bodies = send(signal(missing="rejected"), knows(), EMAILS[:2])
    assert (OutcomeKind.ACCEPTED, 2, 1) == (outcome.kind, outcome.rejected_count, len(bodies))


def test_a_status_may_say_that_nobody_is_known():
    """A platform that answers an empty search with an error of its own has found nobody; another error is one."""
    outcome, _ = send(signal(nobody=404), lambda _: Response(404, {}, b"{}"), EMAILS[:1])
    assert OutcomeKind.ACCEPTED is outcome.kind
    outcome, _ = send(signal(), lambda _: Response(404, {}, b"{}"), EMAILS[:1])
    assert OutcomeKind.FAILED is outcome.kind


def test_a_failed_look_up_fails_the_batch():
    """Nothing is sent when it is not known who is there."""
    outcome, bodies = send(signal(), lambda _: Response(403, {}, b"{}"), [*EMAILS])
    assert (OutcomeKind.FAILED, 1) == (outcome.kind, len(bodies))


@pytest.fixture
def making() -> SignalOperation:
    """Return a signal whose look-up makes people: records go out as rows."""
    return signal(
        row={"email": "{{ row.email }}"},
        missing="rejected",
        request={**ASKED, "body": {"people": "{{ rows }}"}},
    )


def test_a_look_up_may_make_people(making):
    """Its request has a row for each record, and its answer the ids of all that were made or found."""

    def answer(request: Request) -> Response:
        body = json.loads(request.body or b"null")
        people = [{"id": one["email"][0], **one} for one in body.get("people", ())]
        return Response(200, {}, json.dumps({"people": people}).encode())

    outcome, bodies = send(making, answer, EMAILS[:3])
    assert OutcomeKind.ACCEPTED is outcome.kind
    assert [{"people": [{"email": one} for one in EMAILS[:2]]}, {"people": [{"email": EMAILS[2]}]}] == bodies[
        :2
    ]
    assert {"ids": ["a", "b", "c"]} == bodies[2]


def test_who_cannot_be_made_is_rejected_once(making):
    """A refusal that names a record takes it out, the look-up goes again without it, and its own words are kept."""

    def answer(request: Request) -> Response:
        body = json.loads(request.body or b"null")
        emails = [one["email"] for one in body.get("people", ())]
        if EMAILS[1] in emails:
            place = emails.index(EMAILS[1])
            error = {"detail": "is fake", "source": {"pointer": f"/data/attributes/profiles/data/{place}"}}
            return Response(400, {}, json.dumps({"errors": [error]}).encode())
        people = [{"id": email[0], "email": email} for email in emails]
        return Response(200, {}, json.dumps({"people": people}).encode())

    outcome, bodies = send(making, answer, EMAILS[:3])
    assert [(1, "is fake")] == [(error.index, error.message) for error in outcome.rejected]
    assert 1 == outcome.rejected_count
    assert {"ids": ["a", "c"]} == bodies[-1]


def test_a_look_up_is_part_of_a_signal():
    """The manifest's model takes what the tests above use."""
    lookup = signal(missing="rejected").lookup
    assert isinstance(lookup, Lookup)
    assert ("rejected", None, None) == (lookup.missing, lookup.row, lookup.nobody)
