"""From an event to a record, or a reason why there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiform.cases.events import event_of
from audiform.config.event_kinds import EventConnector
from audiform.connectors.catalog import Catalog
from audiform.events.route import Mapped, NotSent, Reason
from audiform.events.routing import CompiledRoute, UncompilableError, compile_route

START = datetime(2026, 1, 1, tzinfo=UTC)
ORDER = {
    "name": "Order Completed",
    "user_id": "u1",
    "properties": {"total": 30, "coupon": None, "lines": [{"sku": "a", "n": 2}, {"sku": "b"}]},
    "context": {"consent": {"ads": True}},
}


def route(**body: Any) -> CompiledRoute:
    """Return the way of an `http_event` connector whose records are its fields."""
    settings = {"url": "https://crm.example.com/x", **body.pop("settings", {})}
    connector = EventConnector.model_validate({"type": "http_event", "settings": settings, **body})
    return compile_route("crm", connector, Catalog().get("http_event"), lambda: START)


def offered(way: CompiledRoute, **changes: Any) -> Mapped | NotSent:
    """Offer an order that is changed."""
    return way.offer(event_of({**ORDER, **changes}, 1))


def test_an_event_becomes_a_record():
    """A record has its fields, its size as it is written, and the key by which order is kept."""
    found = offered(
        route(
            map={"cents": {"from": "event.properties.total", "transform": ["minor_units:EUR"]}},
            settings={"send": {"row": {"id": "${row.event_id}", "cents": "${row.cents}", "shop": "eu"}}},
            order_by="event.user_id",
        )
    )

    assert isinstance(found, Mapped)
    assert {"id": "e1", "cents": 3000, "shop": "eu"} == orjson.loads(found.row)
    assert ("e1", "u1", len(found.row)) == (found.event_id, found.order_key, found.size)
    assert "u1" not in repr(found)


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ({"sources": ["shop"]}, None),
        ({"sources": ["app"]}, Reason.OTHER_SOURCE),
        ({"types": ["identify"]}, Reason.OTHER_EVENT),
        ({"names": ["Order Refunded"]}, Reason.OTHER_EVENT),
        ({"names": ["Signed Up", "Order *"]}, None),
        ({"names": ["Order [C]*"]}, Reason.OTHER_EVENT),
        ({"filter": "event.properties.total > 20"}, None),
        ({"filter": "event.properties.total > 30"}, Reason.FILTERED),
        ({"filter": "event.properties.missing.deeper > 1 or event.name == 'Order Completed'"}, None),
        ({"filter": "event.properties.missing < 1"}, Reason.FILTERED),
        ({"filter": "not event.properties.is_test"}, None),
        ({"filter": "event.properties.coupon is defined"}, Reason.FILTERED),
        ({"filter": "event.properties.coupon == none"}, None),
        ({"filter": "event.name > 3"}, Reason.FILTERED),
        ({"filter": "'Order' in event.name and event.properties.lines | length == 2"}, None),
        ({"filter": "event.properties.lines[0].sku == 'a'"}, None),
    ],
)
def test_a_choice_of_events(events, reason):
    """What is not chosen is not sent, for the first reason; what a filter cannot compare does not hold."""
    found = offered(route(events=events))

    assert reason == (found.reason if isinstance(found, NotSent) else None)


@pytest.mark.parametrize("said", [False, None, "true", 1])
def test_consent_is_true_or_it_is_none(said):
    """Only `true` is consent: what is absent, or a text, is none."""
    way = route(consent="event.context.consent.ads")

    assert isinstance(offered(way), Mapped)
    refused = offered(way, context={"consent": {"ads": said}})
    assert NotSent(Reason.NO_CONSENT, "`event.context.consent.ads` is not true") == refused


def test_what_is_too_old_is_not_sent():
    """An event that the platform would refuse for its age is not sent; one that is young enough is."""
    way = route(settings={"limits": {"oldest_hours": 2}})

    def at(hours: float) -> Mapped | NotSent:
        time = (START - timedelta(hours=hours)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return offered(way, time=time)

    assert isinstance(at(1.9), Mapped)
    old = at(2.1)
    assert isinstance(old, NotSent)
    assert Reason.TOO_OLD is old.reason


def test_fields_are_filled_by_the_map():
    """A path, the first of several that is there, a list made anew, a constant, a key of an object, and nothing."""
    way = route(
        map={
            "who": {"from": ["event.traits.email", "event.user_id"]},
            "lines": {"from": "event.properties.lines", "each": {"id": "item.sku", "quantity": "item.n"}},
            "channel": {"value": "web"},
            "properties.extra": {"value": 1},
            "event_type": None,
            "missing": "event.nowhere",
        }
    )
    found = offered(way)

    assert isinstance(found, Mapped)
    fields = {name: found.fields.get(name) for name in ("who", "lines", "channel", "event_type", "missing")}
    assert {
        "who": "u1",
        "lines": [{"id": "a", "quantity": 2}, {"id": "b"}],
        "channel": "web",
        "event_type": None,
        "missing": None,
    } == fields
    assert {**ORDER["properties"], "extra": 1} == found.fields["properties"]  # type: ignore[dict-item]
    assert "extra" not in ORDER["properties"], "the event itself was changed"


def test_a_value_that_does_not_fit_is_a_reason_without_the_value():
    """What cannot be what a field wants is said by the field and the path, and the value is nobody's to read."""
    found = offered(route(map={"cents": {"from": "event.user_id", "transform": ["minor_units:EUR"]}}))

    assert (
        NotSent(Reason.INVALID_FIELD, "`cents` cannot be filled from `event.user_id`: it is no number")
        == found
    )


