"""Tests of event connectors that a project brings with it: an event in, a request out, or not sent, because."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from audiform.config.load import load
from audiform.config.project_tests import read_tests
from audiform.connectors.catalog import Catalog
from audiform.project_tests.run import run_test

PROJECT = """
event_sources:
  web: {type: http, write_keys: {web: {from_env: K}}}
event_connectors:
  crm:
    type: http_event
    settings: {url: "https://crm.example.com/e", send: {row: {name: "${row.event_name}", cents: "${row.cents}"}}}
    events: {sources: [web], types: [track], filter: event.properties.total > 20}
    map: {cents: {from: event.properties.total, transform: ["minor_units:EUR"]}}
    consent: event.context.ads
"""
ORDER = "{name: Order, properties: {total: 30}, context: {ads: true}}"
SMALL = "{name: Order, properties: {total: 3}, context: {ads: true}}"
REFUSED = "{name: Order, properties: {total: 30}, context: {ads: false}}"
PAGE = "{type: page}"
REQUEST = '{method: POST, url: "https://crm.example.com/e", body: {name: Order, cents: 3000}}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one event connector."""
    (tmp_path / "audiform.yaml").write_text("project: shop\npolicy: {allowed_hosts: [crm.example.com]}\n")
    (tmp_path / "all.yaml").write_text(PROJECT)
    return tmp_path


def problems(project: Path, body: str) -> list[str]:
    """Run one test and return what it found, or what is wrong with it as a test."""
    (project / "tests.yaml").write_text(f"tests:\n  it: {body}\n")
    loaded, found = load(project, None)
    assert loaded is not None, list(found)
    tests, wrong = read_tests(project)
    if list(wrong):
        return [item.detail for item in wrong]
    return [*asyncio.run(run_test(loaded, Catalog(project), "it", tests["it"])).problems]


def test_events_become_requests_or_are_not_sent_for_a_reason(project):
    """What is sent is as it would be in a run, and what is not has a reason each."""
    given = f"event_connector: crm, events: [{ORDER}, {SMALL}, {REFUSED}, {PAGE}]"
    expect = f"requests: [{REQUEST}], not_sent: {{filtered: 1, no_consent: 1, other_event: 1}}"

    assert [] == problems(project, f"{{{given}, expect: {{{expect}}}}}")
    elsewhere = f"{{event_connector: crm, events: [{ORDER[:-1]}, source: app}}], expect: {{not_sent: {{other_source: 1}}}}}}"
    assert [] == problems(project, elsewhere)
    assert [] == problems(project, "{event_connector: crm, expect: {requests: [], not_sent: {}}}")


FAILING = {
    "another body": f"{{event_connector: crm, events: [{ORDER}], expect: {{requests: [{{body: {{cents: 1}}}}]}}}}",
    "sent although": f"{{event_connector: crm, events: [{ORDER}], expect: {{requests: [], not_sent: {{filtered: 1}}}}}}",
    "not sent although": f"{{event_connector: crm, events: [{REFUSED}], expect: {{not_sent: {{}}}}}}",
    "no such connector": "{event_connector: crn, expect: {}}",
    "two things": "{event_connector: crm, audience: buyers, expect: {}}",
    "of people": "{event_connector: crm, given: {customers: [{id: 1}]}, expect: {members: [1]}}",
    "of events": f"{{binding: b, events: [{ORDER}], expect: {{not_sent: {{}}}}}}",
}


def test_what_fails_says_why(project, snapshot):
    """What differs is said, with the reason why an event is not sent, and without anything of the event."""
    assert snapshot == {name: problems(project, body) for name, body in FAILING.items()}
