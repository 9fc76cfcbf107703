"""`audiform plan`: what an apply would do, and to how many people. Writes nothing but the file of `--out`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from audiform.cli.approved import approved_option, check_approved
from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, memory_option, project_options
from audiform.cli.plan_file import plan_keys, write_plan
from audiform.cli.planning import How, inverted, plan_options, planned, show, show_options
from audiform.plan.effect import plan_hash
from audiform.plan.summary import denials, stopping
from audiform.planner import PlanOptions


@click.command(epilog="Example: audiform -e production plan --out plan.json")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to a file.")
@click.option(
    "--detailed-exitcode", is_flag=True, help="End with 2 when there are changes, and with 0 when not."
)
@click.option(
    "--remote-validate",
    is_flag=True,
    help="Let each platform that can validate one small batch of real people; nothing is done there.",
)
@click.option(
    "--inverse",
    metavar="ID",
    help="Plan what undoes an entry of `audiform history`: its people and its configuration.",
)
@approved_option
@project_options
@memory_option
@plan_options
@show_options
def command(
    options: Options,
    wanted: PlanOptions,
    how: How,
    out: Path | None,
    detailed_exitcode: bool,
    remote_validate: bool,
    inverse: str | None,
    approved: str | None,
) -> int:
    """Show what an apply would create, change and delete, and how many people each destination gains and loses.

    Nothing is sent and nothing is recorded. Ends with 3 when a policy or a guard stops the plan: it cannot be applied as it is.
    """
    keys = plan_keys()
    with open_runtime(options) as runtime:
        if inverse is None:
            plan = planned(runtime, replace(wanted, remote_validate=remote_validate), options)
        else:
            plan = inverted(runtime, inverse, wanted, options)
    show(plan, options, how, command="plan" if inverse is None else f"plan --inverse {inverse}")
    if out is not None:
        write_plan(out, plan, keys)
        options.output.note(f"\nThe plan is in {out}; this does exactly that:\n\n    audiform apply {out}\n")
    check_approved(plan, approved)  # when it is written: whoever has to approve this one reads it first
    if options.output.verbose:
        options.output.detail(f"The plan hash, to approve what it does: {plan_hash(plan)}")
    if any(finding.effect == "error" for finding in plan.policies.findings):
        return Exit.ERROR
    if denials(plan.policies) or stopping(plan.changes):
        return Exit.STOPPED
    return Exit.CHANGES if detailed_exitcode and plan.changes else Exit.DONE
