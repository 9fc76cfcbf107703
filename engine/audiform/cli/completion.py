"""`audiform completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(epilog='Example: eval "$(audiform completion bash)"')
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    root = context.find_root()
    script = get_completion_class(shell)
    if script is None:  # pragma: no cover - click knows the three
        raise click.UsageError(f"click has no completion for {shell}")
    click.echo(script(root.command, {}, "audiform", "_AUDIFORM_COMPLETE").source())
