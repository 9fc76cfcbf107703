"""Policies, asked again before the first step: a plan says what they said when it was made, and that decides nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audiform.diagnostics import Diagnostic, DiagnosticError, Location
from audiform.execution.stopped import Stopped
from audiform.judging import judgement_of
from audiform.plan.plan import Finding, Plan
from audiform.plan.summary import denials
from audiform.policies.found import CODES
from audiform.runtime import Runtime

NO_WAY = "No option lets a denial pass: change the project, or the policy, and have that reviewed."


def check_policies(runtime: Runtime, plan: Plan) -> None:
    """Stop a plan that a policy of the project, or a built-in one, denies.

    Raises:
        Stopped: with each denial.
        DiagnosticError: a policy could not be evaluated (`policy-failed`); what is denied is said with it.
    """
    found = denials(judgement_of(runtime.project, runtime.catalog, plan))
    if any(finding.effect == "error" for finding in found):
        raise DiagnosticError([_diagnostic(finding) for finding in found])
    if found:
        raise Stopped(denied(found))


def denied(findings: Sequence[Finding]) -> str:
    """Return what a command says that policies stop."""
    return "\n".join(
        [
            "policies deny this plan; nothing was done",
            *(f"  {line}" for line in grouped(findings)),
            NO_WAY,
        ]
    )


def grouped(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield each policy with its message, and below it what it found."""
    by_policy: dict[str, list[Finding]] = {}
    for finding in findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    for name, items in by_policy.items():
        yield f"{name}: {items[0].message}"
        yield from (f"  {item.detail}{_where(item)}" for item in items)


def said(finding: Finding) -> str:
    """Return a finding as one line: the policy, what was found, and where that stands; without the policy's message."""
    return f"{finding.policy}: {finding.detail}{_where(finding)}"


def _where(finding: Finding) -> str:
    return f"  ({finding.file}:{finding.line})" if finding.file else ""


def _diagnostic(finding: Finding) -> Diagnostic:
    place = Location(finding.file, finding.line or 1, 1) if finding.file else None
    text = f"{finding.detail}.\nPolicy `{finding.policy}`: {finding.message}"
    return Diagnostic(CODES[finding.effect], text, location=place, address=finding.address)
