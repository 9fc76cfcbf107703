"""`audiform destroy`: ends every binding as its `on_delete` says, and forgets the rest."""

from __future__ import annotations

from dataclasses import replace

import click

from audiform.cli.applying import ask_first, plan_and_apply
from audiform.cli.approved import Consent
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, memory_option, project_options
from audiform.cli.planning import plan_options
from audiform.planner import PlanOptions


@click.command(epilog="Example: audiform -e staging destroy")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@json_option
@project_options
@memory_option
@plan_options
def command(options: Options, wanted: PlanOptions, auto_approve: bool, as_json: bool) -> int:
    """Plan and apply the deletion of everything that is recorded in this environment.

    What happens to the people of a binding is what its recorded `on_delete` says. The project's files stay.
    """
    consent = Consent(auto_approve)
    ask_first("destroy", consent, instead="Run it where somebody can be asked, or approve in advance:\n")
    with open_runtime(options) as runtime:
        return plan_and_apply(
            runtime, replace(wanted, destroy=True), options, "destroy", consent, as_json=as_json
        )
