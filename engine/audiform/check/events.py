"""Checks what events say: their connectors against the types, filters and paths, and the schemas of events."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.check.connectors import check_configured
from audiform.check.types import Types, validator
from audiform.config.event_kinds import EventConnector
from audiform.config.expressions import ExpressionError, compile_filter
from audiform.config.project import Project
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.events.paths import PathError, compile_path
from audiform.connectors.manifest import SignalOperation
from audiform.diagnostics import Diagnostic
from audiform.events.mapping import MapProblem, compile_map


def check_events(project: Project, types: Types) -> Iterator[Diagnostic]:
    """Yield the problems of every event connector and every event type."""
    for name, connector in project.event_connectors.items():
        address = Address(Kind.EVENT_CONNECTOR, name)
        _, configured, found = check_configured(address, connector, types, project.policy)
        yield from found
        yield from _choices(address, connector)
        if configured is not None:
            yield from _mapping(address, connector, configured)
    for name, event_type in project.event_types.items():
        try:
            validator(event_type.json_schema)
        except ValueError as error:
            what = str(error).split("\n", 1)[0].rstrip(".")
            text = f"This is no JSON Schema that can be used: {what}."
            address = Address(Kind.EVENT_TYPE, name)
            yield Diagnostic("invalid-value", text, address=address, path=("schema",), on_key=True)


def _choices(address: Address, connector: EventConnector) -> Iterator[Diagnostic]:
    """Yield what is wrong with the filter, and with the paths that are not in the map."""
    if connector.events.filter is not None:
        try:
            compile_filter(connector.events.filter, "event")
        except ExpressionError as error:
            place = ("events", "filter")
            yield Diagnostic(error.code, error.detail, hint=error.hint, address=address, path=place)
    for key, path in (("consent", connector.consent), ("order_by", connector.order_by)):
        if path is None:
            continue
        try:
            compile_path(path)
        except PathError as error:
            text = f"`{key}` is a path in the event: {error}."
            yield Diagnostic(
                "invalid-mapping", text, hint=f"write `event.{path}`", address=address, path=(key,)
            )


def _mapping(address: Address, connector: EventConnector, kind: ConnectorType) -> Iterator[Diagnostic]:
    if not isinstance(kind.manifest.signals.get("add"), SignalOperation):
        text = f"`{kind.name}` has no request in its settings, so nothing could ever be sent."
        yield Diagnostic("unsupported-signal", text, address=address, path=("settings",), on_key=True)
        return
    for problem in compile_map(kind.manifest, connector.map).problems:
        yield _diagnostic(address, problem)


def _diagnostic(address: Address, problem: MapProblem) -> Diagnostic:
    return Diagnostic(
        problem.code,
        problem.text,
        hint=problem.hint,
        address=address,
        path=("map", *problem.path),
        on_key=problem.on_key,
    )
