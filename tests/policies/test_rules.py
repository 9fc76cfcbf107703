"""What the expressions of policies find in a plan: in each change, and in the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.plan.draft import Ended
from audiform.plan.plan import Figure, Plan
from audiform.policies.declared import check_policies
from audiform.policies.judge import judge_plan
from plan.sample import impact, plan_of
from plan.world import BINDING, World, project

CATALOG = Catalog()
TWO = {
    "buyers_on_ads": {**BINDING, "labels": {"team": "crm"}},
    "buyers_too": {**BINDING, "destination": {"name": "Too", "kind": "list"}},
}


def judged(policy: Mapping[str, Any], plan: Plan | None = None, **parts: Any) -> list[str]:
    """Return what one policy finds in a plan; given none, in one that creates everything and adds 500 and 7 people."""
    desired = with_policy(policy, **parts)
    made = plan or plan_of(
        World(),
        replace(desired, policies={}),
        sent={"buyers_on_ads": impact(adds=500), "buyers_too": impact(adds=7)},
    )
    return [
        f"{item.effect} {item.detail}" for item in judge_plan(desired, CATALOG, made) if item.policy == "rule"
    ]


def with_policy(policy: Mapping[str, Any], **parts: Any) -> Project:
    """Return a project of two bindings with this policy."""
    parts = {"bindings": TWO, **parts}
    return project(**parts, policies={"rule": {"message": "Because", **policy}})


def test_each_change_is_looked_at():
    """An expression is asked of every change that the policy is about; what it is true of is said with its figures."""
    many = 'change.kind == "binding" and change.adds > 5'

    assert [
        f"deny `{many}` is true of binding.buyers_on_ads (create): adds 500, removes 0, modifies 0",
        f"deny `{many}` is true of binding.buyers_too (create): adds 7, removes 0, modifies 0",
    ] == judged({"deny": many})
    assert [
        "deny `change.adds > 5` is true of binding.buyers_too (create): adds 7, removes 0, modifies 0"
    ] == judged({"deny": "change.adds > 5", "applies_to": {"resources": ["*.buyers_too"]}})
    assert [
        "warn `change.adds > 5` is true of binding.buyers_on_ads (create): adds 500, removes 0, modifies 0"
    ] == judged({"warn": "change.adds > 5", "applies_to": {"labels": {"team": ["crm"]}}})


def test_one_policy_may_warn_first_and_deny_later():
    """`warn` and `deny` are asked both."""
    found = judged(
        {"warn": "change.adds > 5", "deny": "change.adds > 100", "applies_to": {"resources": ["binding.*"]}}
    )

    assert [("deny", "buyers_on_ads"), ("warn", "buyers_on_ads"), ("warn", "buyers_too")] == [
        (item.split()[0], item.partition("binding.")[2].split()[0]) for item in found
    ]


def test_the_plan_as_a_whole():
    """Totals, counts of actions, and all changes at once."""
    text = 'plan.adds == 507 and plan.actions.create == plan.changes | length and plan.environment == "production"'

    assert [f"deny `{text}` is true of the plan"] == judged({"over": "plan", "deny": text})


def test_what_ends_is_judged_by_its_end():
    """A change has the labels of what was recorded; a resource that the plan ends is not judged as if it stayed."""
    world = World().apply(project(bindings=TWO))
    plan = plan_of(
        world,
        project(bindings={}, audiences={}, connectors={}, sources={}),
        ended={"buyers_on_ads": Ended(50, 40), "buyers_too": Ended(7, 7)},
    )
    policy = {
        "deny": 'change.action == "delete" and change.destructive and change.removes >= 40 and change.labels.team == "crm"',
        "require": {"owner": True},
        "applies_to": {"resources": ["binding.*"], "labels": {"team": ["crm"]}},
    }

    found = judged(policy, plan)

    assert [("deny", True)] == [
        (item.split()[0], "binding.buyers_on_ads (delete): adds 0, removes 40" in item) for item in found
    ]


UNKNOWN = replace(impact(adds=5), removes=Figure("unknown", why="the platform does not list its members"))


@pytest.mark.parametrize("counted", [UNKNOWN, None], ids=["one figure is unknown", "nobody was counted"])
def test_a_figure_that_nobody_knows_is_no_zero(counted):
    """An expression that asks for it stops the plan; one that asks first whether it is known can go on."""
    desired = project(bindings={"buyers_on_ads": BINDING})
    plan = plan_of(
        World(), desired, sent={"buyers_on_ads": counted} if counted else {}, measured=counted is not None
    )
    about = {"applies_to": {"resources": ["binding.*"]}}

    (failed,) = judged({"deny": "change.removes > 1000", **about}, plan)
    careful = judged({"deny": '"removes" in change.unknown or change.removes > 1000', **about}, plan)
    (total,) = judged({"over": "plan", "deny": "plan.removes > 1000"}, plan)

    assert failed.startswith("error `deny` cannot be evaluated for binding.buyers_on_ads")
    assert "nobody knows how many people they are: " in failed
    assert "`removes`" in failed
    assert ["deny"] == [item.split()[0] for item in careful]
    assert total.startswith("error `deny` cannot be evaluated for the plan")


def test_half_of_the_people_leave():
    """The built-in policy of protected environments warns, and is silent where figures are not known."""
    environment = {"protected": True}
    desired = project(environment=environment, bindings={"buyers_on_ads": BINDING})

    def warned(**figures: Any) -> list[str]:
        plan = plan_of(World(), desired, sent={"buyers_on_ads": replace(impact(members=200), **figures)})
        return [item.policy for item in judge_plan(desired, CATALOG, plan)]

    assert ["half_leaves"] == warned(removes=Figure("exact", 101))
    assert [] == warned(removes=Figure("exact", 100))
    assert [] == warned(removes=Figure("unknown"))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"deny": "chnage.adds > 1"}, ["undefined-value"]),
        ({"deny": "resource.consent is none", "over": "plan"}, ["undefined-value"]),
        ({"warn": "change.adds >"}, ["template-syntax"]),
        ({"warn": "{{ change.adds > 1 }}"}, ["template-syntax"]),
        ({"deny": "change.__class__"}, ["unsafe-expression"]),
        ({"deny": "change.fields.items()"}, ["unsafe-expression"]),
        ({}, ["missing-field"]),
        ({"require": {"owner": False}, "allow": {}}, ["missing-field"]),
        (
            {"over": "plan", "deny": "plan.adds > 1", "applies_to": {"labels": {"a": ["b"]}}},
            ["invalid-value"],
        ),
        ({"deny": "'consent' in change.fields and values.strict"}, []),
    ],
)
def test_how_a_policy_is_written(policy, expected):
    """What can never be evaluated, or asks for nothing, is found before a plan is made."""
    assert expected == [item.code for item in check_policies(with_policy(policy))]


def test_names_of_built_in_policies():
    """One cannot be replaced by another of its name, and only those that there are can be switched off."""
    desired = project(
        policies={"consent_required": {"message": "Mine", "require": {"owner": True}}},
        switched_off={"half_leave": "Often", "half_leaves": "Often"},
    )

    assert [("unknown-reference", 'did you mean "half_leaves"?'), ("duplicate-name", None)] == [
        (item.code, item.hint if item.code == "unknown-reference" else None)
        for item in check_policies(desired)
    ]
