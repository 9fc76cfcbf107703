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
from audiform.cli.watching import watch
from audiform.plan.evolve import evolve
from audiform.plan.select import bindings_of
from audiform.runtime import Runtime
from audiform.sync import SyncOptions, sync


def _address(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, int] | None:
    """Return host and port."""
    if value is None:
        return None
    host, _colon, port = value.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter(f"`{value}` is no HOST:PORT, such as `127.0.0.1:9090`")
    return host, int(port)


def _only_names(other: object) -> None:
    """Refuse what would hold for every sync that is to come."""
    if other:
        raise click.UsageError(
            "`--watch` takes names of bindings, and none of --target, --exclude, --approve-guard, --retry-rejected, --full and --json: what "
            "is approved or tried again once would be approved each time. Run `audiform sync` beside it"
        )


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
@click.option(
    "--full",
    is_flag=True,
    help="Read everything, also of audiences that are read by what changed (`watermark`).",
)
@click.option(
    "--watch", "watching", is_flag=True, help="Go on, and send each binding when its `schedule` says so."
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    callback=_address,
    help="With --watch: serve figures for Prometheus there, such as `127.0.0.1:9090`.",
)
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
    full: bool,
    watching: bool,
    metrics: tuple[str, int] | None,
    as_json: bool,
) -> int:
    """Bring the destinations of the named bindings, or of all, to what their audiences say now.

    Only what was applied is sent: a binding that differs from the last apply is reported and left alone. A pattern
    also names the bindings of an audience, a connector or a source.

    With --watch it goes on until Ctrl-C or SIGTERM; lines of JSON on stderr say what happens, and `audiform status` shows what is
    due.
    """
    if watching:
        _only_names(targets or exclude or guards or retry_rejected or full or as_json)
        return watch(options, bindings, metrics)
    if metrics:
        raise click.UsageError("`--metrics` needs `--watch`: other syncs end")
    with open_runtime(options) as runtime, runtime.store.lock("audiform sync"):
        if targets or exclude:
            bindings = _part(runtime, bindings, targets, exclude)
            left = len(runtime.project.bindings) - len(bindings)
            options.output.note(f"note: only a part is synced; {left:,} bindings are left out")
            if not bindings:
                return Exit.DONE
        try:
            with bars(options.output) as progress:
                wanted = SyncOptions(
                    frozenset(guards), retry_rejected=retry_rejected, full=full, progress=progress
                )
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
