"""Brings destinations to what their audiences say now: bindings that were applied as they stand, side by side."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.delivery.deliver import deliver
from audiform.delivery.progress import NoProgress, Progress
from audiform.delivery.readings import Readings
from audiform.delivery.report import Delivered
from audiform.delivery.watermarks import ASKED_FOR, RETRIED
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.execution.chronicle import begin_sync
from audiform.execution.failure import problems_of
from audiform.execution.journal import Journal, by_address, of_kind
from audiform.execution.order import Order, run_in_order
from audiform.execution.report import Failure, Report, in_plan_order
from audiform.execution.resuming import resumed
from audiform.execution.turns import Turns, by_audience, turns_of
from audiform.plan.bindings import is_active
from audiform.plan.plan import Step, StepKind
from audiform.plan.records import dependencies_of, effective_guards, is_put_back, recorded_schedule
from audiform.runtime import Runtime
from audiform.state.store import Intent, Record, StateView


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """`approved`: names of guard results that may be passed. `retry_rejected`: also send who was rejected before.

    `full`: read everything, also of audiences that have a watermark. `turns`: those of several syncs side by side, under one lock,
    are the same.
    """

    approved: Collection[str] = ()
    retry_rejected: bool = False
    full: bool = False
    progress: Progress = field(default_factory=NoProgress)
    turns: Turns | None = None


async def sync(runtime: Runtime, names: Sequence[str] = (), options: SyncOptions | None = None) -> Report:
    """Send who entered, left and changed, of the named bindings or of all. The caller holds the lock.

    A binding of which something differs from what was applied is not sent, and said in `refused`; one that is
    switched off is left out, and said in `notes` when it was named.

    Raises:
        DiagnosticError: a name is none of a binding (`unknown-binding`).
    """
    project, recorded = runtime.project, runtime.store.read()
    wanted = chosen(project, names)
    off = [name for name in wanted if not is_active(project, project.bindings[name])]
    wanted = tuple(name for name in wanted if name not in off)
    changed = {name: found for name in wanted if (found := _changed(runtime, recorded, name))}
    steps = tuple(_step(name) for name in wanted if name not in changed)
    options = options or SyncOptions()
    notes = [f"binding.{name} is switched off: nobody was sent" for name in off if name in names]
    notes += resumed(runtime.store, {step.address.name for step in steps})
    turns = options.turns or turns_of(runtime.memory, len(steps))
    whole = ASKED_FOR if options.full else RETRIED if options.retry_rejected else ""
    sent = {step.address.name: step.address.name for step in steps}
    readings = Readings(runtime, sent, write=True, whole=whole)
    delivery = _Delivery(runtime, recorded.records, options, _unsent(runtime), turns, readings)
    chronicle = begin_sync(runtime, [step.address for step in steps], recorded) if steps else None
    try:
        async with readings:
            await run_in_order(
                Order(steps, by_audience(readings)), lambda _: None, delivery.perform, len(steps)
            )
    finally:
        if chronicle is not None:
            chronicle.end(Report(failed=tuple(delivery.failed), delivered=tuple(delivery.delivered)))
    report = Report(
        done=tuple(delivery.done),
        failed=tuple(delivery.failed),
        delivered=tuple(delivery.delivered),
        refused=tuple(_not_applied(name, found, recorded) for name, found in changed.items()),
        notes=tuple(notes),
    )
    return in_plan_order(steps, report)


@dataclass(slots=True)
class _Delivery:
    """Sends one binding after the other, or side by side; those on one destination take turns."""

    runtime: Runtime
    records: Mapping[Address, Record]
    options: SyncOptions
    unsent: Mapping[Address, Sequence[Intent]]
    turns: Turns
    readings: Readings
    done: list[Step] = field(default_factory=list[Step], init=False)
    failed: list[Failure] = field(default_factory=list[Failure], init=False)
    delivered: list[Delivered] = field(default_factory=list[Delivered], init=False)

    async def perform(self, step: Step) -> bool:
        """Send one binding; whether it worked."""
        options, name = self.options, step.address.name
        try:
            async with self.readings.turn(name), self.turns.of(self.records[step.address]):
                sent = await deliver(
                    self.runtime,
                    name,
                    approved=options.approved,
                    retry_rejected=options.retry_rejected,
                    progress=options.progress,
                    readings=self.readings,
                )
        except DiagnosticError as error:
            self.failed.append(Failure(step, problems_of(error)))
            return False
        self.delivered.append(sent)
        if sent.status == "done":
            self.done.append(step)
            Journal(self.runtime.store).settle(self.unsent.get(step.address, ()))
        return sent.status == "done"


def chosen(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """Return the bindings that are meant, in the project's order; `binding.NAME` means NAME.

    Raises:
        DiagnosticError: the project has none of a name (`unknown-binding`).
    """
    plain = [name.removeprefix(f"{Kind.BINDING}.") for name in names]
    unknown = [name for name in plain if name not in project.bindings]
    if unknown:
        raise DiagnosticError(
            [
                Diagnostic(
                    "unknown-binding",
                    f"The project has no binding `{name}`, so nothing was sent. `audiform graph` lists those that it has.",
                    hint=did_you_mean(name, project.bindings),
                )
                for name in unknown
            ]
        )
    return tuple(name for name in project.bindings if not plain or name in plain)


def _step(name: str) -> Step:
    address = Address(Kind.BINDING, name)
    return Step(f"{address}/{StepKind.SYNC.value}", StepKind.SYNC, address, (), {})


def _unsent(runtime: Runtime) -> Mapping[Address, Sequence[Intent]]:
    return by_address(of_kind(runtime.store.pending(), StepKind.SYNC))


def _changed(runtime: Runtime, recorded: StateView, name: str) -> tuple[Address, ...]:
    """Return what of a binding, and of what it depends on, is not what was applied."""
    project, own = runtime.project, Address(Kind.BINDING, name)
    audience, connector = dependencies_of(project, own)
    parts = (*dependencies_of(project, audience), connector, audience, own)
    return tuple(part for part in parts if not _is_applied(runtime, recorded, part))


def _is_applied(runtime: Runtime, recorded: StateView, address: Address) -> bool:
    project, record = runtime.project, recorded.records.get(address)
    if record is None or record.digest != project.digests[address]:
        return False
    match address.kind:
        case Kind.CONNECTOR:
            digest = runtime.catalog.get(project.connectors[address.name].type).digest
            return bool(digest == record.body["type_digest"])
        case Kind.BINDING:
            binding, body = project.bindings[address.name], record.body
            wanted = effective_guards(project, binding).model_dump(mode="json", exclude_none=True)
            same = wanted == body["guards"] and recorded_schedule(project, binding) == body.get("schedule")
            return same and body["destination_id"] is not None
        case _:
            return True


def _not_applied(name: str, changed: Sequence[Address], recorded: StateView) -> Diagnostic:
    what = ", ".join(map(str, changed))
    if is_put_back(recorded.records.get(Address(Kind.BINDING, name))):
        what += " (an inverse put its people back, and they stay so until the next apply)"
    return Diagnostic(
        "not-applied",
        f"binding.{name} was not sent, because this is not what was last applied: {what}. A sync sends only what a plan "
        "showed and an apply recorded. Read `audiform plan`, then run `audiform apply`.",
        address=Address(Kind.BINDING, name),
    )
