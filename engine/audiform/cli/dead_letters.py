"""`audiform dead-letters`: what a platform rejected, without the people in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from audiform.cli.event_places import alive, looking
from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import letters_text
from audiform.config.project import Project
from audiform.forwarding.records import Letter
from audiform.plan.guard import seconds

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def command() -> None:
    """Look at what a platform rejected: records of people, and events.

    Records of people are sent again when they change, or with `audiform sync --retry-rejected`; events with `replay`.

    Example: audiform dead-letters list
    """


def _chosen(command: Command) -> Command:
    """Give a command the options that choose among the events that could not be delivered."""
    for option in (
        click.option("--error", metavar="CATEGORY", help="Only those of one category."),
        click.option("--since", metavar="AGE", help="Only those of the last 30m, 24h or 7d."),
        click.option("--connector", metavar="NAME", help="Only those of one event connector."),
    ):
        command = option(command)
    return command


@command.command("list", epilog="Example: audiform -e production dead-letters list --json")
@click.option("--binding", metavar="NAME", help="Only those of one binding.")
@_chosen
@json_option
@project_options
def list_them(
    options: Options,
    binding: str | None,
    connector: str | None,
    since: str | None,
    error: str | None,
    as_json: bool,
) -> None:
    """List rejected records and events: when, where to, and what the platform said.

    A person is a keyed digest, the same for the same person, that nobody can turn back.
    """
    with open_state(options) as (project, store):
        people = [letter for letter in store.dead_letters() if binding in (None, letter.binding)]
        events = () if binding else _events(project, connector, since, error)
    people = [] if connector or since or error else people
    if as_json:
        told = [{**asdict(letter), "at": letter.at.isoformat()} for letter in people]
        options.output.json([*told, *(asdict(letter) for letter in events)])
        return
    options.output.data(letters_text.listed(people, events))


@command.command("show", epilog="Example: audiform dead-letters show d1958e41d4d8464a921ff7a7a4411182")
@click.argument("event")
@json_option
@project_options
def show(options: Options, event: str, as_json: bool) -> None:
    """Show all that is kept of one event that could not be delivered, by its id."""
    with open_state(options) as (project, _):
        found = [letter for letter in _events(project) if letter.event_id == event]
    if not found:
        raise click.ClickException(
            f"no event with the id `{event}` is kept as a dead letter; `audiform dead-letters list` shows them"
        )
    if as_json:
        options.output.json([asdict(letter) for letter in found])
        return
    options.output.data("\n\n".join(letters_text.whole(letter) for letter in found))


@command.command(
    "replay", epilog="Example: audiform dead-letters replay --connector crm --since 24h --error unavailable"
)
@_chosen
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@project_options
def replay(
    options: Options, connector: str | None, since: str | None, error: str | None, auto_approve: bool
) -> None:
    """Send events again that could not be delivered. Says first how many, and what may arrive twice; then asks.

    They are mapped as the connector is applied now. A running `audiform run` sends them within a second; where none
    runs, the next one does.
    """
    with open_state(options) as (project, _), looking(project) as found:
        letters = [letter for letter in _events(project, connector, since, error) if not letter.replay]
        if not letters:
            options.output.note("No event is kept that could be sent again")
            return
        options.output.data(letters_text.plan(letters))
        if not auto_approve:
            _ask()
        found.ask_for_replay(letters)
        running = bool(alive(found))
    options.output.note(
        "They are being sent now."
        if running
        else "They are sent as soon as `audiform run` runs on this machine."
    )


def _ask() -> None:
    """Ask whether to go on; without a terminal nobody can be asked.

    Raises:
        click.ClickException: there is no terminal.
        click.Abort: the answer is no.
    """
    if not sys.stdin.isatty():
        raise click.ClickException(
            "`audiform dead-letters replay` asks first, and there is no terminal to ask on; nothing was sent\n"
            "Approve in advance:\n\n    audiform dead-letters replay --auto-approve\n"
        )
    click.confirm("Send them again?", abort=True, err=True)


def _events(
    project: Project, connector: str | None = None, since: str | None = None, error: str | None = None
) -> Sequence[Letter]:
    earliest = "" if since is None else _moment_before(since)
    with looking(project) as found:
        return [
            letter
            for letter in found.letters(connector)
            if letter.at >= earliest and error in (None, letter.category)
        ]


def _moment_before(age: str) -> str:
    try:
        moment = datetime.now(UTC) - timedelta(seconds=seconds(age))
    except (KeyError, ValueError, OverflowError):
        raise click.BadParameter(f"`{age}` is no age; write 30m, 24h or 7d", param_hint="--since") from None
    return moment.isoformat(timespec="milliseconds")
