"""The records as one text: pulled, kept or mended, and pushed back. No person and no secret is in it, and no ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from audiform.address import Kind, parse_address
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.hashing import canonical
from audiform.shapes import is_list
from audiform.state.store import Record, StateStore, StateView

VERSION = 1
_NEEDED: Mapping[Kind, Collection[str]] = {
    Kind.CONNECTOR: ("type", "settings", "credentials"),
    Kind.BINDING: (
        "audience",
        "connector",
        "destination",
        "destination_id",
        "guards",
        "on_delete",
        "signals",
    ),
}
"""What a record must hold so that its people can be reached and its guards asked."""


def pulled(view: StateView) -> str:
    """Return the records as canonical JSON: the same state gives the same text."""
    return canonical(
        {
            "version": VERSION,
            "lineage": view.lineage,
            "serial": view.serial,
            "records": [_entry(record) for _, record in sorted(view.records.items())],
        }
    )


def parsed(text: bytes, name: str) -> StateView:
    """Return what `pulled` wrote; `name` is the file's.

    Raises:
        DiagnosticError: it is something else (`invalid-state-file`).
    """
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class Entry(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        address: str
        digest: str
        protected: bool
        body: dict[str, Any]

    class File(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        version: Literal[1]
        lineage: str = Field(min_length=1)
        serial: int = Field(ge=0)
        records: list[Entry]

    try:
        file = File.model_validate_json(text)
        found = [
            Record(parse_address(item.address), item.digest, item.body, item.protected)
            for item in file.records
        ]
        _check(found)
    except (ValidationError, ValueError):
        detail = (
            f"{name} is not what `audiform state pull` prints, or was cut or edited into something else. Nothing was changed. "
            "Pull the state again, and edit nothing but what you mean to."
        )
        raise DiagnosticError([Diagnostic("invalid-state-file", detail)]) from None
    return StateView(file.lineage, file.serial, {record.address: record for record in found})


def push(store: StateStore, view: StateView, *, force: bool) -> int:
    """Put the records in the place of those in the state, whose lock is held; return the serial.

    Raises:
        DiagnosticError: they are of another state (`state-of-another-lineage`), or of before what is recorded
            (`state-older`); with `force` they are put there all the same.
    """
    present = store.read()
    if not present.lineage:
        return store.replace(view)
    if not force and present.lineage != view.lineage:
        detail = (
            f"The file is of the lineage {view.lineage}, and the state here is of {present.lineage}: they were begun apart, and "
            "their records are of other objects. Nothing was changed. `--force` overwrites this state all the same."
        )
        raise DiagnosticError([Diagnostic("state-of-another-lineage", detail)])
    if not force and view.serial < present.serial:
        detail = (
            f"The file has serial {view.serial}, and the state here is at {present.serial}: something was recorded since it was "
            "pulled, and would be lost. Nothing was changed. Pull again; or overwrite what was recorded with `--force`."
        )
        raise DiagnosticError([Diagnostic("state-older", detail)])
    return store.replace(view)


def _check(records: Sequence[Record]) -> None:
    """See that each address is there once, and that no record lost what others read of it; raises ValueError."""
    if len({record.address for record in records}) < len(records):
        raise ValueError
    for record in records:
        needs = record.body.get("dependencies")
        if not is_list(needs) or not all(isinstance(name, str) for name in needs):
            raise ValueError
        if not record.body.keys() >= {*_NEEDED.get(record.address.kind, ())}:
            raise ValueError


def _entry(record: Record) -> dict[str, Any]:
    return {
        "address": str(record.address),
        "digest": record.digest,
        "protected": record.protected,
        "body": dict(record.body),
    }
