"""What a step of an inverse may put back: what the history has, and nothing that a plan's file was edited to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from audiform.address import Address, Kind
from audiform.execution.inverting import is_of_history, restored
from audiform.plan.plan import Step, StepKind
from audiform.state.ledger import destination_key
from audiform.state.store import HistoryEntry, Record

BINDING = Address(Kind.BINDING, "buyers")
BODY = {"connector": "ads", "destination_id": "7", "destination": {"name": "Before"}}
ENTRY = HistoryEntry(
    "e1",
    "apply",
    "ann@ci",
    datetime(2024, 5, 1, tzinfo=UTC),
    None,
    1,
    None,
    {
        "before": {str(BINDING): {"digest": "d", "body": BODY, "protected": False}},
        "moved": [{"binding": "buyers", "destination_key": destination_key("ads", "7"), "run": "r1"}],
    },
)
NOW = Record(BINDING, "now", {**BODY, "destination": {"name": "Now"}}, protected=True)
RESTORE = {"entry": "e1", "connector": "ads", "id": "7", "attributes": {"name": "Before"}}
PEOPLE = {"entry": "e1", "connector": "ads", "id": "7", "runs": ["r1"], "modified": False}


def step(kind: StepKind, data: dict[str, Any]) -> Step:
    """Return a step of an inverse."""
    return Step("s", kind, BINDING, (), data)


@pytest.mark.parametrize(("kind", "data"), [(StepKind.RESTORE, RESTORE), (StepKind.RESTORE_MEMBERS, PEOPLE)])
def test_only_what_the_history_has_is_put_back(kind, data):
    """Another entry, object, attribute or run than the history's makes the step one that no plan can hold."""
    other = {"entry": "e2", "connector": "mail", "id": "8", "attributes": {"name": "Mine"}, "runs": ["r2"]}
    edited = [{**data, key: value} for key, value in other.items() if key in data]

    assert is_of_history([ENTRY], step(kind, data), NOW)
    assert not [one for one in edited if is_of_history([ENTRY], step(kind, one), NOW)]
    assert not is_of_history([], step(kind, data), NOW)


def test_a_record_that_is_put_back_stays_protected_and_where_it_is():
    """Its body is that of before, with the object that it has now, and its digest is none of a project's."""
    there = Record(BINDING, "now", {**BODY, "destination_id": "9"}, protected=True)
    record = restored([ENTRY], step(StepKind.RESTORE, RESTORE), there)

    assert ("inverse:e1", True) == (record.digest, record.protected)
    assert ("9", {"name": "Before"}) == (record.body["destination_id"], record.body["destination"])
