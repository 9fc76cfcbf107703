"""The entry point: finds a command by name, imports only that one, and turns what it raises into an exit code.

Exit codes: 0 done or no changes; 1 error; 2 changes pending; 3 stopped by a guard or a policy; 4 locked;
70 bug (with a report file); 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from audiform.cli.failures import Exit, exit_code_of
from audiform.cli.lazy import LazyGroup
from audiform.cli.options import Options, common_options
from audiform.cli.output import Output

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("audiform.cli.init:command", "Make a working project from a template."),
    "validate": ("audiform.cli.validate:command", "Check the project: no network, no state."),
    "fmt": ("audiform.cli.fmt:command", "Format the project's YAML and keep its comments."),
    "plan": ("audiform.cli.plan:command", "Show what an apply would do, and to how many people."),
    "show": ("audiform.cli.show:command", "Show a saved plan."),
    "apply": ("audiform.cli.apply:command", "Do what the plan says, and nothing else."),
    "sync": ("audiform.cli.sync:command", "Send who entered, left and changed since the last time."),
    "run": ("audiform.cli.run:command", "Take events in and send them on, until it is stopped."),
    "status": ("audiform.cli.status:command", "Show when bindings are due, and how event connectors are."),
    "events": ("audiform.cli.events:command", "Look at the events that were taken in."),
    "destroy": ("audiform.cli.destroy:command", "Plan and apply the deletion of everything."),
    "drift": ("audiform.cli.drift:command", "Show what platforms have now that was not applied."),
    "history": ("audiform.cli.history:command", "List what was applied and sent, by whom."),
    "forget": ("audiform.cli.forget:command", "Take a person who asked for it out of everything."),
    "test": ("audiform.cli.test:command", "Run the project's own test cases, offline."),
    "state": ("audiform.cli.state:command", "Look at the recorded state and mend it."),
    "connectors": (
        "audiform.cli.connectors:command",
        "List, show, check, make and sign connectors and their types.",
    ),
    "import": ("audiform.cli.import_:command", "Make an object that exists a binding's destination."),
    "destinations": ("audiform.cli.destinations:command", "List what exists at a platform."),
    "environments": ("audiform.cli.environments:command", "List and show environments."),
    "graph": ("audiform.cli.graph:command", "Draw what depends on what."),
    "stats": ("audiform.cli.stats:command", "Show what was sent, left out and refused, by day."),
    "dead-letters": (
        "audiform.cli.dead_letters:command",
        "List what a platform rejected, and send events again.",
    ),
    "ci": ("audiform.cli.ci:command", "Run Audiform in CI: make the steps of a pull request."),
    "sandbox": ("audiform.cli.sandbox:command", "Serve a stand-in for every platform."),
    "schema": ("audiform.cli.schema:command", "Print or write the JSON Schemas."),
    "doctor": ("audiform.cli.doctor:command", "Check that this machine has what Audiform needs."),
    "completion": ("audiform.cli.completion:command", "Print the completion script of a shell."),
    "version": ("audiform.cli.version:command", "Print the version."),
}


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="audiform", message="audiform %(version)s")
@common_options
@click.pass_context
def cli(
    context: click.Context, directory: Path | None, environment: str | None, quiet: bool, verbose: bool
) -> None:
    """Audience activation as code: plan in the pull request, apply on merge.

    Example: audiform -C shop -e production plan
    """
    context.obj = Options(directory or Path(), environment, Output(quiet=quiet, verbose=verbose))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and end the process with its code."""
    leave(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. A command returns an int, or None for 0."""
    prepare()
    try:
        result: Any = cli.main(arguments, prog_name="audiform", standalone_mode=False)
    except BaseException as problem:  # noqa: BLE001 - the one place where everything ends
        return exit_code_of(problem)
    return result if isinstance(result, int) else 0


def prepare() -> None:
    """Make the process one of a command's, before anything large is imported."""
    # A large project is a million values without a cycle among them, and looking for one each 700 takes a third of the time.
    gc.set_threshold(100_000, 20, 20)
    # pydantic looks through every installed package for plugins, and a stranger's would read what our models hold.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def leave(code: int) -> NoReturn:
    """End the process at once: to take a large project apart first costs as much as to print its plan.

    So nothing may wait for the interpreter's end: what a command has to close, it closes.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # whoever read the output went away: what was done is as it was
    except OSError:
        code = code or Exit.ERROR  # its disk is full
    os._exit(code)
