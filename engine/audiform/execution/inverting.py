"""What a step of an inverse puts back: read from the history, never from a plan's file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from audiform.address import Address, Kind
from audiform.plan.plan import Step, StepKind
from audiform.plan.records import put_back
from audiform.state.ledger import destination_key
from audiform.state.store import HistoryEntry, Record


def restored(history: Sequence[HistoryEntry], step: Step, known: Record | None) -> Record:
    """Return the record that a step puts back. What is protected stays so, and an object keeps its id.

    Raises:
        KeyError: the history does not have it.
    """
    before = before_of(_entry(history, step), step.address)
    if before is None:
        raise KeyError(step.address)
    record = replace(before, protected=before.protected or (known is not None and known.protected))
    if step.address.kind is not Kind.BINDING:
        return record
    identity = record.body["destination_id"] if known is None else known.body["destination_id"]
    return put_back(replace(record, body={**record.body, "destination_id": identity}), step.data["entry"])


def before_of(entry: HistoryEntry, address: Address) -> Record | None:
    """Return the record that was at an address before an entry; None where there was none."""
    before: Mapping[str, Any] | None = entry.data.get("before", {}).get(str(address))
    return None if before is None else Record(address, before["digest"], before["body"], before["protected"])


def is_of_history(history: Sequence[HistoryEntry], step: Step, record: Record | None) -> bool:
    """Whether the history has what a step puts back: an edited id could change what is not ours."""
    try:
        entry = _entry(history, step)
        if step.kind is StepKind.RESTORE:
            wanted = restored(history, step, record).body
            named = {"connector": wanted.get("connector"), "id": wanted.get("destination_id")}
            attributes = step.data.get("attributes", wanted.get("destination"))
            return all(step.data.get(key, value) == value for key, value in named.items()) and (
                attributes == wanted.get("destination")
            )
        key = destination_key(step.data["connector"], step.data["id"])
        moved = entry.data["moved"]
        known = {
            one["run"]
            for one in moved
            if (one["binding"], one["destination_key"]) == (step.address.name, key)
        }
        return known.issuperset(step.data["runs"])
    except KeyError:
        return False


def after_restoring(
    history: Sequence[HistoryEntry], steps: Iterable[Step], records: Mapping[Address, Record]
) -> Mapping[Address, Record]:
    """Return the records as they are once the steps have put them back."""
    back = {
        step.address: restored(history, step, records.get(step.address))
        for step in steps
        if step.kind is StepKind.RESTORE
    }
    return {**records, **back}


def _entry(history: Sequence[HistoryEntry], step: Step) -> HistoryEntry:
    for entry in history:
        if entry.id == step.data["entry"]:
            return entry
    raise KeyError(step.data["entry"])
