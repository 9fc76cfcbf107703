"""Guards: what stops, what does not, and what loosening one is worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audiform.config.kinds import Guards
from audiform.plan.guard import Facts, approval, evaluate, protected_delete, stops, stricter
from audiform.plan.plan import Impact
from plan.sample import impact


def stopping(
    guards: dict[str, Any], figures: Impact, *approved: str, age: float | None = None, ends: bool = False
) -> list[str]:
    """Return the names of the guards that stop a binding `b`."""
    results = evaluate("b", Guards.model_validate(guards), Facts(figures, age, ends), approved)
    return [result.name for result in results if not result.ok and not result.approved]


@pytest.mark.parametrize(
    ("guards", "figures", "expected"),
    [
        ({}, impact(removes=21, members=100), ["b.max_removed"]),
        ({}, impact(removes=20, members=100), []),
        ({}, impact(removes=99, members=99), []),
        ({"max_removed": "10%"}, impact(removes=2, members=10), ["b.max_removed"]),
        ({"max_removed": 0}, impact(removes=1, members=10), ["b.max_removed"]),
        ({"max_removed": "100%"}, impact(removes=500, members=1000), []),
        ({"max_removed": "12.5 %"}, impact(removes=126, members=1000), ["b.max_removed"]),
        ({"max_added": 10}, impact(adds=11), ["b.max_added"]),
        ({"max_added": "10%"}, impact(adds=11, members=100), ["b.max_added"]),
        ({"max_added": "10%"}, impact(adds=5000), []),
        ({"min_members": 50}, impact(removes=1, members=50), ["b.min_members"]),
        ({"min_members": 50}, impact(adds=49), ["b.min_members"]),
        ({"min_members": 50}, impact(adds=50), []),
        ({"min_members": 50}, impact(members=10), []),
        ({"min_members": 50}, replace(impact(adds=1, members=50), releases=2), ["b.min_members"]),
        ({"min_members": 50}, replace(impact(adds=1, members=40), claims=9), []),
        ({}, impact(removes=5, members=5, source_rows=0), ["b.empty_source"]),
        ({"allow_empty": True}, impact(removes=5, members=5, source_rows=0), []),
        ({}, impact(source_rows=0), []),
    ],
)
def test_a_guard_stops_what_is_beyond_its_limit(guards: dict[str, Any], figures: Impact, expected: list[str]):
    """Each guard lets its limit through, and not one person more."""
    assert expected == stopping(guards, figures)


def test_old_data_stops():
    """A source older than the guard allows stops, and so does one that cannot tell its age."""
    guards = {"max_source_age": "24h"}
    assert [] == stopping(guards, impact(), age=86400)
    assert ["b.max_source_age"] == stopping(guards, impact(), age=86401)
    assert ["b.max_source_age"] == stopping(guards, impact(), age=None)


def test_what_is_not_known_stops_nothing_yet():
    """A figure that planning cannot know is judged when it is sent."""
    unknown = impact(members=1000, quality="unknown")
    assert [] == stopping({"max_removed": 0, "max_added": 0, "min_members": 10}, unknown)


def test_an_approval_names_one_guard():
    """Whoever approves one guard of one binding approves nothing else."""
    figures = impact(removes=900, members=1000)
    guards = {"min_members": 500}
    assert ["b.min_members"] == stopping(guards, figures, "b.max_removed", "other.min_members")
    assert [] == stopping(guards, figures, "b.max_removed", "b.min_members")


def test_an_approval_that_was_not_needed_is_not_recorded():
    """A result says that it was approved only where it would have stopped."""
    (result,) = evaluate(
        "b", Guards(), Facts(impact(members=200, source_rows=200), ends=True), ["b.max_removed"]
    )
    assert (True, False) == (result.ok, result.approved)


def test_an_end_asks_the_limits_but_not_the_source():
    """Ending a binding is stopped by how many leave and remain; its source has no say any more."""
    figures = impact(removes=1000, members=1000, source_rows=0)
    assert ["b.max_removed"] == stopping({"max_source_age": "1h"}, figures, ends=True)


def test_a_message_says_how_many_and_what_is_allowed():
    """The detail of a guard that stops holds both numbers."""
    (result, _) = evaluate("b", Guards(), Facts(impact(removes=5000, members=12340)))
    assert (
        "5,000 people would leave the destination at once; "
        "the most that is allowed is 20% of 12,340 members = 2,468 people" == result.detail
    )
    assert "--approve-guard b.max_removed" == approval(result)


def test_a_protected_environment_wants_the_address():
    """A deletion there is approved by address, with an option of its own."""
    result = protected_delete("binding.b", ["binding.other"])
    assert stops([result])
    assert "--approve-delete binding.b" == approval(result)
    assert not stops([protected_delete("binding.b", ["binding.b"])])


@pytest.mark.parametrize(
    ("one", "other", "members", "expected"),
    [
        ({"max_removed": "20%"}, {"max_removed": "90%"}, 1000, {"max_removed": "20%"}),
        ({"max_removed": 300}, {"max_removed": "20%"}, 1000, {"max_removed": "20%"}),
        ({"max_removed": 300}, {"max_removed": "20%"}, 5000, {"max_removed": 300}),
        ({}, {"max_removed": "90%"}, 1000, {"max_removed": "20%"}),
        ({}, {"max_removed": "90%"}, 50, {"max_removed": "90%"}),
        ({"max_removed": 0}, {}, 1000, {"max_removed": 0}),
        ({"min_members": 5}, {}, 0, {"min_members": 5}),
        ({"min_members": 5}, {"min_members": 10}, 0, {"min_members": 10}),
        ({"allow_empty": True}, {}, 0, {}),
        ({"max_source_age": "24h"}, {"max_source_age": "2d"}, 0, {"max_source_age": "24h"}),
        ({"max_added": 5}, {}, 0, {"max_added": 5}),
    ],
)
def test_the_stricter_of_two_lets_less_through(
    one: dict[str, Any], other: dict[str, Any], members: int, expected: dict[str, Any]
):
    """Guard by guard, and whichever of the two was there first."""
    first, second = Guards.model_validate(one), Guards.model_validate(other)
    assert Guards.model_validate(expected) == stricter(first, second, members)
    assert Guards.model_validate(expected) == stricter(second, first, members)
