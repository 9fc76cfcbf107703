"""What a plan does, without when, from which serial and in which words: an approval is given to that.

Two plans with the same hash do the same to the same resources and people: the same steps in the same order, of the same
manifests, with the same fields before and after, the same people coming, going and changing, and the same approvals.
Nobody's words (`reason`, `notes`, `why`) and nothing that only says how it came about is part of it.
"""

from __future__ import annotations

from typing import Any

from audiform.hashing import digest
from audiform.plan.plan import Change, FieldChange, Figure, Impact, Plan, Step


def plan_hash(plan: Plan) -> str:
    """Return the hash of the plan's effect."""
    return digest(effect(plan))


def effect(plan: Plan) -> dict[str, Any]:
    """Return the effect as JSON data. `approvals` and `tolerance` are part of it: they say how far an apply may go."""
    return {
        "project": plan.project,
        "environment": plan.environment,
        "manifests": dict(plan.manifest_digests),
        "changes": [_change(change) for change in plan.changes],
        "steps": [_step(step) for step in plan.steps],
        "approvals": sorted(set(plan.approvals)),
        "tolerance": plan.tolerance,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "address": str(change.address),
        "action": change.action.name,
        "fields": [_field(field) for field in change.fields],
        "people": _people(change.impact) if change.impact else None,
        "sends": change.sends,
    }


def _field(field: FieldChange) -> list[Any]:
    return [field.path, field.before, field.after, field.category.value]


def _people(impact: Impact) -> dict[str, Any]:
    """Return who moves. Members before and people left out say how it came about: nothing is done to them."""
    return {
        "adds": _figure(impact.adds),
        "removes": _figure(impact.removes),
        "modifies": _figure(impact.modifies),
        "claims": impact.claims,
        "releases": impact.releases,
        "not_sent": sorted(impact.not_sent),
    }


def _figure(figure: Figure) -> list[Any]:
    return [figure.quality, None if figure.quality == "unknown" else figure.value]


def _step(step: Step) -> list[Any]:
    return [step.id, step.kind.value, str(step.address), list(step.needs), dict(step.data)]
