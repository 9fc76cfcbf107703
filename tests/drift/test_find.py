"""Drift, layer by layer: objects as applied, changed or gone; people counted, listed, late, or nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from audiform.drift.find import find_drift
from audiform.drift.report import Drifted, Verdict
from audiform.sandbox.faults import FaultKind
from audiform.state.store import HistoryEntry
from delivery.conftest import keys, named
from delivery.deliveries import COUNTED, NOON, Shop, emails, shop
from delivery.test_faults import fault

__all__ = ["keys", "named"]


def drifted(opened: Shop) -> Drifted:
    """Return what is found of the only binding."""
    (one,) = opened.ask(find_drift).bindings
    return one


def remote(opened: Shop) -> Any:
    """Return the only object at the platform."""
    (one,) = opened.sandbox.destinations(opened.kind)
    return one


def test_what_is_as_applied_has_not_drifted(named: Shop):
    """The object is as written, and who is there is whom the ledger has."""
    named.people(*emails("ann", "bob"))
    named.deliver()
    one = drifted(named)

    assert (Verdict.SAME, Verdict.SAME) == one.verdicts
    assert (2, 2, 0, 0) == (
        one.members.ledger,
        one.members.platform.value,
        one.members.missing,
        one.members.others,
    )


def test_a_changed_object_and_exchanged_people_are_drift(named: Shop):
    """A new name says what it was; one who was taken out and one who was put in are counted apart, though the sum is right."""
    named.people(*emails("ann", "bob"))
    named.deliver()
    there = remote(named)
    there.attributes["name"] = "Renamed by hand"
    there.members.people["Eve@example.com"] = there.members.people.pop("bob@example.com")
    one = drifted(named)

    assert (Verdict.DRIFT, Verdict.DRIFT) == one.verdicts
    assert [("destination.name", "buyers", "Renamed by hand")] == [
        (field.path, field.before, field.after) for field in one.objects.fields
    ]
    assert (2, 1, 1) == (one.members.platform.value, one.members.missing, one.members.others)


def test_a_platform_that_does_not_answer_is_no_drift_and_no_zero(named: Shop):
    """What failed is said as failed, with what the platform said, and its figure is unknown."""
    named.people(*emails("ann"))
    named.deliver()
    named.sandbox.faults.waiting.append(fault(FaultKind.STATUS, "members", times=9, status=403))
    one = drifted(named)

    assert (Verdict.SAME, Verdict.FAILED) == one.verdicts
    assert ("unknown", 1) == (one.members.platform.quality, one.members.ledger)
    assert "403" in one.members.why


def test_a_type_that_is_not_read_back_says_so(keys: Shop):
    """Members are unknown, with the reason; an object that is gone is drift all the same."""
    keys.people(*emails("ann"))
    keys.deliver()
    before = drifted(keys)
    keys.sandbox.world.accounts[keys.kind].destinations.clear()
    after = drifted(keys)

    assert [(Verdict.SAME, Verdict.UNKNOWN), (Verdict.DRIFT, Verdict.UNKNOWN)] == [
        before.verdicts,
        after.verdicts,
    ]
    assert "read_back: none" in before.members.why
    assert (False, True) == (before.objects.gone, after.objects.gone)


@pytest.mark.parametrize(
    ("gone", "moved", "expected"),
    [(0, None, Verdict.SAME), (5, None, Verdict.SAME), (6, None, Verdict.DRIFT), (6, NOON, Verdict.UNKNOWN)],
    ids=["all there", "within tolerance", "beyond tolerance", "too early"],
)
def test_a_count_may_be_rough_and_late(gone, moved, expected, tmp_path: Path):
    """Within what the manifest allows nothing has drifted; soon after people were sent nobody can tell."""
    with shop(tmp_path, COUNTED) as opened:
        opened.people(*emails(*(f"person{number}" for number in range(10))))
        opened.deliver()
        people = remote(opened).members.people
        for name in list(people)[:gone]:
            del people[name]
        if moved is not None:
            key = opened.destination_key()
            entry = HistoryEntry("h", "sync", "ci", moved, moved, 1, 1, {"moved": [{"destination_key": key}]})
            opened.remember(entry)
        one = drifted(opened)

    assert (Verdict.SAME, expected) == one.verdicts
    quality = "unknown" if expected is Verdict.UNKNOWN else "estimated"
    assert (10, quality) == (one.members.ledger, one.members.platform.quality)
