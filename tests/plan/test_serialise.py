"""The plan file: there and back, its schema, and what is said of one that is none."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.address import Address, Kind
from audiform.diagnostics import DiagnosticError
from audiform.hashing import canonical
from audiform.plan.plan import (
    Action,
    Change,
    ChangeCategory,
    FieldChange,
    Figure,
    GuardResult,
    Impact,
    Plan,
    Step,
    StepKind,
)
from audiform.plan.serialise import VERSION, from_text, plan_digest, schema, to_data, to_text
from plan.sample import impact, plan_of
from plan.world import World, project

NUMBERS = st.integers(-(2**53), 2**53)
JSON: Any = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ADDRESSES = st.builds(Address, st.sampled_from(Kind), st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True))
FIGURES = st.builds(Figure, st.sampled_from(["exact", "estimated", "unknown"]), NUMBERS, st.text())
IMPACTS = st.builds(
    Impact,
    *[FIGURES] * 5,
    left_out=st.dictionaries(st.text(), NUMBERS, max_size=2),
    not_sent=st.dictionaries(st.text(), st.text(), max_size=2),
    source_rows=NUMBERS,
)
FIELDS = st.builds(FieldChange, st.text(), JSON, JSON, st.sampled_from(ChangeCategory), st.text())
GUARDS = st.builds(GuardResult, st.text(), st.text(), st.text(), st.booleans(), st.text(), st.booleans())


def some(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return tuples of a few items."""
    return st.lists(items, max_size=3).map(tuple)


CHANGES = st.builds(
    Change,
    ADDRESSES,
    st.sampled_from(Action),
    some(FIELDS),
    reason=st.text(),
    drift=some(FIELDS),
    impact=st.none() | IMPACTS,
    guards=some(GUARDS),
    notes=some(st.text()),
    sends=st.booleans(),
)
STEPS = st.builds(
    Step,
    st.text(),
    st.sampled_from(StepKind),
    ADDRESSES,
    some(st.text()),
    st.dictionaries(st.text(), JSON, max_size=3),
)
TIMES = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
PLANS = st.builds(
    Plan,
    version=st.just(VERSION),
    tool=st.text(),
    project=st.text(),
    environment=st.text(),
    lineage=st.text(),
    serial=NUMBERS,
    config_digest=st.text(),
    manifest_digests=st.dictionaries(st.text(), st.text(), max_size=2),
    created=TIMES,
    expires=TIMES,
    changes=some(CHANGES),
    steps=some(STEPS),
    approvals=some(st.text()),
    tolerance=st.floats(0, 1),
    notes=some(st.text()),
    measured=st.booleans(),
)


def sample() -> Plan:
    """Return a plan that creates everything."""
    return plan_of(World(), project(), sent={"buyers_on_ads": impact(adds=12_340)})


def refusal(text: str) -> str:
    """Return the message about a text that is no plan."""
    with pytest.raises(DiagnosticError) as caught:
        from_text(text, "plan.json")
    (diagnostic,) = caught.value.diagnostics
    assert "invalid-plan" == diagnostic.code
    return diagnostic.detail


@given(PLANS)
@settings(deadline=None, max_examples=200)
def test_a_plan_comes_back_equal(plan: Plan):
    """Reading what was written gives the same plan, the same text and the same digest."""
    text = to_text(plan)
    again = from_text(text, "plan.json")
    assert plan == again
    assert text == to_text(again)
    assert plan_digest(plan) == plan_digest(again)


@given(PLANS)
@settings(deadline=None, max_examples=50)
def test_a_plan_file_obeys_the_published_schema(plan: Plan):
    """The schema accepts every plan that is written."""
    jsonschema.validate(to_data(plan), schema())


def test_the_text_is_canonical():
    """Keys are sorted and nothing stands between, so that the same plan is the same bytes."""
    text = to_text(sample())
    assert canonical(json.loads(text)) == text


def test_every_edit_changes_the_digest():
    """A digest is of everything that a plan says."""
    data = to_data(sample())
    edited = canonical({**data, "tolerance": 0.5})
    assert plan_digest(sample()) != plan_digest(from_text(edited, "plan.json"))


def test_a_file_that_is_no_plan_is_refused(snapshot):
    """Each way of being no plan has its message, and none shows a value of the file."""
    data = to_data(sample())
    texts = {
        "not JSON": "plan: {}",
        "empty": "",
        "a list": "[1]",
        "something else": "{}",
        "another version": '{"version": 99}',
        "an unknown key": canonical({**data, "secret": "hunter2"}),
        "a missing key": canonical({key: value for key, value in data.items() if key != "steps"}),
        "an unknown action": canonical({**data, "changes": [{**data["changes"][0], "action": "explode"}]}),
        "a wrong address": canonical({**data, "changes": [{**data["changes"][0], "address": "person.jane"}]}),
        "a wrong type": canonical({**data, "serial": "hunter2"}),
    }
    assert snapshot == {name: refusal(text) for name, text in texts.items()}
