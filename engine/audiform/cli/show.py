"""`audiform show`: a saved plan, for whoever reviews it. Needs no project, no state and no network."""

from __future__ import annotations

from pathlib import Path

import click

from audiform.cli.options import Options, project_options
from audiform.cli.plan_file import plan_keys, read_plan
from audiform.cli.planning import show


@click.command(epilog="Example: audiform show plan.json --format json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to show it.",
    show_default=True,
)
@project_options
def command(options: Options, file: Path, form: str) -> None:
    """Show a plan that `audiform plan --out FILE` wrote."""
    show(read_plan(file, plan_keys()), options, as_json=form == "json")
