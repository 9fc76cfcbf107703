"""What a manifest must say for its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml12

from audiform.connectors.catalog import Catalog
from audiform.connectors.manifest_file import read_manifest
from audiform.diagnostics import DiagnosticError

EVENT = """
manifest: 1
title: Events
kind: event
category: crm
api_version: "1"
checked: 2026-11-24
documentation: https://example.com
settings: {type: object}
credentials: {type: object}
base_url: https://api.example.com
limits: {rows_per_request: 10}
fields:
  name: {required: true, from: event.name}
  email: {from: event.traits.email, normalize: [trim, lower], valid: email, hash: sha256}
  data: {type: object, from: event.properties}
deduplication: none
signals:
  add:
    request: {method: POST, path: /events, body: {events: "{{ rows }}"}}
    row: {name: "{{ row.name }}", mail: "{{ row.email }}", plan: "{{ row.data.plan }}", "...": "{{ row.data }}"}
"""


def found(tmp_path: Path, text: str) -> list[str]:
    """Return what is wrong with a manifest, each with its line."""
    file = tmp_path / "manifest.yaml"
    file.write_text(text)
    try:
        read_manifest(file, "manifest.yaml", custom=True)
    except DiagnosticError as error:
        return [
            f"{item.location.line if item.location else 0}: {item.detail.split('. A connector')[0]}"
            for item in error.diagnostics
        ]
    return []


def test_an_event_type_that_is_right(tmp_path):
    """Fields, one signal, and how events are known again: nothing else is needed."""
    assert [] == found(tmp_path, EVENT)


FIELDS = EVENT[EVENT.index("fields:") : EVENT.index("deduplication:")]
WRONG: dict[str, tuple[str, str]] = {
    "no fields": (FIELDS, ""),
    "nothing of deduplication": ("deduplication: none", "notes: []"),
    "deduplication by no field": ("deduplication: none", "deduplication: {field: nam}"),
    "an identity": ("deduplication: none", "deduplication: none\nidentity: each"),
    "another signal": ("  add:", "  remove:"),
    "a path that is none": ("from: event.name", "from: properties.name"),
    "a step that is none": ("from: event.name", "from: event.name, convert: [lowr]"),
    "a normaliser that is none": ("[trim, lower]", "[trim, lowr]"),
    "a field both filled and fixed": ("from: event.name", "from: event.name, value: x"),
    "entries of no list": (
        "type: object, from: event.properties",
        "type: object, from: event.x, each: {a: item.b}",
    ),
    "a reference that no field is": ("row.email", "row.mail"),
    "a spread of no object": ('"{{ row.data }}"', '"{{ row.name }}"'),
    "one event where there are ten": ("/events,", '"/events/{{ row.name }}",'),
    "a group of no fields": ("deduplication: none", "deduplication: none\none_of: [[email, phone]]"),
    "a lookup": (
        "    row: {",
        "    lookup: {request: {method: GET, path: /x}, response: {}, identifier: x}\n    row: {",
    ),
}


def test_what_is_wrong_is_said_at_its_line(tmp_path, snapshot):
    """Each rule of event types has a message at its line."""
    assert snapshot == {
        name: found(tmp_path, EVENT.replace(before, after)) for name, (before, after) in WRONG.items()
    }


@pytest.mark.parametrize("key", ["fields", "one_of", "deduplication"])
def test_a_type_of_people_has_nothing_of_events(tmp_path, key):
    """What only event types have is refused in a manifest of the other kind, and the other way round."""
    text = (Catalog().get("meta_custom_audiences").folder / "manifest.yaml").read_text()
    given: dict[str, Any] = {"fields": "{a: {}}", "one_of": "[[a]]", "deduplication": "none"}

    assert yaml12.parse_yaml(text)
    (problem,) = found(tmp_path, f"{text}\n{key}: {given[key]}\n")
    assert f"a type of the kind `server_to_server` has no `{key}`" in problem
