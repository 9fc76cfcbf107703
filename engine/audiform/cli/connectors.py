"""`audiform connectors`: those of the project, the types that there are, and whether credentials work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

import click

from audiform.cli.failures import Exit
from audiform.cli.opening import open_project
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.views import connectors_data, connectors_text
from audiform.cli.views.diagnostics import render_text
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog, ConnectorType
from audiform.credentials import Checked, check_credentials
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.transport import HttpTransport


@click.group()
def command() -> None:
    """List, show and check connectors and their types.

    Example: audiform connectors list --available
    """


@command.command("list", epilog="Example: audiform connectors list --available")
@click.option("--available", is_flag=True, help="All connector types that there are, with what each can do.")
@json_option
@project_options
def list_them(options: Options, available: bool, as_json: bool) -> int:
    """List the project's connectors, or the catalogue of types."""
    if available:
        return _catalogue(options, as_json=as_json)
    found = connectors_data.configured(*open_project(options))
    if as_json:
        options.output.json(found)
    elif found:
        options.output.data(connectors_text.configured(found))
    else:
        options.output.note(
            "The project has no connector yet: `audiform connectors list --available` shows the types"
        )
    return Exit.DONE


@command.command("show", epilog="Example: audiform connectors show http_audience")
@click.argument("type_name", metavar="TYPE")
@json_option
@project_options
def show(options: Options, type_name: str, as_json: bool) -> None:
    """Show a connector type: settings, credentials, identifiers, limits, what it can and cannot do, an example."""
    kind = Catalog(options.root).get(type_name)
    if as_json:
        options.output.json(connectors_data.detail(kind))
        return
    text = _yaml(connectors_data.example(kind))
    options.output.data(connectors_text.detail(kind, text, colour=options.output.colour))


@command.command("check", epilog="Example: audiform -e production connectors check ads_eu")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_option
@project_options
def check(options: Options, names: tuple[str, ...], as_json: bool) -> int:
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


def _catalogue(options: Options, *, as_json: bool) -> int:
    """Show every type that can be opened, and say what is wrong with the others."""
    catalog = Catalog(options.root)
    kinds: list[ConnectorType] = []
    problems: list[Diagnostic] = []
    for name in catalog.names():
        try:
            kinds.append(catalog.get(name))
        except DiagnosticError as error:
            problems += error.diagnostics
    if as_json:
        options.output.json([connectors_data.summary(kind) for kind in kinds])
    else:
        options.output.data(connectors_text.matrix(kinds))
    if problems:
        options.output.problem(render_text(problems, colour=options.output.error_colour))
    return Exit.ERROR if problems else Exit.DONE


async def _check(project: Project, catalog: Catalog, names: Sequence[str]) -> list[Checked]:
    """Check all of them side by side.

    Raises:
        DiagnosticError: one of the names is no connector of the project's.
    """
    unknown = [name for name in names if name not in project.connectors]
    if unknown:
        raise DiagnosticError([_unknown(name, project) for name in unknown])
    transport = HttpTransport()
    try:
        return list(
            await asyncio.gather(*(check_credentials(project, catalog, name, transport) for name in names))
        )
    finally:
        await transport.close()


def _enabled(project: Project) -> tuple[str, ...]:
    return tuple(name for name, connector in project.connectors.items() if connector.enabled)


def _unknown(name: str, project: Project) -> Diagnostic:
    text = f"The project has no connector `{name}`. `audiform connectors list` shows those that it has."
    return Diagnostic("unknown-reference", text, hint=did_you_mean(name, project.connectors))


def _yaml(data: Any) -> str:
    from ruamel.yaml import YAML

    writer: Any = YAML()
    writer.default_flow_style = None
    writer.width = 100
    text = StringIO()
    writer.dump(data, text)
    return text.getvalue()
