"""Changes of members that say which state of them they change: what the platform compares before it sets.

The state (`members.revision`) is read just before each batch. Where it is another one by the time the batch arrives,
the platform refuses it; it is then read again, and the batch is sent as a change of its own.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.connectors.manifest import SignalOperation
from audiform.connectors.named import REVISION, names_revision
from audiform.outcome import Category, Outcome, OutcomeKind, Then
from audiform.wire import RetryPolicy, Timing


@dataclass(slots=True)
class Turns:
    """One change of a destination's members at a time, where each names the state that the one before has left."""

    _locks: dict[str, asyncio.Lock] = field(default_factory=dict[str, asyncio.Lock])

    def of(self, signal: SignalOperation, scope: Mapping[str, Any]) -> AbstractAsyncContextManager[None]:
        """Return the turn of a batch: to be entered before it is sent, and left when its job has ended."""
        if not names_revision(signal):
            return nullcontext()
        return self._locks.setdefault(str(scope.get("destination", {}).get("id")), asyncio.Lock())


async def compare_and_set(
    read: Callable[[], Awaitable[Outcome]],
    send: Callable[[Mapping[str, Any]], Awaitable[Outcome]],
    policy: RetryPolicy,
    timing: Timing,
) -> Outcome:
    """Return what became of a batch. `send` takes what its request may name beside what it knows already.

    A refusal that says `then: read_again` is certain: nothing was done. Any other outcome is the caller's, also one
    that leaves it open.
    """
    attempt, unsure, more = 0, False, dict[str, Any]()
    while True:
        attempt += 1
        found = await read()
        if not found.ok:
            # The question changes nothing; only what was sent before it may have been done.
            return replace(found, unsure=unsure)
        if found.extracted.get(REVISION) is None:
            return _without_revision(found, unsure=unsure)
        outcome = await send({**more, "members": {"revision": found.extracted[REVISION]}})
        unsure = unsure or outcome.unsure
        wait = policy.wait(outcome, attempt, timing.chance()) if outcome.then is Then.READ_AGAIN else None
        if wait is None:
            return outcome if outcome.ok else replace(outcome, unsure=unsure)
        more = {"operation": {"id": str(uuid.uuid4())}}
        await timing.sleep(wait)


def _without_revision(found: Outcome, *, unsure: bool) -> Outcome:
    message = f"HTTP {found.status}, but without the members' revision: a change cannot say what it changes"
    return Outcome(OutcomeKind.FAILED, Category.OTHER, message, status=found.status, unsure=unsure)
