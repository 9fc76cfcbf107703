"""`audiform connectors keygen`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from audiform.cli.options import Options, project_options
from audiform.connectors.signing import new_key
from audiform.diagnostics import Diagnostic, DiagnosticError


@click.command(epilog="Example: audiform connectors keygen ~/audiform.key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@project_options
def command(options: Options, file: Path) -> None:
    """Write a new private key to FILE, readable by you alone, and print the public one."""
    private, public = new_key()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise DiagnosticError(
            [Diagnostic("file-exists", f"`{file}` exists; a key is never overwritten")]
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(f"{private}\n")
    options.output.data(public)
    options.output.note(
        f"The private key is in {file}: keep it out of git. Whoever has it decides what custom types send.\n"
        f"Trust it in audiform.yaml:\n\n    policy: {{trusted_keys: ['{public}']}}\n"
    )
