"""`audiform sync`: sends who entered, left and changed since the last time."""

from __future__ import annotations

import click

from audiform.address import Kind
from audiform.cli.failures import Exit
from audiform.cli.opening import open_runtime
from audiform.cli.options import Options, json_option, memory_option, part_options, project_options
from audiform.cli.reporting import exit_code, say
from audiform.cli.running import run
from audiform.cli.views.progress import bars
from audiform.plan.evolve import evolve
from audiform.plan.select import bindings_of
from audiform.runtime import Runtime
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
@memory_option
@part_options
def command(
    options: Options,
    bindings: tuple[str, ...],
    targets: tuple[str, ...],
    exclude: tuple[str, ...],
    guards: tuple[str, ...],
    retry_rejected: bool,
    as_json: bool,
) -> int:
    """Bring the destinations of the named bindings, or of all, to what their audiences say now.

    Only what was applied is sent: a binding that differs from the last apply is reported and left alone. A pattern
    also names the bindings of an audience, a connector or a source.
    """
    with open_runtime(options) as runtime, runtime.store.lock("audiform sync"):
        if targets or exclude:
            bindings = _part(runtime, bindings, targets, exclude)
            left = len(runtime.project.bindings) - len(bindings)
            options.output.note(f"note: only a part is synced; {left:,} bindings are left out")
            if not bindings:
                return Exit.DONE
        try:
            with bars(options.output) as progress:
                wanted = SyncOptions(frozenset(guards), retry_rejected=retry_rejected, progress=progress)
                report = run(runtime, sync(runtime, bindings, wanted))
        except KeyboardInterrupt:
            options.output.note("What the platforms accepted is recorded; the next sync goes on from there")
            raise
    if not runtime.project.bindings:
        options.output.note("The project has no bindings, so nobody was sent. `audiform run` sends events")
    say(report, options, as_json=as_json, verb="Synced", total=len(report.delivered) + len(report.failed))
    return exit_code(report)


def _part(
    runtime: Runtime, bindings: tuple[str, ...], targets: tuple[str, ...], exclude: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the bindings that the patterns leave of those that are named, or of all."""
    evolved = evolve(runtime.project, runtime.store.read())
    chosen = bindings_of(runtime.project, evolved, targets, exclude)
    plain = {name.removeprefix(f"{Kind.BINDING}.") for name in bindings}
    return tuple(name for name in chosen if not plain or name in plain)
