"""Audiences with a watermark, as `validate` looks at them."""

from __future__ import annotations

from typing import Any

import pytest

from audiform.check.watermarks import check_watermarks
from plan.world import AUDIENCE, project


def found(**audience: Any) -> list[tuple[str, str]]:
    """Return what is said of an audience: how bad it is, and its code."""
    made = project(audiences={"buyers": {**AUDIENCE, **audience}})
    return [(item.severity.value, item.code) for item in check_watermarks(made)]


def test_a_column_that_says_who_leaves_is_wanted():
    """Without one, somebody who no longer meets the WHERE has no row that changed: a warning says what to write."""
    assert [("warning", "watermark-without-leavers")] == found(watermark="changed_at")
    assert [] == found(watermark="changed_at", deleted="deleted")
    assert [] == found(watermark={"column": "changed_at", "overlap": 5}, member="is_buyer")
    assert [] == found()


@pytest.mark.parametrize(
    "field",
    [{"member": "m"}, {"deleted": "d"}, {"reconcile": {"every": "7d"}}],
    ids=lambda item: next(iter(item)),
)
def test_what_only_a_watermark_gives_a_meaning_is_refused_without(field: Any):
    """A flag that nobody reads would be taken for one that works."""
    assert [("error", "watermark-missing")] == found(**field)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"cron": "0 25 * * *"}, ("reconcile", "cron")),
        ({"cron": "@daily", "every": "1d"}, ("reconcile", "every")),
        ({"cron": "@daily", "time_zone": "Europe/Berlim"}, ("reconcile", "time_zone")),
    ],
    ids=["no such hour", "two ways", "no such zone"],
)
def test_when_everything_is_read_is_written_as_a_schedule(given: Any, path: tuple[str, str]):
    """What is wrong with it is said at its place, in its words."""
    made = project(audiences={"buyers": {**AUDIENCE, "watermark": "at", "deleted": "d", "reconcile": given}})
    (problem,) = check_watermarks(made)

    assert path == problem.path
    assert "schedule" not in problem.detail.partition(" ")[0]
    assert [] == found(
        watermark="at", deleted="d", reconcile={"cron": "0 3 * * 0", "time_zone": "Europe/Berlin"}
    )


@pytest.mark.parametrize("column", ["email", "customer_id"])
def test_nobody_becomes_a_watermark(column: str):
    """Its highest value stands in the state, which holds no person."""
    assert [("error", "watermark-names-people")] == found(watermark=column, deleted="deleted")
