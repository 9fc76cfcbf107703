"""The order of a plan's steps: each starts when those that it needs are done; independent ones run side by side."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import InitVar, dataclass, field

from audiform.execution.report import Skipped
from audiform.plan.plan import Step, StepKind


@dataclass(slots=True)
class Order:
    """Which steps are ready, and what a failure holds up. Pure.

    `records`: ready steps that only write state; they go together, in one transaction. Every step that one needs
    is among `steps`. Of those that are ready, the ones of the lowest `rank` go first, and of these those that were first.
    """

    steps: InitVar[Iterable[Step]]
    rank: Callable[[Step], int] = lambda _: 0
    ready: list[Step] = field(default_factory=list[Step], init=False)
    records: list[Step] = field(default_factory=list[Step], init=False)
    skipped: list[Skipped] = field(default_factory=list[Skipped], init=False)
    _open: dict[str, int] = field(default_factory=dict[str, int], init=False)
    _users: dict[str, list[Step]] = field(default_factory=dict[str, list[Step]], init=False)
    _dropped: set[str] = field(default_factory=set[str], init=False)

    def __post_init__(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self._open[step.id] = len(step.needs)
            for need in step.needs:
                self._users.setdefault(need, []).append(step)
            if not step.needs:
                self._start(step)

    def done(self, step: Step) -> None:
        """Make ready what needed only this step."""
        for user in self._users.get(step.id, ()):
            self._open[user.id] -= 1
            if not self._open[user.id] and user.id not in self._dropped:
                self._start(user)

    def failed(self, step: Step) -> None:
        """Skip everything that needs this step, directly or not; each is skipped for one cause."""
        waiting = deque(self._users.get(step.id, ()))
        while waiting:
            user = waiting.popleft()
            if user.id not in self._dropped:
                self._dropped.add(user.id)
                self.skipped.append(Skipped(user, step))
                waiting.extend(self._users.get(user.id, ()))

    def _start(self, step: Step) -> None:
        if step.kind is StepKind.RECORD:
            self.records.append(step)
        else:
            insort(self.ready, step, key=self.rank)


async def run_in_order(
    order: Order,
    record: Callable[[Sequence[Step]], None],
    perform: Callable[[Step], Awaitable[bool]],
    at_once: int,
) -> None:
    """Do every step that its needs allow, at most `at_once` side by side.

    `record` does the steps that only write state; `perform` does one other step and says whether it worked. When
    this is cancelled, the steps under way are cancelled and waited for.
    """
    running: dict[asyncio.Future[bool], Step] = {}
    try:
        while order.records or order.ready or running:
            _record_all(order, record)
            while order.ready and len(running) < at_once:
                step = order.ready.pop(0)
                running[asyncio.ensure_future(perform(step))] = step
            if running:
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    step = running.pop(task)
                    (order.done if task.result() else order.failed)(step)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _record_all(order: Order, record: Callable[[Sequence[Step]], None]) -> None:
    while order.records:
        steps, order.records = order.records, []
        record(steps)
        for step in steps:
            order.done(step)
