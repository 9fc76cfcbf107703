"""A plan belongs to one project as it was."""

from __future__ import annotations

from typing import Any

import pytest

from audiform.plan.digest import config_digest
from plan.world import AUDIENCE, BINDING, project


def test_the_same_project_has_the_same_digest():
    """The order in which resources stand in files does not matter."""
    one = project(bindings={"a": BINDING, "b": BINDING})
    other = project(bindings={"b": BINDING, "a": BINDING})
    assert config_digest(one) == config_digest(other)


@pytest.mark.parametrize(
    "parts",
    [
        {"audiences": {"buyers": {**AUDIENCE, "query": "SELECT 1"}}},
        {"bindings": {}},
        {"environment": {"protected": True}},
        {"environment": {"guards": {"min_members": 1}}},
        {"environment": {"schedule": "@daily"}},
        {"environment": {"schedule": {"cron": "@hourly"}}},
    ],
)
def test_what_matters_to_a_plan_changes_the_digest(parts: dict[str, Any]):
    """Resources, and what the environment says of guards, schedule and protection."""
    assert config_digest(project()) != config_digest(project(**parts))
