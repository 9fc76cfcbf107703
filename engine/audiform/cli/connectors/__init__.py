"""`audiform connectors`: those of the project, the types that there are, and types of one's own."""

from __future__ import annotations

import click

from audiform.cli.lazy import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "list": ("audiform.cli.connectors.list:command", "List the project's connectors, or the catalogue."),
    "show": ("audiform.cli.connectors.show:command", "Show all that is known of a connector type."),
    "check": ("audiform.cli.connectors.check:command", "Ask the platforms whether the credentials work."),
    "lock": ("audiform.cli.connectors.lock:command", "Pin the types that the project uses in audiform.lock."),
    "new": ("audiform.cli.connectors.new:command", "Begin a connector type of the project's own."),
    "test": ("audiform.cli.connectors.test:command", "Run the cases of a connector type, offline."),
    "keygen": ("audiform.cli.connectors.keygen:command", "Make a key to sign custom types with."),
    "sign": ("audiform.cli.connectors.sign:command", "Sign a custom type."),
    "verify": (
        "audiform.cli.connectors.verify:command",
        "Say whether custom types are signed and unchanged.",
    ),
}


@click.group(cls=LazyGroup, table=COMMANDS)
def command() -> None:
    """List, show, check, make and sign connectors and their types.

    Example: audiform connectors list --available
    """
