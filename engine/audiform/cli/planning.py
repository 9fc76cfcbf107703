"""What plan, apply and destroy share: the options that say what to plan, and how a plan is shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import wraps
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import click

from audiform.cli.options import Options, part_options
from audiform.cli.running import run
from audiform.cli.views.plan_formats import CONCISE, FORMATS
from audiform.cli.views.progress import waiting
from audiform.cli.views.shown import Shown
from audiform.garbage import keep, uncollected
from audiform.history import entry_of
from audiform.lazily import load
from audiform.plan.draft import Approvals
from audiform.plan.plan import Plan
from audiform.planner import PlanOptions, make_plan
from audiform.runtime import Runtime

Command = TypeVar("Command", bound=Callable[..., Any])


def plan_options(command: Command) -> Command:
    """Give the command the options of a plan and hand it one `PlanOptions` as `wanted`."""

    @part_options
    @click.option("--no-impact", is_flag=True, help="Count no people: no source is read.")
    @click.option(
        "--no-refresh", is_flag=True, help="Do not look at the platforms; what was last written is taken."
    )
    @click.option(
        "--approve-guard",
        "guards",
        multiple=True,
        metavar="NAME",
        help="Let a guard pass: `binding.guard`, as the plan names it. Repeatable.",
    )
    @click.option(
        "--approve-delete",
        "deletes",
        multiple=True,
        metavar="ADDRESS",
        help="Let a binding of a protected environment be deleted. Repeatable.",
    )
    @wraps(command)
    def wrapper(
        options: Options,
        targets: tuple[str, ...],
        exclude: tuple[str, ...],
        no_impact: bool,
        no_refresh: bool,
        guards: tuple[str, ...],
        deletes: tuple[str, ...],
        **arguments: Any,
    ) -> Any:
        wanted = PlanOptions(
            impact=not no_impact,
            refresh=not no_refresh,
            targets=targets,
            exclude=exclude,
            approvals=Approvals(frozenset(guards), frozenset(deletes)),
        )
        return command(options, wanted=wanted, **arguments)

    return wrapper  # type: ignore[return-value] # click's decorators lose the type


@dataclass(frozen=True, slots=True)
class How:
    """In which form a plan is printed."""

    form: str = "text"
    concise: bool = False


def show_options(command: Command) -> Command:
    """Give the command --format, --json and --concise, and hand it one `How` as `how`."""

    @click.option("--format", "form", type=click.Choice(list(FORMATS)), default=None, help="How to show it.")
    @click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
    @click.option("--concise", is_flag=True, help="A line for each resource, without its details.")
    @wraps(command)
    def wrapper(options: Options, form: str | None, as_json: bool, concise: bool, **arguments: Any) -> Any:
        if as_json and form not in {None, "json"}:
            raise click.UsageError(f"--json and --format {form} are two forms; choose one")
        chosen = "json" if as_json else form or "text"
        if concise and chosen not in CONCISE:
            raise click.UsageError(
                f"--concise is for {' and '.join(CONCISE)}; {chosen} is for programs, or folds by itself"
            )
        return command(options, how=How(chosen, concise), **arguments)

    return wrapper  # type: ignore[return-value] # click's decorators lose the type


def planned(runtime: Runtime, wanted: PlanOptions, options: Options) -> Plan:
    """Return the plan; on a terminal something moves while it is made."""
    with (
        waiting("Comparing the project with the state, the platforms and the sources", options.output),
        uncollected(),
    ):
        plan = run(runtime, make_plan(runtime, wanted))
        keep()
    _say_unused(wanted, plan, options)
    return plan


def inverted(runtime: Runtime, wanted: str, how: PlanOptions, options: Options) -> Plan:
    """Return the plan that undoes an entry of the history, of all that it did.

    Raises:
        DiagnosticError: there is no such entry (`unknown-history-entry`).
    """
    if how != PlanOptions(approvals=how.approvals):
        raise click.UsageError(
            "an inverse undoes an entry as a whole: it takes approvals and no other option of a plan"
        )
    with waiting("Looking for what the ledger still knows", options.output):
        plan_inverse = load("audiform.inverse.plan:plan_inverse")
        plan: Plan = run(runtime, plan_inverse(runtime, entry_of(runtime.store, wanted), how))
    _say_unused(how, plan, options)
    return plan


def show(
    plan: Plan,
    options: Options,
    how: How | None = None,
    *,
    command: str = "plan",
    file: str = "audiform.yaml",
) -> None:
    """Print the plan; `command` is the one that takes approvals of guards, `file` what a checker points to."""
    chosen = how or How()
    shown = Shown(
        colour=options.output.colour,
        concise=chosen.concise,
        command=command,
        file=file,
        folder=_folder(options),
    )
    with uncollected():
        options.output.data(FORMATS[chosen.form](plan, shown))


def _folder(options: Options) -> PurePosixPath:
    """Return the project's folder from where the command runs: programs resolve files from there."""
    return PurePosixPath(Path(os.path.relpath(options.root)).as_posix())


def _say_unused(wanted: PlanOptions, plan: Plan, options: Options) -> None:
    """Say which approvals approve nothing: a misspelt one would be looked for in vain."""
    results: Collection[str] = {result.name for change in plan.changes for result in change.guards}
    for name in wanted.approvals.names:
        if name not in results:
            options.output.note(f"note: `{name}` was approved, but no guard of that name stops this plan")
