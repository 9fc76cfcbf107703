"""`audiform history`: which commands changed something, when, who ran them, and what they did."""

from __future__ import annotations

import click

from audiform.cli.opening import open_state
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import history_text
from audiform.history import entry_of


@click.group(invoke_without_command=True)
@json_option
@project_options
@click.pass_context
def command(context: click.Context, options: Options, as_json: bool) -> None:
    """List the applies, syncs and erasures of an environment, the latest first.

    The last 200 syncs are kept, the last 200 of everything else, and all erasures.

    Example: audiform -e production history show 3f2a
    """
    if context.invoked_subcommand is not None:
        return
    with open_state(options) as (_, store):
        entries = store.history()
    if as_json:
        options.output.json([history_text.line_data(entry) for entry in reversed(entries)])
    else:
        options.output.data(history_text.listing(entries))


@command.command("show", epilog="Example: audiform history show 3f2a --json")
@click.argument("entry")
@json_option
@project_options
def show(options: Options, entry: str, as_json: bool) -> None:
    """Show one entry by its id, or by how that begins: what it changed, and how many people it moved."""
    with open_state(options) as (_, store):
        found = entry_of(store, entry)
    if as_json:
        options.output.json(history_text.data(found))
    else:
        options.output.data(history_text.detail(found))
