"""Plans of a world, measured with given figures: what views, files and guards are tested with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from audiform.config.project import Project
from audiform.plan.draft import Approvals, Ended, judged_change
from audiform.plan.guard import Facts
from audiform.plan.plan import Figure, Impact, Plan
from audiform.plan.serialise import VERSION
from audiform.plan.steps import steps_of
from plan.world import World

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def impact(
    adds: int = 0, removes: int = 0, modifies: int = 0, members: int = 0, quality: Any = "exact", **parts: Any
) -> Impact:
    """Return an impact of these figures; `desired` follows from them."""
    figures = {
        "adds": adds,
        "removes": removes,
        "modifies": modifies,
        "members_before": members,
        "desired": members + adds - removes,
    }
    whole: dict[str, Any] = {name: Figure(quality, value) for name, value in figures.items()}
    whole |= {"left_out": {}, "not_sent": {}, "source_rows": members + 1}
    return Impact(**whole | parts)


def plan_of(
    world: World,
    desired: Project,
    *,
    sent: Mapping[str, Impact] | None = None,
    ended: Mapping[str, Ended] | None = None,
    approvals: Approvals | None = None,
    measured: bool = True,
    notes: tuple[str, ...] = (),
) -> Plan:
    """Return the plan of `desired` in `world`; `sent` and `ended` by name of the binding."""
    given = approvals or Approvals()
    situation, decisions = world.situation(desired), world.plan(desired)
    changes = [
        judged_change(
            decision,
            situation,
            given,
            sent=Facts(sent[decision.address.name])
            if sent and decision.change.sends and decision.address.name in sent
            else None,
            ended=ended[decision.address.name]
            if ended and decision.undone and decision.address.name in ended
            else None,
        )
        for decision in decisions
    ]
    return Plan(
        version=VERSION,
        tool="audiform 0.0",
        project=desired.name,
        environment=desired.environment.name,
        lineage="lineage",
        serial=1,
        config_digest="digest",
        manifest_digests={"adverts": "type-1"},
        created=NOW,
        expires=NOW + timedelta(hours=24),
        changes=tuple(changes),
        steps=steps_of(decisions, desired, world.view()),
        approvals=given.names,
        measured=measured,
        notes=notes,
    )
