"""`audiform events`: what was taken in, without what it says of people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import click

from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.eventlog.log import Entry, LogUnavailableError, LogView
from audiform.eventlog.open import event_directory, view_event_log

_MOST = 1_000
_LOOK_SECONDS = 0.5


@click.group()
def command() -> None:
    """Look at the events that were taken in.

    Example: audiform events tail --follow
    """


@command.command("tail", epilog="Example: audiform -e production events tail --count 50 --json")
@click.option(
    "--count", default=10, show_default=True, type=click.IntRange(1, _MOST), help="How many of the newest."
)
@click.option("--follow", is_flag=True, help="Go on with those that come, until it is interrupted.")
@json_option
@project_options
def tail(options: Options, count: int, follow: bool, as_json: bool) -> None:
    """Show the newest events: when, from where, type, name and id, and which fields they have. No value of a field.

    With --json each event is a line of its own.
    """
    with open_state(options) as (project, _):
        view = view_event_log(project.event_log, project.root, event_directory(project))
        try:
            asyncio.run(_tail(view, options, count, follow=follow, as_json=as_json))
        except LogUnavailableError as error:
            raise click.ClickException(f"{error}; nothing was read") from None


async def _tail(view: LogView, options: Options, count: int, *, follow: bool, as_json: bool) -> None:
    seen: dict[str, int] = {}
    try:
        _say(await view.newest(count), seen, options, as_json=as_json)
        if not seen and not follow:
            options.output.note("No event was taken in yet")
        while follow:
            await asyncio.sleep(_LOOK_SECONDS)
            _say(await view.newest(_MOST), seen, options, as_json=as_json)
    finally:
        await view.close()


def _say(entries: Sequence[Entry], seen: dict[str, int], options: Options, *, as_json: bool) -> None:
    """Print what comes after what was `seen`: partition of the log -> last place in it."""
    for entry in entries:
        partition, _, place = entry.position.rpartition(":")
        if int(place) > seen.get(partition, -1):
            seen[partition] = int(place)
            options.output.data(json.dumps(_facts(entry)) if as_json else _line(entry))


def _facts(entry: Entry) -> dict[str, Any]:
    event = entry.event
    return {
        "position": entry.position,
        "received": event.received,
        "time": event.time,
        "source": event.source,
        "type": event.type,
        "name": event.name,
        "id": event.id,
        "fields": sorted(event.body),
    }


def _line(entry: Entry) -> str:
    event = entry.event
    name = "" if event.name is None else f' "{event.name}"'
    return (
        f"{event.received}  {event.source}  {event.type}{name}  {event.id}  ({', '.join(sorted(event.body))})"
    )
