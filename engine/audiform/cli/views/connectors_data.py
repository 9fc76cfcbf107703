"""Connector types and connectors as JSON data, and the example that `connectors show` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from io import StringIO
from typing import Any

from audiform.cli.views.catalogue import summary
from audiform.config.project import Project
from audiform.connectors.auth import scheme_of
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.events.fields import Deduplication
from audiform.connectors.manifest import FromSetting, SignalOperation
from audiform.connectors.readme import read_readme
from audiform.connectors.template import references


def configured(project: Project, catalog: Catalog) -> list[dict[str, Any]]:
    """Return the project's connectors, with how many bindings use each, and its event connectors."""
    used = [binding.connector for binding in project.bindings.values()]
    return [
        {
            "name": name,
            "type": connector.type,
            "title": catalog.get(connector.type).manifest.title,
            "enabled": connector.enabled,
            "endpoint": connector.endpoint,
            "kind": "server_to_server",
            "bindings": used.count(name),
        }
        for name, connector in project.connectors.items()
    ] + [
        {
            "name": name,
            "type": connector.type,
            "title": catalog.get(connector.type).manifest.title,
            "enabled": connector.enabled,
            "endpoint": connector.endpoint,
            "kind": "event",
            "bindings": 0,
        }
        for name, connector in project.event_connectors.items()
    ]


def detail(kind: ConnectorType) -> dict[str, Any]:
    """Return everything that a user of the type has to know."""
    manifest = kind.manifest
    limits = manifest.limits.model_dump(exclude_none=True)
    return {
        **summary(kind.overview),
        "api_version": manifest.api_version,
        "checked": manifest.checked.isoformat(),
        "documentation": manifest.documentation,
        "settings": manifest.settings,
        "credentials": manifest.credentials,
        "destination": manifest.destination.attributes,
        "identity": manifest.identity,
        "identifiers": {
            name: {
                "field": item.field,
                "hash": item.hash,
                "identifies": item.identifies,
                "description": item.description,
            }
            for name, item in manifest.identifiers.items()
        },
        "variables": manifest.variables.model_dump(),
        **(_events(kind) if manifest.kind == "event" else {}),
        "limits": {**limits, "rows_per_request_of": _rows(kind)},
        "notes": list(manifest.notes),
        "example": example(kind),
        "guide": asdict(read_readme(kind.folder)),
    }


def _events(kind: ConnectorType) -> dict[str, Any]:
    """Return what is only said of event types."""
    manifest = kind.manifest
    by = manifest.deduplication
    fields = {
        name: item.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name, item in manifest.fields.items()
    }
    return {
        "fields": fields,
        "free_fields": manifest.free_fields,
        "one_of": [list(group) for group in manifest.one_of],
        "deduplication": by.model_dump() if isinstance(by, Deduplication) else by,
    }


def _rows(kind: ConnectorType) -> dict[str, int]:
    """Return signal -> rows per request, where a signal has a limit of its own."""
    return {
        name: part.rows_per_request
        for name, part in kind.manifest.signals.items()
        if isinstance(part, SignalOperation) and part.rows_per_request is not None
    }


def example(kind: ConnectorType) -> dict[str, Any]:
    """Return a connector of the type and a binding on it, as a project's YAML has them.

    Settings that decide what a type can do are taken from the `examples` of its schema.
    """
    manifest = kind.manifest
    settings: Any = next(iter(manifest.settings.get("examples", ())), None) or dict(sample(manifest.settings))
    credentials = {name: {"from_env": name.upper()} for name in _credentials(kind, settings)}
    name = f"my_{kind.name}"
    connector: dict[str, Any] = {"type": kind.name, "settings": settings, "credentials": credentials}
    if manifest.kind == "event":
        connector |= {"events": {"names": ["Order *"]}, "map": _map(kind)}
        return {"event_connectors": {name: {key: value for key, value in connector.items() if value}}}
    binding = {
        "audience": "lapsed_buyers",
        "connector": name,
        "destination": dict(sample(manifest.destination.attributes)),
        "on_delete": "remove_members" if _can_remove(kind, settings) else "keep",
    }
    return {
        "connectors": {name: {key: value for key, value in connector.items() if value}},
        "bindings": {f"lapsed_on_{name}": binding},
    }


def _map(kind: ConnectorType) -> dict[str, str]:
    """Return a path for each required field that nothing fills by itself."""
    return {
        name: f"event.properties.{name}"
        for name, item in kind.manifest.fields.items()
        if item.required and not item.paths and item.value is None
    }


def example_text(kind: ConnectorType) -> str:
    """Return the example as YAML."""
    from ruamel.yaml import YAML

    writer: Any = YAML()
    writer.default_flow_style = None
    writer.width = 100
    text = StringIO()
    writer.dump(example(kind), text)
    return text.getvalue()


def _credentials(kind: ConnectorType, settings: Mapping[str, Any]) -> list[str]:
    """Return the credentials that must be there: those that the type requires, or that its settings name."""
    needed: list[str] = [*kind.manifest.credentials.get("required", ())]
    auth = kind.configured(settings).manifest.auth
    if not isinstance(kind.manifest.auth, FromSetting) or isinstance(auth, FromSetting):
        return needed
    used = sorted(references(scheme_of(auth)[1].model_dump()))
    named = [name.removeprefix("credentials.") for name in used if name.startswith("credentials.")]
    return list(dict.fromkeys([*needed, *named]))


def _can_remove(kind: ConnectorType, settings: Mapping[str, Any]) -> bool:
    return "remove" in kind.configured(settings).manifest.signals


def sample(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a value for each key that a JSON Schema requires: its example, its default, or one that fits."""
    properties = schema.get("properties", {})
    for name in schema.get("required", ()):
        yield name, _value(name, properties.get(name, {}))


def _value(name: str, schema: Mapping[str, Any]) -> Any:
    for key in ("examples", "enum"):
        if key in schema:
            return schema[key][0]
    if "default" in schema:
        return schema["default"]
    match schema.get("type"):
        case "object":
            return dict(sample(schema))
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "array":
            return []
        case _:
            return "Lapsed buyers" if name == "name" else "..."
