"""`audiform connectors sign`."""

from __future__ import annotations

from pathlib import Path

import click

from audiform.cli.options import Options, project_options
from audiform.connectors.catalog import Catalog
from audiform.connectors.signing import FILE, sign
from audiform.diagnostics import Diagnostic, DiagnosticError


@click.command(epilog="Example: audiform connectors sign our_crm --key ~/audiform.key")
@click.argument("type_name", metavar="TYPE")
@click.option(
    "--key",
    "key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of the private key, as `keygen` writes it.",
)
@project_options
def command(options: Options, type_name: str, key: Path) -> None:
    """Sign the project's own connector type TYPE, as it is now: any change makes the signature void."""
    kind = Catalog(options.root).get(type_name)
    if not kind.custom:
        text = f"`{type_name}` ships with Audiform; only the project's own types are signed"
        raise DiagnosticError([Diagnostic("unknown-connector-type", text)])
    public = sign(kind.folder, key.read_text(encoding="utf-8"))
    options.output.note(f"signed {type_name} with {public}; commit connectors/{type_name}/{FILE}")
