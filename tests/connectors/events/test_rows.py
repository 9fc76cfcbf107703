"""A compiled row says what the template says."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.connectors.events.rows import compile_row
from audiform.connectors.template import render

NAMES = ["a", "b", "c", "d"]
TEXTS = [
    "plain",
    "{{ row.a }}",
    "{{ row.b }}",
    "{{ row.c.inner }}",
    "{{ settings.shop }}",
    "of {{ row.a }} in {{ settings.shop }}",
    "{{ row.missing }}",
]
LEAVES = st.sampled_from(TEXTS) | st.integers(0, 9) | st.booleans() | st.none()
SPECIAL = st.sampled_from(
    [
        {"when": ["row.a"], "then": {"x": "{{ row.b }}"}},
        {"integer": "{{ row.a }}"},
        {"as_text": {"x": "{{ row.a }}"}},
        {"digest_of": ["{{ row.a }}", "{{ row.b }}"]},
        {"...": "{{ row.c }}", "inner": "{{ row.b }}"},
        {"...": "{{ row.missing }}", "x": 1},
        {"{{ row.a }}": 1, "y": "{{ row.b }}"},
    ]
)
NODES = st.recursive(
    LEAVES | SPECIAL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=12,
)
VALUES = (
    st.none()
    | st.text("ab1", max_size=3)
    | st.integers(0, 20)
    | st.dictionaries(st.just("inner"), st.integers(0, 3))
)


@settings(max_examples=150, deadline=None)
@given(
    NODES,
    st.dictionaries(st.sampled_from("ab"), VALUES),
    st.none() | st.dictionaries(st.sampled_from(["inner", "z"]), st.integers(0, 3)),
)
def test_a_compiled_row_is_the_rendered_template(
    node: Any, fields: dict[str, Any], inner: dict[str, int] | None
) -> None:
    """Whatever a template is made of, and whatever a record lacks, both ways give the same row."""
    record = {**fields, "c": inner}
    constants = {"shop": "eu"}

    assert render(node, {"row": record, "settings": constants}) == compile_row(node, constants)(record)