def test_a_required_field_that_is_missing_is_a_reason():
    """A type's required fields, and its groups of which one must be there, are held for each event."""
    connector = EventConnector.model_validate(
        {"type": "meta_conversions", "settings": {"dataset_id": "1"}, "map": {"external_id": None}}
    )
    way = compile_route("ads", connector, Catalog().get("meta_conversions"), lambda: START)

    nameless, unknown = offered(way, name=None), offered(way)
    assert isinstance(nameless, NotSent)
    assert (Reason.MISSING_FIELD, "`event_name` is required, and there is nothing at `event.name`") == (
        nameless.reason,
        nameless.detail,
    )
    assert isinstance(unknown, NotSent)
    assert "one of `email`, `phone`" in unknown.detail


def test_a_map_that_is_wrong_is_no_way():
    """A connector that cannot work as it is recorded says why, at once."""
    with pytest.raises(UncompilableError, match="path begins with"):
        route(map={"a": "properties.total"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HOSTILE = JSON | st.sampled_from(
    ["1e999999999", "²", "nan", "\ud800", "\x00", "0001-01-01T00:00:00+14:00", 1e300]
)
NAMES = st.sampled_from(["total", "currency", "order_id", "products", "query", "name", "value"])


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(NAMES, HOSTILE), HOSTILE, HOSTILE, HOSTILE)
def test_whatever_is_sent_becomes_a_record_or_a_reason(
    properties: dict[str, Any], user: Any, context: Any, name: Any
) -> None:
    """No event of anybody stops those behind it, and a record is always JSON."""
    entry = {"from": "event.properties.value", "transform": ["major_units:EUR"]}
    body = {"type": "meta_conversions", "settings": {"dataset_id": "1"}, "map": {"value": entry}}
    kind = Catalog().get("meta_conversions")
    way = compile_route("ads", EventConnector.model_validate(body), kind, lambda: START)
    found = way.offer(
        event_of({"name": name, "user_id": user, "properties": properties, "context": context}, 1)
    )

    assert isinstance(found, Mapped | NotSent)
    if isinstance(found, Mapped):
        assert isinstance(orjson.loads(found.row), dict)
