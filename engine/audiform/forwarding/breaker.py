"""Whether a destination may be asked now: after failures it is left alone for a while, then asked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

_FAILURES = 3
_FIRST_SECONDS = 1.0
_MOST_SECONDS = 60.0


class Circuit(StrEnum):
    """The state of a breaker, as users see it."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


@dataclass(slots=True)
class Breaker:
    """Opens after three batches in a row that nothing was taken of, or when the platform says how long to wait.

    Pure: `monotonic` gives the time, `chance` a number from 0 to 1 by which a wait is shortened to half of it.
    """

    monotonic: Callable[[], float]
    chance: Callable[[], float]
    failures: int = 0
    until: float = float("-inf")
    since: float | None = None
    """When the failures in a row began."""
    _trying: bool = False

    @property
    def state(self) -> Circuit:
        """What to show."""
        if self.monotonic() < self.until:
            return Circuit.OPEN
        return Circuit.TRYING if self.failures >= _FAILURES else Circuit.CLOSED

    def wait(self) -> float:
        """Return the seconds until something may be sent: 0 for now; without end while one is trying."""
        if self._trying:
            return float("inf")
        return max(0.0, self.until - self.monotonic())

    def begin(self) -> None:
        """Say that a batch is sent; it is the only one while the destination is tried."""
        self._trying = self.state is Circuit.TRYING

    def succeed(self) -> None:
        """Say that the destination took something, or read it and refused it."""
        self.failures, self._trying, self.until, self.since = 0, False, float("-inf"), None

    def fail(self, retry_after: float | None = None, *, hopeless: bool = False) -> None:
        """Say that it took nothing. `hopeless`: nor will it, before somebody does something."""
        self._trying = False
        self.since = self.monotonic() if self.since is None else self.since
        self.failures = max(self.failures + 1, _FAILURES if hopeless else 0)
        if retry_after is not None:
            self._open(retry_after)
        elif self.failures >= _FAILURES:
            self._open(backoff(self.failures - _FAILURES + 1, self.chance(), _FIRST_SECONDS, _MOST_SECONDS))

    def broken_for(self) -> float:
        """Return for how many seconds it has taken nothing; 0 where it works."""
        return 0.0 if self.since is None else self.monotonic() - self.since

    def _open(self, seconds: float) -> None:
        self.until = max(self.until, self.monotonic() + seconds)


def backoff(attempt: int, chance: float, first: float = 0.5, most: float = 300.0) -> float:
    """Return how long to wait after the `attempt`-th failure (from 1): doubled, up to `most`, jittered to half of it."""
    return min(most, first * 2.0 ** min(attempt - 1, 30)) * (0.5 + chance / 2)
