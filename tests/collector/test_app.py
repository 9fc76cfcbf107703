"""What clients are told, and what is in the log afterwards."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace

import pytest

from audiform.collector.source import Limits
from audiform.collector.violations import event_types
from audiform.eventlog.log import LogUnavailableError
from audiform.eventlog.memory import MemoryLog
from audiform.events.event import Event
from collector.client import BASIC, KEY, TRACK, Client

RECEIVED = "2026-11-24T12:00:00.500Z"


def test_a_call_of_segments_api_is_an_event():
    """Names of the top level become snake case, what is inside stays as it was sent."""
    client = Client()
    said = TRACK | {
        "timestamp": "2026-11-24T12:59:59.123+01:00",
        "context": {"userAgent": "x"},
        "anonymousId": 7,
    }

    assert (200, {"success": True}) == (
        client.post("/v1/track", said).status,
        client.post("/v1/track", said).body,
    )
    body = {
        "user_id": "u-1",
        "anonymous_id": "7",
        "properties": {"total": 12.5},
        "context": {"userAgent": "x"},
    }
    assert [
        Event("m-1", "web", "track", "Order Completed", "2026-11-24T11:59:59.123Z", RECEIVED, body)
    ] == client.kept


@pytest.mark.parametrize(
    ("call", "said", "name"),
    [
        ("identify", {"userId": "u-1", "traits": {"plan": "pro"}}, None),
        ("page", {"anonymousId": "a-1", "name": "Home"}, "Home"),
        ("screen", {"anonymousId": "a-1", "name": "Cart"}, "Cart"),
        ("group", {"userId": "u-1", "groupId": "g-1"}, None),
        ("alias", {"userId": "u-1", "previousId": "a-1"}, None),
    ],
)
def test_every_call_has_its_path(call, said, name):
    """Also the short ones that browsers use."""
    client = Client()

    assert (200, 200) == (client.post(f"/v1/{call}", said).status, client.post(f"/v1/{call[0]}", said).status)
    assert [(call, name)] * 2 == [(event.type, event.name) for event in client.kept]


def test_a_batch_says_what_of_it_was_not_taken():
    """The good ones are kept and nobody sends them again; the others are named by their place, without their values."""
    client = Client()
    batch = [
        TRACK | {"type": "track"},
        {"type": "track", "event": "canary-name"},
        "canary",
        {"type": "page", "userId": 1},
    ]
    told = client.post("/v1/batch", {"batch": batch, "context": {"ip": "192.0.2.1"}})

    assert (200, True, 2) == (told.status, told.body["success"], told.body["accepted"])
    assert [(1, "invalid_event"), (2, "invalid_event")] == [
        (r["index"], r["reason"]) for r in told.body["rejected"]
    ]
    assert "canary" not in json.dumps(told.body)
    assert [{"ip": "192.0.2.1"}] * 2 == [event.body["context"] for event in client.kept]
    assert ({"web": 2}, {("web", "invalid_event"): 2}) == (
        client.collector.figures.taken,
        client.collector.figures.refused,
    )


def test_a_batch_without_one_good_event_is_refused():
    """A client that checks the status sees it."""
    told = Client().post("/v1/batch", {"batch": [{"type": "track"}]})

    assert (400, False, 0) == (told.status, told.body["success"], told.body["accepted"])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"event": "A"}, "`userId`"),
        ({"userId": "u-1"}, "name of the `event`"),
        ({"userId": "u-1", "event": {"a": 1}}, "`event` is a text"),
        ({"userId": "u" * 600, "event": "A"}, "at most 512"),
        ({"userId": "u-1", "event": "A", "properties": [1]}, "`properties` is a JSON object"),
        ({"userId": "u-1", "event": "A", "timestamp": "yesterday"}, "RFC 3339"),
        ({"userId": "u-1", "event": "A", "timestamp": "2026-11-24T14:00:00Z"}, "in the future"),
        ([1], "JSON object"),
        (b"{", "not JSON"),
        (b'{"a": "\xff"}', "not JSON"),
        (b'{"a":' + b"[" * 2_000, "not JSON"),
        (b'{"userId":"u","event":"A","properties":{"a":' + b"[" * 30 + b"]" * 30 + b"}}", "nested deeper"),
        (b'{"userId":"u","event":"A","properties":{"a":"' + b"x" * 70_000 + b'"}}', "an event has at most"),
        (b" " * 1_000_001, "the body has more than"),
    ],
    ids=[
        "nobody",
        "nameless",
        "name_no_text",
        "long_id",
        "no_object",
        "no_time",
        "future",
        "list",
        "cut",
        "bytes",
        "very_deep",
        "deep",
        "large_event",
        "large_body",
    ],
)
def test_what_is_wrong_is_refused_with_the_reason(said, why):
    """Nothing is kept."""
    client = Client()
    told = client.post("/v1/track", said)

    assert told.status in {400, 413}
    assert why in told.body["message"]
    assert [] == client.kept


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": BASIC}, 200),
        ({"authorization": f"Bearer {KEY}"}, 200),
        ({"authorization": "Bearer another"}, 401),
        ({"authorization": "Basic !!"}, 401),
        ({"authorization": "Digest x"}, 401),
        ({}, 401),
    ],
    ids=["basic", "bearer", "wrong", "broken", "other", "none"],
)
def test_a_write_key_opens_its_source(headers, status):
    """Segment's clients send it as the user of Basic authentication."""
    told = Client().ask("POST", "/v1/track", json.dumps(TRACK).encode(), headers)

    assert status == told.status
    assert ("www-authenticate" in told.headers) is (status == 401)


