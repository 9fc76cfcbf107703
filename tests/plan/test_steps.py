"""The order of steps, and what each needs."""

from __future__ import annotations

from typing import Any

from audiform.config.project import Project
from plan.world import AUDIENCE, BINDING, CONNECTOR, SOURCE, World, project


def steps(world: World, desired: Project) -> dict[str, list[str]]:
    """Return id -> ids that it needs, in order."""
    return {step.id: list(step.needs) for step in world.steps(desired)}


def test_what_begins_waits_for_what_it_is_made_of():
    """A destination needs its audience and connector, a sync its destination."""
    assert {
        "source.shop/record": [],
        "connector.ads/record": [],
        "audience.buyers/record": ["source.shop/record"],
        "binding.buyers_on_ads/create_destination": ["audience.buyers/record", "connector.ads/record"],
        "binding.buyers_on_ads/sync": ["binding.buyers_on_ads/create_destination"],
    } == steps(World(), project())


def test_what_ends_goes_backwards():
    """Members are removed before anything is forgotten, and a connector is forgotten after its bindings."""
    empty: Any = {}
    nothing = project(sources=empty, connectors=empty, audiences=empty, bindings=empty)
    assert {
        "binding.buyers_on_ads/remove_members": [],
        "binding.buyers_on_ads/forget": ["binding.buyers_on_ads/remove_members"],
        "audience.buyers/forget": ["binding.buyers_on_ads/forget"],
        "connector.ads/forget": ["binding.buyers_on_ads/forget"],
        "source.shop/forget": ["audience.buyers/forget"],
    } == steps(World().apply(project()), nothing)


def test_an_old_destination_ends_while_its_connector_is_recorded():
    """A connector that leads elsewhere is written after what it led to has ended, and before what it leads to begins."""
    desired = project(connectors={"ads": {**CONNECTOR, "settings": {"account": "2"}}})
    assert {
        "binding.buyers_on_ads/remove_members": [],
        "binding.buyers_on_ads/forget": ["binding.buyers_on_ads/remove_members"],
        "connector.ads/record": ["binding.buyers_on_ads/forget"],
        "binding.buyers_on_ads/create_destination": ["binding.buyers_on_ads/forget", "connector.ads/record"],
        "binding.buyers_on_ads/sync": ["binding.buyers_on_ads/create_destination"],
    } == steps(World().apply(project()), desired)


def test_a_sync_waits_for_a_source_that_its_audience_names():
    """What an unchanged audience reads from is written before its binding is sent."""
    desired = project(sources={"shop": {**SOURCE, "settings": {"tables": {"customers": "b.csv"}}}})
    assert {
        "source.shop/record": [],
        "binding.buyers_on_ads/sync": ["source.shop/record"],
    } == steps(World().apply(project()), desired)


def test_a_failure_holds_up_its_own_branch_only():
    """Two bindings on two audiences need nothing of each other."""
    desired = project(
        audiences={"buyers": AUDIENCE, "others": AUDIENCE},
        bindings={"a": BINDING, "b": {**BINDING, "audience": "others"}},
    )
    needed = steps(World(), desired)
    assert ["audience.buyers/record", "connector.ads/record"] == needed["binding.a/create_destination"]
    assert ["audience.others/record", "connector.ads/record"] == needed["binding.b/create_destination"]


def test_a_plan_without_changes_has_no_steps():
    """Nothing to do is no step, not a step that does nothing."""
    assert {} == steps(World().apply(project()), project())


def test_steps_say_what_apply_must_know():
    """A step holds the connector, the remote id and the attributes, so that apply looks nothing up."""
    world = World().apply(project())
    desired = project(bindings={"buyers_on_ads": {**BINDING, "destination": {"name": "New", "kind": "list"}}})
    (step,) = world.steps(desired)
    assert {"connector": "ads", "id": "id-1", "attributes": {"name": "New", "kind": "list"}} == step.data
