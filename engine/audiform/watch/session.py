"""What a watcher sends with while it holds the state's lock; a fake stands in for it in tests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from audiform.execution.report import Report
from audiform.execution.turns import Turns, turns_of
from audiform.runtime import Runtime
from audiform.state.store import StateStore
from audiform.sync import SyncOptions, sync


class Session(Protocol):
    """The project as its files are now, and its state, locked."""

    @property
    def store(self) -> StateStore: ...
    @property
    def bindings(self) -> Collection[str]:
        """Return those that the files declare."""
        ...

    async def send(self, names: Sequence[str]) -> Report:
        """Sync these bindings; several calls may be under way at once."""
        ...


Opening = Callable[[], AbstractAsyncContextManager[Session]]
"""Reads the project and takes the lock; raises LockedError or DiagnosticError. Leaving it lets go of both."""


@dataclass(slots=True)
class SyncSession:
    """A session of real syncs. They take turns, so that no more go on at once, in the same memory, than in one sync."""

    runtime: Runtime
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.turns = turns_of(self.runtime.memory, len(self.runtime.project.bindings))

    @property
    def store(self) -> StateStore:
        """The state, locked."""
        return self.runtime.store

    @property
    def bindings(self) -> Collection[str]:
        """The bindings of the project's files."""
        return self.runtime.project.bindings

    async def send(self, names: Sequence[str]) -> Report:
        """Sync these bindings."""
        return await sync(self.runtime, names, SyncOptions(turns=self.turns))
