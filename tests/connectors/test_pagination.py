"""How a listing goes on, page by page."""

from __future__ import annotations

import pytest

from audiform.connectors.manifest import Pagination
from audiform.connectors.pagination import next_request
from audiform.outcome import Outcome, OutcomeKind, Request

FIRST = Request("GET", "https://api.example.com/lists")


def rebuilt(cursor):
    """Return the listing's request with a cursor."""
    return Request("GET", f"https://api.example.com/lists?offset={cursor}")


def page(**extracted):
    """Return the outcome of a page."""
    named = {name.replace("_", "."): value for name, value in extracted.items()}
    return Outcome(OutcomeKind.ACCEPTED, extracted=named)


@pytest.mark.parametrize("total", [12, "12"])
def test_an_offset_goes_on_until_all_are_read(total):
    """The next page begins after what was read, while the platform says that there is more."""
    style = Pagination(style="offset")
    assert rebuilt("5") == next_request(style, page(page_total=total), FIRST, rebuilt, read=5)
    assert next_request(style, page(page_total=total), FIRST, rebuilt, read=12) is None


def test_an_offset_without_a_total_ends():
    """A platform that does not say how many there are gives one page."""
    assert next_request(Pagination(style="offset"), page(), FIRST, rebuilt, read=5) is None


def test_a_page_that_adds_nothing_ends_the_listing():
    """A request that would be sent again as it was is not: it would go on for ever."""
    style = Pagination(style="offset")
    assert next_request(style, page(page_total=9), rebuilt("5"), rebuilt, read=5) is None


def test_a_cursor_goes_into_the_next_request():
    """What the answer calls next is the next request's cursor; without one the listing ends."""
    style = Pagination(style="cursor")
    assert rebuilt("abc") == next_request(style, page(page_next="abc"), FIRST, rebuilt)
    assert next_request(style, page(), FIRST, rebuilt) is None
