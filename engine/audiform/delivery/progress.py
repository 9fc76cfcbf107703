"""How far a delivery is, for whoever shows it. Counts people, by binding."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Is told; must not raise. Bindings are delivered side by side, so calls of several mix."""

    def begin(self, binding: str, total: int) -> None: ...
    def advance(self, binding: str, people: int) -> None: ...
    def end(self, binding: str) -> None: ...


class NoProgress:
    """Shows nothing."""

    def begin(self, binding: str, total: int) -> None:
        """Ignore it."""

    def advance(self, binding: str, people: int) -> None:
        """Ignore it."""

    def end(self, binding: str) -> None:
        """Ignore it."""
