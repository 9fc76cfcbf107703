"""What apply and destroy share: plan under the lock, ask, carry out, report."""

from __future__ import annotations

import sys

import click

from audiform.apply import apply
from audiform.cli.approved import Consent, check_approved
from audiform.cli.failures import Exit
from audiform.cli.options import Options
from audiform.cli.planning import planned, show
from audiform.cli.reporting import exit_code, say
from audiform.cli.running import run
from audiform.cli.views.progress import bars
from audiform.execution.policies import check_policies
from audiform.execution.recovery import recover
from audiform.execution.stopped import Stopped
from audiform.execution.validity import check_guards
from audiform.plan.plan import Plan
from audiform.plan.summary import stopping
from audiform.planner import PlanOptions
from audiform.runtime import Runtime

_BY_FILE = """Have the plan read and apply its file, or approve in advance:

    audiform plan --out plan.json
    audiform apply plan.json
"""


def ask_first(name: str, consent: Consent, *, instead: str = _BY_FILE, arguments: str = "") -> None:
    """Refuse to go on without a terminal: nobody could be asked, and nobody has read the plan.

    `instead`: what can be done where nobody can be asked; `arguments`: what the command was called with.

    Raises:
        click.ClickException: there is no terminal and no approval.
    """
    if consent.given or sys.stdin.isatty():
        return
    raise click.ClickException(
        f"`audiform {name}` asks before it does anything, and there is no terminal to ask on; nothing was done\n"
        f"{instead}\n    audiform {name}{arguments} --auto-approve\n"
    )


def plan_and_apply(
    runtime: Runtime, wanted: PlanOptions, options: Options, name: str, consent: Consent, *, as_json: bool
) -> int:
    """Plan, show, ask and apply, all under one lock; return the exit code. `name`: the command."""
    with runtime.store.lock(f"audiform {name}"):
        recovered = run(runtime, recover(runtime))
        for note in recovered.notes:
            options.output.note(f"note: {note}")
        plan = planned(runtime, wanted, options)
        if as_json:
            check_policies(runtime, plan)
            check_guards(runtime, plan, runtime.store.read(), again=name)
        else:
            show(plan, options, command=name)
            options.output.data("")
        check_policies(runtime, plan)
        if stopping(plan.changes):
            raise Stopped("guards do not let this plan through; nothing was done")
        check_approved(plan, consent.approved)
        if plan.steps and not consent.given and not _agreed(plan):
            options.output.problem("Not applied: nothing was done")
            return Exit.ERROR
        return carry_out(runtime, plan, options, as_json=as_json, measure_again=not consent.given)


def carry_out(
    runtime: Runtime,
    plan: Plan,
    options: Options,
    *,
    as_json: bool,
    measure_again: bool = True,
    once: bool = False,
) -> int:
    """Apply the plan and say what was done; return the exit code. The caller holds the lock. `once`: see `apply`."""
    try:
        with bars(options.output) as progress:
            report = run(
                runtime, apply(runtime, plan, progress=progress, measure_again=measure_again, once=once)
            )
    except KeyboardInterrupt:
        options.output.note("What was done is recorded; the next apply goes on from there")
        raise
    say(report, options, as_json=as_json, verb="Applied", total=len(plan.steps))
    return exit_code(report)


def _agreed(plan: Plan) -> bool:
    where = f"project {plan.project}, environment {plan.environment}"
    answer: str = click.prompt(
        f"\nDo this ({where})? Only `yes` is taken as yes", default="", show_default=False, err=True
    )
    return answer.strip() == "yes"
