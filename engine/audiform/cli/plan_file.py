"""The plan file on disk: written whole or not at all, readable by its owner only, signed where there is a key."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from audiform.plan.plan import Plan
from audiform.plan.seal import Keys, keys_of, opened, sealed
from audiform.plan.serialise import from_text, to_text


def plan_keys() -> Keys:
    """Return the keys for plans of this process.

    Raises:
        DiagnosticError: one of them is none (`invalid-plan-key`).
    """
    return keys_of(os.environ)


def write_plan(path: Path, plan: Plan, keys: Keys) -> None:
    """Write the plan with mode 0600; a file that is there is replaced at once."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(sealed(to_text(plan), keys) + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise click.ClickException(f"the plan cannot be written to {path}: {problem.strerror}") from None


def read_plan(path: Path, keys: Keys) -> Plan:
    """Return the plan of a file; its signature is verified where there is a key.

    Raises:
        DiagnosticError: it is no plan (`invalid-plan`), or its signature does not hold (`plan-unsigned`, ...).
    """
    try:
        text = path.read_bytes().decode()  # byte for byte: a signature is of them all
    except OSError as problem:
        raise click.ClickException(f"the plan {path} cannot be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        text = ""  # whatever it is, it is no JSON either
    return from_text(opened(text, path.name, keys), path.name)
