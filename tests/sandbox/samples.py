"""Sample people and settings for every connector type of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from audiform.client import ConnectorClient
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.identifiers import normalize
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.template import MISSING, render
from audiform.sandbox.offer import is_generic
from audiform.transport import HttpTransport

TYPES = [name for name in Catalog().names() if not is_generic(Catalog().get(name).manifest)]

_BY_SCHEMA: Mapping[str, Any] = {
    "string": "1",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
}


def opened(name: str) -> tuple[ConnectorType, dict[str, Any]]:
    """Return a type and settings that its schema accepts."""
    kind = Catalog().get(name)
    settings = sample_of(kind.manifest.settings)
    return kind.configured(settings), settings


def sample_of(schema: Mapping[str, Any]) -> Any:
    """Return a value for each required property of a JSON Schema."""
    properties = schema.get("properties", {})
    return {name: _value(properties[name]) for name in schema.get("required", ())}


def _value(schema: Mapping[str, Any]) -> Any:
    if "examples" in schema:
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    return schema["enum"][0] if "enum" in schema else _BY_SCHEMA[schema.get("type", "string")]


def person(manifest: Manifest, number: int) -> dict[str, Any]:
    """Return identifier -> value as sent, of all identifiers, and `variables`."""
    raw = {
        "email": f"person{number}@example.com",
        "phone": f"+1650555{1000 + number}",
        "mobile_advertising_id": str(UUID(int=number + 1)),
        "birth_year": "1970-01-02",
        "birth_month": "1970-01-02",
        "birth_day": "1970-01-02",
        "gender": "f",
        "country": "US",
    }
    values = {
        name: normalize(identifier, raw.get(name, f"value{number}"), region="US", already_hashed=False)
        for name, identifier in manifest.identifiers.items()
    }
    row: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    if manifest.variables.allowed != "none":
        row["variables"] = {name: number for name in manifest.variables.names or ("score",)}
    return row


def scope_for(manifest: Manifest, row: Mapping[str, Any], in_use: tuple[str, ...]) -> dict[str, Any]:
    """Return what a row template is rendered from."""
    fields = {name: identifier.field for name, identifier in manifest.identifiers.items()}
    return {"identifiers": list(in_use), "fields": fields, "row": row, "lookup": {"id": "remote"}}


def rendered(
    signal: SignalOperation, manifest: Manifest, row: Mapping[str, Any], in_use: tuple[str, ...]
) -> Any:
    """Return one row as it is sent."""
    value = render(signal.row, scope_for(manifest, row, in_use))
    assert value is not MISSING
    return value


def client_of(
    kind: ConnectorType, settings: Mapping[str, Any], endpoint: str, secret: str = "anything"
) -> ConnectorClient:
    """Return a real client, over real HTTP, whose every credential is `secret`."""
    return ConnectorClient(kind, settings, lambda _: secret, HttpTransport(), endpoint=endpoint)
