"""A plan as JSON: the plan file's own data, with the sums beside it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from audiform.address import Address
from audiform.cli.views.shown import Shown, json_text
from audiform.plan.effect import plan_hash
from audiform.plan.guard import approval
from audiform.plan.plan import Plan
from audiform.plan.serialise import plan_digest, to_data
from audiform.plan.summary import actions, denials, people_of, stopping


def render(plan: Plan) -> dict[str, Any]:
    """Return `{digest, plan_hash, summary: {actions, people}, denied_by: [...], stopped_by: [{guard, detail, approve}], plan}`."""
    return {
        "digest": plan_digest(plan),
        "plan_hash": plan_hash(plan),
        "summary": {
            "actions": {action.name.lower(): count for action, count in sorted(actions(plan).items())},
            "people": asdict(people_of(plan)),
        },
        "denied_by": [asdict(item) | {"address": _text(item.address)} for item in denials(plan.policies)],
        "stopped_by": [
            {"guard": result.name, "detail": result.detail, "approve": approval(result) or None}
            for result in stopping(plan.changes)
        ],
        "plan": to_data(plan),
    }


def _text(address: Address | None) -> str | None:
    return None if address is None else str(address)


def as_text(plan: Plan, _: Shown) -> str:
    """Return the data as JSON text."""
    return json_text(render(plan))
