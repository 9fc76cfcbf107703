"""`audiform connectors list`. Nothing that builds a model is imported for the catalogue of shipped types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from audiform.cli.failures import Exit
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views.catalogue import matrix, summary
from audiform.cli.views.diagnostics import render_text
from audiform.connectors.homes import homes, names
from audiform.connectors.overview import Overview, read_overview
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.lazily import load


@click.command(epilog="Example: audiform connectors list --available")
@click.option("--available", is_flag=True, help="All connector types that there are, with what each can do.")
@json_option
@project_options
def command(options: Options, available: bool, as_json: bool) -> int:
    """List the project's connectors, or the catalogue of types."""
    if not available:
        found: int = load("audiform.cli.connectors.configured:show")(options, as_json=as_json)
        return found
    items, problems = _catalogue(options.root)
    if as_json:
        options.output.json([summary(item) for item in items])
    else:
        options.output.data(matrix(items))
    if problems:
        options.output.problem(render_text(problems, colour=options.output.error_colour))
    return Exit.ERROR if problems else Exit.DONE


def _catalogue(root: Path) -> tuple[list[Overview], list[Diagnostic]]:
    """Return every type that can be opened, and what is wrong with the others."""
    shipped, items, problems = homes(root)[0][0], list[Overview](), list[Diagnostic]()
    own: Any = None
    for name, custom in names(root).items():
        if not custom:
            items.append(read_overview(shipped, name))
            continue
        # A project's own type is held to its schema here: nobody else may have done so.
        own = own or load("audiform.connectors.catalog:Catalog")(root)
        try:
            items.append(own.get(name).overview)
        except DiagnosticError as error:
            problems += error.diagnostics
    return items, problems
