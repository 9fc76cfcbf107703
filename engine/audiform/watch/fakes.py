"""A session for tests: it sends nothing, answers what it is told to, and writes down what a real one would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from audiform.execution.report import Report
from audiform.schedules.due import failures_of
from audiform.state.store import LastRun, StateStore

Answer = Callable[[str], tuple[str, Report]]
"""Name of a binding -> its result, and the report that says so; raises what a sync raises."""


async def _at_once(_: str) -> None:
    """Take no time."""


@dataclass(slots=True)
class FakeSession:
    """`answer` says what comes of a binding; `waits` is waited for while it is sent; `refusing` is what `opening` raises."""

    store: StateStore
    clock: Callable[[], datetime]
    answer: Answer
    bindings: set[str] = field(default_factory=set[str])
    waits: Callable[[str], Awaitable[object]] = _at_once
    refusing: Exception | None = None
    opened: int = 0
    is_open: bool = False
    sent: list[Sequence[str]] = field(default_factory=list[Sequence[str]])

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[FakeSession]:
        """Take the lock that nobody else sees."""
        if self.refusing is not None:
            raise self.refusing
        self.opened, self.is_open = self.opened + 1, True
        try:
            yield self
        finally:
            self.is_open = False

    async def send(self, names: Sequence[str]) -> Report:
        """Write that the bindings run, wait as long as they take, write and return what came of them."""
        self.sent.append(tuple(names))
        before, started = self.store.last_runs(), self.clock()
        self._note(names, started, None, dict.fromkeys(names, "running"), before)
        results: dict[str, str] = dict.fromkeys(names, "interrupted")
        reports: list[Report] = []
        try:
            for name in names:
                await self.waits(name)
                results[name], report = self.answer(name)
                reports.append(report)
        finally:
            self._note(names, started, self.clock(), results, before)
        return Report(
            failed=tuple(one for report in reports for one in report.failed),
            delivered=tuple(one for report in reports for one in report.delivered),
            refused=tuple(one for report in reports for one in report.refused),
        )

    def _note(
        self,
        names: Sequence[str],
        started: datetime,
        ended: datetime | None,
        results: dict[str, str],
        before: Mapping[str, LastRun],
    ) -> None:
        self.store.note_runs(
            LastRun(name, started, ended, results[name], failures_of(results[name], before.get(name)))
            for name in names
        )
