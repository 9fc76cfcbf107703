"""`requires`: which versions a project allows."""

from __future__ import annotations

import pytest

from audiform.config.version import allows


@pytest.mark.parametrize(
    ("requires", "version", "allowed"),
    [
        (">=0.1", "0.1.0", True),
        (">=0.1", "0.0.9", False),
        (">=0.1,<0.2", "0.1.7", True),
        (">=0.1,<0.2", "0.2.0", False),
        ("==0.1", "0.1.0", True),
        ("!=0.1.3", "0.1.3", False),
        (">0.9", "0.10.0", True),
        ("<=1", "1.0.0", True),
        (" >= 0.1 , < 2 ", "1.9.9", True),
        (">=0.1", "0.1.0.dev3", True),
    ],
)
def test_allows(requires, version, allowed):
    """Each part must hold; numbers are compared as numbers, and a missing one is zero."""
    assert allowed is allows(requires, version)


@pytest.mark.parametrize(
    "requires", ["", "newest", "0.1", ">=", ">=0.1;<2", "~=0.1", ">=0.1,", ">=1.2.3.4.5"]
)
def test_what_is_no_requirement_is_refused(requires):
    """Anything else is refused, with an example of how one looks."""
    with pytest.raises(ValueError, match=r"write `>=0\.1`"):
        allows(requires, "0.1.0")
