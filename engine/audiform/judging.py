"""What the policies say of a plan, with the lines of the files that they speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audiform.config.places import place_all
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import Location
from audiform.plan.plan import Finding, Judgement, Plan
from audiform.policies.found import Found
from audiform.policies.judge import judge_plan
from audiform.policies.scope import in_use, switched_off


def judgement_of(project: Project, catalog: Catalog, plan: Plan) -> Judgement:
    """Return what the project's policies, and the built-in ones, say of a plan.

    Raises:
        DiagnosticError: a connector type cannot be opened.
    """
    found = judge_plan(project, catalog, plan)
    findings = tuple(
        Finding(
            item.policy,
            item.effect,
            item.detail,
            item.message,
            item.address,
            place.file if place else None,
            place.line if place else None,
        )
        for item, place in zip(found, _places(project, found), strict=True)
    )
    return Judgement(findings, tuple(in_use(project)), switched_off(project))


def _places(project: Project, found: Sequence[Found]) -> list[Location | None]:
    """Return where each thing stands that was found; of one that the project does not have, where the policy does."""
    root, environment = project.root, project.environment.name
    at_policy = [replace(item, address=None).diagnostic for item in found]
    first = place_all(root, environment, [item.diagnostic for item in found])
    if all(item.location is not None for item in first):
        return [item.location for item in first]
    second = place_all(root, environment, at_policy)
    return [one.location or other.location for one, other in zip(first, second, strict=True)]
