"""An apply in a process of its own that is killed at one point of its journal."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiform.apply import apply
from audiform.config.load import load
from audiform.connectors.catalog import Catalog
from audiform.execution.recovery import recover
from audiform.execution.report import Report
from audiform.plan.plan import Plan
from audiform.planner import PlanOptions, make_plan
from audiform.runtime import Runtime
from audiform.state.open import open_state
from audiform.transport import HttpTransport
from audiform.wire import Timing
from processes import started

WRITES = frozenset(
    [
        "create",
        "put",
        "remove",
        "move",
        "intend",
        "settle",
        "begin_run",
        "start_batch",
        "settle_batch",
        "end_run",
        "count",
        "bury",
        "unbury",
        "entomb",
        "remember",
    ]
)


@dataclass
class Clock:
    """Time that passes at once when somebody waits."""

    passed: float = 0.0

    def timing(self) -> Timing:
        """Return what the engine takes its time from."""
        return Timing(monotonic=lambda: time.monotonic() + self.passed, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


@dataclass
class Deadly:
    """A store that kills its process: at an even point before a write, at an odd one after it."""

    store: Any
    point: int
    passed: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.store, name)
        if name not in WRITES:
            return found

        def write(*arguments: Any) -> Any:
            self._pass()
            result = found(*arguments)
            self._pass()
            return result

        return write

    def _pass(self) -> None:
        if self.passed == self.point:
            os.kill(os.getpid(), signal.SIGKILL)
        self.passed += 1


def applied(root: Path, point: int | None = None) -> Report:
    """Recover, plan and apply, as `audiform apply` does; killed at a point of the journal, if one is given."""

    async def work(runtime: Runtime) -> Report:
        with runtime.store.lock("audiform apply"):
            await recover(runtime)
            return await apply(runtime, await make_plan(runtime, PlanOptions()), measure_again=False)

    return _run(root, work, point)


def applied_as_reviewed(root: Path) -> Report:
    """Plan, and apply that plan in a later run, as `audiform plan --out FILE` and `audiform apply FILE` do."""
    plan = planned(root)
    return _run(root, lambda runtime: apply(runtime, plan), None)


def planned(root: Path, options: PlanOptions | None = None) -> Plan:
    """Return what there is to do."""
    return _run(root, lambda runtime: make_plan(runtime, options or PlanOptions()), None)


def killed(root: Path, point: int) -> bool:
    """Apply in a process of its own that is killed at the point; False when it ended before it came there."""
    process = started(applied, root, point)
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def _run(root: Path, work: Any, point: int | None) -> Any:
    project, problems = load(root, None)
    assert project is not None, [one.detail for one in problems]
    place = (project.state.url, project.root, project.environment.name)
    opened, ledger = open_state(*place)
    store: Any = opened
    if point is not None:
        store = Deadly(store, point)
    transport = HttpTransport()
    runtime = Runtime(project, Catalog(root), store, ledger, transport, timing=Clock().timing())

    async def whole() -> Any:
        try:
            return await work(runtime)
        finally:
            await transport.close()

    try:
        return asyncio.run(whole())
    finally:
        store.close()
