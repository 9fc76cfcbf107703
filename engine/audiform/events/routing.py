"""Compiles an event connector, as it is recorded, into the way from an event to a record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from typing import Any

from audiform.config.event_kinds import EventConnector
from audiform.config.expressions import compile_filter
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.events.moments import rfc3339
from audiform.connectors.events.paths import Getter, compile_path
from audiform.connectors.events.rows import Fill, compile_row
from audiform.connectors.events.transformations import as_text
from audiform.connectors.manifest import SignalOperation
from audiform.connectors.settings import with_defaults
from audiform.connectors.template import MISSING
from audiform.events.event import Event
from audiform.events.mapping import CompiledMap, compile_map
from audiform.events.route import Mapped, NotSent, Reason

_OTHER_SOURCE = NotSent(Reason.OTHER_SOURCE, "the connector does not take from this source")
_OTHER_EVENT = NotSent(Reason.OTHER_EVENT, "the connector does not take events of this type or name")
_FILTERED = NotSent(Reason.FILTERED, "the connector's filter does not hold")
_EMPTY = NotSent(Reason.MISSING_FIELD, "nothing is left of the record: all that it would say is missing")
_NO_JSON = NotSent(
    Reason.INVALID_FIELD, "a number of the record has more than 64 bits, or a text is no Unicode"
)


class UncompilableError(ValueError):
    """A connector that cannot work as it is recorded; the message says why."""


@dataclass(frozen=True, slots=True)
class CompiledRoute:
    """The way of one connector. `oldest`: what happened longer ago is not taken; `clock` says what is now."""

    name: str
    sources: frozenset[str] | None
    types: frozenset[str] | None
    names: Callable[[str], object] | None
    holds: Callable[[Any], bool] | None = field(repr=False)
    consent: tuple[str, Getter] | None = field(repr=False)
    order: Getter | None = field(repr=False)
    fields: CompiledMap = field(repr=False)
    row: Fill = field(repr=False)
    oldest: timedelta | None
    clock: Callable[[], datetime] = field(repr=False)

    def offer(self, event: Event) -> Mapped | NotSent:
        """Return the record that `event` becomes, or why it becomes none."""
        if self.sources is not None and event.source not in self.sources:
            return _OTHER_SOURCE
        if self.types is not None and event.type not in self.types:
            return _OTHER_EVENT
        if self.names is not None and (event.name is None or not self.names(event.name)):
            return _OTHER_EVENT
        scope = scope_of(event)
        refusal = self._refusal(event, scope)
        if refusal is not None:
            return refusal
        record = self.fields.record(scope)
        return record if isinstance(record, NotSent) else self._mapped(event, scope, record)

    def _refusal(self, event: Event, scope: Mapping[str, Any]) -> NotSent | None:
        if self.holds is not None and not self.holds(scope):
            return _FILTERED
        if self.consent is not None and self.consent[1](scope) is not True:
            return NotSent(Reason.NO_CONSENT, f"`{self.consent[0]}` is not true")
        if self.oldest is not None and event.time < rfc3339(self.clock() - self.oldest):
            hours = self.oldest / timedelta(hours=1)
            return NotSent(
                Reason.TOO_OLD,
                f"it happened more than {hours:g} hours ago, and the platform takes none of those",
            )
        return None

    def _mapped(self, event: Event, scope: Mapping[str, Any], record: dict[str, Any]) -> Mapped | NotSent:
        import orjson

        row = self.row(record)
        if row is MISSING:
            return _EMPTY
        try:
            text = orjson.dumps(row)
        except TypeError:
            return _NO_JSON
        key = None if self.order is None else self.order(scope)
        order_key = None if key is None or isinstance(key, list | dict) else as_text(key)
        return Mapped(event.id, order_key, record, len(text), text)


def compile_route(
    name: str,
    connector: EventConnector,
    kind: ConnectorType,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> CompiledRoute:
    """Return the way of a connector of the type `kind`, whose settings need not be filled in yet.

    Raises:
        UncompilableError: its map, its filter or a path of it is none.
        DiagnosticError: a setting that stands for a part of the type is not one.
    """
    manifest = kind.configured(connector.settings).manifest
    compiled = compile_map(manifest, connector.map)
    if compiled.problems:
        raise UncompilableError(" ".join(problem.text for problem in compiled.problems))
    add = manifest.signals.get("add")
    if not isinstance(add, SignalOperation):
        raise UncompilableError(f"`{name}` has no request in its settings, so nothing can be sent.")
    chosen = connector.events
    consent, order = connector.consent, connector.order_by
    oldest = manifest.limits.oldest_hours
    return CompiledRoute(
        name=name,
        sources=None if chosen.sources is None else frozenset(chosen.sources),
        types=None if chosen.types is None else frozenset(chosen.types),
        names=None if chosen.names is None else _names(chosen.names),
        holds=None if chosen.filter is None else compile_filter(chosen.filter, "event"),
        consent=None if consent is None else (consent, compile_path(consent)),
        order=None if order is None else compile_path(order),
        fields=compiled,
        row=compile_row(add.row, with_defaults(manifest.settings, connector.settings)),
        oldest=None if oldest is None else timedelta(hours=oldest),
        clock=clock,
    )


def scope_of(event: Event) -> dict[str, Any]:
    """Return what `event` means in paths and filters: its body, and what we say of it ourselves."""
    return {
        **event.body,
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "name": event.name,
        "time": event.time,
        "received": event.received,
    }


def _names(patterns: tuple[str, ...]) -> Callable[[str], object]:
    if not any("*" in pattern for pattern in patterns):
        return frozenset(patterns).__contains__
    return re.compile("|".join(translate(_only_stars(pattern)) for pattern in patterns)).fullmatch


def _only_stars(pattern: str) -> str:
    """Quote what `fnmatch` would take for more than itself."""
    return "".join(f"[{letter}]" if letter in "?[" else letter for letter in pattern)
