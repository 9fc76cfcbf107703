"""Platforms asked to validate what would be sent: one small batch, and nothing is done there."""

from __future__ import annotations

from pathlib import Path

import pytest

from apply.killing import planned
from apply.test_apply import Shop, opened
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Category
from audiform.plan.plan import Plan
from audiform.planner import PlanOptions
from audiform.sandbox.faults import FaultKind
from whole.model import Profile
from whole.shop import write_people

MORE = {number: Profile(f"person{number}@example.com", None, True, number, "a") for number in range(1, 31)}


def validated(root: Path) -> Plan:
    """Return a plan whose batches were validated by the platforms."""
    return planned(root, PlanOptions(remote_validate=True))


def filled(shop: Shop) -> None:
    """Bring seven people there, and let 23 more enter."""
    shop.apply()
    write_people(shop.root, MORE, parquet=True)


def test_a_batch_is_validated_and_nothing_is_done(tmp_path):
    """Ten of those who would be added are shown to the platform; it has as many members as before."""
    with opened(tmp_path, "match") as shop:
        filled(shop)
        plan = validated(tmp_path)

        assert (
            "binding.one: the platform accepts a batch of 10 people; nothing was done there",
        ) == plan.notes
        assert 7 == shop.people()


def test_what_the_platform_would_not_take_stops_the_plan(tmp_path):
    """Its message is shown, and nothing was done."""
    with opened(tmp_path, "match") as shop:
        filled(shop)
        shop.sandbox.faults.add(
            FaultKind.ERROR, type="match", operation="add", category=Category.INVALID_REQUEST
        )
        with pytest.raises(DiagnosticError) as caught:
            validated(tmp_path)

        assert ["remote-validation-failed"] == [item.code for item in caught.value.diagnostics]
        assert 7 == shop.people()


def test_a_destination_that_is_not_there_yet_cannot_be_asked_about(tmp_path):
    """The plan says that it was not validated, and why."""
    with opened(tmp_path, "match"):
        notes = validated(tmp_path).notes

        assert ("binding.one was not validated by its platform: its destination does not exist yet",) == notes


def test_a_type_that_validates_nothing_is_not_asked(tmp_path):
    """A batch without such a switch would be done, so none is sent."""
    with opened(tmp_path, "mail") as shop:
        filled(shop)
        (note,) = validated(tmp_path).notes

        assert "does not validate without doing" in note
        assert 7 == shop.people()
