"""What happens to each kind of resource, and what it means for people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audiform.address import Kind, parse_address
from audiform.plan.decision import Decision
from audiform.plan.plan import Action, ChangeCategory, StepKind
from plan.world import AUDIENCE, BINDING, CONNECTOR, FACTS, SOURCE, World, project

ADDRESS = parse_address("binding.buyers_on_ads")


def applied(**parts: Any) -> World:
    """Return a world in which a project with these parts was applied."""
    return World().apply(project(**parts))


def shape(decisions: tuple[Decision, ...]) -> dict[str, Action]:
    """Return address -> action."""
    return {str(decision.address): decision.change.action for decision in decisions}


def verbs(decisions: tuple[Decision, ...], address: str = "binding.buyers_on_ads") -> list[StepKind]:
    """Return the kinds of the verbs at one address."""
    return [
        verb.kind for decision in decisions if str(decision.address) == address for verb in decision.verbs
    ]


def categories(decisions: tuple[Decision, ...]) -> dict[str, ChangeCategory]:
    """Return `kind: path` -> category of all changed fields."""
    return {
        f"{decision.address.kind.value}: {field.path}": field.category
        for decision in decisions
        for field in decision.change.fields
    }


def test_everything_is_created_the_first_time():
    """A project that was never applied is created in the order of dependencies."""
    assert {
        "source.shop": Action.CREATE,
        "connector.ads": Action.CREATE,
        "audience.buyers": Action.CREATE,
        "binding.buyers_on_ads": Action.CREATE,
    } == shape(World().plan(project()))


def test_nothing_happens_twice():
    """What was applied has no difference left."""
    assert () == applied().plan(project())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (
            {"sources": {"shop": {**SOURCE, "settings": {"tables": {"customers": "other.csv"}}}}},
            {"source: settings.tables.customers": ChangeCategory.DELTA},
        ),
        (
            {"connectors": {"ads": {**CONNECTOR, "settings": {"account": "1", "language": "de"}}}},
            {"connector: settings.language": ChangeCategory.METADATA},
        ),
        (
            {"connectors": {"ads": {**CONNECTOR, "endpoint": "http://127.0.0.1:1"}}},
            {"connector: endpoint": ChangeCategory.METADATA},
        ),
        (
            {"connectors": {"ads": {**CONNECTOR, "credentials": {"token": {"from_file": "token"}}}}},
            {
                "connector: credentials.token.from_env": ChangeCategory.METADATA,
                "connector: credentials.token.from_file": ChangeCategory.METADATA,
            },
        ),
        (
            {"audiences": {"buyers": {**AUDIENCE, "query": "SELECT 1"}}},
            {"audience: query": ChangeCategory.DELTA},
        ),
        (
            {"audiences": {"buyers": {**AUDIENCE, "profile_key": "id"}}},
            {"audience: profile_key": ChangeCategory.DELTA},
        ),
        (
            {"audiences": {"buyers": {**AUDIENCE, "identifiers": {"email": "mail"}}}},
            {"audience: identifiers.email.column": ChangeCategory.REKEY},
        ),
        (
            {"audiences": {"buyers": {**AUDIENCE, "consent": None}}},
            {"audience: consent": ChangeCategory.DELTA},
        ),
        (
            {"audiences": {"buyers": {**AUDIENCE, "variables": {"ltv": "ltv"}}}},
            {"audience: variables.ltv": ChangeCategory.RESEND},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "destination": {"name": "New", "kind": "list"}}}},
            {"binding: destination.name": ChangeCategory.METADATA},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "signals": ["add"]}}},
            {"binding: signals": ChangeCategory.DELTA},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "identifiers": ["email"]}}},
            {"binding: identifiers": ChangeCategory.REKEY},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "variables": []}}},
            {"binding: variables": ChangeCategory.RESEND},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "on_delete": "keep"}}},
            {"binding: on_delete": ChangeCategory.METADATA},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "guards": {"max_removed": 5}}}},
            {"binding: guards.max_removed": ChangeCategory.METADATA},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "enabled": False}}},
            {"binding: enabled": ChangeCategory.METADATA},
        ),
        ({"environment": {"protected": True}}, {"binding: environment.protected": ChangeCategory.METADATA}),
        (
            {"environment": {"guards": {"min_members": 5}}},
            {"binding: guards.min_members": ChangeCategory.METADATA},
        ),
        (
            {"bindings": {"buyers_on_ads": {**BINDING, "schedule": "@daily"}}},
            {"binding: schedule": ChangeCategory.METADATA},
        ),
        (
            {"environment": {"schedule": {"every": "15m"}}},
            {"binding: schedule": ChangeCategory.METADATA},
        ),
    ],
)
def test_each_field_has_its_category(parts: dict[str, Any], expected: dict[str, ChangeCategory]):
    """Every field says what its change means for people, gives a reason, and is settled by an apply."""
    world = applied()
    decisions = world.plan(project(**parts))
    assert expected == categories(decisions)
    assert all(field.reason for decision in decisions for field in decision.change.fields)
    assert () == world.apply(project(**parts)).plan(project(**parts))


def test_a_change_upstream_sends_the_binding():
    """A binding that did not change itself is synced when who is in its audience may have changed."""
    decisions = applied().plan(project(audiences={"buyers": {**AUDIENCE, "query": "SELECT 1"}}))
    assert {"audience.buyers": Action.UPDATE, "binding.buyers_on_ads": Action.SYNC} == shape(decisions)
    assert "audience.buyers changes: query" == decisions[1].change.reason


def test_a_note_sends_nobody():
    """A description changes what is recorded, and nobody is sent for it."""
    decisions = applied().plan(project(audiences={"buyers": {**AUDIENCE, "description": "All of them"}}))
    assert {"audience.buyers": Action.UPDATE} == shape(decisions)


def test_a_rotated_secret_is_one_line():
    """A secret with another value is told in one line that shows neither value nor digest, once."""
    world = applied()
    world.secrets = {"token": "secret-2"}
    (decision,) = world.plan(project())
    (field,) = decision.change.fields
    assert ("credentials.token", None, "rotated") == (field.path, field.before, field.after)
    assert () == world.apply(project()).plan(project())


def test_a_secret_that_cannot_be_resolved_is_not_compared():
    """Whoever reviews without access to secrets sees no rotation that is none."""
    world = applied()
    world.secrets = {}
    assert () == world.plan(project())


def test_a_changed_manifest_sends_what_it_sends_differently():
    """The digest of the connector type is part of what was applied."""
    world = applied()
    world.types["adverts"] = replace(FACTS, digest="type-2")
    decisions = world.plan(project())
    assert {"connector.ads": Action.UPDATE, "binding.buyers_on_ads": Action.SYNC} == shape(decisions)
    assert () == world.apply(project()).plan(project())


def test_what_only_looks_different_is_recorded():
    """YAML that is written differently and means the same changes the record alone."""
    world = applied()
    other = project(audiences={"buyers": {**AUDIENCE, "identifiers": {"email": {"column": "email"}}}})
    (decision,) = world.plan(other)
    assert (Action.UPDATE, ()) == (decision.change.action, decision.change.fields)
    assert () == world.apply(other).plan(other)


@pytest.mark.parametrize(
    ("on_delete", "old"),
    [
        ("keep", [StepKind.FORGET]),
        ("freeze", [StepKind.FORGET]),
        ("remove_members", [StepKind.REMOVE_MEMBERS, StepKind.FORGET]),
        ("delete_destination", [StepKind.DELETE_DESTINATION]),
    ],
)
@pytest.mark.parametrize(
    "parts",
    [
        {
            "connectors": {"ads": CONNECTOR, "other": CONNECTOR},
            "bindings": {"buyers_on_ads": {**BINDING, "connector": "other"}},
        },
        {"connectors": {"ads": {**CONNECTOR, "type": "letters"}}},
        {"connectors": {"ads": {**CONNECTOR, "settings": {"account": "2", "language": "en"}}}},
        {"bindings": {"buyers_on_ads": {**BINDING, "destination": {"name": "Buyers", "kind": "tag"}}}},
    ],
    ids=["other connector", "other type", "other account", "fixed attribute"],
)
def test_what_cannot_move_is_replaced(parts: dict[str, Any], on_delete: str, old: list[StepKind]):
    """A destination that cannot follow a change ends as was recorded, and a new one is filled."""
    world = applied(bindings={"buyers_on_ads": {**BINDING, "on_delete": on_delete}})
    desired = project(**parts)
    decisions = world.plan(desired)
    assert Action.REPLACE == shape(decisions)["binding.buyers_on_ads"]
    assert [*old, StepKind.CREATE_DESTINATION, StepKind.SYNC] == verbs(decisions)
    assert () == world.apply(desired).plan(desired)


def test_a_type_that_cannot_update_replaces():
    """An attribute is never changed in the record alone: a type without update gets a new destination."""
    world = applied()
    world.types["adverts"] = replace(FACTS, updates=False)
    decisions = world.plan(
        project(bindings={"buyers_on_ads": {**BINDING, "destination": {"name": "New", "kind": "list"}}})
    )
    assert {"binding.buyers_on_ads": Action.REPLACE} == shape(decisions)


@pytest.mark.parametrize(
    ("on_delete", "action", "expected"),
    [
        ("keep", Action.FORGET, [(StepKind.FORGET, "drop")]),
        ("freeze", Action.FORGET, [(StepKind.FORGET, "keep")]),
        ("remove_members", Action.DELETE, [(StepKind.REMOVE_MEMBERS, None), (StepKind.FORGET, "drop")]),
        (
            "delete_destination",
            Action.DELETE,
            [(StepKind.DELETE_DESTINATION, None), (StepKind.FORGET, "drop")],
        ),
    ],
)
def test_deleting_does_what_on_delete_says(
    on_delete: str, action: Action, expected: list[tuple[StepKind, str | None]]
):
    """A binding that leaves the project ends as was recorded, and is forgotten."""
    world = applied(bindings={"buyers_on_ads": {**BINDING, "on_delete": on_delete}})
    (decision,) = world.plan(project(bindings={}))
    assert action == decision.change.action
    assert expected == [(verb.kind, verb.data.get("ledger")) for verb in decision.verbs]
    assert () == world.apply(project(bindings={})).plan(project(bindings={}))


def test_a_shared_destination_is_never_deleted():
    """As long as another binding fills it, only the own members of the deleted one are removed."""
    parts: dict[str, Any] = {
        "bindings": {"buyers_on_ads": {**BINDING, "on_delete": "delete_destination"}, "other": BINDING}
    }
    world = applied(**parts)
    shared = world.records[ADDRESS].body["destination_id"]
    other = parse_address("binding.other")
    world.records[other] = replace(
        world.records[other], body={**world.records[other].body, "destination_id": shared}
    )
    decisions = world.plan(project(bindings={"other": BINDING}))
    assert [StepKind.REMOVE_MEMBERS, StepKind.FORGET] == verbs(decisions)


def test_the_last_of_a_shared_destination_deletes_it():
    """When all bindings of a destination go and all want it deleted, it is deleted once, at the end."""
    body = {**BINDING, "on_delete": "delete_destination"}
    world = applied(bindings={"a": body, "b": body})
    a, b = parse_address("binding.a"), parse_address("binding.b")
    world.records[b] = replace(
        world.records[b],
        body={**world.records[b].body, "destination_id": world.records[a].body["destination_id"]},
    )
    nothing = project(bindings={})
    assert [StepKind.REMOVE_MEMBERS, StepKind.FORGET] == verbs(world.plan(nothing), "binding.a")
    assert [StepKind.DELETE_DESTINATION, StepKind.FORGET] == verbs(world.plan(nothing), "binding.b")
    assert () == world.apply(nothing).plan(nothing)


def test_a_destination_that_vanished_is_created_again():
    """What was deleted at the platform is created and filled again, and its members leave the ledger first."""
    world = applied()
    world.platform.clear()
    (decision,) = world.plan(project())
    assert Action.CREATE == decision.change.action
    assert [StepKind.FORGET, StepKind.CREATE_DESTINATION, StepKind.SYNC] == verbs((decision,))
    assert ["destination_id"] == [field.path for field in decision.change.drift]
    assert () == world.apply(project()).plan(project())


def test_a_destination_that_vanished_while_switched_off_is_forgotten():
    """A binding that is switched off gets no new destination; it is created when it is switched on."""
    off = project(bindings={"buyers_on_ads": {**BINDING, "enabled": False}})
    world = applied().apply(off)
    world.platform.clear()
    assert {"binding.buyers_on_ads": Action.FORGET} == shape(world.plan(off))
    assert () == world.apply(off).plan(off)
    assert {"binding.buyers_on_ads": Action.CREATE} == shape(world.plan(project()))


def test_a_change_outside_is_told_apart_and_undone():
    """Drift is shown as such, and what the YAML says is written again."""
    world = applied()
    world.platform["id-1"]["name"] = "Renamed by hand"
    (decision,) = world.plan(project())
    assert [("Buyers", "Renamed by hand")] == [(field.before, field.after) for field in decision.change.drift]
    assert [("Renamed by hand", "Buyers")] == [
        (field.before, field.after) for field in decision.change.fields
    ]
    world.apply(project())
    assert "Buyers" == world.platform["id-1"]["name"]


def test_a_change_outside_that_is_wanted_is_only_recorded():
    """A name that somebody changed by hand and then in the YAML needs no request."""
    world = applied()
    world.platform["id-1"]["name"] = "New"
    desired = project(bindings={"buyers_on_ads": {**BINDING, "destination": {"name": "New", "kind": "list"}}})
    assert [StepKind.RECORD] == verbs(world.plan(desired))
    assert () == world.apply(desired).plan(desired)


@pytest.mark.parametrize("kind", [Kind.SOURCE, Kind.CONNECTOR, Kind.AUDIENCE, Kind.BINDING])
def test_switching_off_keeps_state_and_sends_nobody(kind: Kind):
    """Whatever of its chain is switched off, a binding keeps its record and gets no sync; switched on, it goes on."""
    bodies = {
        Kind.SOURCE: ("shop", SOURCE),
        Kind.CONNECTOR: ("ads", CONNECTOR),
        Kind.AUDIENCE: ("buyers", AUDIENCE),
        Kind.BINDING: ("buyers_on_ads", BINDING),
    }
    name, body = bodies[kind]
    off = project(**{kind.section: {name: {**body, "enabled": False}}})
    world = applied()
    assert {f"{kind.value}.{name}": Action.UPDATE} == shape(world.plan(off))
    assert [StepKind.RECORD] == [step.kind for step in world.steps(off)]
    world.apply(off)
    assert ADDRESS in world.records
    assert StepKind.SYNC in [step.kind for step in world.steps(project())]


def test_what_is_new_and_switched_off_is_left_alone():
    """A binding that is switched off before it ever was gets no destination."""
    assert "binding.buyers_on_ads" not in shape(
        World().plan(project(bindings={"buyers_on_ads": {**BINDING, "enabled": False}}))
    )
