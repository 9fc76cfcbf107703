"""`audiform stats`: what was sent, left out and refused, by connector and day."""

from __future__ import annotations

from datetime import timedelta

import click

from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import stats_data, stats_text
from audiform.runtime import utc_now

DAYS = ("7", "30", "90")


@click.command(epilog="Example: audiform -e production stats --days 30")
@click.option("--days", type=click.Choice(DAYS), default=DAYS[0], show_default=True, help="How far back.")
@json_option
@project_options
def command(options: Options, days: str, as_json: bool) -> None:
    """Show figures per connector, signal and day: sent, left out by reason, errors by category.

    Days are in UTC, and today counts as one.
    """
    with open_state(options) as (project, store):
        last = utc_now().date()
        first = last - timedelta(days=int(days) - 1)
        figures = stats_data.figures(store.counts(first.isoformat()), first, last)
    if as_json:
        options.output.json(stats_data.as_json(figures))
        return
    where = f"project {project.name}, environment {project.environment.name}"
    options.output.data(stats_text.render(figures, where, colour=options.output.colour))
