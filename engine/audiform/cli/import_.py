"""`audiform import`: takes an object that exists into the state, or prints the YAML that would."""

from __future__ import annotations

import shlex
from dataclasses import replace

import click

from audiform.address import Address, Kind, parse_address
from audiform.cli.applying import ask_first, plan_and_apply
from audiform.cli.approved import Consent
from audiform.cli.destinations import bindings_of, listed
from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.planning import plan_options
from audiform.cli.views.import_yaml import render
from audiform.config.evolution import Importing
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.planner import PlanOptions
from audiform.runtime import Runtime

_BY_ENTRY = """Write it as an entry of `imports`, which a plan shows and an apply does; or approve in advance:
"""


@click.command(epilog='Example: audiform import binding.lapsed_on_ads "Lapsed buyers"')
@click.argument("address", required=False)
@click.argument("named", required=False, metavar="[ID-OR-NAME]")
@click.option(
    "--generate",
    "connector",
    metavar="CONNECTOR",
    help="Print the YAML that imports what exists at CONNECTOR and no binding fills; nothing is done.",
)
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@json_option
@project_options
@plan_options
def command(
    options: Options,
    wanted: PlanOptions,
    address: str | None,
    named: str | None,
    connector: str | None,
    auto_approve: bool,
    as_json: bool,
) -> int:
    """Make the existing object ID-OR-NAME the destination of the binding ADDRESS, which the YAML declares.

    Its members are adopted where the platform lists them: they count as added by the binding, so that whoever is not
    in its audience is removed. The plan says how many that is, and nothing is done before you agree.
    """
    if connector is not None:
        return _generate(options, connector)
    if address is None or named is None:
        raise click.UsageError("name the binding and the object: audiform import binding.NAME ID-OR-NAME")
    if wanted.targets or wanted.exclude:
        raise click.UsageError("an import is about one binding and what it needs; it takes no --target")
    consent = Consent(auto_approve)
    ask_first("import", consent, instead=_BY_ENTRY, arguments=f" {shlex.join([address, named])}")
    with open_runtime(options) as runtime:
        binding = _binding(runtime, address)
        return plan_and_apply(
            _importing(runtime, binding, named),
            replace(wanted, targets=(str(binding),)),
            options,
            "import",
            consent,
            as_json=as_json,
        )


def _binding(runtime: Runtime, text: str) -> Address:
    """Return the declared binding that is meant, which the state does not have yet."""
    try:
        address = parse_address(text if text.startswith(f"{Kind.BINDING}.") else f"{Kind.BINDING}.{text}")
    except ValueError as error:
        raise DiagnosticError([Diagnostic("invalid-address", f"{error}.")]) from None
    if address.name not in runtime.project.bindings:
        detail = (
            f"The project does not declare `{address}`, and an import needs to know what the object becomes. "
            "`audiform import --generate CONNECTOR` prints a block to start from."
        )
        hint = did_you_mean(address.name, runtime.project.bindings)
        raise DiagnosticError([Diagnostic("unknown-binding", detail, hint=hint)])
    record = runtime.store.read().records.get(address)
    if record is not None:
        detail = (
            f"`{address}` has the destination `{record.body['destination_id']}` already, and an import never takes one away: its "
            "people would stay there for good. End it first with an entry of `removed`."
        )
        raise DiagnosticError([Diagnostic("import-conflict", detail)])
    return address


def _importing(runtime: Runtime, binding: Address, named: str) -> Runtime:
    """Return the runtime of the project as if its YAML had the entry."""
    evolution = runtime.project.evolution
    others = (one for one in evolution.imports if one.address != binding)
    imports = (*others, Importing(binding, named))
    return replace(runtime, project=replace(runtime.project, evolution=replace(evolution, imports=imports)))


def _generate(options: Options, connector: str) -> int:
    with open_runtime(options) as runtime:
        found, filled = listed(runtime, connector), bindings_of(runtime, connector)
        free = [one for one in found if one.id not in filled]
        manifest = runtime.client(connector).connector_type.manifest
        if free:
            options.output.data(render(connector, free, manifest.destination, runtime.project.bindings))
        else:
            options.output.note(f"Nothing exists at `{connector}` that no binding fills")
    return Exit.DONE
