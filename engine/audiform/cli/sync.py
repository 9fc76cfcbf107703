"""`audiform sync`: sends who entered, left and changed since the last time."""

from __future__ import annotations

import click

from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, project_options
from audiform.cli.reporting import exit_code, say
from audiform.cli.running import run
from audiform.cli.views.progress import bars
from audiform.sync import SyncOptions, sync


@click.command(epilog="Example: audiform -e production sync lapsed_on_ads")
@click.argument("bindings", nargs=-1, metavar="[BINDING]...")
@click.option(
    "--approve-guard",
    "guards",
    multiple=True,
    metavar="NAME",
    help="Let a guard pass: `binding.guard`, as the report names it. Repeatable.",
)
@click.option("--retry-rejected", is_flag=True, help="Also send records that a platform rejected before.")
@json_option
@project_options
def command(
    options: Options, bindings: tuple[str, ...], guards: tuple[str, ...], retry_rejected: bool, as_json: bool
) -> int:
    """Bring the destinations of the named bindings, or of all, to what their audiences say now.

    Only what was applied is sent: a binding that differs from the last apply is reported and left alone.
    """
    with open_runtime(options) as runtime, runtime.store.lock("audiform sync"):
        try:
            with bars(options.output) as progress:
                wanted = SyncOptions(frozenset(guards), retry_rejected=retry_rejected, progress=progress)
                report = run(runtime, sync(runtime, bindings, wanted))
        except KeyboardInterrupt:
            options.output.note("What the platforms accepted is recorded; the next sync goes on from there")
            raise
    say(report, options, as_json=as_json, verb="Synced", total=len(report.delivered) + len(report.failed))
    return exit_code(report)
