"""`audiform apply`: does what a plan says, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from audiform.cli.applying import ask_first, carry_out, plan_and_apply
from audiform.cli.approved import Consent, approved_option, check_approved
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, memory_option, project_options
from audiform.cli.plan_file import plan_keys, read_plan
from audiform.cli.planning import plan_options
from audiform.execution.policies import said
from audiform.plan.summary import warnings
from audiform.planner import PlanOptions


@click.command(epilog="Example: audiform plan --out plan.json && audiform apply plan.json")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@approved_option
@json_option
@project_options
@memory_option
@plan_options
def command(
    options: Options,
    wanted: PlanOptions,
    file: Path | None,
    auto_approve: bool,
    approved: str | None,
    as_json: bool,
) -> int:
    """Apply a saved plan, or plan now, ask, and apply that.

    A saved plan was reviewed, so nobody is asked; it is refused when the project, the state or the people are no
    longer those that it was made from. Without FILE a terminal is asked for, or --auto-approve, or the
    --approved hash of a plan that was read: then exactly that is done, or nothing.
    """
    consent = Consent(auto_approve, approved)
    if file is None:
        ask_first("apply", consent)
    elif wanted != PlanOptions():
        raise click.UsageError("a saved plan is applied as it is: it takes no option that says what to plan")
    with open_runtime(options) as runtime:
        if file is None:
            return plan_and_apply(runtime, wanted, options, "apply", consent, as_json=as_json)
        keys = plan_keys()
        plan = read_plan(file, keys)
        check_approved(plan, approved)
        for finding in warnings(plan.policies):
            options.output.note(f"note: {said(finding)}\n  {finding.message}")
        with runtime.store.lock("audiform apply"):
            return carry_out(runtime, plan, options, as_json=as_json, once=bool(keys))
