"""`audiform status`: how each binding and each event connector is, right now."""

from __future__ import annotations

import click

from audiform.address import Kind
from audiform.cli.event_places import alive, looking
from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import standings as bindings
from audiform.cli.views import status_data, status_text
from audiform.runtime import utc_now
from audiform.schedules.agenda import place_of, standings


@click.command(epilog="Example: audiform -e production status --json")
@json_option
@project_options
def command(options: Options, as_json: bool) -> None:
    """Show per binding its last run and when it is due, and per event connector its rates, how much waits, and what is wrong.

    What is said of bindings is recorded in the state. The figures of event connectors are those that a running `audiform run` on
    this machine wrote within the last seconds.
    """
    with open_state(options) as (project, store), looking(project) as found:
        recorded = store.read().records
        place = place_of(project.name, project.environment.name)
        standing = standings(recorded, store.last_runs(), place, utc_now())
        records = {
            address.name: record.body
            for address, record in recorded.items()
            if address.kind is Kind.EVENT_CONNECTOR
        }
        dead = [letter.connector for letter in found.letters()]
        status = status_data.status(records, alive(found), dead)
    if as_json:
        options.output.json({"bindings": bindings.data(standing), **status_data.as_json(status)})
        return
    where = f"project {project.name}, environment {project.environment.name}"
    colour = options.output.colour
    parts = [
        *((bindings.render(standing, colour=colour),) if standing else ()),
        *((status_text.render(status, colour=colour),) if status.connectors else ()),
    ]
    options.output.data("\n\n".join([where, *(parts or ("Nothing is applied that sends",))]))
