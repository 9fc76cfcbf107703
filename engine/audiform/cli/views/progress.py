"""Shows on a terminal that something goes on, once it takes longer than a second. Elsewhere nothing is shown."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audiform.cli.output import Output
from audiform.delivery.progress import NoProgress, Progress

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

PATIENCE_SECONDS = 1.0


@contextmanager
def waiting(text: str, output: Output) -> Iterator[None]:
    """Show `text` and that it moves while the block runs."""
    if not _is_shown(output):
        yield
        return
    from rich.console import Console

    status = Console(stderr=True).status(f"{text} ...")
    timer = threading.Timer(PATIENCE_SECONDS, status.start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        status.stop()


@contextmanager
def bars(output: Output) -> Iterator[Progress]:
    """Yield what a delivery tells its progress to: a bar per binding."""
    if not _is_shown(output):
        yield NoProgress()
        return
    shown = Bars()
    try:
        yield shown
    finally:
        shown.close()


@dataclass(slots=True)
class Bars:
    """A bar per binding that is under way; nothing before the first second is over."""

    _since: float = field(default_factory=time.monotonic)
    _rich: RichProgress | None = None
    _tasks: dict[str, TaskID] = field(default_factory=dict[str, "TaskID"])

    def begin(self, binding: str, total: int) -> None:
        """Add a bar."""
        if self._rich is None:
            self._rich = _bars()
        self._tasks[binding] = self._rich.add_task(binding, total=total)

    def advance(self, binding: str, people: int) -> None:
        """Move a bar."""
        if self._rich is None or binding not in self._tasks:
            return
        if time.monotonic() - self._since > PATIENCE_SECONDS and not self._rich.live.is_started:
            self._rich.start()
        self._rich.advance(self._tasks[binding], people)

    def end(self, binding: str) -> None:
        """Take a bar away."""
        if self._rich is not None and binding in self._tasks:
            self._rich.remove_task(self._tasks.pop(binding))

    def close(self) -> None:
        """Clear what is shown."""
        if self._rich is not None and self._rich.live.is_started:
            self._rich.stop()


def _is_shown(output: Output) -> bool:
    return sys.stderr.isatty() and not output.quiet


def _bars() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("people"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
