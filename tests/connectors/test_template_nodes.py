"""Whole numbers, and keys that are references: filled in and read back."""

from __future__ import annotations

import pytest

from audiform.connectors.template import MISSING, references, render, unify

LIST = {"listId": {"integer": "{{ destination.id }}"}}
TAGS = {"tags": {"{{ destination.id }}": "1"}}


def scope(identity):
    """Return the scope of one destination."""
    return {"destination": {"id": identity}}


@pytest.mark.parametrize("identity", ["123", 123, "-5"])
def test_an_integer_is_a_number_in_json(identity):
    """A text of digits becomes the number that the platform wants, and is read back as text."""
    body = render(LIST, scope(identity))
    assert {"listId": int(identity)} == body
    assert {"destination.id": str(identity)} == unify(LIST, body)


@pytest.mark.parametrize("identity", ["", "12a", "1.5", None, True, "1" * 19])
def test_what_is_no_whole_number_is_left_out(identity):
    """Anything but a whole number takes its key with it, as a missing value does."""
    assert MISSING is render(LIST, scope(identity))


@pytest.mark.parametrize("value", ["123", True, 1.5, [1]])
def test_only_a_number_is_read_as_one(value):
    """Text where a number should stand is not what the template makes."""
    assert unify(LIST, {"listId": value}) is None


def test_a_key_may_be_a_reference():
    """A key is filled in and read back like a value, and is among the references."""
    assert frozenset({"destination.id"}) == references(TAGS)
    assert {"tags": {"vip": "1"}} == render(TAGS, scope("vip"))
    assert {"destination.id": "vip"} == unify(TAGS, {"tags": {"vip": "1"}})


def test_a_key_that_is_missing_takes_its_value_with_it():
    """Without a value for its key an entry is left out."""
    assert MISSING is render(TAGS, {})


def test_a_written_key_is_not_taken_for_a_reference():
    """A key that the template writes out is never read as the one that is a reference."""
    template = {"email": "{{ row.email }}", "{{ settings.field }}": True}
    value = {"email": "a@example.com", "vip": True}
    assert {"row.email": "a@example.com", "settings.field": "vip"} == unify(template, value)
    assert unify(template, {"email": "a@example.com", "vip": False}) is None


def test_variables_may_stand_among_other_keys():
    """What is spread is merged into its object, keys that are written out win, and both are read back."""
    template = {"external_id": "{{ row.external_id }}", "...": "{{ row.variables }}"}
    row = {"external_id": "u1", "variables": {"plan": None, "external_id": "other", "ltv": 3}}
    sent = render(template, {"row": row})
    assert {"external_id": "u1", "plan": None, "ltv": 3} == sent
    assert {"row.external_id": "u1", "row.variables": {"plan": None, "ltv": 3}} == unify(template, sent)


def test_without_variables_nothing_is_spread():
    """An object without variables has the other keys only."""
    template = {"external_id": "{{ row.external_id }}", "...": "{{ row.variables }}"}
    assert {"external_id": "u1"} == render(template, {"row": {"external_id": "u1"}})
    assert {"row.external_id": "u1"} == unify(template, {"external_id": "u1"})


@pytest.mark.parametrize(
    ("form", "text"),
    [("as_text", '{"id":"\u00e9","plan":1}'), ("as_base64", "eyJpZCI6IsOpIiwicGxhbiI6MX0=")],
)
def test_json_may_stand_inside_of_json(form, text):
    """A node's JSON is a text, plain or in base64, and what it says is read back."""
    template = {"data": {form: {"id": "{{ row.email }}", "plan": "{{ row.variables.plan }}"}}}
    row = {"email": "\u00e9", "variables": {"plan": 1}}

    assert {"data": text} == render(template, {"row": row})
    assert {"row.email": "\u00e9", "row.variables.plan": 1} == unify(template, {"data": text})
    assert MISSING is render(template, {})


@pytest.mark.parametrize("value", ["{", "e==", 7, None, "\u00e9"])
def test_what_is_no_json_inside_is_not_read(value):
    """A text that no JSON stands in was not made by the template."""
    assert unify({"data": {"as_base64": {"id": "{{ row.email }}"}}}, {"data": value}) is None


def test_a_digest_is_the_same_for_the_same_values():
    """Values, their places and what is missing make the digest; it has the form of one when it is read."""
    template = {"id": {"digest_of": ["add", "{{ row.email }}", "{{ row.phone }}"]}}
    one = render(template, {"row": {"email": "a"}})

    assert one == render(template, {"row": {"email": "a"}})
    assert one != render(template, {"row": {"phone": "a"}})
    assert {} == unify(template, one)
    assert unify(template, {"id": "a"}) is None


def test_variables_may_stand_beside_a_key_that_is_a_reference():
    """The key that a reference was filled in for is not taken for a variable."""
    template = {
        "id": "{{ row.id }}",
        "{{ settings.list }}": {"add": ["{{ destination.id }}"]},
        "...": "{{ row.variables }}",
    }
    sent = {"id": "u1", "plan": "gold", "audiences": {"add": ["vip"]}}
    found = {
        "row.id": "u1",
        "settings.list": "audiences",
        "destination.id": "vip",
        "row.variables": {"plan": "gold"},
    }
    assert found == unify(template, sent)
    assert unify(template, {"id": "u1", "plan": "gold"}) is None
