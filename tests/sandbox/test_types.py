"""Every connector type against its own stand-in, with the real client over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from audiform.client import ConnectorClient, Rows
from audiform.connectors.manifest import SignalOperation
from audiform.connectors.template import references
from audiform.outcome import Category, Outcome, OutcomeKind
from audiform.sandbox.serve import Sandbox, serve
from audiform.sandbox.world import Keys
from sandbox.samples import TYPES, able, client_of, in_use, opened, person, rendered, sample_of


@dataclass
class Remote:
    """One type, its sandbox and a client, with what a caller of the client would hold."""

    name: str
    sandbox: Sandbox
    client: ConnectorClient
    attributes: dict[str, Any]

    @property
    def manifest(self):
        return self.client.connector_type.manifest

    def run(self, coroutine):
        """Finish a call, and close what its event loop opened."""

        async def whole():
            try:
                return await coroutine
            finally:
                await self.client.transport.close()

        return asyncio.run(whole())

    def call(self, operation: str, identity: str | None = None, **attributes: Any) -> Outcome:
        """Do one operation on the destination."""
        target = {**self.attributes, **attributes, **({"id": identity} if identity else {})}
        return self.run(
            self.client.call(getattr(self.manifest.destination, operation), {"destination": target})
        )

    def created(self) -> str:
        """Make the destination and return its id; one that the platform does not let us make has it already."""
        if self.manifest.destination.create is None:
            return str(self.attributes[self.manifest.destination.external or "id"])
        outcome = self.call("create")
        assert outcome.ok, outcome
        return outcome.extracted["destination.id"]

    def send(self, signal: str, identity: str, people: Sequence[dict[str, Any]]) -> Outcome:
        """Send people in as many batches as it takes; the outcome is that of the last, or of one that failed."""
        operation = self.manifest.signals[signal]
        assert isinstance(operation, SignalOperation)
        most = operation.rows_per_request or self.manifest.limits.rows_per_request
        outcome = Outcome(OutcomeKind.ACCEPTED)
        for first in range(0, len(people), most):
            outcome = self.send_batch(operation, identity, people[first : first + most])
            if not outcome.ok:
                break
        return outcome

    def send_batch(
        self, operation: SignalOperation, identity: str, people: Sequence[dict[str, Any]]
    ) -> Outcome:
        """Send one batch of people."""
        fields = in_use(self.manifest)
        scope = {"destination": {**self.attributes, "id": identity}, "identifiers": list(fields)}
        constants = self.client.constants(scope)
        text = b",".join(
            json.dumps(rendered(operation, self.manifest, row, fields, constants)).encode() for row in people
        )
        return self.run(self.client.send_batch(operation, scope, Rows(text, len(people), tuple(people))))

    def anything(self) -> Outcome:
        """Do the first thing that a type can do: make a destination, or add somebody to one that exists."""
        if self.manifest.destination.create is not None:
            return self.call("create")
        return self.send("add", self.created(), [person(self.manifest, 1)])

    def held(self) -> Any:
        """Return the members of the only destination."""
        (destination,) = self.sandbox.destinations(self.name)
        return destination.members


@pytest.fixture(params=TYPES)
def remote(request) -> Iterator[Remote]:
    """Yield each type in turn."""
    kind, settings = opened(request.param)
    with serve({request.param: kind}) as sandbox:
        client = client_of(kind, settings, sandbox.endpoint(request.param))
        attributes = {"name": "Buyers", **sample_of(kind.manifest.destination.attributes)}
        yield Remote(request.param, sandbox, client, attributes)


@pytest.mark.parametrize("remote", able("create", "read"), indirect=True)
def test_what_is_created_can_be_read(remote: Remote) -> None:
    """An object that was created is read back with the attributes that it was created with."""
    identity = remote.created()
    outcome = remote.call("read", identity)
    assert OutcomeKind.ACCEPTED is outcome.kind
    assert remote.attributes["name"] == outcome.extracted["destination.name"]


@pytest.mark.parametrize("remote", able("create", "read", "update"), indirect=True)
def test_what_is_updated_reads_as_updated(remote: Remote) -> None:
    """An update changes what the next read says."""
    identity = remote.created()
    operation = remote.manifest.destination.update
    named = references(operation.request.model_dump() if operation else None)
    changed = "name" if "destination.name" in named else "description"
    assert remote.call("update", identity, **{changed: "Other"}).ok
    assert "Other" == remote.call("read", identity).extracted[f"destination.{changed}"]


@pytest.mark.parametrize("remote", able("create", "find"), indirect=True)
def test_a_listing_shows_every_page(remote: Remote) -> None:
    """A find that takes several pages yields each object that it asks for once."""
    made = {remote.created() for _ in range(12)}

    async def listed():
        found = remote.client.listing(
            remote.manifest.destination.find,
            {"destination": remote.attributes, "marker": remote.attributes["name"]},
        )
        return [entry["destination.id"] async for entry in found]

    found = remote.run(listed())
    assert sorted(made) == sorted(found)


@pytest.mark.parametrize("remote", able("create", "members"), indirect=True)
def test_members_are_listed_over_every_page(remote: Remote) -> None:
    """Where a platform lists members, each comes once with the value that it was sent by."""
    identity = remote.created()
    people = [person(remote.manifest, number) for number in range(12)]
    assert remote.send("add", identity, people).ok

    async def listed():
        operation = remote.manifest.destination.members
        found = remote.client.listing(operation, {"destination": {**remote.attributes, "id": identity}})
        return [entry[f"member.{remote.manifest.identity}"] async for entry in found]

    assert sorted(one[remote.manifest.identity] for one in people) == sorted(remote.run(listed()))


@pytest.mark.parametrize("remote", able("create", "read", "delete"), indirect=True)
def test_what_is_deleted_is_missing(remote: Remote) -> None:
    """An object that was deleted answers as missing, by the platform's own rule."""
    identity = remote.created()
    assert remote.call("delete", identity).ok
    assert Category.DESTINATION_MISSING is remote.call("read", identity).category
    assert () == remote.sandbox.destinations(remote.name)


