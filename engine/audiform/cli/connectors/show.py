"""`audiform connectors show`."""

from __future__ import annotations

import click

from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import connectors_data, connectors_text
from audiform.cli.views.connectors_pages import page
from audiform.cli.views.connectors_sheet import sheet_of
from audiform.connectors.catalog import Catalog


@click.command(epilog="Example: audiform connectors show http_audience")
@click.argument("type_name", metavar="TYPE")
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
@json_option
@project_options
def command(options: Options, type_name: str, markdown: bool, as_json: bool) -> None:
    """Show a connector type: settings, credentials, identifiers, limits, what it can and cannot do, an example."""
    kind = Catalog(options.root).get(type_name)
    if as_json:
        options.output.json(connectors_data.detail(kind))
        return
    sheet = sheet_of(kind, connectors_data.example_text(kind))
    text = (
        page(sheet).rstrip("\n") if markdown else connectors_text.detail(sheet, colour=options.output.colour)
    )
    options.output.data(text)
