"""Labels and owners: of the project's resources as it says, of those that it no longer has as they were recorded.

Notes for people and for choices (`--target label:team=crm`, policies). They are never sent, and changing one sends
nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from audiform.address import Address
from audiform.config.project import Project
from audiform.plan.decision import Decision, Situation
from audiform.state.store import StateView


def labels_of(address: Address, project: Project, recorded: StateView) -> Mapping[str, str]:
    """Return the labels of a resource that the project or the state has; of any other, none."""
    resource = project.get(address)
    return resource.labels if resource is not None else _recorded(address, recorded).get("labels") or {}


def owner_of(address: Address, project: Project, recorded: StateView) -> str | None:
    """Return who answers for a resource, where that is said."""
    resource = project.get(address)
    return resource.owner if resource is not None else _recorded(address, recorded).get("owner")


def labelled(decision: Decision, situation: Situation) -> Decision:
    """Return the decision with the labels and the owner of its resource in its change, for whoever reviews it."""
    resource = situation.project.get(decision.address)
    if resource is not None and not resource.labels and resource.owner is None:
        return decision
    labels = labels_of(decision.address, situation.project, situation.recorded)
    owner = owner_of(decision.address, situation.project, situation.recorded)
    if not labels and owner is None:
        return decision
    return replace(decision, change=replace(decision.change, labels=dict(labels), owner=owner))


def _recorded(address: Address, recorded: StateView) -> Mapping[str, Any]:
    record = recorded.records.get(address)
    return record.body if record else {}
