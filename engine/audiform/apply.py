"""Carries out a plan: its steps, in their order, and nothing else. Decides nothing.

    is the plan still valid?  ->  do policies and guards let it through?  ->  are the people still those that were reviewed?
    ->  finish what a killed run had begun  ->  each step: intent, effect, record, settled  ->  Report

Before the first step it is written which bindings will be sent: what an apply does not get to send is in the next
plan, however the apply ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiform.address import parse_address
from audiform.delivery.progress import NoProgress, Progress
from audiform.delivery.readings import Readings
from audiform.execution.chronicle import begin_apply
from audiform.execution.destinations import Destinations
from audiform.execution.journal import Journal, by_address, creation_of, of_kind
from audiform.execution.order import Order, run_in_order
from audiform.execution.policies import check_policies
from audiform.execution.recovery import recover
from audiform.execution.report import Report, in_plan_order
from audiform.execution.resuming import resumed
from audiform.execution.steps import Executor
from audiform.execution.tolerance import check_tolerance
from audiform.execution.turns import by_audience, turns_of
from audiform.execution.validity import check_guards, check_plan, stale, used
from audiform.plan.plan import Plan, StepKind
from audiform.plan.serialise import plan_digest
from audiform.runtime import Runtime
from audiform.state.store import Intent

AT_ONCE = 8
"""Steps side by side; each connector has limits of its own."""

_WITHOUT_SOURCE = frozenset({StepKind.REMOVE_MEMBERS, StepKind.RESTORE_MEMBERS})
"""Steps that compare people whom the ledger knows."""


async def apply(
    runtime: Runtime,
    plan: Plan,
    *,
    progress: Progress | None = None,
    measure_again: bool = True,
    once: bool = False,
) -> Report:
    """Do what the plan says. The caller holds the lock. One apply of a plan made by `plan --out` or just now.

    `measure_again=False`: the plan was made a moment ago, under the same lock.
    `once`: the plan is marked as applied before its first step, and nobody applies it again.

    Raises:
        DiagnosticError: the plan no longer holds; nothing was done.
        Stopped: a policy, a guard or the tolerance stops it; nothing was done.
    """
    recorded = runtime.store.read()
    check_plan(runtime, plan, recorded)
    check_policies(runtime, plan)
    check_guards(runtime, plan, recorded)
    if measure_again:
        await check_tolerance(runtime, plan, recorded)
    recovered = await recover(runtime, leave=_has_step(plan))
    if recovered.taken:
        names = ", ".join(map(str, recovered.taken))
        raise stale(
            f"The destination of {names}, which an interrupted run had created, was found and recorded."
        )
    if recovered.moved:
        names = ", ".join(map(str, recovered.moved))
        raise stale(f"The move to {names}, which an interrupted run had begun, was finished.")
    if once and plan.steps:
        _spend(runtime, plan)
    recovered.notes.extend(resumed(runtime.store, {step.address.name for step in plan.steps}))
    executor = _executor(runtime, plan, progress or NoProgress(), recovered.notes)
    chronicle = begin_apply(runtime, plan, runtime.store.read()) if plan.steps else None
    order = Order(plan.steps, by_audience(executor.readings))
    try:
        async with executor.readings:
            await run_in_order(order, executor.record, executor.perform, AT_ONCE)
    finally:
        report = in_plan_order(plan.steps, _report(executor, order, recovered.notes))
        if chronicle is not None:
            chronicle.end(report)
    return report


def _report(executor: Executor, order: Order, notes: Sequence[str]) -> Report:
    return Report(
        done=tuple(executor.done),
        failed=tuple(executor.failed),
        skipped=tuple(order.skipped),
        delivered=tuple(executor.delivered),
        withdrawn=tuple(executor.withdrawn),
        notes=tuple(notes),
    )


def _spend(runtime: Runtime, plan: Plan) -> None:
    now = runtime.clock()
    if not runtime.store.spend(plan_digest(plan), now):
        raise used(runtime.store.spent(plan_digest(plan)) or now)


def _executor(runtime: Runtime, plan: Plan, progress: Progress, notes: list[str]) -> Executor:
    recorded = runtime.store.create() if plan.steps else runtime.store.read()
    journal = Journal(runtime.store)
    pending = runtime.store.pending()
    names = {
        parse_address(step.data["from"]): step.address for step in plan.steps if step.kind is StepKind.MOVE
    }
    unsent = {
        names.get(address, address): list(intents)
        for address, intents in by_address(of_kind(pending, StepKind.SYNC)).items()
    }
    sent = [step.address.name for step in plan.steps if step.kind is StepKind.SYNC]
    others = sum(step.kind in _WITHOUT_SOURCE for step in plan.steps)
    for step in plan.steps:
        if step.kind is StepKind.SYNC and step.address not in unsent:
            unsent[step.address] = [journal.intend(step.address, StepKind.SYNC)]
    return Executor(
        runtime=runtime,
        journal=journal,
        destinations=Destinations(runtime, recorded.lineage, journal, notes.append),
        records=dict(recorded.records),
        approved=plan.approvals,
        progress=progress,
        creations=by_address(of_kind(pending, StepKind.CREATE_DESTINATION)),
        unsent=unsent,
        turns=turns_of(runtime.memory, len(sent) + others),
        readings=Readings(runtime, {name: name for name in sent}, write=True, others=others),
    )


def _has_step(plan: Plan) -> Callable[[Intent], bool]:
    """Return whether a step of the plan creates just what an intent wanted: it looks for the object itself."""
    steps = {step.address: step.data for step in plan.steps if step.kind is StepKind.CREATE_DESTINATION}

    def leave(intent: Intent) -> bool:
        creation = creation_of(intent)
        wanted = {"connector": creation.record.body["connector"], "attributes": creation.attributes}
        return steps.get(intent.address) == wanted

    return leave
