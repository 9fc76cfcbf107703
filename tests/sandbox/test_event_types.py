"""Every event type against its own stand-in, with the real sender over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from audiform.cases.bad_days import is_a_good_day
from audiform.cases.events import connector_of, records_of
from audiform.cases.model import Case, read_cases
from audiform.cases.secrets import sample_secret
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.events.fields import Deduplication
from audiform.event_client import Sent, sender_of
from audiform.events.route import Mapped
from audiform.outcome import OutcomeKind
from audiform.sandbox.serve import Sandbox, serve
from audiform.transport import HttpTransport

KINDS = [Catalog().get(name) for name in Catalog().names()]
EVENT_KINDS = [kind for kind in KINDS if kind.manifest.kind == "event"]
ACCEPTED = OutcomeKind.ACCEPTED


@dataclass
class Remote:
    """One event type as its first case has it, its sandbox, and events for it."""

    kind: ConnectorType
    case: Case
    sandbox: Sandbox
    records: Sequence[Mapped]

    def send(self, records: Sequence[Mapped] | None = None, *, expired: bool = False) -> Sequence[Sent]:
        """Send records over HTTP, with credentials that the platform takes, or those that are `expired`."""
        manifest = self.kind.configured(self.case.settings).manifest

        def secret(name: str) -> str:
            return "expired" if expired else sample_secret(manifest, name, "anything")

        connector = connector_of(self.case, self.kind)
        placed = connector.model_copy(update={"endpoint": self.sandbox.endpoint(self.kind.name)})

        async def sent() -> Sequence[Sent]:
            transport = HttpTransport()
            try:
                sender = sender_of(placed, self.kind, secret, transport)
                return await sender.send(self.records if records is None else records)
            finally:
                await transport.close()

        return asyncio.run(sent())

    @property
    def held(self) -> dict[str, int]:
        """How many events the platform has, and how many it got twice."""
        return self.sandbox.services.events()[self.kind.name]


def good_case(kind: ConnectorType) -> Case:
    """Return the first case of a type in which nothing goes wrong."""
    return next(case for _, case in read_cases(kind.folder) if is_a_good_day(case))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Serve every event type as its first good case is configured."""
    with serve({kind.name: kind.configured(good_case(kind).settings) for kind in EVENT_KINDS}) as running:
        yield running


@pytest.fixture(params=EVENT_KINDS, ids=lambda kind: kind.name)
def remote(request, sandbox: Sandbox) -> Remote:
    """Return each event type in turn, with nothing in its sandbox."""
    sandbox.services.clear()
    case = good_case(request.param)
    return Remote(request.param, case, sandbox, records_of(case, request.param)[0])


def test_events_arrive_as_they_were_sent(remote: Remote) -> None:
    """What the platform has is what was mapped; what it knows again it has once, though it came twice."""
    count = len(remote.records)

    assert [Sent(ACCEPTED)] * count == [*remote.send()]
    shown = [*remote.sandbox.services.world.account(remote.kind.name).events.last]
    if remote.records[0].row != b"{}" and "row" not in remote.case.exchanges[0].request.url:
        assert [orjson.loads(record.row) for record in remote.records] == shown
    remote.send()
    knows = isinstance(remote.kind.manifest.deduplication, Deduplication)
    assert {"events": count if knows else 2 * count, "doubled": count if knows else 0} == remote.held


def test_a_bad_day_is_told_and_nothing_is_kept(remote: Remote) -> None:
    """Throttling and expired secrets are told for each event, and the platform has none of them."""
    remote.sandbox.services.faults.add_all({"fault": "status", "status": 429, "retry_after": 3, "times": 1})
    throttled = remote.send(remote.records[:1])

    assert [(OutcomeKind.RETRY, 3.0, False)] == [
        (one.outcome, one.retry_after, one.answer_lost) for one in throttled
    ]
    if remote.kind.configured(remote.case.settings).manifest.auth != {"scheme": "none"}:
        assert [OutcomeKind.FAILED] == [one.outcome for one in remote.send(remote.records[:1], expired=True)]
    assert {"events": 0, "doubled": 0} == remote.held


def somebody_else(value: Any, key: str) -> Any:
    """Return an event of another person: some platforms name a person of whom they refuse an event."""
    if isinstance(value, Mapping):
        return {name: somebody_else(item, name) for name, item in value.items()}
    others = {"email": "other@example.com", "user_id": "other", "id": "another", "anonymous_id": "other"}
    return others.get(key, value)


def test_one_event_that_is_refused_keeps_no_other_back(remote: Remote) -> None:
    """Of a batch in which the platform refuses one event, the others arrive; or it refuses all, and has none."""
    limits = remote.kind.configured(remote.case.settings).manifest.limits
    events = (remote.case.events[0], somebody_else(remote.case.events[0], "event"))
    two = records_of(remote.case.model_copy(update={"events": events}), remote.kind)[0]
    remote.sandbox.services.faults.add_all({"fault": "partial_failure", "rows": 1, "times": 1})
    outcomes = [one.outcome for one in remote.send(two)]

    # A platform that refuses the whole batch takes both when it is asked again: the fault was made once.
    assert outcomes[-1] is ACCEPTED or not tells_them_apart(remote.kind), (limits, outcomes)
    if remote.kind.manifest.errors.record_identifier is None:  # or both are refused, which are of one person
        assert remote.held["events"] + remote.held["doubled"] == outcomes.count(ACCEPTED)


def tells_them_apart(kind: ConnectorType) -> bool:
    """Whether answers say which event was refused, or that one of a batch was; not only whose events were."""
    manifest = kind.manifest
    if manifest.errors.record_identifier is not None:
        return False
    return manifest.errors.record_path is not None or any(
        rule.outcome is OutcomeKind.REJECTED and rule.records is None for rule in manifest.outcomes
    )
