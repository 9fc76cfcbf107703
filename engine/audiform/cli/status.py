"""`audiform status`: how each event connector is, right now."""

from __future__ import annotations

import click

from audiform.address import Kind
from audiform.cli.event_places import alive, looking
from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import status_data, status_text


@click.command(epilog="Example: audiform -e production status --json")
@json_option
@project_options
def command(options: Options, as_json: bool) -> None:
    """Show per event connector whether it runs, its rates, how much waits, how long events take, and what is wrong.

    The figures are those that a running `audiform run` on this machine wrote within the last seconds.
    """
    with open_state(options) as (project, store), looking(project) as found:
        records = {
            address.name: record.body
            for address, record in store.read().records.items()
            if address.kind is Kind.EVENT_CONNECTOR
        }
        dead = [letter.connector for letter in found.letters()]
        status = status_data.status(records, alive(found), dead)
    if as_json:
        options.output.json(status_data.as_json(status))
        return
    where = f"project {project.name}, environment {project.environment.name}"
    options.output.data(status_text.render(status, where, colour=options.output.colour))
