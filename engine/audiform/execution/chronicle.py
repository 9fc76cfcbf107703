"""Writes the history: each apply and sync with what it changed and whom it moved, for whoever asks or undoes it.

The entry is written before the first step, so that a run that is killed is in it as one that did not end, and again at the
end. It holds the records as they were before, which hold no secret, and the runs by which the ledger knows people.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audiform.address import Address
from audiform.delivery.report import Delivered
from audiform.execution.report import Report
from audiform.plan.digest import config_digest
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan, StepKind
from audiform.runtime import Runtime
from audiform.state.lock import whoami
from audiform.state.store import HistoryEntry, Record, StateView

KEPT_ENTRIES = 200
"""Older ones are dropped, but for those that are pinned."""


@dataclass(slots=True)
class Chronicle:
    """The entry of one run of a command."""

    runtime: Runtime
    entry: HistoryEntry

    def end(self, report: Report) -> None:
        """Write what came of it, and drop what is too old."""
        store = self.runtime.store
        people = (*report.delivered, *report.withdrawn)
        after = store.read()
        data = {
            **self.entry.data,
            "ok": report.ok,
            "moved": [_moved(one) for one in people if one.moved is not None],
        }
        store.remember(replace(self.entry, ended=self.runtime.clock(), serial_after=after.serial, data=data))
        entries = [entry for entry in store.history() if not entry.pinned]
        if len(entries) > KEPT_ENTRIES:
            store.drop_history(entry.id for entry in entries[:-KEPT_ENTRIES])


def begin_apply(runtime: Runtime, plan: Plan, recorded: StateView) -> Chronicle:
    """Write that a plan is about to be applied, with the records that it changes as they are."""
    addresses = dict.fromkeys(step.address for step in plan.steps if step.kind is not StepKind.SYNC)
    data = {
        "plan": plan_hash(plan),
        "changes": [
            {"address": str(change.address), "action": change.action.name.lower()} for change in plan.changes
        ],
        "steps": [step.id for step in plan.steps],
        "before": {str(address): record_data(recorded.records.get(address)) for address in addresses},
    }
    pinned = any(step.kind is StepKind.FORGET and step.data.get("ledger") == "keep" for step in plan.steps)
    return _begin(runtime, "apply", recorded, data, pinned=pinned)


def begin_sync(runtime: Runtime, bindings: Iterable[Address], recorded: StateView) -> Chronicle:
    """Write that bindings are about to be sent."""
    changes = [{"address": str(address), "action": "sync"} for address in bindings]
    return _begin(runtime, "sync", recorded, {"changes": changes, "before": {}}, pinned=False)


def record_data(record: Record | None) -> dict[str, Any] | None:
    """Return a record as the history keeps it."""
    if record is None:
        return None
    return {"digest": record.digest, "body": record.body, "protected": record.protected}


def _begin(
    runtime: Runtime, operation: str, recorded: StateView, data: Mapping[str, Any], *, pinned: bool
) -> Chronicle:
    whole = {**data, "config": config_digest(runtime.project)}
    entry = HistoryEntry(
        uuid.uuid4().hex, operation, whoami(), runtime.clock(), None, recorded.serial, None, whole, pinned
    )
    runtime.store.remember(entry)
    return Chronicle(runtime, entry)


def _moved(one: Delivered) -> dict[str, Any]:
    assert one.moved is not None  # noqa: S101 - the caller has looked
    return {
        "binding": one.binding,
        "destination_key": one.moved.destination_key,
        "run": one.moved.run,
        "parts": {part.value: count for part, count in one.moved.parts.items()},
        "sent": {signal.value: count for signal, count in one.sent.items()},
    }
