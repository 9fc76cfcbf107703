"""The hash of a plan: it changes if and only if what the plan does changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.plan.effect import plan_hash
from audiform.plan.plan import (
    Action,
    Change,
    ChangeCategory,
    Extent,
    FieldChange,
    Figure,
    Finding,
    GuardResult,
    Impact,
    Judgement,
    Partial,
    Plan,
    Step,
)
from plan.sample import impact, plan_of
from plan.world import World, project

Edit = Callable[[Plan, Any], Plan]


def changed(**parts: Callable[[Any], Any]) -> Edit:
    """Return the edit of a plan's only interesting change, its binding."""

    def edit(plan: Plan, other: Any) -> Plan:
        *rest, last = plan.changes
        news = {name: make(other) for name, make in parts.items()}
        return replace(plan, changes=(*rest, replace(last, **news)))

    return edit


def moved(**parts: Callable[[Any], Any]) -> Edit:
    """Return the edit of the binding's impact."""

    def edit(plan: Plan, other: Any) -> Plan:
        found = plan.changes[-1].impact
        assert found is not None
        news = {name: make(other) for name, make in parts.items()}
        return changed(impact=lambda _: replace(found, **news))(plan, other)

    return edit


def field_of(plan: Plan, **parts: Any) -> Plan:
    """Return the plan with its binding's first field changed."""
    first, *rest = plan.changes[-1].fields
    return changed(fields=lambda _: (replace(first, **parts), *rest))(plan, None)


def step_of(plan: Plan, **parts: Any) -> Plan:
    """Return the plan with its last step changed."""
    return replace(plan, steps=(*plan.steps[:-1], replace(plan.steps[-1], **parts)))


def text(other: Any) -> str:
    """Return text that no plan of these tests has."""
    return f"other {other}"


def figure(other: Any) -> Figure:
    """Return a figure that no plan of these tests has."""
    return Figure("exact", 1_000 + other)


WORDING: Mapping[str, Edit] = {
    "Plan.partial": lambda plan, other: replace(plan, partial=Partial((text(other),))),
    "Plan.tool": lambda plan, other: replace(plan, tool=text(other)),
    "Plan.version": lambda plan, other: replace(plan, version=2 + other),
    "Plan.lineage": lambda plan, other: replace(plan, lineage=text(other)),
    "Plan.serial": lambda plan, other: replace(plan, serial=2 + other),
    "Plan.config_digest": lambda plan, other: replace(plan, config_digest=text(other)),
    "Plan.source_digests": lambda plan, other: replace(plan, source_digests={"shop": text(other)}),
    "Plan.created": lambda plan, other: replace(plan, created=plan.created + timedelta(seconds=1 + other)),
    "Plan.expires": lambda plan, other: replace(plan, expires=plan.expires + timedelta(seconds=1 + other)),
    "Plan.notes": lambda plan, other: replace(plan, notes=(text(other),)),
    "Plan.policies": lambda plan, other: replace(
        plan, policies=Judgement((Finding("p", "warn", text(other), ""),))
    ),
    "Plan.measured": lambda plan, _: replace(
        plan, measured=not plan.measured
    ),  # then impacts are missing too
    "Change.reason": changed(reason=text),
    "Change.notes": changed(notes=lambda other: (text(other),)),
    "Change.drift": changed(
        drift=lambda other: (FieldChange("name", "a", text(other), ChangeCategory.METADATA, ""),)
    ),
    "Change.guards": changed(guards=lambda other: (GuardResult("b.g", text(other), "", ok=True),)),
    "Change.labels": changed(labels=lambda other: {"team": text(other)}),
    "Change.owner": changed(owner=text),
    "FieldChange.reason": lambda plan, other: field_of(plan, reason=text(other)),
    "Impact.members_before": moved(members_before=figure),
    "Impact.desired": moved(desired=figure),
    "Impact.left_out": moved(left_out=lambda other: {"no_consent": 1 + other}),
    "Impact.extent": moved(extent=lambda other: Extent(why=text(other))),
    "Impact.source_rows": moved(source_rows=lambda other: 2_000 + other),
    "Figure.why": moved(modifies=lambda other: Figure("exact", 0, text(other))),
}
EFFECT: Mapping[str, Edit] = {
    "Plan.project": lambda plan, other: replace(plan, project=text(other)),
    "Plan.environment": lambda plan, other: replace(plan, environment=text(other)),
    "Plan.manifest_digests": lambda plan, other: replace(plan, manifest_digests={"adverts": text(other)}),
    "Plan.approvals": lambda plan, other: replace(plan, approvals=(text(other),)),
    "Plan.tolerance": lambda plan, other: replace(plan, tolerance=0.2 + other),
    "Plan.changes": lambda plan, _: replace(plan, changes=plan.changes[1:]),
    "Plan.steps": lambda plan, _: replace(plan, steps=plan.steps[1:]),
    "Change.address": lambda plan, other: changed(
        address=lambda _: plan.changes[-1].address._replace(name=f"other_{other}")
    )(plan, other),
    "Change.action": changed(action=lambda _: Action.REPLACE),
    "Change.fields": changed(fields=lambda _: ()),
    "Change.impact": changed(impact=lambda _: None),
    "Change.sends": changed(sends=lambda _: False),
    "FieldChange.path": lambda plan, other: field_of(plan, path=text(other)),
    "FieldChange.before": lambda plan, other: field_of(plan, before=text(other)),
    "FieldChange.after": lambda plan, other: field_of(plan, after=text(other)),
    "FieldChange.category": lambda plan, _: field_of(plan, category=ChangeCategory.STARTS_SENDING),
    "Impact.adds": moved(adds=figure),
    "Impact.removes": moved(removes=figure),
    "Impact.modifies": moved(modifies=figure),
    "Impact.claims": moved(claims=lambda other: 1 + other),
    "Impact.releases": moved(releases=lambda other: 1 + other),
    "Impact.not_sent": moved(not_sent=lambda other: {text(other): ""}),
    "Figure.quality": moved(adds=lambda _: Figure("estimated", 500)),
    "Figure.value": moved(adds=lambda other: Figure("exact", 501 + other)),
    "Step.id": lambda plan, other: step_of(plan, id=text(other)),
    "Step.kind": lambda plan, _: step_of(plan, kind=plan.steps[0].kind),
    "Step.address": lambda plan, _: step_of(plan, address=plan.steps[0].address),
    "Step.needs": lambda plan, other: step_of(plan, needs=(text(other),)),
    "Step.data": lambda plan, other: step_of(plan, data={"id": text(other)}),
}
SAMPLE = plan_of(World(), project(), sent={"buyers_on_ads": impact(adds=500)})


