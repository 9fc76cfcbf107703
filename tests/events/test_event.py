"""Events as they are kept."""

from __future__ import annotations

from audiform.events.event import Event

EVENT = Event(
    "e1",
    "shop",
    "track",
    "Order Completed",
    "2026-11-24T10:00:00.000Z",
    "2026-11-24T10:00:01.250Z",
    {"user_id": "u1", "properties": {"total": 12.5, "lines": [{"sku": "ä"}]}},
)


def test_an_event_comes_back_from_its_json_as_it_was():
    """What a log stores is the whole event."""
    assert Event.from_json(EVENT.to_json()) == EVENT


def test_an_event_shows_nobody():
    """The person whom an event is about stands in no message that an event gets into by accident."""
    assert "u1" not in repr(EVENT)
