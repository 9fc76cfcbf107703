"""`audiform sync --watch`: the process that sends each binding when it is due."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

from audiform.cli.failures import Exit
from audiform.cli.opening import open_project, open_runtime, open_state
from audiform.cli.options import Options
from audiform.forwarding.telling import Telling
from audiform.schedules.agenda import place_of
from audiform.state.store import StateStore
from audiform.sync import chosen
from audiform.watch.metrics import served
from audiform.watch.session import Session, SyncSession
from audiform.watch.watcher import Setup, Watcher
from audiform.wire import Timing

OPERATION = "audiform sync --watch"


def watch(options: Options, names: tuple[str, ...], metrics: tuple[str, int] | None) -> Exit:
    """Send what is due until SIGTERM or SIGINT; return the exit code.

    Raises:
        DiagnosticError: the project has errors now, or a name is none of a binding.
    """
    project, _ = open_project(options)
    wanted = frozenset(chosen(project, names)) if names else frozenset[str]()
    write: Callable[[str], None] = (lambda _: None) if options.output.quiet else _line
    # Warnings were said once, and lines of JSON are what follows.
    quiet = replace(options, output=replace(options.output, quiet=True))

    @asynccontextmanager
    async def opening() -> AsyncIterator[Session]:
        with open_runtime(quiet) as runtime, runtime.store.lock(OPERATION):
            try:
                yield SyncSession(runtime)
            finally:
                await runtime.transport.close()

    with open_state(quiet) as (_, store):
        setup = Setup(
            store, opening, place_of(project.name, project.environment.name), wanted, Timing(), Telling(write)
        )
        # Other commands end soon and look for cycles seldom. This one stays, so that each project that it read has to go.
        gc.freeze()
        gc.set_threshold(2_000, 10, 10)
        asyncio.run(_until_stopped(Watcher(setup), store, metrics))
    return Exit.DONE


async def _until_stopped(watcher: Watcher, store: StateStore, metrics: tuple[str, int] | None) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, watcher.stopping.set)
    telling, timing = watcher.setup.telling, watcher.setup.timing
    with ExitStack() as stack:
        facts: dict[str, object] = {}
        if metrics is not None:
            port = stack.enter_context(served(watcher, *metrics, timing.clock))
            facts["metrics"] = f"http://{metrics[0]}:{port}/metrics"
        watcher.look(store)
        scheduled = [each.binding for each in watcher.seen if each.schedule is not None and each.on]
        telling.say("watching", pid=os.getpid(), bindings=len(scheduled), **facts)
        if not scheduled:
            telling.say(
                "nothing_scheduled", hint="write `schedule:` in a binding or an environment, and apply it"
            )
        await watcher.watch()
    telling.say("stopped")


def _line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
