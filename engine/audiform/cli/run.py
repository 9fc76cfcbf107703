"""`audiform run`: takes events in and sends them on until it is stopped."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from audiform.check.trust import trust_of
from audiform.cli.failures import Exit
from audiform.cli.opening import open_state
from audiform.cli.options import Options, project_options
from audiform.collector.serve import event_loop
from audiform.config.project import Project
from audiform.config.secret_references import SecretReference
from audiform.connectors.catalog import Catalog
from audiform.eventlog.open import event_directory, open_event_log
from audiform.forwarding.destinations import Makers
from audiform.forwarding.store import open_records
from audiform.forwarding.telling import Telling, no_traces, traces
from audiform.run import Setup, running
from audiform.secret_stores.stores import SecretStores
from audiform.state.lock import take
from audiform.state.store import StateStore
from audiform.transports.routed import RoutedTransport
from audiform.wire import Timing

_TRACES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@click.command(epilog="Example: audiform -e production run --host 0.0.0.0 --port 8080")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one."
)
@project_options
def command(options: Options, host: str, port: int) -> int:
    """Take events in and send them to every event connector that is applied, until it is stopped.

    What an apply changes takes effect within a second, without a restart. An event is answered with success when it
    is on disk. Stop it with Ctrl-C or SIGTERM: requests that were begun are answered, and what is not delivered yet is
    sent at the next start. Lines of JSON on stderr say what happens; `audiform status` shows how each connector is.
    """
    with open_state(options) as (project, store), ExitStack() as stack:
        directory = event_directory(project)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        release = f"kill the process that holds {directory / 'lock'}"
        stack.enter_context(take(directory / "lock", "audiform run", release))
        write: Callable[[str], None] = (lambda _: None) if options.output.quiet else _line
        wanted = any(os.environ.get(name) for name in _TRACES)
        tracing = traces() if wanted else no_traces()
        stack.callback(tracing.close)
        work = partial(_run, project, store, directory, (host, port), Telling(write, tracing.span))
        # Other commands end soon and look for cycles seldom. This one stays: what it made until now stays too, and the
        # cycles of each second are found soon, so that memory does not grow.
        gc.freeze()
        gc.set_threshold(2_000, 10, 10)
        with asyncio.Runner(loop_factory=event_loop) as runner:
            runner.run(work())
    return Exit.DONE


async def _run(
    project: Project, store: StateStore, directory: Path, place: tuple[str, int], telling: Telling
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    transport, timing = RoutedTransport(), Timing()

    def secret(reference: SecretReference) -> str:
        return SecretStores().resolve(reference, project.root)

    making = Makers(Catalog(project.root, trust_of(project)), transport, secret, timing)
    records = open_records(directory, own_log=project.event_log.url is None)
    log = open_event_log(
        project.event_log, project.root, directory, lambda why: telling.say("event_log", why=why)
    )
    setup = Setup(store, log, records, making, secret, project.root, *place, timing, telling)
    try:
        async with running(setup) as (_, port):
            telling.say("running", url=f"http://{place[0]}:{port}", pid=os.getpid())
            await stopped.wait()
            telling.say("stopping")
    finally:
        await log.close()
        await records.close()
        await transport.close()
    telling.say("stopped")


def _line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
