"""What the expressions of policies see: plain maps of a resource, a change and a plan.

A figure of people that is not known is not there, and its name stands in `unknown`: an expression that looks it up
all the same cannot be evaluated, and that is no pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.plan.plan import Action, Change, FieldChange, Figure, Plan
from audiform.plan.summary import actions, is_destructive, people_of

FIGURES = ("adds", "removes", "modifies", "members_before", "members_after")
ALWAYS = ("values", "environment", "protected", "project")
OF_RESOURCES = ("resource", "source", "audience", "connector", *ALWAYS)
NAMES: Mapping[str, tuple[str, ...]] = {
    "resources": OF_RESOURCES,
    "changes": ("change", "plan", *OF_RESOURCES),
    "plan": ("plan", *ALWAYS),
}
"""What a policy looks over -> the names that its expressions know."""

View = dict[str, Any]
_NAMES = ((Kind.BINDING, Kind.CONNECTOR), (Kind.BINDING, Kind.AUDIENCE), (Kind.AUDIENCE, Kind.SOURCE))
"""Kinds of which one names the other in a field, in the order in which they are followed."""


@dataclass(slots=True)
class Views:
    """The resources of one project; what several bindings name is made once."""

    project: Project
    _made: dict[Address, View] = field(default_factory=dict[Address, View])

    def always(self) -> View:
        """Return what is known everywhere."""
        environment = self.project.environment
        return {
            "project": self.project.name,
            "environment": environment.name,
            "protected": environment.file.protected,
            "values": environment.file.values,
        }

    def resource(self, address: Address) -> View | None:
        """Return a resource as the project says it, with its defaults; None where the project has it not."""
        if address not in self._made:
            found = self.project.get(address)
            if found is None:
                return None
            named = {"address": str(address), "kind": address.kind.value, "name": address.name}
            self._made[address] = {**found.model_dump(mode="json"), **named}
        return self._made[address]

    def around(self, address: Address) -> View:
        """Return the resource at `address` and the resources that it names; none where there is none."""
        resource = self.resource(address)
        known = {address.kind: resource}
        for owner, kind in _NAMES:
            named = known.get(owner)
            if named is not None:
                known[kind] = self.resource(Address(kind, named[kind.value]))
        parts = {kind.value: known.get(kind) for kind in (Kind.SOURCE, Kind.AUDIENCE, Kind.CONNECTOR)}
        return {"resource": resource, **parts}


def change_view(change: Change) -> View:
    """Return a change of a plan."""
    figures, unknown = _figures(_people(change))
    return {
        "address": str(change.address),
        "kind": change.address.kind.value,
        "name": change.address.name,
        "action": change.action.name.lower(),
        "destructive": is_destructive(change),
        "sends": change.sends,
        "labels": dict(change.labels),
        "owner": change.owner,
        "fields": {item.path: _field(item) for item in change.fields},
        "drift": [item.path for item in change.drift],
        "guards": {
            result.name.rpartition(".")[2]: {"ok": result.ok, "approved": result.approved}
            for result in change.guards
        },
        "left_out": dict(change.impact.left_out) if change.impact else {},
        **figures,
        "unknown": unknown,
    }


def plan_view(plan: Plan, protected: bool) -> View:
    """Return a plan as a whole; a total is not known where one of its parts is not."""
    total = people_of(plan)
    known = not total.unknown and not total.uncounted
    figures, unknown = _figures(
        {
            name: figure if known else Figure("unknown")
            for name, figure in (
                ("adds", total.adds),
                ("removes", total.removes),
                ("modifies", total.modifies),
            )
        }
    )
    counts = actions(plan)
    return {
        "project": plan.project,
        "environment": plan.environment,
        "protected": protected,
        "actions": {action.name.lower(): counts[action] for action in Action},
        "changes": [change_view(change) for change in plan.changes],
        "approvals": list(plan.approvals),
        "destinations": total.destinations,
        **figures,
        "unknown": unknown,
    }


def _people(change: Change) -> Mapping[str, Figure]:
    impact = change.impact
    if impact is None:
        # Nobody was counted: either there is nobody to count, or that was not asked for.
        nobody = Figure("unknown") if change.sends else Figure("exact", 0)
        return dict.fromkeys(FIGURES, nobody)
    return {name: getattr(impact, name) for name in FIGURES}


def _figures(people: Mapping[str, Figure]) -> tuple[View, list[str]]:
    known = {name: figure.value for name, figure in people.items() if figure.quality != "unknown"}
    return known, [name for name in people if name not in known]


def _field(item: FieldChange) -> View:
    return {"before": item.before, "after": item.after, "category": item.category.value}
