"""Sample people and settings for every connector type of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from audiform.cases.secrets import sample_secret
from audiform.client import ConnectorClient
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.connectors.identifiers import normalize
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.connectors.template import MISSING, render
from audiform.sandbox.offer import is_generic
from audiform.transport import HttpTransport
from audiform.wire import Timing

_ALL = [Catalog().get(name) for name in Catalog().names()]
TYPES = [
    kind.name for kind in _ALL if kind.manifest.kind == "server_to_server" and not is_generic(kind.manifest)
]

_BY_SCHEMA: Mapping[str, Any] = {
    "string": "1",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
}


def able(*operations: str) -> list[str]:
    """Return the types whose destination has all of the operations."""
    manifests = {name: Catalog().get(name).manifest.destination for name in TYPES}
    return [name for name, one in manifests.items() if all(getattr(one, item) for item in operations)]


def in_use(manifest: Manifest) -> tuple[str, ...]:
    """Return the fields of the identifiers that a sample request has: as many kinds as the type takes."""
    most = manifest.limits.identifier_kinds
    fields = [one.field for one in manifest.identifiers.values() if one.identifies or most is None]
    return tuple(fields[:most])


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
        row["variables"] = dict.fromkeys(manifest.variables.names or ("score",), number)
    return row


def scope_for(manifest: Manifest, row: Mapping[str, Any], in_use: tuple[str, ...]) -> dict[str, Any]:
    """Return what a row template is rendered from."""
    fields = {name: identifier.field for name, identifier in manifest.identifiers.items()}
    scope = {"identifiers": list(in_use), "fields": fields, "row": row, "lookup": {"id": "remote"}}
    if manifest.limits.identifier_kinds == 1:
        (name,) = (name for name, field in fields.items() if field in in_use)
        scope["identifier"] = {"field": in_use[0], "value": row[name]}
    return scope


def rendered(
    signal: SignalOperation,
    manifest: Manifest,
    row: Mapping[str, Any],
    in_use: tuple[str, ...],
    constants: Mapping[str, Any],
) -> Any:
    """Return one row as it is sent; `constants` is what every row may name."""
    value = render(signal.row, {**constants, **scope_for(manifest, row, in_use)})
    assert value is not MISSING
    return value


def client_of(
    kind: ConnectorType, settings: Mapping[str, Any], endpoint: str, secret: str = "anything"
) -> ConnectorClient:
    """Return a real client, over real HTTP, whose every credential is `secret`, and whose waiting takes no time."""
    return ConnectorClient(
        kind,
        settings,
        lambda name: sample_secret(kind.manifest, name, secret),
        HttpTransport(),
        endpoint=endpoint,
        timing=hurried(),
    )


def hurried() -> Timing:
    """Return a clock that goes on by what is waited for, without waiting."""
    waited = [0.0]

    async def sleep(seconds: float) -> None:
        waited[0] += seconds

    return Timing(monotonic=lambda: waited[0], sleep=sleep, chance=lambda: 1.0)
