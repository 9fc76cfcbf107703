"""A real `apply` or `sync` in a process of its own, to which something happens at one of its points."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from audiform.cli.applying import plan_and_apply
from audiform.cli.approved import Consent
from audiform.cli.failures import exit_code_of
from audiform.cli.opening import open_project, state_of
from audiform.cli.options import Options
from audiform.cli.output import Output
from audiform.cli.reporting import exit_code, say
from audiform.cli.running import run
from audiform.planner import PlanOptions
from audiform.runtime import Runtime
from audiform.sync import sync
from audiform.transports.routed import RoutedTransport
from faults.points import STORE, Points, Watched, WatchedLedger, WatchedTransport, die, watch_files
from processes import started
from whole.engine import Clock

PATIENCE = 60.0


@dataclass(frozen=True)
class Strike:
    """What happens at a point.

    `kill`; `pause` until the parent says go on; `hold`, the same before a write; `clock`, moved by `amount` seconds; `quota`: no file may become larger
    than `amount` bytes.
    """

    point: int
    what: Literal["kill", "pause", "hold", "clock", "quota"]
    amount: float = 0.0


@dataclass
class Run:
    """A run that goes on, or has ended. `passed`: its points, once it ended by itself. `ended_first`: before its pause."""

    process: BaseProcess
    output: Path
    pipe: Connection
    passed: int | None = None
    ended_first: bool = False
    label: str = ""

    def paused(self) -> bool:
        """Wait until the run is at its point; False when it ended before."""
        self.ended_first = not (self.pipe.poll(PATIENCE) and self._asks())
        return not self.ended_first

    def go_on(self) -> None:
        """Let it go on from its point."""
        self.pipe.send(None)

    def kill(self) -> None:
        """Kill it, with no chance to tidy up."""
        self.process.kill()

    def ended(self) -> tuple[int | None, str]:
        """Wait for the end; return the exit code, -9 when it was killed, and what it said."""
        self.process.join(PATIENCE)
        if self.passed is None and self.pipe.poll():
            self._asks()
        return self.process.exitcode, self.output.read_text(encoding="utf-8")

    def _asks(self) -> bool:
        """Read what the run says: nothing at its pause, and how many points it passed when it ends."""
        try:
            self.passed = self.pipe.recv()
        except EOFError:
            return False
        return self.passed is None


def begin(root: Path, command: str, strike: Strike | None = None, name: str = "output") -> Run:
    """Start a command on the project in `root`; `name`: of the file for what it says."""
    output = root / f"{name}.txt"
    output.touch()
    ours, theirs = Pipe()
    process = started(_main, root, command, strike, theirs, output)
    theirs.close()
    return Run(process, output, ours)


def _main(root: Path, command: str, strike: Strike | None, pipe: Connection, output: Path) -> None:
    os.environ |= {"XDG_CACHE_HOME": str(root / "cache"), "TMPDIR": str(root)}
    tempfile.tempdir = None
    with output.open("w", encoding="utf-8") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())
    clock = Clock()
    moved: list[timedelta] = []
    held = strike is not None and strike.what == "hold"
    points = Points(strike.point if strike else None, _striking(strike, pipe, moved), only_writes=held)
    if strike is None or strike.what == "kill":
        # Whoever only waits at such a point could be between a check and what it allows, which no file system knows.
        watch_files(root / ".audiform", points)
    try:
        code = _work(
            root,
            command,
            points,
            clock,
            lambda: datetime.now(UTC) + sum(moved, timedelta(seconds=clock.passed)),
        )
    except BaseException as problem:  # noqa: BLE001 - as the product's own `run`
        code = exit_code_of(problem)
    pipe.send(points.passed)
    sys.exit(code)


def _work(root: Path, command: str, points: Points, clock: Clock, now: Callable[[], datetime]) -> int:
    """Do what the command does, through the product's own functions, with everything that writes or sends watched."""
    options = Options(root, None, Output(quiet=True))
    project, catalog = open_project(options)
    opened, members = state_of(project)
    store: Any = Watched(opened, STORE, points)
    ledger = WatchedLedger(members, points)
    transport = WatchedTransport(RoutedTransport(), points)
    runtime = Runtime(project, catalog, store, ledger, transport, clock=now, timing=clock.timing())
    try:
        if command == "apply":
            consent = Consent(auto=True)
            return plan_and_apply(runtime, PlanOptions(), options, "apply", consent, as_json=True)
        with store.lock("audiform sync"):
            report = run(runtime, sync(runtime))
        say(report, options, as_json=True, verb="Synced", total=len(report.delivered) + len(report.failed))
        return exit_code(report)
    finally:
        store.close()


def _striking(strike: Strike | None, pipe: Connection, moved: list[timedelta]) -> Callable[[], None]:
    if strike is None:
        return die  # never reached: no point has this number

    def pause() -> None:
        pipe.send(None)
        pipe.recv()

    def shift() -> None:
        moved.append(timedelta(seconds=strike.amount))

    def limit() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(strike.amount), hard))

    return {"kill": die, "pause": pause, "hold": pause, "clock": shift, "quota": limit}[strike.what]
