"""The order of steps: what is independent runs side by side, and a failure holds up only what needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiform.address import Address, Kind
from audiform.execution.order import Order, run_in_order
from audiform.plan.plan import Step, StepKind


def step(name: str, *needs: str, kind: StepKind = StepKind.SYNC) -> Step:
    """Return a step of a binding."""
    return Step(name, kind, Address(Kind.BINDING, name), needs, {})


@dataclass
class Work:
    """Does steps, keeps when, and fails those that it is told to."""

    bad: Collection[str] = ()
    log: list[str] = field(default_factory=list)
    together: list[list[str]] = field(default_factory=list)
    running: int = 0
    most: int = 0

    def record(self, steps: Sequence[Step]) -> None:
        self.together.append([one.id for one in steps])
        self.log.extend(one.id for one in steps)

    async def perform(self, one: Step) -> bool:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.log.append(one.id)
        return one.id not in self.bad


def run(steps: Sequence[Step], work: Work, at_once: int = 8) -> Order:
    """Run the steps to their end."""
    order = Order(steps)
    asyncio.run(run_in_order(order, work.record, work.perform, at_once))
    return order


def test_a_step_waits_for_what_it_needs():
    """Steps run when, and only when, all that they need is done."""
    work = Work()
    run([step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")], work)

    assert ["a", "b", "c", "d"] == work.log


def test_what_is_ready_goes_by_rank():
    """Steps of one rank keep their order; what becomes ready later overtakes those of a higher one."""
    work = Work()
    ranks = {"a": 0, "b": 2, "c": 1, "d": 2, "e": 0}
    order = Order([step(name) for name in "abcd"] + [step("e", "a")], lambda one: ranks[one.id])
    asyncio.run(run_in_order(order, work.record, work.perform, 1))

    assert ["a", "e", "c", "b", "d"] == work.log


def test_independent_steps_run_side_by_side_within_the_bound():
    """As many run at once as are allowed, and no more."""
    work = Work()
    run([step(str(number)) for number in range(20)], work, at_once=3)

    assert (20, 3) == (len(work.log), work.most)


def test_records_are_written_in_one_go():
    """What only writes state goes together, a level of the order at a time."""
    work = Work()
    kind = StepKind.RECORD
    run([step("a", kind=kind), step("b", kind=kind), step("c", "a", kind=kind), step("d", "c")], work)

    assert [["a", "b"], ["c"]] == work.together
    assert "d" == work.log[-1]


def test_a_failure_holds_up_only_what_needs_it():
    """What needs a failed step, directly or not, is skipped for that one cause; everything else is done."""
    work = Work(bad=["a"])
    order = run([step("a"), step("b", "a"), step("c", "b"), step("x"), step("y", "x")], work)

    assert {"a", "x", "y"} == set(work.log)
    assert [("b", "a"), ("c", "a")] == [(one.step.id, one.cause.id) for one in order.skipped]


def test_a_step_with_two_causes_is_skipped_once():
    """The first failure is the cause that is said."""
    work = Work(bad=["a", "b"])
    order = run([step("a"), step("b"), step("c", "a", "b")], work)

    assert ["c"] == [one.step.id for one in order.skipped]


def test_a_cancelled_run_waits_for_its_steps():
    """Interrupted, the steps under way end in an orderly way before the run does."""
    ended: list[str] = []

    async def perform(one: Step) -> bool:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(one.id)
        return True

    async def interrupted() -> None:
        task = asyncio.ensure_future(run_in_order(Order([step("a"), step("b")]), lambda _: None, perform, 8))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())

    assert ["a", "b"] == ended


def test_a_mistake_of_ours_ends_the_run():
    """What should never happen is raised as it is, after the other steps were stopped."""

    async def perform(one: Step) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_in_order(Order([step("a"), step("b")]), lambda _: None, perform, 8))


@st.composite
def plans(draw: st.DrawFn) -> list[Step]:
    """Draw steps that need earlier ones."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 12))):
        needs = draw(st.sets(st.sampled_from([one.id for one in steps]), max_size=3)) if steps else set()
        kind = draw(st.sampled_from([StepKind.RECORD, StepKind.SYNC]))
        steps.append(step(str(number), *sorted(needs), kind=kind))
    return steps


@given(plans(), st.sets(st.integers(0, 12).map(str)), st.integers(1, 4))
def test_every_step_is_done_or_skipped(steps: list[Step], bad: set[str], at_once: int):
    """Whatever needs what and whatever fails: each step is tried once or skipped once, and never before its needs."""
    work = Work(bad=bad)
    order = run(steps, work, at_once)
    skipped = [one.step.id for one in order.skipped]
    failed = {one.id for one in steps if one.kind is StepKind.SYNC and one.id in bad}

    assert sorted(one.id for one in steps) == sorted([*work.log, *skipped])
    for one in steps:
        if one.id in work.log:
            assert set(one.needs) <= set(work.log[: work.log.index(one.id)]) - failed
