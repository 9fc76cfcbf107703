"""`audiform connectors check`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

import click

from audiform.address import Kind
from audiform.cli.failures import Exit
from audiform.cli.opening import open_project
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import connectors_text
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.credentials import Checked, check_credentials, checkable
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.transports.routed import RoutedTransport


@click.command(epilog="Example: audiform -e production connectors check ads_eu")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@project_options
def command(options: Options, names: tuple[str, ...], as_json: bool) -> int:
    """Ask the platforms whether the credentials work. Nothing is changed there, and nobody is sent."""
    project, catalog = open_project(options)
    found = asyncio.run(_check(project, catalog, names or _enabled(project)))
    if as_json:
        options.output.json([asdict(item) for item in found])
    elif found:
        options.output.data(connectors_text.checked(found, colour=options.output.colour))
    else:
        options.output.note("The project has no connector that is switched on")
    return Exit.ERROR if any(item.status == "failed" for item in found) else Exit.DONE


async def _check(project: Project, catalog: Catalog, names: Sequence[str]) -> list[Checked]:
    """Check all of them side by side.

    Raises:
        DiagnosticError: one of the names is no connector of the project's.
    """
    unknown = [name for name in names if name not in checkable(project)]
    if unknown:
        raise DiagnosticError([_unknown(name, project) for name in unknown])
    transport = RoutedTransport()
    try:
        return list(
            await asyncio.gather(*(check_credentials(project, catalog, name, transport) for name in names))
        )
    finally:
        await transport.close()


def _enabled(project: Project) -> tuple[str, ...]:
    own = [name for name, connector in project.connectors.items() if connector.enabled]
    events = [name for name, connector in project.event_connectors.items() if connector.enabled]
    return (
        *own,
        *(f"{Kind.EVENT_CONNECTOR}.{name}" if name in project.connectors else name for name in events),
    )


def _unknown(name: str, project: Project) -> Diagnostic:
    text = f"The project has no connector `{name}`. `audiform connectors list` shows those that it has."
    return Diagnostic("unknown-reference", text, hint=did_you_mean(name, checkable(project)))
