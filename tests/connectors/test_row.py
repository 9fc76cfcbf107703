"""A row template in SQL says what the same template says in Python."""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.connectors.catalog import Catalog
from audiform.connectors.row import row_sql
from audiform.connectors.template import MISSING, render

MANIFEST = (
    Catalog(None)
    .get("meta_custom_audiences")
    .manifest.model_copy(
        update={
            "identifiers": {
                name: identifier
                for name, identifier in Catalog(None)
                .get("meta_custom_audiences")
                .manifest.identifiers.items()
                if name in ("email", "phone", "mobile_advertising_id")
            }
        }
    )
)
FIELDS = {name: identifier.field for name, identifier in MANIFEST.identifiers.items()}
DESTINATION = {"id": "77"}
HASH = st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
VALUE = (
    st.none()
    | TEXT
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
)

LEAF: st.SearchStrategy[Any] = st.sampled_from(
    [
        "{{ row.email }}",
        "{{ row.mobile_advertising_id }}",
        "{{ row.variables }}",
        "{{ row.variables.plan }}",
        "id-{{ row.mobile_advertising_id }}-{{ row.email }}",
        "fixed \u00e9 'text\"",
        7,
        True,
        None,
        {},
        [],
        {"integer": "{{ row.mobile_advertising_id }}"},
        {"integer": "{{ row.variables.plan }}"},
        {"...": "{{ row.variables }}", "plan": "{{ row.email }}"},
        {"...": "{{ row.variables }}", "fixed": 1},
        "{{ destination.id }}",
        {"integer": "{{ destination.id }}"},
        "{{ destination.id }}-{{ row.email }}",
        {"{{ destination.id }}": "{{ row.email }}"},
        {"each_identifier": "{{ identifier.value }}", "missing": ""},
        {"each_identifier": {"type": "{{ identifier.field }}", "id": "{{ identifier.value }}"}},
    ]
)
TEMPLATE = st.recursive(
    LEAF,
    lambda node: (
        st.lists(node, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "\u00e9'\""]), node, max_size=3)
        | st.builds(
            lambda names, then: {"when": names, "then": then},
            st.lists(
                st.sampled_from(["row.email", "row.phone", "row.variables.plan"]), min_size=1, max_size=2
            ),
            node,
        )
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def duck():
    """One connection for every example."""
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def literal(value):
    """Return `value` as an SQL expression; text by its bytes, so that any character may be in it."""
    if value is None:
        return "CAST(NULL AS VARCHAR)"
    if isinstance(value, str):
        return f"decode(from_hex('{value.encode().hex()}'))"
    return f"CAST({value!r} AS DOUBLE)" if isinstance(value, float) else json.dumps(value)


def by_sql(connection, template, identifiers, variables):
    """Return the row as parsed JSON, or MISSING, and its text."""
    expression = row_sql(
        template,
        MANIFEST,
        {name: literal(value) for name, value in identifiers.items()},
        {name: literal(value) for name, value in variables.items()},
        {"destination": DESTINATION},
    )
    (text,) = connection.execute(f"SELECT {expression}").fetchone()
    return MISSING if text is None else json.loads(text), text


def by_python(template, identifiers, variables):
    """Return the row that the reference implementation renders."""
    scope = {
        "destination": DESTINATION,
        "row": {**identifiers, **({"variables": variables} if variables else {})},
        "identifiers": [FIELDS[name] for name in FIELDS if name in identifiers],
        "fields": FIELDS,
    }
    return render(template, scope)


@settings(max_examples=400, deadline=None)
@given(
    template=st.dictionaries(st.sampled_from("abc"), TEMPLATE, min_size=1, max_size=3) | TEMPLATE,
    identifiers=st.fixed_dictionaries(
        {}, optional={"email": HASH, "phone": HASH, "mobile_advertising_id": st.none() | TEXT}
    ),
    variables=st.dictionaries(st.sampled_from(["plan", "city", "q'\"\u00e9"]), VALUE, max_size=3),
)
def test_sql_is_python(duck, template, identifiers, variables):
    """Any template over any row gives the same JSON in SQL as in Python."""
    actual, _ = by_sql(duck, template, identifiers, variables)
    assert by_python(template, identifiers, variables) == actual


# Spread variables come first in Python and last in SQL: the same object, in other bytes.
ORDERED = LEAF.filter(lambda node: not isinstance(node, dict) or "..." not in node)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10)


@settings(max_examples=200, deadline=None)
@given(
    template=st.recursive(
        st.lists(ORDERED, max_size=3).map(lambda entries: {"digest_of": entries}) | ORDERED,
        lambda node: st.builds(
            lambda form, inside: {form: inside},
            st.sampled_from(["as_base64", "as_text"]),
            node | st.dictionaries(st.sampled_from("ab"), node, max_size=2),
        ),
        max_leaves=3,
    ),
    identifiers=st.fixed_dictionaries(
        {}, optional={"email": HASH, "phone": HASH, "mobile_advertising_id": st.none() | PLAIN}
    ),
    variables=st.dictionaries(
        st.sampled_from(["plan", "city"]),
        st.none() | PLAIN | st.booleans() | st.integers(-(2**62), 2**62),
        max_size=2,
    ),
)
def test_sql_writes_forms_as_python_does(duck, template, identifiers, variables):
    """JSON inside of JSON, base64 and digests have the same bytes, where both escape the same characters."""
    actual, _ = by_sql(duck, template, identifiers, variables)
    assert by_python(template, identifiers, variables) == actual


def test_no_byte_too_many(duck):
    """Rows are written without a space, and keys that have no value are left out with their objects."""
    template = {
        "ids": {"email": "{{ row.email }}", "phone": "{{ row.phone }}"},
        "extra": {"plan": "{{ row.variables.plan }}"},
    }
    _, text = by_sql(duck, template, {"email": "ab", "phone": None}, {"plan": None})
    assert '{"ids":{"email":"ab"}}' == text


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_what_json_cannot_say(duck, number):
    """JSON has no NaN and no infinity: such a variable is sent as null."""
    expression = row_sql("{{ row.variables }}", MANIFEST, {}, {"ltv": f"CAST('{number}' AS DOUBLE)"})
    assert ('{"ltv":null}',) == duck.execute(f"SELECT {expression}").fetchone()


def test_what_is_known_only_later():
    """A row cannot name what only a lookup finds; such rows are rendered after it."""
    with pytest.raises(ValueError, match=r"lookup\.id"):
        row_sql({"id": "{{ lookup.id }}"}, MANIFEST, {}, {})
