"""The real engine on a project's folder: plan, apply and sync over real HTTP, with a clock that nobody waits for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from audiform.apply import apply
from audiform.cli.opening import state_of
from audiform.execution.recovery import recover
from audiform.execution.report import Report
from audiform.plan.plan import Plan
from audiform.planner import PlanOptions, make_plan
from audiform.runtime import Runtime
from audiform.sync import SyncOptions, sync
from audiform.transport import HttpTransport
from audiform.wire import Timing
from whole.shop import loaded

Result = TypeVar("Result")


@dataclass
class Clock:
    """Time that passes at once when somebody waits: back-off, limits and jobs cost nothing."""

    passed: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    def timing(self) -> Timing:
        """Return what the engine takes its time from."""
        return Timing(monotonic=self.monotonic, sleep=self.sleep, chance=self.chance.random)

    def monotonic(self) -> float:
        return time.monotonic() + self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)


async def _applied(runtime: Runtime) -> Report:
    """Finish what an interrupted run had begun, plan, and apply the plan: what `audiform apply` does."""
    await recover(runtime)
    return await apply(runtime, await make_plan(runtime, PlanOptions()), measure_again=False)


@dataclass
class Engine:
    """One project's folder. Each call is a run of its own: everything is read anew."""

    root: Path
    clock: Clock = field(default_factory=Clock)

    def plan(self) -> Plan:
        """Return what there is to do."""
        return self._run(lambda runtime: make_plan(runtime, PlanOptions()))

    def run(self, *, retry_rejected: bool = False) -> list[Report]:
        """Apply what was changed, then sync everything that is enabled: what a merge and the next hour do."""

        async def both(runtime: Runtime) -> list[Report]:
            return [
                await _applied(runtime),
                await sync(runtime, (), SyncOptions(retry_rejected=retry_rejected)),
            ]

        return self._run(both)

    def sync(self) -> Report:
        """Sync everything that is enabled."""
        return self._run(lambda runtime: sync(runtime, (), SyncOptions()))

    def _run(self, work: Callable[[Runtime], Awaitable[Result]]) -> Result:
        project, catalog = loaded(self.root)
        store, ledger = state_of(project)
        transport = HttpTransport()
        runtime = Runtime(project, catalog, store, ledger, transport, timing=self.clock.timing())

        async def whole() -> Result:
            try:
                return await work(runtime)
            finally:
                await transport.close()

        try:
            return asyncio.run(whole())
        finally:
            store.close()


def said(report: Report) -> list[str]:
    """Return what a report says went wrong."""
    people = (*report.delivered, *report.withdrawn)
    return [
        *(f"{one.step.id}: {one.problems}" for one in report.failed),
        *(
            f"{one.binding} {one.status}: {one.problems} {one.guards}"
            for one in people
            if one.status != "done"
        ),
        *(f"{one.code}: {one.detail}" for one in report.refused),
    ]
