"""What a plan comes to: resources by what happens to them, and people over all destinations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audiform.plan.plan import (
    Action,
    Change,
    ChangeCategory,
    Figure,
    Finding,
    GuardResult,
    Impact,
    Judgement,
    Plan,
    Quality,
)

ENDS = frozenset({Action.REPLACE, Action.DELETE, Action.FORGET})
_REMOVING = frozenset({ChangeCategory.REMOVE_ALL, ChangeCategory.REKEY})


@dataclass(frozen=True, slots=True)
class People:
    """Totals over all bindings that the plan moves people of. A total is as uncertain as its worst part.

    `unknown`: destinations with a figure that is not known; `uncounted`: bindings whose people nobody counted.
    """

    adds: Figure
    removes: Figure
    modifies: Figure
    destinations: int
    unknown: int
    uncounted: int


def actions(plan: Plan) -> Counter[Action]:
    """Return how many resources each action concerns."""
    return Counter(change.action for change in plan.changes)


def people_of(plan: Plan) -> People:
    """Return the totals; figures that are unknown count as nothing in them and are told apart in `unknown`."""
    impacts = [change.impact for change in plan.changes if change.impact is not None]
    return People(
        _total(impacts, lambda impact: impact.adds),
        _total(impacts, lambda impact: impact.removes),
        _total(impacts, lambda impact: impact.modifies),
        destinations=len(impacts),
        unknown=sum(is_unknown(impact) for impact in impacts),
        uncounted=sum(change.sends and change.impact is None for change in plan.changes),
    )


def starting(plan: Plan) -> list[Change]:
    """Return the changes that make events go somewhere as soon as they are applied."""
    starts = ChangeCategory.STARTS_SENDING
    return [change for change in plan.changes if starts in change.categories]


def is_unknown(impact: Impact) -> bool:
    """Whether one of the figures that say what moves is not known."""
    return "unknown" in (impact.adds.quality, impact.removes.quality, impact.modifies.quality)


def is_destructive(change: Change) -> bool:
    """Whether something ends, or everybody is removed or known otherwise: a reader must not miss it."""
    return change.action in ENDS or any(category in _REMOVING for category in change.categories)


def stopping(changes: Iterable[Change]) -> list[GuardResult]:
    """Return the guards that stop the plan: those that do not hold and were not approved."""
    return [result for change in changes for result in change.guards if not result.ok and not result.approved]


def denials(judgement: Judgement) -> list[Finding]:
    """Return the findings of policies that stop the plan: what is denied, and what could not be evaluated."""
    return [finding for finding in judgement.findings if finding.effect != "warn"]


def warnings(judgement: Judgement) -> list[Finding]:
    """Return the findings of policies that stop nothing."""
    return [finding for finding in judgement.findings if finding.effect == "warn"]


def _total(impacts: list[Impact], figure: Callable[[Impact], Figure]) -> Figure:
    figures = [figure(impact) for impact in impacts]
    seen = {item.quality for item in figures}
    worst: Quality = "unknown" if "unknown" in seen else "estimated" if "estimated" in seen else "exact"
    return Figure(worst, sum(item.value for item in figures if item.quality != "unknown"))
