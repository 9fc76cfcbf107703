"""Changes that name the state of the members they change: one at a time, and again when it was another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from audiform.cases.clock import still_clock
from audiform.client import ConnectorClient, Rows
from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest import Manifest, Operation, SignalOperation
from audiform.connectors.scopes import check_signal
from audiform.outcome import Category, Outcome, OutcomeKind, Request, Response
from audiform.sandbox.serve import Sandbox, serve
from audiform.transport import FakeTransport, HttpTransport
from audiform.wire import RetryPolicy

NAME = "openai_ads_audiences"
KIND = Catalog().get(NAME)
SCOPE = {"destination": {"id": "77"}, "identifiers": ["email_sha256"]}
CONFLICT = Response(
    409, {}, b'{"error": {"message": "not now", "code": "custom_audience_mutation_conflict"}}'
)
DONE = {"operation_id": "op", "status": "succeeded"}


def signal(name: str = "add") -> SignalOperation:
    """Return a signal whose request names the revision."""
    found = KIND.manifest.signals["add" if name == "add" else "remove"]
    assert isinstance(found, SignalOperation)
    return found


def rows(*numbers: int) -> Rows:
    """Return a batch of people."""
    text = [
        json.dumps({"identifier_type": "email_sha256", "identifier": f"{number:064x}"}) for number in numbers
    ]
    return Rows(",".join(text).encode(), len(text))


class Platform:
    """Counts the changes of one audience; the answers that are given go before its own."""

    def __init__(self, *answers: Response, reads: Sequence[Any] = ()) -> None:
        self.answers, self.reads = list(answers), list(reads)
        self.revision, self.running = 0, False
        self.expected: list[Any] = []
        self.keys: list[str] = []

    def answer(self, request: Request) -> Response:
        """Answer a read, a change or a question about an operation."""
        if request.method == "GET" and request.url.endswith("/77"):
            told = self.reads.pop(0) if self.reads else {"membership_revision": self.revision}
            return told if isinstance(told, Response) else _answer({"id": "77", "name": "Buyers", **told})
        if request.method == "GET":
            self.running = False
            return _answer(DONE)
        self.expected.append(json.loads(request.body or b"{}").get("expected_revision"))
        self.keys.append(dict(request.headers)["idempotency-key"])
        if self.answers:
            return self.answers.pop(0)
        if self.running or self.expected[-1] != self.revision:
            return CONFLICT
        self.revision, self.running = self.revision + 1, True
        return _answer({"operation_id": "op", "status": "processing"})

    def client(self, attempts: int = 3) -> ConnectorClient:
        """Return a client whose waiting takes no time."""
        return ConnectorClient(
            KIND,
            {},
            lambda _: "secret",
            FakeTransport(self.answer),
            timing=still_clock(),
            policy=RetryPolicy(attempts=attempts),
        )


def _answer(body: Any) -> Response:
    return Response(200, {}, json.dumps(body).encode())


def sent(platform: Platform, attempts: int = 3) -> Outcome:
    """Return what comes of one batch."""
    return asyncio.run(platform.client(attempts).send_batch(signal(), SCOPE, rows(1)))


def test_batches_of_one_destination_go_one_after_the_other():
    """Batches that are handed over side by side each name the revision that the one before has left."""
    platform = Platform()
    client = platform.client(attempts=1)

    async def all_of_them():
        return await asyncio.gather(
            *(client.send_batch(signal(name), SCOPE, rows(1)) for name in ("add", "remove", "add"))
        )

    outcomes = asyncio.run(all_of_them())
    assert [OutcomeKind.ACCEPTED] * 3 == [outcome.kind for outcome in outcomes]
    assert [0, 1, 2] == platform.expected


def test_a_stale_revision_is_read_again_and_the_change_is_another_one():
    """After a conflict the request names what was read then, under a key of its own."""
    platform = Platform(reads=[{"membership_revision": 7}])
    outcome = sent(platform)
    assert (OutcomeKind.ACCEPTED, [7, 0]) == (outcome.kind, platform.expected)
    assert 2 == len(set(platform.keys))


def test_an_answer_that_is_lost_is_asked_for_with_the_same_key():
    """A change that may have been made is not made anew: the same request goes again."""
    platform = Platform(Response(503, {}, b"{}"))
    assert sent(platform).ok
    assert ([0, 0], 1) == (platform.expected, len(set(platform.keys)))


def test_it_is_given_up_when_others_never_stop():
    """The patience is that of every request, and the outcome is one to try again later."""
    platform = Platform(*[CONFLICT] * 9)
    outcome = sent(platform)
    assert (OutcomeKind.RETRY, Category.UNAVAILABLE, False) == (
        outcome.kind,
        outcome.category,
        outcome.unsure,
    )
    assert 3 == len(platform.expected)


def test_what_may_have_been_done_before_a_conflict_is_not_forgotten():
    """A first try without an answer leaves it open, whatever comes after it."""
    platform = Platform(Response(0, error="timeout"), CONFLICT, Response(400, {}, b"{}"))
    outcome = sent(platform)
    assert (OutcomeKind.FAILED, True) == (outcome.kind, outcome.unsure)


@pytest.mark.parametrize(
    ("told", "category"),
    [
        (Response(404, {}, b"{}"), Category.DESTINATION_MISSING),
        (Response(200, {}, b"<html>"), Category.OTHER),
        ({"status": "archived"}, Category.DESTINATION_MISSING),
        ({"membership_revision": None}, Category.OTHER),
    ],
)
def test_nothing_is_sent_when_the_revision_is_not_known(told, category):
    """Without the state of the members no change is sent, and it is certain that nothing was done."""
    platform = Platform(reads=[told])
    outcome = sent(platform)
    assert (OutcomeKind.FAILED, category, False) == (outcome.kind, outcome.category, outcome.unsure)
    assert [] == platform.expected


def test_a_read_that_names_no_revision_is_found_when_the_type_is_loaded():
    """A signal may name the revision only where `read` says it."""
    data = KIND.manifest.model_dump()
    del data["destination"]["read"]["response"]["body"]["membership_revision"]
    (problem,) = check_signal(("signals", "add"), signal(), Manifest.model_validate(data))
    assert ("signals", "add", "request") == problem.path
    assert "members.revision" in problem.text


# --- The stand-in

CREATE = Operation.model_validate(KIND.manifest.destination.create)
RESUME = Operation.model_validate(getattr(signal().job, "resume", None))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Yield a stand-in with one audience."""
    with serve({NAME: KIND}) as running:
        yield running


