"""What policies say of a plan, as lines for people: denials, warnings, and which of them are switched off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audiform.cli.output import Style, paint
from audiform.execution.policies import NO_WAY, grouped
from audiform.plan.plan import Finding, Judgement, Plan
from audiform.plan.summary import denials, warnings

MOST = 50
"""Findings of one sort that are said one by one; the rest is counted."""


def policies(plan: Plan, *, colour: bool) -> Iterator[str]:
    """Yield the sections of a plan's text."""
    judgement = plan.policies
    stops, warned = denials(judgement), warnings(judgement)
    if stops:
        head = paint("Denied by policies", Style.ERROR, Style.BOLD, colour=colour)
        yield "\n".join([head, *_all(stops), f"  {NO_WAY}"])
    if warned:
        head = paint("Warned of by policies", Style.WARNING, Style.BOLD, colour=colour)
        yield "\n".join([head, *_all(warned)])
    if judgement.switched_off:
        yield "\n".join(off(judgement))


def off(judgement: Judgement) -> Iterator[str]:
    """Yield a line for each policy that is switched off, with the reason that the project gives."""
    for name, why in judgement.switched_off.items():
        yield f"The policy {name} is switched off: {why}"


def rest(findings: Sequence[Finding]) -> str:
    """Return how many more there are than are said, or an empty text."""
    more = len(findings) - MOST
    return f"{more:,} more not shown here; `--json` shows all" if more > 0 else ""


def _all(findings: Sequence[Finding]) -> Iterator[str]:
    yield from (f"  {line}" for line in grouped(findings[:MOST]))
    if rest(findings):
        yield f"  {rest(findings)}"
