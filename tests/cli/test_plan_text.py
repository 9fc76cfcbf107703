"""A plan as people read it: snapshots, and what must hold for any plan."""

from __future__ import annotations

import re

from audiform.cli.views import plan_text
from audiform.config.project import Project
from audiform.plan.draft import Approvals, Ended
from audiform.plan.plan import Plan
from plan.sample import impact, plan_of
from plan.world import AUDIENCE, BINDING, CONNECTOR, World, project


def two_bindings() -> Project:
    """Return a project whose two bindings fill a destination each."""
    other = {**BINDING, "guards": {"max_removed": "10%"}}
    return project(bindings={"buyers_on_ads": BINDING, "buyers_too": other})


def changed_project() -> Project:
    """Return what replaces one binding, deletes the other, and changes what they depend on."""
    return project(
        connectors={"ads": {**CONNECTOR, "settings": {"account": "1", "language": "de"}}},
        audiences={"buyers": {**AUDIENCE, "query": "SELECT 2", "identifiers": {"email": "mail"}}},
        bindings={"buyers_on_ads": {**BINDING, "destination": {"name": "Buyers 90", "kind": "tag"}}},
    )


def changed_plan(approvals: Approvals | None = None) -> Plan:
    """Return a plan of destructive changes."""
    return plan_of(
        World().apply(two_bindings()),
        changed_project(),
        sent={"buyers_on_ads": impact(adds=1_234_567)},
        ended={"buyers_on_ads": Ended(12_000, 11_990), "buyers_too": Ended(4_000, 4_000)},
        approvals=approvals,
    )


def shown(plan: Plan) -> str:
    """Return the plan as text without colour."""
    return plan_text.render(plan, colour=False)


def test_a_first_plan(snapshot):
    """Everything is created; figures are exact or unknown, and people who are left out have their reasons."""
    unknown = impact(quality="unknown", not_sent={"modify": "Adverts cannot change variables"})
    plan = plan_of(
        World(),
        two_bindings(),
        sent={
            "buyers_on_ads": impact(adds=12_345, left_out={"no_consent": 120, "duplicate_identity": 3}),
            "buyers_too": unknown,
        },
        notes=("binding.x was not looked up (unavailable: HTTP 503); what was last written is taken",),
    )

    assert snapshot == shown(plan)


def test_what_destroys_is_shown(snapshot):
    """A replacement and a deletion say what they do to how many people, and what stops them."""
    assert snapshot == shown(changed_plan())


def test_what_was_approved_is_shown(snapshot):
    """An approval stands in the plan, for whoever reviews it."""
    guards = frozenset({"buyers_on_ads.max_removed", "buyers_too.max_removed"})
    assert snapshot == shown(changed_plan(Approvals(guards=guards)))


def test_drift_is_shown_apart(snapshot):
    """What was changed outside of Audiform stands first, and then what is done about it."""
    world = World().apply(two_bindings())
    world.platform["id-1"]["name"] = "Renamed by hand"

    assert snapshot == shown(plan_of(world, two_bindings(), measured=False))


def test_nothing_to_do(snapshot):
    """An empty plan is one line."""
    assert snapshot == shown(plan_of(World().apply(two_bindings()), two_bindings()))


def test_a_new_destination_begins_without_members():
    """After a replacement those are in it who were added, however many the old one had."""
    row = next(line for line in shown(changed_plan()).splitlines() if line.startswith("  buyers_on_ads "))

    assert "1,234,567" == row.split()[-1]


def test_in_a_long_plan_what_ends_is_said_again_before_the_sum():
    """A reader who sees only the last lines sees what is destroyed."""
    many = {
        f"b{number}": {**BINDING, "destination": {"name": f"B{number}", "kind": "list"}}
        for number in range(9)
    }
    world = World().apply(two_bindings())
    ended = {"buyers_on_ads": Ended(50, 40), "buyers_too": Ended(7, 7)}
    lines = shown(plan_of(world, project(bindings=many), ended=ended, measured=False)).splitlines()
    first = lines.index("What ends")

    assert [
        "What ends",
        "  - binding.buyers_on_ads  destroy  40 people leave",
        "  - binding.buyers_too  destroy  7 people leave",
    ] == lines[first : first + 3]


def test_colour_adds_nothing_but_colour():
    """Without its colours the coloured text is the plain one."""
    coloured = plan_text.render(changed_plan(), colour=True)

    assert shown(changed_plan()) == re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert coloured != shown(changed_plan())