def test_a_browser_puts_the_key_into_the_body():
    """That saves it a preflight; the key is not kept."""
    client = Client(origins=("https://shop.example.com",))
    headers = {"content-type": "text/plain", "origin": "https://shop.example.com"}
    told = client.ask("POST", "/v1/t", json.dumps(TRACK | {"writeKey": KEY}).encode(), headers)

    assert (200, "https://shop.example.com") == (told.status, told.headers["access-control-allow-origin"])
    assert KEY not in str(client.kept[0].body)


def test_only_pages_of_allowed_origins_may_send():
    """A preflight says so, and an event of another page is refused."""
    client = Client(origins=("https://shop.example.com",))
    asked = {"access-control-request-headers": "authorization", "access-control-request-method": "POST"}
    good = client.ask("OPTIONS", "/v1/track", headers=asked | {"origin": "https://shop.example.com"})
    bad = client.ask("OPTIONS", "/v1/track", headers=asked | {"origin": "https://evil.example.com"})
    told = client.post("/v1/track", TRACK, {"origin": "https://evil.example.com"})

    assert (204, "https://shop.example.com") == (good.status, good.headers["access-control-allow-origin"])
    assert "access-control-allow-origin" not in bad.headers
    assert (403, "origin_not_allowed") == (told.status, told.body["reason"])


def test_gzip_is_read_and_a_bomb_is_not():
    """The limit holds for what comes out."""
    client = Client()
    packed = gzip.compress(json.dumps(TRACK).encode())
    bomb = gzip.compress(b" " * 50_000_000)
    told = [
        client.post("/v1/track", body, {"content-encoding": encoding})
        for body, encoding in (
            (packed, "gzip"),
            (bomb, "gzip"),
            (packed[:-9], "gzip"),
            (b"{}", "gzip"),
            (zlib.compress(b"{}"), "br"),
        )
    ]

    assert [200, 413, 400, 400, 415] == [each.status for each in told]


def test_a_body_may_come_in_pieces():
    """And one that says nothing of its length is not read beyond the limit."""
    client = Client(limits=Limits(max_body_bytes=1_000))
    headers = {"authorization": BASIC}

    assert 200 == client.ask("POST", "/v1/track", json.dumps(TRACK).encode(), headers, pieces=5).status
    assert 413 == client.ask("POST", "/v1/track", b" " * 2_000, headers, pieces=5).status


def test_a_batch_has_a_most():
    """Also in the size of each of its events."""
    client = Client(limits=Limits(max_batch=2, max_event_bytes=500))
    event = TRACK | {"type": "track"}
    large = event | {"messageId": "m-2", "properties": {"a": "x" * 600}}

    assert 413 == client.post("/v1/batch", {"batch": [event] * 3}).status
    assert ["too_large"] == [
        r["reason"] for r in client.post("/v1/batch", {"batch": [event, large]}).body["rejected"]
    ]


def test_a_key_has_a_rate():
    """Whoever sends more is told when to come back, and each key has its own."""
    client = Client(rate=2)
    first = [client.post("/v1/track", TRACK | {"messageId": f"m-{n}"}).status for n in range(3)]
    late = client.post("/v1/track", TRACK)
    other = client.post("/v1/track", TRACK, {"authorization": "Bearer second-key"})
    client.monotonic[0] = 1.0

    assert [200, 200, 429] == first
    assert (429, "1", "rate_limited") == (late.status, late.headers["retry-after"], late.body["reason"])
    assert (200, 200) == (other.status, client.post("/v1/track", TRACK).status)


def test_a_full_log_is_said():
    """429 with Retry-After, which every client understands."""
    told = Client(log=MemoryLog(most=0)).post("/v1/track", TRACK)

    assert (429, "5", "log_full") == (told.status, told.headers["retry-after"], told.body["reason"])