def test_every_field_of_a_plan_is_effect_or_is_not():
    """Whoever adds a field to a plan has to say here whether an approval is given to it."""
    parts = (Plan, Change, FieldChange, Impact, Figure, Step)
    every = {f"{part.__name__}.{field.name}" for part in parts for field in fields(part)}

    assert every == WORDING.keys() | EFFECT.keys()
    assert set() == WORDING.keys() & EFFECT.keys()


@given(st.lists(st.tuples(st.sampled_from(sorted(WORDING)), st.integers(0, 1_000)), max_size=5))
@settings(deadline=None, max_examples=100)
def test_words_times_and_serials_are_no_effect(edits: list[tuple[str, int]]):
    """However a plan came about and whatever it says of that, its hash is the same."""
    plan = SAMPLE
    for name, other in edits:
        plan = WORDING[name](plan, other)

    assert plan_hash(SAMPLE) == plan_hash(plan)


@pytest.mark.parametrize("name", EFFECT)
@given(other=st.integers(0, 1_000), wording=st.sampled_from(sorted(WORDING)))
@settings(deadline=None, max_examples=5)
def test_every_other_effect_has_another_hash(name: str, other: int, wording: str):
    """One field that says what is done, or to how many people, is enough; words cannot make up for it."""
    plan = EFFECT[name](WORDING[wording](SAMPLE, other), other)

    assert plan_hash(SAMPLE) != plan_hash(plan)


def replace_adds(plan: Plan, figure: Figure) -> Plan:
    """Return the plan with other adds."""
    return moved(adds=lambda _: figure)(plan, 0)


def test_an_unknown_figure_has_no_number():
    """What stands beside `unknown` means nothing, so it is no effect."""
    one, other = (
        replace_adds(SAMPLE, Figure("unknown", 0)),
        replace_adds(SAMPLE, Figure("unknown", 7)),
    )

    assert plan_hash(one) == plan_hash(other)
