"""How fast a connector may send, how much at once, and when it must pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class TokenBucket:
    """At most `per_second` requests a second, with bursts of one second's worth; None: no limit.

    Pure arithmetic: `monotonic` gives the time in seconds.
    """

    per_second: float | None
    monotonic: Callable[[], float]
    _tokens: float = field(init=False)
    _at: float = field(init=False)
    _paused_until: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._tokens = self._burst
        self._at = self.monotonic()

    def take(self) -> float:
        """Take one token and return 0, or return the seconds after which to try again."""
        now = self.monotonic()
        if now < self._paused_until:
            return self._paused_until - now
        if self.per_second is None:
            return 0.0
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        # A hair of rounding must not cost another round of waiting.
        if self._tokens < 1.0 - 1e-9:
            return (1.0 - self._tokens) / self.per_second
        self._tokens -= 1.0
        return 0.0

    def pause(self, seconds: float) -> None:
        """Let nobody through for `seconds`: the platform said so to one request, and means all."""
        self._paused_until = max(self._paused_until, self.monotonic() + seconds)

    @property
    def _burst(self) -> float:
        return max(1.0, self.per_second or 1.0)


@dataclass(frozen=True, slots=True)
class _Locks:
    """Locks belong to one event loop."""

    loop: asyncio.AbstractEventLoop
    slots: asyncio.Semaphore
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    authorizing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Gate:
    """What every request of one connector passes: so many at once, so many a second, in order.

    It may be used from several event loops, one after the other.
    """

    concurrency: int
    bucket: TokenBucket
    sleep: Sleep
    _held: _Locks | None = field(default=None, init=False, repr=False)

    @asynccontextmanager
    async def passed(self) -> AsyncIterator[None]:
        """Hold one of the connector's slots, entered at the rate that the platform allows."""
        locks = self._locks()
        async with locks.slots:
            async with locks.turn:
                while (wait := self.bucket.take()) > 0:
                    await self.sleep(wait)
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one who asks for a token."""
        async with self._locks().authorizing:
            yield

    def _locks(self) -> _Locks:
        loop = asyncio.get_running_loop()
        if self._held is None or self._held.loop is not loop:
            self._held = _Locks(loop, asyncio.Semaphore(self.concurrency))
        return self._held
