"""Clients that we did not write send through a running collector, and the destination gets exactly what they sent."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from audiform.sandbox.serve import serve
from run.stage import KEY, Stage, services, until

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parent.parent / ".cache" / "node"
"""Where npm keeps the libraries between runs."""
WHEN = datetime(2026, 11, 24, 10, 0, 0, 123_000, UTC)
LINES = [{"sku": "a", "n": 2}]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    """Run a collector with the event connector `crm` for all tests."""
    with serve(services("crm")) as sandbox:
        made = Stage(tmp_path_factory.mktemp("clients"), sandbox)
        made.apply(crm={})
        with made.running():
            yield made


@pytest.fixture(scope="session")
def node() -> Path:
    """Return a folder with Segment's Node library, installed by npm as the lock file says, once for each lock file."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: apt-get install nodejs npm (.ci/run does)")
    PACKAGES.mkdir(parents=True, exist_ok=True)
    lock, done = HERE / "node" / "package-lock.json", PACKAGES / "installed.json"
    shutil.copy(HERE / "node" / "send.js", PACKAGES)
    if not done.exists() or done.read_bytes() != lock.read_bytes():
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "node" / name, PACKAGES)
        command = (npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        subprocess.run(command, cwd=PACKAGES, check=True, timeout=120)
        shutil.copy(lock, done)
    return PACKAGES


def came(stage: Stage, prefix: str, count: int) -> dict[str, dict[str, Any]]:
    """Return the events with such ids that reached the destination, without when they were received."""

    def found() -> list[dict[str, Any]]:
        events = list(stage.sandbox.world.account("crm").events.last)
        return [event for event in events if event["id"].startswith(prefix)]

    until(lambda: len(found()) >= count)
    assert count == len(found())
    return {event["id"]: {k: v for k, v in event.items() if k not in ("id", "received")} for event in found()}


def test_segments_python_library(stage):
    """Each call of it arrives once, with all that it says; the library reports no error."""
    from segment.analytics import Client

    failed: list[Exception] = []
    client = Client(
        KEY,
        host=f"http://127.0.0.1:{stage.port}",
        on_error=lambda error, _: failed.append(error),
        gzip=True,
        upload_size=2,
        upload_interval=0.1,
    )
    who = {"user_id": "u-py", "anonymous_id": "a-py"}
    client.identify(**who, traits={"plan": "pro", "city": "Zürich"}, message_id="py-identify")
    client.track(
        **who,
        event="Order Completed",
        properties={"total": 12.5, "lines": LINES},
        timestamp=WHEN,
        message_id="py-track",
        context={"ip": "192.0.2.1"},
    )
    client.page(**who, category="Docs", name="Events", properties={"path": "/events"}, message_id="py-page")
    client.screen(**who, name="Basket", properties={"items": 3}, message_id="py-screen")
    client.group(**who, group_id="g-1", traits={"seats": 4}, message_id="py-group")
    client.alias(previous_id="a-before", user_id="u-py", message_id="py-alias")
    client.shutdown()
    arrived = came(stage, "py-", 6)

    assert [] == failed
    assert {
        "py-identify": ("identify", None, "traits", {"plan": "pro", "city": "Zürich"}),
        "py-track": ("track", "Order Completed", "properties", {"total": 12.5, "lines": LINES}),
        "py-page": ("page", "Events", "properties", {"path": "/events"}),
        "py-screen": ("screen", "Basket", "properties", {"items": 3}),
        "py-group": ("group", None, "traits", {"seats": 4}),
        "py-alias": ("alias", None, "previous_id", "a-before"),
    } == {key: _said(event) for key, event in arrived.items()}
    assert {"u-py"} == {event["user_id"] for event in arrived.values()}
    track = arrived["py-track"]
    assert ("a-py", "2026-11-24T10:00:00.123Z", "web") == (
        track["anonymous_id"],
        track["time"],
        track["source"],
    )
    assert "Docs" == arrived["py-page"]["category"]
    assert "192.0.2.1" == track["context"]["ip"]
    assert "analytics-python" == track["context"]["library"]["name"]


def test_segments_node_library(stage, node):
    """Each call of it arrives once, with all that it says; the library reports no error."""
    command = ("node", "send.js", f"http://127.0.0.1:{stage.port}", KEY)
    done = subprocess.run(command, cwd=node, capture_output=True, text=True, timeout=60, check=False)
    arrived = came(stage, "node-", 6)

    assert (0, "") == (done.returncode, done.stderr)
    assert {
        "node-identify": ("identify", None, "traits", {"plan": "pro", "city": "Zürich"}),
        "node-track": ("track", "Order Completed", "properties", {"total": 12.5, "lines": LINES}),
        "node-page": (
            "page",
            "Events",
            "properties",
            {"path": "/events", "category": "Docs"},
        ),
        "node-screen": ("screen", "Basket", "properties", {"items": 3}),
        "node-group": ("group", None, "traits", {"seats": 4}),
        "node-alias": ("alias", None, "previous_id", "a-before"),
    } == {key: _said(event) for key, event in arrived.items()}
    assert {"u-node"} == {event["user_id"] for event in arrived.values()}
    assert "2026-11-24T10:00:00.123Z" == arrived["node-track"]["time"]
    assert "@segment/analytics-node" == arrived["node-track"]["context"]["library"]["name"]


def _said(event: dict[str, Any]) -> tuple[Any, ...]:
    what = next(name for name in ("properties", "traits", "previous_id") if name in event)
    return event["type"], event["name"], what, event[what]


@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_the_cloudevents_sdk(mode, stage):
    """An event in either mode of its HTTP binding arrives once, with its attributes, extensions and data."""
    from cloudevents.core.bindings.http import to_binary_event, to_structured_event
    from cloudevents.core.v1.event import CloudEvent

    event_id = "41ddee3b-0000-4000-8000-" + ("0" * 12 if mode == "binary" else "1" * 12)
    attributes = {
        "id": event_id,
        "source": "/shops/zürich",
        "type": "com.example.order.completed",
        "time": WHEN,
        "subject": "order-7",
        "datacontenttype": "application/json",
        "userid": "u-ce",
    }
    event = CloudEvent(attributes, {"total": 12.5, "lines": LINES})
    message = (to_binary_event if mode == "binary" else to_structured_event)(event)
    answer = httpx.post(
        f"http://127.0.0.1:{stage.port}/v1/events",
        headers=dict(message.headers),
        content=message.body,
        auth=(KEY, ""),
    )
    arrived = came(stage, event_id, 1)

    assert (200, {"success": True}) == (answer.status_code, answer.json())
    assert {
        "source": "web",
        "type": "com.example.order.completed",
        "name": None,
        "time": "2026-11-24T10:00:00.123Z",
        "user_id": "u-ce",
        "properties": {"total": 12.5, "lines": LINES},
        "cloud_event": {
            "id": event_id,
            "source": "/shops/zürich",
            "subject": "order-7",
            "extensions": {"userid": "u-ce"},
        },
    } == arrived[event_id]


def test_segments_python_library_is_told_that_a_key_is_wrong(stage, caplog):
    """It gives up at once and says why, and nothing arrives."""
    from segment.analytics import Client

    failed: list[Exception] = []
    client = Client(
        "canary-other-key",
        host=f"http://127.0.0.1:{stage.port}",
        on_error=lambda error, _: failed.append(error),
    )
    caplog.set_level(logging.CRITICAL, logger="segment")
    client.track("u-no", "Viewed", message_id="no-1")
    client.shutdown()

    assert [401] == [getattr(error, "status", None) for error in failed]
    assert {} == came(stage, "no-", 0)
