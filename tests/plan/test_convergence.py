"""Whatever the project was and whatever was done at the platform: an apply leaves nothing to do."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.config.project import Project
from audiform.plan.plan import StepKind
from plan.world import AUDIENCE, BINDING, CONNECTOR, SOURCE, World, project

SOURCES = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "settings": st.sampled_from([{"tables": {"t": "a.csv"}}, {"tables": {"t": "b.csv"}}]),
    }
)
CONNECTORS = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "type": st.sampled_from(["adverts", "letters"]),
        "settings": st.fixed_dictionaries(
            {"account": st.sampled_from("12"), "language": st.sampled_from(["en", "de"])}
        ),
    }
)
AUDIENCES = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "source": st.sampled_from(["shop", "desk"]),
        "query": st.sampled_from(["SELECT 1", "SELECT 2"]),
        "identifiers": st.sampled_from([{"email": "email"}, {"email": "mail", "phone": "phone"}]),
        "description": st.sampled_from([None, "A note"]),
    }
)
BINDINGS = st.fixed_dictionaries(
    {
        "enabled": st.booleans(),
        "audience": st.sampled_from(["buyers", "others"]),
        "connector": st.sampled_from(["ads", "more"]),
        "destination": st.fixed_dictionaries(
            {"name": st.sampled_from("AB"), "kind": st.sampled_from(["list", "tag"])}
        ),
        "on_delete": st.sampled_from(["keep", "freeze", "remove_members", "delete_destination"]),
        "signals": st.sampled_from([None, ["add"], ["add", "remove"]]),
        "schedule": st.sampled_from([None, "manual", "@daily", {"every": "1h"}, {"jitter": "5m"}]),
    }
)


@st.composite
def projects(draw: st.DrawFn) -> Project:
    """Draw a project of up to three bindings; sources, connectors and audiences that nobody uses may be missing."""
    bindings = draw(st.dictionaries(st.sampled_from("abc"), BINDINGS))
    used = {kind: {str(body[kind]) for body in bindings.values()} for kind in ("audience", "connector")}
    audiences = draw(_named(AUDIENCES, used["audience"], {"buyers", "others"}))
    return project(
        sources=_over(
            SOURCE,
            draw(_named(SOURCES, {str(body["source"]) for body in audiences.values()}, {"shop", "desk"})),
        ),
        connectors=_over(CONNECTOR, draw(_named(CONNECTORS, used["connector"], {"ads", "more"}))),
        audiences=_over(AUDIENCE, audiences),
        bindings=_over(BINDING, bindings),
        environment={
            "protected": draw(st.booleans()),
            "schedule": draw(st.sampled_from([None, {"cron": "0 6 * * *", "time_zone": "Europe/Berlin"}])),
        },
    )


def _named(
    bodies: st.SearchStrategy[dict[str, Any]], must: set[str], may: set[str]
) -> st.SearchStrategy[dict[str, Any]]:
    optional = dict.fromkeys(sorted(may - must), bodies)
    return st.fixed_dictionaries(dict.fromkeys(sorted(must), bodies), optional=optional)


def _over(base: Any, bodies: dict[str, Any]) -> dict[str, Any]:
    return {name: {**base, **body} for name, body in bodies.items()}


@given(st.lists(projects(), min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=150)
def test_an_apply_is_followed_by_an_empty_plan(history: list[Project], data: st.DataObject):
    """After any history of projects and any damage at the platform, the plan after an apply is empty."""
    world = World()
    for desired in history:
        world.apply(desired)
        assert () == world.plan(desired)
        for lost in data.draw(st.sets(st.sampled_from(sorted(world.platform)))) if world.platform else ():
            del world.platform[lost]


@given(projects(), projects())
@settings(deadline=None, max_examples=150)
def test_what_is_recorded_is_what_the_project_says(before: Project, after: Project):
    """After an apply the state names what the project has, and nothing that the project no longer has."""
    world = World().apply(before).apply(after)
    assert set() == world.records.keys() - after.digests.keys()
    for address, record in world.records.items():
        assert after.digests[address] == record.digest


@given(projects(), projects())
@settings(deadline=None, max_examples=150)
def test_nobody_is_sent_who_is_switched_off(before: Project, after: Project):
    """No sync is planned for a binding of which a part is switched off."""
    world = World().apply(before)
    for step in world.steps(after):
        if step.kind is StepKind.SYNC:
            binding = after.bindings[step.address.name]
            assert binding.enabled
            assert after.connectors[binding.connector].enabled
            assert after.audiences[binding.audience].enabled


@given(projects())
@settings(deadline=None, max_examples=50)
def test_destroying_leaves_nothing_recorded(desired: Project):
    """The plan of an empty project forgets every record, each after what used it."""
    nothing = project(sources={}, connectors={}, audiences={}, bindings={})
    world = World().apply(desired).apply(nothing)
    assert {} == world.records
