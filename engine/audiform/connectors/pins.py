"""`audiform.lock`: the version of each connector type that a project uses, so that an upgrade is somebody's decision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from audiform.connectors.aliases import parse
from audiform.diagnostics import Diagnostic, DiagnosticError, Location

FILE = "audiform.lock"
_HEAD = "# The connector types that this project uses. Written by `audiform connectors lock`; commit it.\n"


class Pin(BaseModel):
    """One type. `version` is that of the platform's API, `digest` changes with what is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    digest: str


class Lock(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lock: int = 1
    types: Mapping[str, Pin]


def read_pins(root: Path) -> Mapping[str, Pin] | None:
    """Return type -> pin, or None where the project has no such file.

    Raises:
        DiagnosticError: it is not what it should be.
    """
    path = root / FILE
    if not path.is_file():
        return None
    try:
        return Lock.model_validate(parse(path.read_text(encoding="utf-8"))).types
    except (ValidationError, ValueError):
        text = (
            f"{FILE} is not what `audiform connectors lock` writes. Take the committed one, or write it anew."
        )
        raise DiagnosticError([Diagnostic("invalid-lock", text, location=Location(FILE, 1, 1))]) from None


def write_pins(root: Path, pins: Mapping[str, Pin]) -> Path:
    """Write the file, types in order of their names."""
    lines = ["lock: 1", "types:" if pins else "types: {}"]
    for name, pin in sorted(pins.items()):
        lines += [f"  {name}:", f'    version: "{pin.version}"', f'    digest: "{pin.digest}"']
    path = root / FILE
    path.write_text(_HEAD + "\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path
