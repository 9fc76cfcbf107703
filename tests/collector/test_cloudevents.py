"""CloudEvents 1.0, written by the CloudEvents SDK."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from collector.client import BASIC, Client

WHEN = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
ATTRIBUTES: dict[str, Any] = {
    "id": "c-1",
    "source": "/shop/orders",
    "type": "com.example.order.completed",
    "subject": "größe",
    "time": WHEN,
    "specversion": "1.0",
    "datacontenttype": "application/json",
    "userid": "u-1",
}
SAID = json.dumps({"specversion": "1.0", "id": "c-1", "source": "/s", "type": "t", "data": {"a": 1}}).encode()


@pytest.mark.parametrize("write", [to_binary_event, to_structured_event], ids=["binary", "structured"])
def test_both_modes_are_the_same_event(write):
    """Its id is unique together with its source, its data are the properties, its extensions stay."""
    client = Client()
    message = write(CloudEvent(ATTRIBUTES, {"total": 12.5, "anonymousId": "a-1"}))
    told = client.ask("POST", "/v1/events", message.body, message.headers | {"authorization": BASIC})

    assert (200, {"success": True}) == (told.status, told.body)
    (event,) = client.kept
    assert ("/shop/orders#c-1", "com.example.order.completed", None) == (event.id, event.type, event.name)
    assert "2026-11-24T11:00:00.000Z" == event.time
    origin = {"id": "c-1", "source": "/shop/orders", "subject": "größe", "extensions": {"userid": "u-1"}}
    assert {
        "cloud_event": origin,
        "properties": {"total": 12.5, "anonymousId": "a-1"},
        "user_id": "u-1",
        "anonymous_id": "a-1",
    } == event.body


def test_a_batch_is_a_list():
    """One that is wrong does not take the others with it; a UUID is unique by itself."""
    client = Client()
    own = "0191f3a0-0000-7000-8000-000000000001"
    batch = [json.loads(SAID) | {"id": own}, json.loads(SAID) | {"specversion": "0.3"}]
    told = client.post("/v1/events", batch, {"content-type": "application/cloudevents-batch+json"})

    assert (200, 1, [1]) == (
        told.status,
        told.body["accepted"],
        [each["index"] for each in told.body["rejected"]],
    )
    assert [own] == [event.id for event in client.kept]


@pytest.mark.parametrize(
    ("data", "kind", "kept"),
    [
        (b"hello", "text/plain", {"data": "hello"}),
        (b"\x00\xff", "image/png", {"data": "AP8="}),
        (b'["a"]', "application/json", {"data": ["a"]}),
        (b'{"a":1}', "application/vnd.shop+json", {"properties": {"a": 1}}),
        (b"", "application/json", {}),
    ],
    ids=["text", "bytes", "list", "json", "nothing"],
)
def test_data_is_read_by_its_media_type(data, kind, kept):
    """What is neither text nor JSON stays Base64."""
    client = Client()
    headers = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}
    told = client.ask("POST", "/v1/events", data, headers | {"content-type": kind, "authorization": BASIC})

    assert 200 == told.status
    assert kept == {name: value for name, value in client.kept[0].body.items() if name != "cloud_event"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"specversion": "2"}, "`specversion`"),
        ({"id": ""}, "needs its `id`"),
        ({"source": None}, "needs its `source`"),
        ({"type": 7}, "needs its `type`"),
        ({"data_base64": "?"}, "not Base64"),
        ({"time": "2026-11-24T18:00:00Z"}, "in the future"),
    ],
    ids=["version", "id", "source", "type", "base64", "future"],
)
def test_what_is_no_cloudevent_is_refused(change, why):
    """With what it lacks."""
    headers = {"content-type": "application/cloudevents+json"}
    told = Client().post("/v1/events", json.loads(SAID) | change, headers)

    assert 400 == told.status
    assert why in told.body["message"]


def test_data_that_is_not_what_it_says_is_refused():
    """A producer with a wrong content type hears of it."""
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/s",
        "ce-type": "t",
        "authorization": BASIC,
    }
    told = [
        Client().ask("POST", "/v1/events", b"\xff", headers | {"content-type": kind})
        for kind in ("application/json", "text/plain")
    ]
    told.append(Client().ask("POST", "/v1/events", b"", headers | {"ce-subject": "%ff"}))

    assert [400, 400, 400] == [each.status for each in told]
