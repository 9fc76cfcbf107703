"""Targets and exclusions."""

from __future__ import annotations

from collections.abc import Sequence

from audiform.config.project import Project
from audiform.plan.select import select
from plan.world import AUDIENCE, BINDING, World, project

BOTH = {
    "audiences": {"buyers": AUDIENCE, "others": AUDIENCE},
    "bindings": {"a": BINDING, "b": {**BINDING, "audience": "others"}},
}


def chosen(
    world: World, desired: Project, targets: Sequence[str] = (), exclude: Sequence[str] = ()
) -> list[str]:
    """Return the addresses that stay."""
    decisions, _ = select(world.plan(desired), world.situation(desired), targets=targets, exclude=exclude)
    return [str(decision.address) for decision in decisions]


def test_a_target_brings_what_it_needs():
    """A binding comes with its connector, its audience and that one's source."""
    assert ["source.shop", "connector.ads", "audience.buyers", "binding.a"] == chosen(
        World(), project(**BOTH), ["binding.a"]
    )


def test_a_target_is_a_pattern():
    """Shell patterns over the whole address."""
    assert ["source.shop", "audience.buyers", "audience.others"] == chosen(
        World(), project(**BOTH), ["audience.*"]
    )


def test_what_needs_the_excluded_is_left_out_too():
    """A binding whose audience is excluded cannot be created."""
    assert ["source.shop", "connector.ads", "audience.buyers", "binding.a"] == chosen(
        World(), project(**BOTH), exclude=["audience.others"]
    )


def test_a_deleted_audience_brings_the_end_of_its_bindings():
    """What is forgotten must not be used any more."""
    world = World().apply(project(**BOTH))
    assert ["audience.others", "binding.b"] == chosen(
        world, project(bindings={"a": BINDING}), ["audience.others"]
    )


def test_an_excluded_binding_keeps_its_audience():
    """An audience is not forgotten while a binding that stays recorded uses it."""
    world = World().apply(project(**BOTH))
    assert [] == chosen(world, project(bindings={"a": BINDING}), exclude=["binding.b"])
