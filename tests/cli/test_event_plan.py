"""Event connectors planned and applied: they start and stop sending at once, and the plan says so before."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audiform.cli.main import run
from audiform.connectors.events.moments import rfc3339
from audiform.eventlog.log import Retention
from audiform.eventlog.sqlite.log import open_log
from audiform.events.event import Event

PROJECT = "project: shop\npolicy: {allowed_hosts: [crm.example.com]}\n"
SOURCE = "event_sources:\n  web: {type: http, write_keys: {web: {from_env: SHOP_KEY}}}\n"
REST = """
event_types:
  order: {event: Order Completed, schema: {type: object, required: [total]}, on_violation: flag}
event_connectors:
  crm:
    type: http_event
    settings: {url: "https://crm.example.com/events"}
    events: {sources: [web], types: [track], filter: event.properties.total > 3}
    map: {channel: {value: web}, plan: {from: event.traits.plan, transform: [lower]}, traits: null}
    on_resume: replay
"""


class Shop:
    """A project on disk, with events in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capsys = capsys
        (root / "audiform.yaml").write_text(PROJECT)
        self.write(SOURCE + REST)

    def write(self, text: str) -> None:
        """Replace what is declared."""
        (self.root / "events.yaml").write_text(text)

    def plan(self) -> str:
        """Return what a plan says."""
        assert run(["-C", str(self.root), "plan"]) == 0
        return self.capsys.readouterr().out

    def apply(self) -> None:
        """Apply what is declared; a plan after that is empty."""
        assert run(["-C", str(self.root), "apply", "--auto-approve"]) == 0
        self.capsys.readouterr()
        assert self.plan().startswith("No changes")


def test_the_life_of_an_event_connector(tmp_path, capsys, monkeypatch, snapshot):
    """It starts, is changed, stops, goes on and ends; each plan says what applying it does, and an apply leaves nothing to do."""
    monkeypatch.setenv("SHOP_KEY", "canary-secret")
    shop = Shop(tmp_path, capsys)
    said = {"it starts": shop.plan()}
    shop.apply()

    monkeypatch.setenv("SHOP_KEY", "rotated-canary-secret")
    shop.write(
        (SOURCE + REST).replace("> 3", "> 4").replace("value: web", "value: app").replace("lower", "upper")
    )
    said["it is changed, and its key"] = shop.plan()
    shop.apply()

    stopped = (SOURCE + REST).replace("on_resume", "enabled: false\n    on_resume")
    shop.write(stopped)
    said["it stops"] = shop.plan()
    shop.apply()

    shop.write(stopped.replace("false", "true").replace("replay", "skip"))
    said["it goes on"] = shop.plan()
    shop.apply()

    shop.write(SOURCE)
    said["it ends"] = shop.plan()
    shop.apply()

    assert snapshot == said
    assert "canary" not in str(said)


def test_a_plan_says_how_much_would_be_sent_now(tmp_path, capsys, monkeypatch):
    """What arrived lately is looked at as the new connector would: what it would not take is not counted."""
    monkeypatch.setenv("SHOP_KEY", "canary-secret")
    shop = Shop(tmp_path, capsys)
    now = datetime.now(UTC)

    async def fill() -> None:
        log = open_log(tmp_path / ".audiform" / "default" / "events", Retention(min_free_bytes=0))
        try:
            await log.append([*arrived(now, 150, total=10), *arrived(now, 50, total=1)])
            await log.append(arrived(now - timedelta(hours=1), 1, total=10))
        finally:
            await log.close()

    asyncio.run(fill())

    said = "about 0.5 events/s now (of 200 events of the last 5 minutes it would have sent 150); no back-fill"
    assert said in shop.plan()


def arrived(at: datetime, count: int, total: int) -> list[Event]:
    """Return events that have arrived at a time."""
    body = {"properties": {"total": total}}
    return [
        Event(f"{total}-{at}-{number}", "web", "track", "Order", rfc3339(at), rfc3339(at), body)
        for number in range(count)
    ]


def test_a_removed_source_of_a_connector_is_forgotten_after_it(tmp_path, capsys, monkeypatch):
    """Destroying takes away connectors before the sources that they name."""
    monkeypatch.setenv("SHOP_KEY", "canary-secret")
    shop = Shop(tmp_path, capsys)
    shop.apply()

    assert run(["-C", str(tmp_path), "destroy", "--auto-approve"]) == 0
    printed = capsys.readouterr()
    done = (printed.out + printed.err).split("Done")[1]
    assert done.index("event_connector.crm") < done.index("event_source.web")
    assert run(["-C", str(tmp_path), "state", "list"]) == 0
    assert "event_" not in capsys.readouterr().out
