"""What of a printed condition says which files need not be opened: never more than must hold."""

from __future__ import annotations

import pyarrow.compute as pc
import pytest

from audiform.sources.pruning import Compared, compared_in

DAY, SPENT, EMAIL = pc.field("day"), pc.field("spent"), pc.field("email")


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (SPENT >= 10, [Compared("spent", ">=", 10)]),
        (
            (SPENT > -1.5) & (EMAIL == "a) and (spent > 3"),
            [Compared("spent", ">", -1.5), Compared("email", "==", "a) and (spent > 3")],
        ),
        (
            ((SPENT < 3) & SPENT.is_valid()) & (DAY <= "2026-01-01"),
            [Compared("spent", "<", 3), Compared("day", "<=", "2026-01-01")],
        ),
        ((SPENT > 1) | (SPENT < 0), []),
        (~(SPENT > 1), []),
        (EMAIL == 'quoted " and (spent > 3)', []),
        ((EMAIL != "a") & (SPENT + 1 > 3), []),
    ],
    ids=["one", "text", "nested", "or", "not", "quote", "other"],
)
def test_only_what_must_hold_is_taken(condition, found):
    """What stands beside an `or`, in a text or below a function says nothing of a file."""
    assert found == [*compared_in(str(condition))]
