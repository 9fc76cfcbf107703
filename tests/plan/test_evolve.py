"""What `moved`, `removed` and `protected` make of a plan: pure, in a world that carries plans out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from audiform.address import Address, parse_address
from audiform.config.evolution import Entry, Evolution, Moving, Removing
from audiform.config.project import Project
from audiform.plan.evolve import evolve
from audiform.plan.plan import StepKind
from plan.world import BINDING, CONNECTOR, World, project

ONE = parse_address("binding.buyers_on_ads")


def moving(old: str, new: str, number: int = 0) -> Moving:
    """Return an entry of `moved`."""
    return Moving(parse_address(old), parse_address(new), Entry("moved.yaml", ("moved", number)))


def evolving(
    desired: Project, *moved: Moving, removed: Mapping[Address, str | None] | None = None
) -> Project:
    """Return the project with entries."""
    ended = tuple(Removing(address, way) for address, way in (removed or {}).items())
    return replace(desired, evolution=Evolution(moved=moved, removed=ended))


def named(name: str, **fields: Any) -> Project:
    """Return a project whose one binding is called so."""
    return project(bindings={name: {**BINDING, **fields}})


def said(world: World, desired: Project) -> list[str]:
    """Return what a plan does, in a word for each change."""
    return [f"{one.change.action.name.lower()} {one.address}" for one in world.plan(desired)]


def test_a_chain_is_one_move_and_then_nothing():
    """However many names lie between, the record gets the last one; what was moved stays moved."""
    world = World().apply(named("a"))
    desired = evolving(named("c"), moving("binding.a", "binding.b"), moving("binding.b", "binding.c", 1))

    assert ["move binding.c"] == said(world, desired)
    assert [] == said(world.apply(desired), desired)


def test_whoever_joins_a_chain_late_gets_to_its_end():
    """An environment that was applied when half of the moves were made goes the other half."""
    world = World().apply(named("b"))
    desired = evolving(named("c"), moving("binding.a", "binding.b"), moving("binding.b", "binding.c", 1))

    assert ["move binding.c"] == said(world, desired)
    assert [0] == [entry.path[1] for entry in evolve(desired, world.view()).done]


def test_what_names_a_moved_connector_follows():
    """The records of its bindings name it by the new name; nothing is replaced."""
    world = World().apply(project())
    desired = project(
        connectors={"adverts": CONNECTOR}, bindings={ONE.name: {**BINDING, "connector": "adverts"}}
    )
    desired = evolving(desired, moving("connector.ads", "connector.adverts"))

    assert ["move connector.adverts", f"update {ONE}"] == said(world, desired)
    assert {StepKind.MOVE, StepKind.RECORD} == {step.kind for step in world.steps(desired)}
    assert [] == said(world.apply(desired), desired)


@pytest.mark.parametrize("keys", [("de", "fr"), ("de",)], ids=["all keys", "one key less"])
def test_repetitions_keep_their_keys(keys):
    """Of a resource with `for_each` the name moves; a key that is gone ends under the new name."""
    world = World().apply(project(bindings={f"old.{key}": BINDING for key in ("de", "fr")}))
    desired = evolving(
        project(bindings={f"new.{key}": BINDING for key in keys}), moving("binding.old", "binding.new")
    )
    ended = [f"delete binding.new.{key}" for key in ("fr",) if key not in keys]

    assert sorted(["move binding.new.de", "move binding.new.fr", *ended]) == sorted(said(world, desired))


def test_a_move_never_overwrites():
    """With both addresses in the state nothing is moved, and the entry is named."""
    world = World().apply(project(bindings={"a": BINDING, "b": BINDING}))
    desired = evolving(named("b"), moving("binding.a", "binding.b"))
    (conflict,) = evolve(desired, world.view()).conflicts

    assert ("moved-target-exists", ("moved", 0)) == (conflict.problem.code, conflict.entry.path)


@pytest.mark.parametrize(
    ("way", "kinds"),
    [
        ("keep", [StepKind.FORGET]),
        ("freeze", [StepKind.FORGET]),
        ("remove_members", [StepKind.REMOVE_MEMBERS, StepKind.FORGET]),
        ("delete_destination", [StepKind.DELETE_DESTINATION, StepKind.FORGET]),
    ],
)
def test_an_entry_decides_how_a_binding_ends(way, kinds):
    """Not what was recorded, but what the entry says; done, it means nothing any more."""
    world = World().apply(project())
    desired = evolving(project(bindings={}), removed={ONE: way})

    assert kinds == [step.kind for step in world.steps(desired)]
    assert [] == said(world.apply(desired), desired)
    assert 1 == len(evolve(desired, world.view()).done)


ENDS = {
    "its block is gone": project(bindings={}),
    "its entry removes it": evolving(project(bindings={}), removed={ONE: "keep"}),
    "it would be replaced": named(ONE.name, destination={"name": "Buyers", "kind": "other"}),
    "everything is gone": project(sources={}, connectors={}, audiences={}, bindings={}),
}


@pytest.mark.parametrize("desired", ENDS.values(), ids=ENDS)
def test_what_is_protected_is_not_ended(desired):
    """Whatever would end it is stopped, and no option approves it."""
    world = World().apply(named(ONE.name, protected=True))
    guards = [result for one in world.plan(desired) for result in one.change.guards]

    assert [(f"{ONE}.protected", False, False)] == [(one.name, one.ok, one.approvable) for one in guards]


def test_protection_goes_along_with_a_move_and_ends_with_an_apply():
    """A protected binding may be renamed; unprotected and applied it may be deleted."""
    world = World().apply(named("a", protected=True))
    moved = evolving(named("b", protected=True), moving("binding.a", "binding.b"))
    world.apply(moved)

    assert ["binding.b.protected"] == [
        result.name for one in world.plan(project(bindings={})) for result in one.change.guards
    ]
    world.apply(named("b"))
    assert [] == [result for one in world.plan(project(bindings={})) for result in one.change.guards]


def test_audiences_and_connectors_are_protected_too():
    """Protection is not of bindings only."""
    world = World().apply(project(connectors={"ads": {**CONNECTOR, "protected": True}}))
    guards = [
        result.name
        for one in world.plan(project(sources={}, connectors={}, audiences={}, bindings={}))
        for result in one.change.guards
    ]

    assert ["connector.ads.protected"] == guards
