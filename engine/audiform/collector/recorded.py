"""From what was applied to what the collector knows: HTTP sources with their keys, and what events must look like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.collector.source import HttpSource, Limits
from audiform.collector.violations import EventTypes, event_types
from audiform.config.event_kinds import EventSource, HttpSettings
from audiform.config.secret_references import SecretReference
from audiform.diagnostics import DiagnosticError
from audiform.events.recorded import source_of_record, type_of_record
from audiform.plan.guard import seconds
from audiform.state.store import Record

Secret = Callable[[SecretReference], str]


@dataclass(frozen=True, slots=True)
class Unserved:
    """A source that takes nothing in, and why."""

    name: str
    why: str


def sources_of(records: Mapping[Address, Record], secret: Secret) -> Iterator[HttpSource | Unserved]:
    """Yield the HTTP sources that are enabled, and those of them that take nothing in.

    A write key that is not there closes only its own source.
    """
    for name, source in enabled_sources(records):
        if source.type == "http":
            try:
                keys = tuple(secret(reference) for reference in source.write_keys.values())
            except DiagnosticError as error:
                yield Unserved(name, error.diagnostics[0].detail)
            else:
                yield _source(name, HttpSettings.model_validate(source.settings), keys)


def enabled_sources(records: Mapping[Address, Record]) -> Iterator[tuple[str, EventSource]]:
    """Yield name and source of every event source that is enabled."""
    for address, record in records.items():
        if address.kind is Kind.EVENT_SOURCE:
            source = source_of_record(record.body)
            if source.enabled:
                yield address.name, source


def types_of(records: Mapping[Address, Record]) -> EventTypes:
    """Return what the recorded event types say."""
    found: dict[str, tuple[Mapping[str, Any], str]] = {}
    for address, record in records.items():
        if address.kind is Kind.EVENT_TYPE:
            kind = type_of_record(record.body)
            if kind.enabled:
                found[kind.event or address.name] = (kind.json_schema, kind.on_violation)
    return event_types(found) if found else EventTypes()


def _source(name: str, settings: HttpSettings, keys: tuple[str, ...]) -> HttpSource:
    limits = Limits(
        settings.max_body_bytes,
        settings.max_event_bytes,
        settings.max_batch,
        settings.max_depth,
        seconds(settings.max_clock_skew),
    )
    return HttpSource(name, keys, frozenset(settings.allowed_origins), settings.events_per_second, limits)
