"""What plan, apply and destroy share: the options that say what to plan, and how a plan is shown."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, TypeVar

import click

from audiform.cli.options import Options
from audiform.cli.running import run
from audiform.cli.views import plan_json, plan_text
from audiform.cli.views.progress import waiting
from audiform.plan.draft import Approvals
from audiform.plan.plan import Plan
from audiform.planner import PlanOptions, make_plan
from audiform.runtime import Runtime

Command = TypeVar("Command", bound=Callable[..., Any])


def plan_options(command: Command) -> Command:
    """Give the command the options of a plan and hand it one `PlanOptions` as `wanted`."""

    @click.option(
        "--target",
        "targets",
        multiple=True,
        metavar="GLOB",
        help="Only these addresses, and what they need. Repeatable.",
    )
    @click.option("--exclude", multiple=True, metavar="GLOB", help="Not these addresses. Repeatable.")
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


def planned(runtime: Runtime, wanted: PlanOptions, options: Options) -> Plan:
    """Return the plan; on a terminal something moves while it is made."""
    with waiting("Comparing the project with the state, the platforms and the sources", options.output):
        plan = run(runtime, make_plan(runtime, wanted))
    _say_unused(wanted, plan, options)
    return plan


def show(plan: Plan, options: Options, *, as_json: bool, command: str = "plan") -> None:
    """Print the plan; `command` is the one that takes approvals of guards."""
    if as_json:
        options.output.json(plan_json.render(plan))
    else:
        options.output.data(plan_text.render(plan, colour=options.output.colour, command=command))


def _say_unused(wanted: PlanOptions, plan: Plan, options: Options) -> None:
    """Say which approvals approve nothing: a misspelt one would be looked for in vain."""
    results: Collection[str] = {result.name for change in plan.changes for result in change.guards}
    for name in wanted.approvals.names:
        if name not in results:
            options.output.note(f"note: `{name}` was approved, but no guard of that name stops this plan")
