"""Records for reading: a line each, or one in full. A record holds no secret and no person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from audiform.cli.views.table import table
from audiform.state.store import Record, StateView


def listing(view: StateView) -> str:
    """Return a line per record: the address, and where a binding's people are."""
    rows = [(str(address), _where(record)) for address, record in sorted(view.records.items())]
    return "\n".join([*table(rows, left=2), "", f"Serial {view.serial}, lineage {view.lineage}"])


def list_data(view: StateView) -> dict[str, Any]:
    """Return `{lineage, serial, records: [...]}`."""
    return {
        "lineage": view.lineage,
        "serial": view.serial,
        "records": [data(record) for _, record in sorted(view.records.items())],
    }


def data(record: Record) -> dict[str, Any]:
    """Return a record as JSON data."""
    return {
        "address": str(record.address),
        "digest": record.digest,
        "protected": record.protected,
        **record.body,
    }


def detail(record: Record) -> str:
    """Return one record in full, a key per line; what is not set is left out."""
    lines = [f"{record.address}{'  (protected)' if record.protected else ''}"]
    for path, value in _flat(record.body):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        lines.append(f"  {path}: {text}")
    return "\n".join(lines)


def _where(record: Record) -> str:
    if "destination_id" not in record.body:
        return ""
    identity = record.body["destination_id"]
    return f"{record.body['connector']}  {identity}" if identity else "no destination"


def _flat(body: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in body.items():
        if isinstance(value, dict):
            found.extend(_flat(cast("dict[str, Any]", value), f"{prefix}{key}."))
        elif value not in (None, []):
            found.append((f"{prefix}{key}", value))
    return found
