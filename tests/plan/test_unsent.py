"""What an apply did not get to send is in the next plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audiform.address import Address, Kind
from audiform.plan.diff import UNSENT, diff
from audiform.plan.plan import Action, StepKind
from plan.world import BINDING, World, project

BUYERS = Address(Kind.BINDING, "buyers_on_ads")


def decided(before: Any, after: Any) -> list[tuple[str, Action, bool, str, list[StepKind]]]:
    """Return what happens when the people of the binding were not sent by the last apply."""
    situation = World().apply(before).situation(after)
    return [
        (
            str(decision.address),
            decision.change.action,
            decision.change.sends,
            decision.change.reason,
            [verb.kind for verb in decision.verbs],
        )
        for decision in diff(replace(situation, unsent=frozenset({BUYERS})))
    ]


def test_a_binding_whose_people_were_not_sent_is_sent():
    """Nothing differs, and still there is something to do: its people."""
    wanted = project()
    expected = ("binding.buyers_on_ads", Action.SYNC, True, UNSENT, [StepKind.SYNC])

    assert [expected] == decided(wanted, wanted)


def test_a_change_that_sends_nobody_sends_those_who_were_not_sent():
    """A note that changes sends nobody by itself."""
    changed = project(bindings={"buyers_on_ads": {**BINDING, "description": "A note"}})
    expected = (
        "binding.buyers_on_ads",
        Action.UPDATE,
        True,
        UNSENT,
        [StepKind.RECORD, StepKind.SYNC],
    )

    assert [expected] == decided(project(), changed)


def test_a_binding_that_is_switched_off_sends_nobody():
    """Off means off, whatever is open."""
    off = project(bindings={"buyers_on_ads": {**BINDING, "enabled": False}})

    assert [] == decided(off, off)


def test_a_binding_that_is_gone_ends_as_ever():
    """What was not sent need not be sent any more."""
    gone = project(bindings={})

    assert [(Action.DELETE, False)] == [
        (action, sends) for _, action, sends, _, _ in decided(project(), gone)
    ]