def test_members_come_and_go(remote: Remote) -> None:
    """Those who were added and not removed are held, by the values that were sent."""
    identity = remote.created()
    people = [person(remote.manifest, number) for number in range(7)]
    assert OutcomeKind.ACCEPTED is remote.send("add", identity, people).kind
    gone = 3 if "remove" in remote.manifest.signals else 0
    if gone:
        assert OutcomeKind.ACCEPTED is remote.send("remove", identity, people[:gone]).kind
    names = [
        name
        for name, one in remote.manifest.identifiers.items()
        if one.identifies and name in people[0] and one.field in in_use(remote.manifest)
    ]
    key = remote.manifest.identity if remote.manifest.identity != "each" else names[0]
    assert [False] * gone + [True] * (7 - gone) == [remote.held().has(key, row[key]) for row in people]


def test_a_modified_variable_is_held(remote: Remote) -> None:
    """Where a type has modify, the variables that were sent last are held."""
    if "modify" not in remote.manifest.signals:
        assert isinstance(remote.sandbox.world.account(remote.name).destinations, dict)
        return
    identity = remote.created()
    before = person(remote.manifest, 1)
    remote.send("add", identity, [before])
    after = {**before, "variables": dict.fromkeys(before["variables"], 99)}
    assert remote.send("modify", identity, [after]).ok
    (held,) = remote.held().people.values()
    assert after["variables"] == held.variables


def test_a_batch_over_the_limit_is_refused(remote: Remote) -> None:
    """One row more than the platform takes is refused, and nobody of it is held."""
    identity = remote.created()
    operation = remote.manifest.signals["add"]
    assert isinstance(operation, SignalOperation)
    most = operation.rows_per_request or remote.manifest.limits.rows_per_request
    people = [person(remote.manifest, 1)] * (most + 1)
    fields = in_use(remote.manifest)
    one = {"identifier": {"field": fields[0]}} if remote.manifest.limits.identifier_kinds == 1 else {}
    scope = {"destination": {**remote.attributes, "id": identity}, "identifiers": list(fields), **one}
    row = rendered(operation, remote.manifest, people[0], fields, remote.client.constants(scope))
    text = b",".join([json.dumps(row).encode()] * (most + 1))
    outcome = remote.run(remote.client._send_rows(operation, remote.client._scope(scope), text))
    assert not outcome.ok
    assert all({} == one.members.counts() for one in remote.sandbox.destinations(remote.name))


def test_an_expired_secret_is_refused(remote: Remote) -> None:
    """The secret `expired` is answered as invalid credentials."""
    if remote.manifest.auth == {"scheme": "none"}:
        return
    remote.client.credentials = lambda _: "expired"
    remote.client.__post_init__()
    assert Category.INVALID_CREDENTIALS is remote.anything().category


def test_a_token_that_expires_on_demand_is_refused_or_renewed(remote: Remote) -> None:
    """An expired token ends as invalid credentials, or is renewed where the scheme can."""
    remote.anything()
    remote.sandbox.faults.add("expired_token")
    outcome = remote.anything()
    assert outcome.ok or Category.INVALID_CREDENTIALS is outcome.category


@pytest.mark.parametrize("category", list(Category))
def test_an_error_on_demand_is_read_as_what_it_is(remote: Remote, category: Category) -> None:
    """Each category that the type has a rule for, or that has a status of its own, comes back as itself."""
    ruled = {rule.category for rule in remote.manifest.outcomes}
    own_status = {Category.PERMISSION_DENIED, Category.INVALID_REQUEST, Category.UNAVAILABLE}
    # Not the token request: whatever goes wrong there is a matter of credentials.
    operation = "create" if remote.manifest.destination.create is not None else "add"
    remote.sandbox.faults.add("error", operation=operation, category=category, times=20, retry_after=0)
    outcome = remote.anything()
    if category in ruled | own_status:
        assert category is outcome.category
    assert not outcome.ok


def test_rejected_records_are_told_as_the_platform_tells_them(remote: Remote) -> None:
    """A partial failure on demand is counted or named, and the rejected are not held; or the whole batch is refused.

    Where a refusal names nobody the batch is sent apart, and the sandbox, which meant the first request only, takes it.
    """
    identity = remote.created()
    people = [person(remote.manifest, number) for number in range(5)]
    remote.sandbox.faults.add("partial_failure", rows=2, operation="add")
    outcome = remote.send("add", identity, people)
    held = remote.held()
    count = (
        max(len(values) for values in held.values.values() or [()])
        if isinstance(held, Keys)
        else len(held.people)
    )
    apart = any(
        rule.outcome is OutcomeKind.REJECTED and rule.records is None for rule in remote.manifest.outcomes
    )
    wanted = [(2, 3), (0, 5)] if apart else [(2, 3)]
    assert (outcome.rejected_count, count) in wanted if outcome.ok else count == 0


def test_rejected_records_of_a_job_are_named_where_the_platform_lists_them(remote: Remote) -> None:
    """A type that lists the errors of a job says of each rejected record which it was."""
    operation = remote.manifest.signals["add"]
    assert isinstance(operation, SignalOperation)
    if operation.job is None or operation.job.errors is None:
        return
    identity = remote.created()
    remote.sandbox.faults.add("partial_failure", rows=2, operation="add")
    outcome = remote.send("add", identity, [person(remote.manifest, number) for number in range(5)])
    assert [0, 1] == [error.index for error in outcome.rejected]
