"""Options that every command of a project has: -C, -e, --quiet, --verbose; and --json where it prints data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from audiform.cli.output import Output

Command = TypeVar("Command", bound=Callable[..., Any])


_COMMON = (
    click.option(
        "-C",
        "directory",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder of the project.",
    ),
    click.option("-e", "--environment", metavar="NAME", help="Environment to use."),
    click.option("--quiet", is_flag=True, help="Say only what stopped the command."),
    click.option("--verbose", is_flag=True, help="Say more of what happens."),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What the options said. `root` is the project's folder, `environment` None means the default one."""

    root: Path = field(default_factory=Path)
    environment: str | None = None
    output: Output = field(default_factory=Output)
    memory_limit: str | None = None


def common_options(command: Command) -> Command:
    """Give the command -C, -e, --quiet and --verbose: one text for the group and for each command."""
    for option in reversed(_COMMON):
        command = option(command)
    return command


def project_options(command: Command) -> Command:
    """Give the command the common options and hand it one `Options` as its first argument.

    `audiform -C shop plan` and `audiform plan -C shop` mean the same; the option nearer to the command wins.
    """

    @common_options
    @click.pass_context  # type: ignore[arg-type] # as below
    @wraps(command)
    def wrapper(
        context: click.Context,
        directory: Path | None,
        environment: str | None,
        quiet: bool,
        verbose: bool,
        **arguments: Any,
    ) -> Any:
        outer = context.find_object(Options) or Options()
        options = Options(
            root=directory or outer.root,
            environment=environment or outer.environment,
            output=Output(quiet=quiet or outer.output.quiet, verbose=verbose or outer.output.verbose),
        )
        return command(options, **arguments)

    return wrapper  # type: ignore[return-value] # click's decorators lose the type


def memory_option(command: Command) -> Command:
    """Give the command --memory-limit: it stands in the `Options` that it is handed."""

    @click.option(
        "--memory-limit",
        metavar="SIZE",
        help="Most memory that the command takes, as `800MB` or `2GiB`; the rest goes to disk. Default: 1GB.",
    )
    @wraps(command)
    def wrapper(options: Options, memory_limit: str | None, **arguments: Any) -> Any:
        return command(replace(options, memory_limit=memory_limit), **arguments)

    return wrapper  # type: ignore[return-value] # click's decorators lose the type


@dataclass(frozen=True, slots=True)
class Part:
    """What of a project is checked, and whether its state is asked as well."""

    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    with_state: bool = False


def part_options(command: Command) -> Command:
    """Give the command --target and --exclude: the part of a project that somebody asks for."""
    target = click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="PATTERN",
        help="Only these addresses (`binding.lapsed_*`) or labels (`label:team=crm`), and what they need. Repeatable.",
    )
    exclude = click.option(
        "--exclude", multiple=True, metavar="PATTERN", help="Not these addresses or labels. Repeatable."
    )
    return target(exclude(command))


json_option = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
