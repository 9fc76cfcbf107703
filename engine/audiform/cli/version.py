"""`audiform version`."""

from __future__ import annotations

import click

from audiform import __version__


@click.command(epilog="Example: audiform version")
def command() -> None:
    """Print the version."""
    click.echo(f"audiform {__version__}")
