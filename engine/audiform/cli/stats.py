"""`audiform stats`: what was sent, left out and refused, by connector and day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import click

from audiform.cli.event_places import looking
from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import stats_data, stats_text
from audiform.runtime import utc_now

DAYS = ("7", "30", "90")
_DATE = click.DateTime(["%Y-%m-%d"])


@click.command(epilog="Example: audiform -e production stats --days 30")
@click.option("--days", type=click.Choice(DAYS), default=DAYS[0], show_default=True, help="How far back.")
@click.option("--from", "first", type=_DATE, help="First day, instead of --days.")
@click.option("--to", "last", type=_DATE, help="Last day (default: today).")
@json_option
@project_options
def command(
    options: Options, days: str, first: datetime | None, last: datetime | None, as_json: bool
) -> None:
    """Show figures per connector and day: people sent, left out and refused by signal, and what became of events.

    Days are in UTC, and today counts as one.
    """
    begin, end = _range(days, first, last)
    with open_state(options) as (project, store), looking(project) as found:
        counts = [count for count in store.counts(begin.isoformat()) if count.day <= end.isoformat()]
        events = found.figures(begin.isoformat(), end.isoformat())
        figures = stats_data.figures(counts, begin, end, events)
    if as_json:
        options.output.json(stats_data.as_json(figures))
        return
    where = f"project {project.name}, environment {project.environment.name}"
    options.output.data(stats_text.render(figures, where, colour=options.output.colour))


def _range(days: str, first: datetime | None, last: datetime | None) -> tuple[date, date]:
    """Return the first and the last day that are asked for."""
    end = utc_now().date() if last is None else last.replace(tzinfo=UTC).date()
    begin = end - timedelta(days=int(days) - 1) if first is None else first.replace(tzinfo=UTC).date()
    if begin > end:
        raise click.UsageError(f"the first day ({begin}) comes after the last one ({end})")
    return begin, end
