"""Writes the history: each apply and sync with what it changed and whom it moved, for whoever asks or undoes it.

What became of each binding is written as well: its schedule goes on from there, however old the entry is.

The entry is written before the first step, so that a run that is killed is in it as one that did not end, and again at the
end. It holds the records as they were before, which hold no secret, and the runs by which the ledger knows people.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.address import Address
from audiform.delivery.report import Delivered
from audiform.execution.report import Report
from audiform.plan.digest import config_digest
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan, StepKind
from audiform.runtime import Runtime
from audiform.schedules.due import failures_of
from audiform.state.lock import whoami
from audiform.state.store import HistoryEntry, LastRun, Record, StateView

KEPT_ENTRIES = 200
"""So many syncs are kept, and so many of everything else: a sync each minute drops no apply. Pinned ones are kept for good."""


@dataclass(slots=True)
class Chronicle:
    """The entry of one run of a command."""

    runtime: Runtime
    entry: HistoryEntry
    bindings: tuple[str, ...] = ()
    """Those that are sent: of each it is written that it runs, until it ended."""
    before: Mapping[str, LastRun] = field(default_factory=dict[str, LastRun])

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
        store.note_runs(self._ended(report))
        is_sync = self.entry.operation == "sync"
        entries = [
            entry for entry in store.history() if not entry.pinned and (entry.operation == "sync") == is_sync
        ]
        if len(entries) > KEPT_ENTRIES:
            store.drop_history(entry.id for entry in entries[:-KEPT_ENTRIES])

    def running(self) -> None:
        """Write that the bindings run."""
        self.runtime.store.note_runs(
            LastRun(name, self.entry.started, None, "running", failures_of("running", self.before.get(name)))
            for name in self.bindings
        )

    def _ended(self, report: Report) -> Iterable[LastRun]:
        now = self.runtime.clock()
        results: dict[str, str] = dict.fromkeys(self.bindings, "interrupted")
        results |= {one.binding: one.status for one in report.delivered}
        results |= {
            failure.step.address.name: "failed"
            for failure in report.failed
            if failure.step.kind is StepKind.SYNC
        }
        for name, result in results.items():
            yield LastRun(name, self.entry.started, now, result, failures_of(result, self.before.get(name)))


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
    addresses = tuple(bindings)
    changes = [{"address": str(address), "action": "sync"} for address in addresses]
    chronicle = _begin(runtime, "sync", recorded, {"changes": changes, "before": {}}, pinned=False)
    chronicle.bindings = tuple(address.name for address in addresses)
    chronicle.running()
    return chronicle


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
    return Chronicle(runtime, entry, before=runtime.store.last_runs())


def _moved(one: Delivered) -> dict[str, Any]:
    assert one.moved is not None  # noqa: S101 - the caller has looked
    return {
        "binding": one.binding,
        "destination_key": one.moved.destination_key,
        "run": one.moved.run,
        "parts": {part.value: count for part, count in one.moved.parts.items()},
        "sent": {signal.value: count for signal, count in one.sent.items()},
    }
