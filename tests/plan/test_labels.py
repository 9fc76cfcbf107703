"""Labels and owners: notes that are recorded, shown and never sent."""

from __future__ import annotations

from audiform.address import Address, Kind
from audiform.plan.labels import labels_of, owner_of
from audiform.plan.plan import Action, ChangeCategory
from plan.world import AUDIENCE, BINDING, World, project

BUYERS = Address(Kind.BINDING, "buyers_on_ads")


def noted(**notes):
    """Return the project with these notes on its binding."""
    return project(bindings={"buyers_on_ads": {**BINDING, **notes}})


def test_a_change_of_labels_and_owner_sends_nobody():
    """Each label that changed and the owner are shown as metadata; only the record is written."""
    world = World()
    world.apply(noted(labels={"team": "crm", "tier": "gold"}, owner="CRM team"))

    (decision,) = world.plan(noted(labels={"team": "growth"}, owner="Growth team"))

    assert [
        ("labels.team", "crm", "growth", ChangeCategory.METADATA),
        ("labels.tier", "gold", None, ChangeCategory.METADATA),
        ("owner", "CRM team", "Growth team", ChangeCategory.METADATA),
    ] == [(field.path, field.before, field.after, field.category) for field in decision.change.fields]
    assert not decision.change.sends
    assert ["record"] == [verb.kind.value for verb in decision.verbs]


def test_labels_of_an_audience_do_not_send_its_bindings():
    """A note on an audience touches nobody downstream."""
    world = World()
    world.apply(project())

    decisions = world.plan(project(audiences={"buyers": {**AUDIENCE, "labels": {"team": "crm"}}}))

    assert ["audience.buyers"] == [str(decision.address) for decision in decisions]


def test_a_change_says_whose_it_is():
    """A change carries labels and owner: the project's, and of what the project no longer has, the recorded ones."""
    world = World()
    named = noted(labels={"team": "crm"}, owner="CRM team")
    (*_, begins) = world.plan(named)
    world.apply(named)

    (ends,) = world.plan(project(bindings={}))

    assert [({"team": "crm"}, "CRM team", Action.CREATE), ({"team": "crm"}, "CRM team", Action.DELETE)] == [
        (change.labels, change.owner, change.action) for change in (begins.change, ends.change)
    ]
    assert {"team": "crm"} == labels_of(BUYERS, project(bindings={}), world.view())
    assert "CRM team" == owner_of(BUYERS, project(bindings={}), world.view())
    assert {} == labels_of(Address(Kind.AUDIENCE, "nobody"), named, world.view())
