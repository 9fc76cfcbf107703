"""What an apply or a sync did, and what it did not do: a value that the views read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiform.address import Address
from audiform.delivery.report import Delivered, Problem
from audiform.diagnostics import Diagnostic
from audiform.plan.plan import Step, StepKind


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that did not work, and why. What depends on it was not tried."""

    step: Step
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A step that was not tried, and the step whose failure is the cause."""

    step: Step
    cause: Step


@dataclass(frozen=True, slots=True)
class Report:
    """`delivered` and `withdrawn` say what became of people, by binding; a failed delivery is there, not in `failed`.

    `refused`: bindings that were not sent because of what the project says, as diagnostics. `notes`: what else
    whoever reads the report has to know, such as an object that was taken instead of created.
    """

    done: tuple[Step, ...] = ()
    failed: tuple[Failure, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    delivered: tuple[Delivered, ...] = ()
    withdrawn: tuple[Delivered, ...] = ()
    refused: tuple[Diagnostic, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether a guard stopped a binding."""
        return any(one.status == "stopped" for one in (*self.delivered, *self.withdrawn))

    @property
    def ok(self) -> bool:
        """Whether everything was done."""
        people = (*self.delivered, *self.withdrawn)
        return not (self.failed or self.refused) and all(one.status == "done" for one in people)


def in_plan_order(steps: Sequence[Step], report: Report) -> Report:
    """Return the report with everything in the order of the plan's steps, however it went side by side."""
    places = {step.id: number for number, step in enumerate(steps)}
    names = {step.address.name: number for number, step in enumerate(steps) if step.kind is StepKind.SYNC}
    return Report(
        done=tuple(sorted(report.done, key=lambda step: places[step.id])),
        failed=tuple(sorted(report.failed, key=lambda failure: places[failure.step.id])),
        skipped=tuple(sorted(report.skipped, key=lambda skipped: places[skipped.step.id])),
        delivered=tuple(sorted(report.delivered, key=lambda one: names.get(one.binding, -1))),
        withdrawn=tuple(sorted(report.withdrawn, key=lambda one: one.binding)),
        refused=report.refused,
        notes=report.notes,
    )


def addresses(steps: tuple[Step, ...]) -> tuple[Address, ...]:
    """Return the addresses of the steps, each once, in their order."""
    return tuple(dict.fromkeys(step.address for step in steps))
