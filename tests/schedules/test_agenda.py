"""How recorded bindings stand: who is due, who is switched off, who has no schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from audiform.address import Address, Kind
from audiform.schedules.agenda import Standing, place_of, standings
from audiform.schedules.due import Due
from audiform.state.store import LastRun, Record

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOURLY = {"every": "1h", "jitter": "1h"}
RECORDS: dict[str, dict[str, Any]] = {
    "source.shop": {"enabled": True},
    "connector.ads": {"enabled": True},
    "audience.buyers": {"enabled": True, "source": "shop"},
    "binding.first": {
        "audience": "buyers",
        "connector": "ads",
        "destination_id": "1",
        "enabled": True,
        "schedule": HOURLY,
    },
}


def found(changes: dict[str, dict[str, Any]], last: datetime = NOON - timedelta(minutes=1)) -> list[Standing]:
    """Return how the bindings stand where records differ so."""
    bodies = {**RECORDS, **{name: {**RECORDS.get(name, {}), **body} for name, body in changes.items()}}
    records = {}
    for name, body in bodies.items():
        kind, _, plain = name.partition(".")
        records[Address(Kind(kind), plain)] = Record(Address(Kind(kind), plain), "digest", body)
    runs = {"first": LastRun("first", last, last, "done")}
    return list(standings(records, runs, place_of("shop", "production"), NOON))


def test_bindings_of_one_audience_are_due_together():
    """Their jitter is the audience's; that of another environment is another."""
    one, two = found({"binding.second": {**RECORDS["binding.first"], "destination_id": "2"}})

    assert ("first", "second") == (one.binding, two.binding)
    assert one.due.at is not None
    assert NOON <= one.due.at <= NOON + timedelta(hours=2)
    assert one.due.at.minute or one.due.at.second
    assert Due(NOON) == two.due  # it never ran


@pytest.mark.parametrize(
    "changes",
    [
        {"binding.first": {"enabled": False}},
        {"audience.buyers": {"enabled": False}},
        {"connector.ads": {"enabled": False}},
        {"source.shop": {"enabled": False}},
        {"binding.first": {"destination_id": None}},
        {"binding.first": {"connector": "gone"}},
    ],
    ids=["binding", "audience", "connector", "source", "no destination", "no connector"],
)
def test_what_is_switched_off_is_never_due(changes):
    """Whatever it stands on counts as well, and a destination that was not created yet."""
    (standing,) = found(changes, last=NOON - timedelta(days=9))

    assert (False, Due(None)) == (standing.on, standing.due)
    assert not standing.is_due(NOON)


def test_a_binding_without_a_schedule_is_never_due():
    """Also one that was applied before there were any."""
    (standing,) = found({"binding.first": {"schedule": None}}, last=NOON - timedelta(days=9))

    assert (True, None, Due(None)) == (standing.on, standing.schedule, standing.due)


def test_a_missed_time_is_due_and_known():
    """Whoever asks for the status sees since when."""
    (standing,) = found({}, last=NOON - timedelta(hours=9))

    assert standing.is_due(NOON)
    assert standing.due.at == standing.due.missed
