"""Measures again before a reviewed plan is applied: people move between plan and merge (design, rule 13)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace

from audiform.address import Address
from audiform.execution.inverting import after_restoring
from audiform.execution.stopped import Stopped
from audiform.imports import find_imports, with_imports
from audiform.measure import AT_ONCE, Measurable, count_ended, measure, measure_restored, readings_of
from audiform.plan.draft import impact_of
from audiform.plan.evolve import evolve
from audiform.plan.plan import Change, Plan, StepKind
from audiform.plan.tolerance import outside_tolerance
from audiform.runtime import Runtime
from audiform.sources.snapshot import snapshots
from audiform.state.store import StateView

_COUNTED_ENDS = frozenset({StepKind.REMOVE_MEMBERS, StepKind.DELETE_DESTINATION})


async def check_tolerance(runtime: Runtime, plan: Plan, recorded: StateView) -> None:
    """Stop when a figure is too far from the planned one. Bindings that the plan did not count are not measured.

    Raises:
        Stopped: with each figure that moved, and how far it may.
    """
    kinds: defaultdict[Address, set[StepKind]] = defaultdict(set)
    for step in plan.steps:
        kinds[step.address].add(step.kind)
    counted = [change for change in plan.changes if change.impact is not None]
    ending = [change.address for change in counted if kinds[change.address] & _COUNTED_ENDS]
    evolved = evolve(runtime.project, recorded)
    imports = {step.address for step in plan.steps if step.kind is StepKind.IMPORT}
    evolved = replace(evolved, imports=tuple(one for one in evolved.imports if one.address in imports))
    found = await find_imports(runtime, evolved)
    origins = with_imports(evolved, runtime, found).origins
    ended = count_ended(runtime, {address: origins[address] for address in ending})
    slots = asyncio.Semaphore(runtime.memory.side_by_side(min(AT_ONCE, len(plan.changes))))
    undone = {step.address: step for step in plan.steps if step.kind is StepKind.RESTORE_MEMBERS}
    back = after_restoring(runtime.store.history(), plan.steps, recorded.records)

    measurable = {
        change.address: Measurable(
            change.address.name,
            None if StepKind.CREATE_DESTINATION in kinds[change.address] else origins.get(change.address),
            found.members.get(change.address),
        )
        for change in counted
        if change.sends
    }

    async def far(change: Change) -> list[str]:
        mine, sent = kinds[change.address], None
        if change.sends:
            one = measurable[change.address]
            async with readings.turn(one.binding), slots:
                sent = (await measure(runtime, one, readings)).impact
        step = undone.get(change.address)
        if step is not None:
            async with slots:
                sent = await measure_restored(runtime, back[change.address], step.data)
        now = impact_of(mine, sent, ended.get(change.address))
        if change.impact is None or now is None:
            return []
        return [
            f"  {change.address.name}: {said}"
            for said in outside_tolerance(change.impact, now, plan.tolerance)
        ]

    async with readings_of(runtime, measurable.values()) as readings:
        lines = [line for far_off in await asyncio.gather(*map(far, counted)) for line in far_off]
    if lines:
        raise Stopped(_moved(lines, _other_data(runtime, plan)))


def _other_data(runtime: Runtime, plan: Plan) -> list[str]:
    """Say of which sources the data is another one than when the plan was made."""
    now = snapshots(runtime.project)
    changed = [name for name, digest in plan.source_digests.items() if now.get(name) != digest]
    return [f"  source.{name}: its data was written since" for name in changed]


def _moved(lines: list[str], data: list[str]) -> str:
    return "\n".join(
        [
            "people moved since the plan was made, further than it allows; nothing was done",
            *lines,
            *data,
            "Make a new plan, and have it read again:",
            "",
            "    audiform plan --out FILE",
            "",
        ]
    )
