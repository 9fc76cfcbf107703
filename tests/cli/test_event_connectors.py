"""Event connectors where connectors are listed, checked, drawn and led to a sandbox."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.cli.main import run
from audiform.config.load import load
from audiform.connectors.catalog import Catalog
from audiform.sandbox.offer import offered, overrides_text
from audiform.sandbox.serve import Sandbox, serve

PROJECT = """
event_sources:
  web: {{type: http, write_keys: {{web: {{from_env: SHOP_KEY}}}}}}
event_connectors:
  ads:
    type: meta_conversions
    settings: {{dataset_id: "1"}}
    credentials: {{access_token: {{from_env: ADS_TOKEN}}}}
    endpoint: {endpoint}
    events: {{sources: [web]}}
  crm: {{type: http_event, settings: {{url: "https://crm.example.com/e"}}, enabled: false}}
"""


@pytest.fixture
def sandbox():
    """Serve the one platform that is asked."""
    with serve({"ads": Catalog().get("meta_conversions")}) as running:
        yield running


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Path:
    """Return a project with two event connectors."""
    (tmp_path / "audiform.yaml").write_text("project: shop\npolicy: {allowed_hosts: [crm.example.com]}\n")
    (tmp_path / "events.yaml").write_text(PROJECT.format(endpoint=sandbox.endpoint("ads")))
    return tmp_path


def test_they_are_listed_checked_and_drawn(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    snapshot: SnapshotAssertion,
) -> None:
    """They stand among the connectors; the platform is asked about their credentials; they need their sources."""
    monkeypatch.setenv("ADS_TOKEN", "anything")
    monkeypatch.setenv("SHOP_KEY", "anything")
    codes = [
        run(["-C", str(project), *command])
        for command in (["connectors", "list"], ["connectors", "check"], ["graph"], ["doctor"])
    ]
    printed = capsys.readouterr()
    lines = [line for line in printed.out.splitlines() if "event" in line or "ads" in line or "crm" in line]

    assert [0, 0, 0, 0] == codes, printed.err
    assert snapshot == lines
    monkeypatch.setenv("ADS_TOKEN", "expired")
    assert 1 == run(["-C", str(project), "connectors", "check", "event_connector.ads"])


def test_a_sandbox_serves_them_and_shows_what_it_got(project: Path, sandbox: Sandbox) -> None:
    """A generic type is served for each connector, any other by its name; what arrived can be read over HTTP."""
    loaded, _ = load(project)
    assert loaded is not None

    assert {"crm", "meta_conversions"} <= offered(Catalog(), loaded).keys()
    assert (
        'overrides:\n  event_connectors:\n    ads: {endpoint: "http://s/meta_conversions"}\n    crm: {endpoint: "http://s/crm"}'
        == (overrides_text(Catalog(), loaded, "http://s"))
    )
    sandbox.world.account("ads").events.add({"a": 1}, "e1")
    sandbox.world.account("ads").events.add({"a": 1}, "e1")
    assert {"ads": {"events": 1, "doubled": 1}} == httpx.get(f"{sandbox.url}/_sandbox/events").json()
    assert [{"a": 1}] == httpx.get(f"{sandbox.url}/_sandbox/events/ads").json()
