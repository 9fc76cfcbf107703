"""`audiform sandbox`: a stand-in for every platform, on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from audiform.cli.failures import Exit
from audiform.cli.opening import open_project
from audiform.cli.options import Options, project_options
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.sandbox.offer import offered, overrides_text
from audiform.sandbox.server import listening
from audiform.sandbox.services import Services


@click.command(epilog="Example: audiform sandbox --project shop --port 8484")
@click.option(
    "--port",
    default=8484,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--project",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Print the overrides that point this project's connectors here.",
)
@click.option(
    "--polls",
    default=0,
    show_default=True,
    type=click.IntRange(0),
    help="How often a job is still running when it is asked about.",
)
@project_options
def command(options: Options, port: int, folder: Path | None, polls: int) -> int:
    """Serve a stand-in for every platform until it is interrupted.

    It keeps audiences and their members, answers as the manifests say that the platforms do, and fails on
    demand. Any secret is accepted, except one that is `expired`. Nothing leaves this machine.
    """
    root = folder or options.root
    wanted = Options(root, options.environment, options.output)
    project, catalog = open_project(wanted) if folder is not None else (None, Catalog(root))
    services = Services(offered(catalog, project), polls)
    try:
        asyncio.run(_serve(services, port, project, catalog, options))
    except KeyboardInterrupt:
        options.output.note("Stopped; what it held is gone.")
    except OSError as problem:
        raise click.ClickException(
            f"port {port} cannot be used ({problem.strerror}); choose another with --port, or --port 0 for a free one"
        ) from None
    return Exit.DONE


async def _serve(
    services: Services, port: int, project: Project | None, catalog: Catalog, options: Options
) -> None:
    async with listening(services, port) as url:
        if project is not None:
            click.echo(overrides_text(catalog, project, url))
        options.output.note(
            f"Sandbox at {url}, {len(services.platforms)} services; {url}/_sandbox/ shows what it can do"
        )
        await asyncio.Event().wait()
