"""The plan file on disk: written whole or not at all, readable by its owner only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from audiform.plan.plan import Plan
from audiform.plan.serialise import from_text, to_text


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan with mode 0600; a file that is there is replaced at once."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(to_text(plan) + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise click.ClickException(f"the plan cannot be written to {path}: {problem.strerror}") from None


def read_plan(path: Path) -> Plan:
    """Return the plan of a file.

    Raises:
        DiagnosticError: it is no plan (`invalid-plan`).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise click.ClickException(f"the plan {path} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        text = ""  # whatever it is, it is no JSON either
    return from_text(text, path.name)
