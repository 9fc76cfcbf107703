"""A plan that no longer holds is refused, each time with its own reason, and nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from audiform import __version__
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.diagnostics import DiagnosticError
from audiform.execution.stopped import Stopped
from audiform.execution.validity import check_guards, check_plan
from audiform.outcome import Response
from audiform.plan.digest import config_digest
from audiform.plan.draft import Approvals, Ended
from audiform.plan.plan import Plan, StepKind
from audiform.runtime import Runtime
from audiform.state.local.store import local_store
from audiform.state.store import StateView
from audiform.transport import FakeTransport
from execution.platform import NoLedger
from plan.sample import NOW, impact, plan_of
from plan.world import BINDING, CONNECTOR, World, project

TYPE = "http_audience"
NOTHING: Mapping[str, Any] = {}


def desired(**parts: Any) -> Project:
    """Return a project on a type that exists."""
    return project(connectors={"ads": {**CONNECTOR, "type": TYPE}}, **parts)


def runtime(wanted: Project, folder: Path) -> Runtime:
    """Return a runtime at the moment of the plan; nothing may be sent."""
    store = local_store(folder, "")
    return Runtime(
        wanted, Catalog(), store, NoLedger(), FakeTransport(lambda _: Response(500)), clock=lambda: NOW
    )


def valid(world: World, wanted: Project, **parts: Any) -> Plan:
    """Return a plan that holds."""
    return replace(
        plan_of(world, wanted, **parts),
        tool=f"audiform {__version__}",
        config_digest=config_digest(wanted),
        manifest_digests={TYPE: Catalog().get(TYPE).digest},
    )


def codes(plan: Plan, view: StateView, wanted: Project, folder: Path) -> list[str]:
    """Return the codes of what is wrong with the plan."""
    try:
        check_plan(runtime(wanted, folder), plan, view)
    except DiagnosticError as error:
        return [item.code for item in error.diagnostics]
    return []


def test_a_plan_that_was_made_from_what_is_here_is_valid(tmp_path):
    """A plan just made is carried out."""
    wanted, world = desired(), World()
    assert [] == codes(valid(world, wanted), world.view(), wanted, tmp_path)


CHANGED: Mapping[str, Callable[[Plan], Plan]] = {
    "plan-of-another-project": lambda plan: replace(plan, project="bakery"),
    "plan-of-another-environment": lambda plan: replace(plan, environment="staging"),
    "plan-of-another-version": lambda plan: replace(plan, tool="audiform 0.0.0"),
    "plan-of-another-state": lambda plan: replace(plan, lineage="another"),
    "plan-stale": lambda plan: replace(plan, serial=plan.serial + 1),
    "plan-config-changed": lambda plan: replace(plan, config_digest="another"),
    "plan-types-changed": lambda plan: replace(plan, manifest_digests={TYPE: "another"}),
    "plan-expired": lambda plan: replace(plan, expires=NOW - timedelta(seconds=1)),
}


@pytest.mark.parametrize("code", CHANGED)
def test_a_plan_that_no_longer_holds_is_refused(code, tmp_path):
    """Another project, environment, version, state, serial, configuration or manifest, and age: each has its reason."""
    wanted, world = desired(), World()
    changed = CHANGED[code](valid(world, wanted))

    assert [code] == codes(changed, world.view(), wanted, tmp_path)


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    """Whoever has to make a new plan learns all reasons."""
    wanted, world = desired(), World()
    plan = replace(valid(world, wanted), serial=9, expires=NOW - timedelta(days=1), config_digest="another")

    assert ["plan-expired", "plan-stale", "plan-config-changed"] == codes(
        plan, world.view(), wanted, tmp_path
    )


def edited(plan: Plan, kind: StepKind, **data: Any) -> Plan:
    """Return the plan with the data of its steps of a kind changed."""
    steps = [replace(step, data={**step.data, **data}) if step.kind is kind else step for step in plan.steps]
    return replace(plan, steps=tuple(steps))


def test_an_edited_id_deletes_nothing(tmp_path):
    """A plan whose step names another object than the state does is refused."""
    body = {**BINDING, "on_delete": "delete_destination"}
    world = World().apply(desired(bindings={"buyers_on_ads": body}))
    nothing = desired(bindings={})
    plan = valid(world, nothing)
    assert [] == codes(plan, world.view(), nothing, tmp_path)

    assert ["plan-edited"] == codes(
        edited(plan, StepKind.DELETE_DESTINATION, id="somebody-else's"), world.view(), nothing, tmp_path
    )


def test_edited_attributes_are_refused(tmp_path):
    """What would be created must be what the project says."""
    wanted, world = desired(), World()
    plan = edited(valid(world, wanted), StepKind.CREATE_DESTINATION, attributes={"name": "Other"})

    assert ["plan-edited"] == codes(plan, world.view(), wanted, tmp_path)


def test_a_step_of_nothing_that_the_plan_shows_is_refused(tmp_path):
    """A step whose resource the plan does not show to its reader is no part of it."""
    wanted, world = desired(), World()
    plan = valid(world, wanted)
    hidden = replace(plan, changes=plan.changes[:-1])

    assert {"plan-edited"} == set(codes(hidden, world.view(), wanted, tmp_path))


def test_a_step_that_needs_nothing_known_is_refused(tmp_path):
    """An order that cannot be kept is none that a plan would have."""
    wanted, world = desired(), World()
    plan = valid(world, wanted)
    steps = (*plan.steps[:-1], replace(plan.steps[-1], needs=("nowhere",)))

    assert ["plan-edited"] == codes(replace(plan, steps=steps), world.view(), wanted, tmp_path)


def test_a_guard_stops_the_plan(tmp_path):
    """What a guard stopped at planning is not carried out, and the message says how to approve it."""
    wanted = desired()
    world = World().apply(wanted)
    gone = desired(bindings={})
    plan = valid(world, gone, ended={"buyers_on_ads": Ended(1_000, 1_000)})
    with pytest.raises(Stopped, match=r"--approve-guard buyers_on_ads\.max_removed"):
        check_guards(runtime(gone, tmp_path), plan, world.view())


def test_an_approved_guard_lets_the_plan_through(tmp_path):
    """An approval that stands in the plan is honoured."""
    wanted = desired()
    world = World().apply(wanted)
    gone = desired(bindings={})
    approvals = Approvals(guards=frozenset({"buyers_on_ads.max_removed"}))
    plan = valid(world, gone, ended={"buyers_on_ads": Ended(1_000, 1_000)}, approvals=approvals)

    check_guards(runtime(gone, tmp_path), plan, world.view())


def test_a_protected_deletion_needs_its_approval_even_when_the_guard_was_edited_away(tmp_path):
    """That a protected environment's binding is deleted is worked out from the steps, not from what the plan says."""
    protected = {"environment": {"protected": True}}
    world = World().apply(desired(**protected))
    gone = desired(bindings={}, **protected)
    plan = valid(world, gone, ended={"buyers_on_ads": Ended(1, 1)})
    silent = replace(plan, changes=tuple(replace(change, guards=()) for change in plan.changes))
    with pytest.raises(Stopped, match=r"--approve-delete binding\.buyers_on_ads"):
        check_guards(runtime(gone, tmp_path), silent, world.view())


def test_a_first_plan_of_a_state_that_exists_by_now_is_refused(tmp_path):
    """A plan from before the first apply does not know of it."""
    wanted, world = desired(), World()
    plan = replace(valid(world, wanted, sent={"buyers_on_ads": impact(adds=1)}), lineage="", serial=0)

    assert ["plan-stale"] == codes(plan, world.view(), wanted, tmp_path)
