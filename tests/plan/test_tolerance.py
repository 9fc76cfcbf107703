"""How far people may have moved between a plan and its apply."""

from __future__ import annotations

from audiform.plan.tolerance import outside_tolerance, within_tolerance
from plan.sample import impact


def test_a_few_people_always_may_move():
    """Up to a hundred people are within any tolerance."""
    assert within_tolerance(impact(adds=10), impact(adds=110), 0.10)
    assert not within_tolerance(impact(adds=10), impact(adds=111), 0.10)


def test_a_share_of_the_plan_may_move():
    """A tenth of the planned figure may come or go."""
    assert within_tolerance(impact(removes=10_000), impact(removes=9_000), 0.10)
    assert not within_tolerance(impact(removes=10_000), impact(removes=11_001), 0.10)


def test_what_was_unknown_may_be_anything():
    """Who approved an unknown figure approved every figure."""
    assert within_tolerance(impact(adds=0, quality="unknown"), impact(adds=50_000), 0.10)


def test_every_figure_that_moved_is_named():
    """The message has the planned figure, the present one and what was allowed."""
    moved = outside_tolerance(impact(adds=1_000, modifies=5), impact(adds=2_000, modifies=500), 0.10)
    assert (
        "adds: 1,000 planned, 2,000 now (may differ by 100)",
        "modifies: 5 planned, 500 now (may differ by 100)",
    ) == moved
