"""Tests of policies that a project brings with it: what passes, and what is said of what does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from audiform.address import Kind
from audiform.config.kinds import ProjectTest
from audiform.connectors.catalog import Catalog
from audiform.project_tests.policies import policy_problems
from plan.world import BINDING, project

ADS: Mapping[str, Any] = {
    "type": "meta_custom_audiences",
    "settings": {"ad_account_id": "1"},
    "credentials": {"access_token": {"from_env": "TOKEN"}},
}
POLICIES: Mapping[str, Any] = {
    "no_phones": {
        "message": "Phones stay here",
        "applies_to": {"environments": ["elsewhere"], "labels": {"team": ["crm"]}},
        "forbid": {"identifiers": ["phone"]},
    },
    "few": {
        "message": "Ask first",
        "warn": 'change.kind == "binding" and change.removes > 10',
        "deny": 'change.kind == "binding" and change.removes > 1000',
    },
    "total": {"message": "Too many", "over": "plan", "deny": "plan.removes > 1000"},
}
WITH_PHONE = {
    "audiences": {"buyers": {"identifiers": {"email": "email", "phone": "phone"}}},
    "bindings": {
        "buyers_on_ads": {"labels": {"team": "crm"}},
        "of_others": {**BINDING, "labels": {"team": "growth"}},
        "new_one": {**BINDING, "labels": {"team": "crm"}, "identifiers": ["email"]},
    },
}
CHANGES = [
    {"address": "binding.a", "action": "delete", "removes": 2000},
    {"address": "binding.b", "removes": 11, "labels": {"team": "crm"}},
    {"address": "binding.c", "adds": 5000},
    {"address": "source.shop", "fields": {"description": {"before": "a", "after": "b"}}},
]


def problems(policy: str, expect: Mapping[str, Any], **test: Any) -> list[str]:
    """Return what a test of one policy finds."""
    shop = project(connectors={"ads": ADS}, policies=POLICIES)
    case = ProjectTest.model_validate({"policy": policy, "expect": expect, **test})
    return [*policy_problems(shop, Catalog(), policy, case)]


def test_what_passes():
    """Resources of the project with what differs, new ones, changes, and built-in policies."""
    assert [] == problems(
        "no_phones", {"denied": ["binding.buyers_on_ads"], "warned": []}, resources=WITH_PHONE
    )
    assert [] == problems(
        "few", {"denied": ["binding.a"], "warned": ["binding.a", "binding.b"]}, changes=CHANGES
    )
    assert [] == problems("total", {"denied": ["plan"]}, changes=CHANGES)
    assert [] == problems(
        "consent_required",
        {"denied": ["audience.buyers"]},
        resources={"audiences": {"buyers": {"consent": None}}},
    )


@pytest.mark.parametrize(
    ("policy", "expect", "test", "expected"),
    [
        (
            "few",
            {"denied": ["binding.b"]},
            {"changes": CHANGES},
            ["binding.b is not denied", "binding.a is denied, which was not expected"],
        ),
        (
            "few",
            {"denied": []},
            {"changes": [{"address": "binding.a", "removes": "unknown"}]},
            [
                (
                    "`deny` cannot be evaluated for binding.a (update): adds 0, removes unknown, modifies 0: In `change.kind == "
                    '"binding" and change.removes > 1000`, `removes` is not defined (of these, nobody knows how many people '
                    "they are: `removes`, `members_after`; see `unknown` in docs/policies.md); nor for 1 more"
                )
            ],
        ),
        (
            "few",
            {},
            {"changes": [{"address": "person.a"}]},
            [f"change 1: `person.a` is not an address; write `kind.name` with a kind of {', '.join(Kind)}"],
        ),
        ("fewer", {}, {}, ['there is no policy `fewer` (did you mean "few"?)']),
        (
            "few",
            {},
            {"resources": {"binding": {}}},
            [
                "`binding` is no section of resources; there are `sources`, `connectors`, `audiences`, `bindings`"
            ],
        ),
        (
            "few",
            {},
            {"resources": {"bindings": {"x": {"audience": "buyers"}}}},
            ["binding.x is not one: A binding needs `connector`, `destination` and `on_delete`."],
        ),
        (
            "few",
            {},
            {"resources": {"bindings": {"x": {**BINDING, "audience": "nobody"}}}},
            ["No file declares audience `nobody`."],
        ),
    ],
    ids=[
        "difference",
        "unknown figure",
        "no address",
        "no policy",
        "no section",
        "half a binding",
        "no audience",
    ],
)
def test_what_is_said(policy, expect, test, expected):
    """A test fails in words; what cannot be evaluated fails it too."""
    assert expected == problems(policy, expect, **test)
