"""`audiform connectors`: those of the project, the types that there are, and types of one's own."""

from __future__ import annotations

import click

from audiform.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("audiform.cli.connectors.list:command", "List the project's connectors, or the catalogue."),
    "show": ("audiform.cli.connectors.show:command", "Show all that is known of a connector type."),
    "check": ("audiform.cli.connectors.check:command", "Ask the platforms whether the credentials work."),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """List, show, check, make and sign connectors and their types.

    Example: audiform connectors list --available
    """
