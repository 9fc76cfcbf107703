"""`audiform schema`: the JSON Schemas that editors complete and check with."""

from __future__ import annotations

from pathlib import Path

import click

from audiform.cli.failures import Exit
from audiform.cli.options import Options, project_options
from audiform.schemas.published import NAMES, text, write_all


@click.command(epilog="Example: audiform schema resources > resources.schema.json")
@click.argument("name", type=click.Choice(NAMES), required=False)
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write all schemas to files in this folder instead.",
)
@project_options
def command(options: Options, name: str | None, folder: Path | None) -> int:
    """Print the JSON Schema NAME: of a kind of file of a project, a connector type's manifest, or a plan."""
    if folder is not None:
        for file in write_all(folder):
            options.output.note(f"wrote {file}")
    elif name is not None:
        options.output.data(text(name).rstrip("\n"))
    else:
        raise click.UsageError(
            f"name a schema ({', '.join(NAMES)}), or a folder for all of them with --write"
        )
    return Exit.DONE