def to(sandbox: Sandbox) -> ConnectorClient:
    """Return a client over real HTTP."""
    return ConnectorClient(
        KIND, {}, lambda _: "secret", HttpTransport(), sandbox.endpoint(NAME), still_clock()
    )


def test_the_stand_in_refuses_a_stale_revision(sandbox: Sandbox):
    """Whoever changes the members in between makes a change stale; the client sees it and sends it again."""

    async def both():
        client = to(sandbox)
        try:
            made = await client.call(CREATE, {"destination": {"name": "Buyers"}})
            identity = made.extracted["destination.id"]
            scope = {**SCOPE, "destination": {"id": identity}}
            first = await client.send_batch(signal(), scope, rows(1))
            stale = {**scope, "members": {"revision": 0}, "identifier": {"field": "email_sha256"}}
            refused = await client._exchange(signal(), client._scope(stale), rows=rows(2).text)
            again = await client.send_batch(signal(), scope, rows(2))
            return first, refused, again
        finally:
            await client.transport.close()

    first, refused, again = asyncio.run(both())
    assert (True, OutcomeKind.RETRY, 409, True) == (first.ok, refused.kind, refused.status, again.ok)
    (destination,) = sandbox.destinations(NAME)
    assert (2, {"email": 2}) == (destination.revision, destination.members.counts())


def test_the_stand_in_resumes_an_operation(sandbox: Sandbox):
    """An operation that exists can be resumed, and one that does not is missing."""

    async def resumed():
        client = to(sandbox)
        try:
            made = await client.call(CREATE, {"destination": {"name": "Buyers"}})
            scope = {**SCOPE, "destination": {"id": made.extracted["destination.id"]}}
            await client.send_batch(signal(), scope, rows(1))
            (job,) = sandbox.world.account(NAME).jobs
            known = await client.call(RESUME, {**scope, "job": {"id": job}})
            unknown = await client.call(RESUME, {**scope, "job": {"id": "other"}})
            return known, unknown
        finally:
            await client.transport.close()

    known, unknown = asyncio.run(resumed())
    assert (True, Category.DESTINATION_MISSING) == (known.ok, unknown.category)
