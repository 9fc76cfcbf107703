"""What is recorded of each binding's schedule, and when it is due next. Pure.

Only what an apply recorded counts: a schedule that was changed in a file and not applied changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from audiform.address import Address, Kind
from audiform.config.schedule import Schedule
from audiform.schedules.due import Due, due
from audiform.schedules.occurrences import jitter_of
from audiform.state.store import LastRun, Record

NEVER = Due(None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one binding stands. `schedule` None: it has none; `on`: it and all that it stands on is switched on."""

    binding: str
    audience: str
    on: bool
    schedule: Schedule | None
    last: LastRun | None
    due: Due

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        return self.due.at is not None and self.due.at <= now


def place_of(project: str, environment: str) -> str:
    """Return the name under which the jitter of a project's audiences is spread."""
    return f"{project} {environment}"


def standings(
    records: Mapping[Address, Record], last_runs: Mapping[str, LastRun], place: str, now: datetime
) -> tuple[Standing, ...]:
    """Return how each recorded binding stands, by name. `place`: see `place_of`."""
    return tuple(
        _standing(record, records, last_runs.get(address.name), place, now)
        for address, record in sorted(records.items())
        if address.kind is Kind.BINDING
    )


def _standing(
    record: Record, records: Mapping[Address, Record], last: LastRun | None, place: str, now: datetime
) -> Standing:
    body = record.body
    on, schedule = _is_on(body, records), _schedule(body.get("schedule"))
    found = NEVER
    if on and schedule is not None:
        # Bindings of one audience are due together, so that it is read once for all of them.
        found = due(schedule, jitter_of(schedule, f"{place} {body['audience']}"), last, now)
    return Standing(record.address.name, body["audience"], on, schedule, last, found)


def _is_on(body: Mapping[str, Any], records: Mapping[Address, Record]) -> bool:
    audience = records.get(Address(Kind.AUDIENCE, body["audience"]))
    connector = records.get(Address(Kind.CONNECTOR, body["connector"]))
    if audience is None or connector is None or body["destination_id"] is None:
        return False
    source = records.get(Address(Kind.SOURCE, audience.body["source"]))
    if source is None:
        return False
    return all(part["enabled"] for part in (body, audience.body, connector.body, source.body))


def _schedule(recorded: Mapping[str, str] | None) -> Schedule | None:
    return None if recorded is None else _read(tuple(sorted(recorded.items())))


@lru_cache
def _read(recorded: tuple[tuple[str, str], ...]) -> Schedule:
    """Return it as it was recorded: thousands of bindings have the same one."""
    return Schedule.model_validate(dict(recorded))
