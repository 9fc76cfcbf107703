"""`audiform show`: a saved plan, for whoever reviews it. Needs no project, no state and no network."""

from __future__ import annotations

from pathlib import Path

import click

from audiform.cli.options import Options, project_options
from audiform.cli.plan_file import plan_keys, read_plan
from audiform.cli.planning import How, show, show_options


@click.command(epilog="Example: audiform show plan.json --format markdown > comment.md")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@project_options
@show_options
def command(options: Options, file: Path, how: How) -> None:
    """Show a plan that `audiform plan --out FILE` wrote: as text, or for a pull request, a browser or a checker.

    `markdown` fits into a comment, `html` is one file that needs nothing else, `junit` and `sarif` are for checks.
    """
    show(read_plan(file, plan_keys()), options, how, file=file.as_posix())
