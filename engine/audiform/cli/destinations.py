"""`audiform destinations`: what exists at a platform, to be taken over or to look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from audiform.address import Kind
from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.output import Style, paint
from audiform.cli.running import run
from audiform.cli.views.table import table
from audiform.client import PlatformError
from audiform.destinations import Existing, existing, said
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.runtime import Runtime


@click.command(epilog="Example: audiform -e production destinations ads_eu")
@click.argument("connector")
@json_option
@project_options
def command(options: Options, connector: str, as_json: bool) -> int:
    """List the destinations that exist at the platform of CONNECTOR, and which bindings fill them.

    `destination: {adopt: "NAME OR ID"}` in a binding fills one as it is; `audiform import` makes one ours, members included.
    """
    with open_runtime(options) as runtime:
        found, filled = listed(runtime, connector), bindings_of(runtime, connector)
    if as_json:
        options.output.json([_data(one, filled) for one in found])
    elif found:
        options.output.data(_text(found, filled, colour=options.output.colour))
    else:
        options.output.note(f"Nothing exists at `{connector}`, as far as its credentials can see")
    return Exit.DONE


def listed(runtime: Runtime, connector: str) -> list[Existing]:
    """Return what exists at the platform of a connector.

    Raises:
        DiagnosticError: there is no such connector, or nobody can list what it has.
    """
    _refuse(runtime, connector)
    try:
        return run(runtime, existing(runtime.client(connector), runtime.scope("", "", {})))
    except PlatformError as error:
        text = f"`{connector}` cannot list what there is: {said(error.outcome)}"
        raise DiagnosticError(
            [Diagnostic("destinations-not-listed", text, hint=error.outcome.remedy or None)]
        ) from None


def _refuse(runtime: Runtime, connector: str) -> None:
    """Raise what keeps the connector from being listed."""
    if connector not in runtime.project.connectors:
        text = (
            f"The project has no connector `{connector}`. `audiform connectors list` shows those that it has."
        )
        hint = did_you_mean(connector, runtime.project.connectors)
        raise DiagnosticError([Diagnostic("unknown-reference", text, hint=hint)])
    manifest = runtime.client(connector).connector_type.manifest
    if manifest.destination.find is None:
        own = manifest.destination.external
        instead = f" A binding names one by its `{own}`." if own else ""
        text = f"{manifest.title} cannot list what exists there.{instead}"
        raise DiagnosticError([Diagnostic("destinations-not-listed", text)])


def bindings_of(runtime: Runtime, connector: str) -> Mapping[str, list[str]]:
    """Return id -> the recorded bindings that fill it."""
    found: dict[str, list[str]] = {}
    for address, record in runtime.store.read().records.items():
        if address.kind is Kind.BINDING and record.body["connector"] == connector:
            found.setdefault(str(record.body["destination_id"]), []).append(address.name)
    return found


def _data(one: Existing, filled: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "attributes": dict(one.attributes),
        "bindings": filled.get(one.id, []),
    }


def _text(found: list[Existing], filled: Mapping[str, list[str]], *, colour: bool) -> str:
    rows = [(one.name or "", one.id, ", ".join(filled.get(one.id, []))) for one in found]
    head, *lines = table([("name", "id", "filled by"), *rows], left=3)
    return "\n".join([paint(head, Style.BOLD, colour=colour), *lines])
