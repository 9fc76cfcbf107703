"""What is the same in every row of a batch is filled in before the row template becomes SQL."""

from __future__ import annotations

from audiform.connectors.constants import settled
from audiform.connectors.template import MISSING

SCOPE = {"destination": {"id": "77"}, "settings": {"group": "vip"}}


def test_what_no_row_changes_is_filled_in():
    """References to destination and settings become values, in texts and keys too; those of a row stay."""
    template = {
        "email": "{{ row.email }}",
        "list": {"integer": "{{ destination.id }}"},
        "{{ settings.group }}": ["{{ destination.id }}/{{ row.email }}", 1],
    }
    expected = {"email": "{{ row.email }}", "list": 77, "vip": ["77/{{ row.email }}", 1]}
    assert expected == settled(template, SCOPE)


def test_what_is_missing_is_left_out():
    """A constant that is not known takes its key with it, as everywhere else."""
    assert {"a": "{{ row.email }}"} == settled(
        {"a": "{{ row.email }}", "b": {"c": "{{ settings.none }}"}, "{{ settings.none }}": "{{ row.email }}"},
        SCOPE,
    )


def test_a_row_of_constants_may_vanish():
    """A template of which nothing is left is no row at all."""
    assert MISSING is settled({"a": "{{ settings.none }}"}, SCOPE)