def test_a_log_that_is_away_is_said():
    """503, and nobody believes that the event is safe."""

    class Away(MemoryLog):
        async def append(self, events):
            raise LogUnavailableError("NATS did not answer (TimeoutError)")

    told = Client(log=Away()).post("/v1/track", TRACK)

    assert (503, "2", "log_unavailable") == (told.status, told.headers["retry-after"], told.body["reason"])


def test_a_wrong_clock_is_set_right():
    """The sender's own time of sending tells how wrong it is; a little is left alone."""
    client = Client()
    slow = {"timestamp": "2026-11-24T10:00:00Z", "sentAt": "2026-11-24T10:00:30.5Z"}
    fine = {"timestamp": "2026-11-24T11:59:00Z", "sentAt": "2026-11-24T11:59:59Z"}
    client.post("/v1/track", TRACK | slow)
    client.post("/v1/batch", {"sentAt": fine["sentAt"], "batch": [TRACK | fine | {"messageId": "m-2"}]})
    client.post("/v1/track", TRACK | {"messageId": "m-3", "timestamp": "2026-11-24T12:30:00Z"})

    assert ["2026-11-24T11:59:30.000Z", "2026-11-24T11:59:00.000Z", RECEIVED] == [
        event.time for event in client.kept
    ]


SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}


@pytest.mark.parametrize(("choice", "status", "kept"), [("refuse", 400, 0), ("flag", 200, 1)])
def test_an_event_that_is_not_as_its_type_says(choice, status, kept):
    """It is refused, or taken and flagged; the place and the rule are said, the value is not."""
    client = Client(types=event_types({"Order Completed": (SCHEMA, choice)}))
    told = client.post("/v1/track", TRACK | {"properties": {"total": "canary@example.com"}})

    assert (status, kept) == (told.status, len(client.kept))
    assert "canary" not in str(told.body)
    if kept:
        assert (["`total` (type)"], {"web": 1}) == (
            client.kept[0].body["violations"],
            client.collector.figures.flagged,
        )
    else:
        assert "`total` (type)" in told.body["message"]
    assert 200 == client.post("/v1/track", TRACK | {"messageId": "m-2"}).status


def test_plain_json_is_one_event_or_many():
    """With names in either case, one object, a list, or a line each; an id is made where there is none."""
    client = Client()
    one = {"id": "p-1", "type": "signup", "time": 1_764_000_000_000, "user_id": "u-1", "plan": "pro"}
    told = [
        client.post("/v1/events", one),
        client.post("/v1/events", [one | {"id": "p-2"}, {"name": "Viewed"}]),
        client.post(
            "/v1/events", b'{"id":"p-3"}\n\n{"id":"p-4"}\n', {"content-type": "application/x-ndjson"}
        ),
    ]

    assert [200] * 3 == [each.status for each in told]
    first, second, made, *lines = client.kept
    assert ("p-1", "signup", None, "2025-11-24T16:00:00.000Z", {"user_id": "u-1", "plan": "pro"}) == (
        first.id,
        first.type,
        first.name,
        first.time,
        first.body,
    )
    assert ("p-2", 32, "track", "Viewed", ["p-3", "p-4"]) == (
        second.id,
        len(made.id),
        made.type,
        made.name,
        [line.id for line in lines],
    )


def test_health_readiness_and_the_rest():
    """Alive is not ready, and a path that does not exist says so."""
    client = Client()
    ready = client.ask("GET", "/readyz")
    client.collector.ready = lambda: "it is stopping"
    client.collector.metrics = lambda: b"a 1\n"
    asked = [client.ask("GET", path) for path in ("/healthz", "/readyz", "/metrics", "/", "/v1/track")]

    assert 200 == ready.status
    assert [200, 503, 200, 404, 405] == [told.status for told in asked]
    assert ("it is stopping", "a 1\n") == (asked[1].body["why"], asked[2].body)


def test_a_client_that_goes_away_gets_no_answer():
    """And nothing of its request is kept."""
    client = Client()
    headers = [(b"authorization", BASIC.encode())]
    messages = [
        {"type": "http.request", "body": b'{"userId":', "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[object] = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    import asyncio

    scope = {"type": "http", "method": "POST", "path": "/v1/track", "headers": headers}
    asyncio.run(client.collector(scope, receive, send))

    assert ([], []) == (sent, client.kept)


def test_an_unchanged_event_is_handed_on_as_it_is():
    """Checking it against no type makes no copy."""
    event = Event("e", "web", "track", "A", RECEIVED, RECEIVED, {})

    assert (event, False) == Client().collector.types.checked(event)
    assert replace(event) == event
