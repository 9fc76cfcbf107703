"""Event resources as they are recorded in the state, back as what the project said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiform.config.event_kinds import EventConnector, EventSource, EventType

_ONLY_RECORDED = frozenset({"type_digest", "secrets", "dependencies"})


def connector_of_record(body: Mapping[str, Any]) -> EventConnector:
    """Return the event connector that a record's `body` describes."""
    return EventConnector.model_validate(_said(body))


def source_of_record(body: Mapping[str, Any]) -> EventSource:
    """Return the event source that a record's `body` describes."""
    return EventSource.model_validate(_said(body))


def type_of_record(body: Mapping[str, Any]) -> EventType:
    """Return the event type that a record's `body` describes."""
    return EventType.model_validate(_said(body))


def _said(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in _ONLY_RECORDED}
