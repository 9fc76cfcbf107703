"""What a sync did to each of its bindings, for the log of whoever watches: counts and masked messages, never a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.delivery.report import Delivered, Problem
from audiform.execution.report import Report

REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one binding; `facts` stand in the log beside its result."""

    binding: str
    result: str
    facts: dict[str, Any] = field(default_factory=dict[str, Any])


def outcomes(report: Report, names: Sequence[str]) -> Iterator[Outcome]:
    """Yield what became of each of the bindings, one of which the report says nothing included."""
    found = {one.binding: Outcome(one.binding, one.status, _delivered(one)) for one in report.delivered}
    for failure in report.failed:
        name = failure.step.address.name
        found[name] = Outcome(name, "failed", {"problems": [_said(each) for each in failure.problems]})
    for item in report.refused:
        if item.address is not None:
            found[item.address.name] = Outcome(item.address.name, REFUSED, {"problems": [item.detail]})
    for name in names:
        yield found.get(name) or Outcome(name, REFUSED, {"problems": [_switched_off(name)]})


def gone(name: str) -> Outcome:
    """Return what is said of a binding that is applied and that no file declares any more."""
    why = (
        f"binding.{name} was not sent, because no file declares it any more, and no apply has ended it. Read `audiform plan`, then "
        "run `audiform apply`."
    )
    return Outcome(name, REFUSED, {"problems": [why]})


def _switched_off(name: str) -> str:
    return (
        f"binding.{name} was not sent, because it, its audience, its connector or its source is switched off in the files, and that is "
        "not applied. Read `audiform plan`, then run `audiform apply`."
    )


def _delivered(one: Delivered) -> dict[str, Any]:
    counts = {
        **{signal.value: count for signal, count in one.sent.items()},
        "rejected": one.rejected,
        "pending": one.pending,
        "unsure": one.unsure,
        "not_sent": one.not_sent,
        "left_out": sum(one.left_out.values()),
    }
    facts: dict[str, Any] = {"people": {what: count for what, count in counts.items() if count}}
    guards = [guard.name for guard in one.guards if not guard.ok and not guard.approved]
    problems = [_said(each) for each in one.problems]
    return facts | ({"guards": guards} if guards else {}) | ({"problems": problems} if problems else {})


def _said(problem: Problem) -> str:
    return f"{problem.category.value}: {problem.message}" if problem.category else problem.message
