"""One request until its last outcome: authentication, limits and retries around the transport."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from audiform.connectors.auth import scheme_of
from audiform.connectors.auth.scheme import Auth, AuthError, Context, Grant, Scheme, Session
from audiform.connectors.manifest import Manifest
from audiform.connectors.request import token_url
from audiform.connectors.template import references
from audiform.limits import Gate, Sleep, TokenBucket
from audiform.outcome import Outcome, OutcomeKind, Request, Response, Then
from audiform.transport import Transport

_UNAUTHORIZED = 401
_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long (seconds). A Retry-After beyond `longest_wait` is left to the next run."""

    attempts: int = 6
    first_wait: float = 0.5
    most_wait: float = 30.0
    longest_wait: float = 120.0

    def wait(self, outcome: Outcome, attempt: int, chance: float) -> float | None:
        """Return the seconds to wait after the `attempt`-th try (from 1), or None to give up.

        Without a Retry-After the wait doubles, and is jittered between half and all of it, so that many
        clients do not come back at the same moment.
        """
        if attempt >= self.attempts:
            return None
        if outcome.retry_after is not None:
            return outcome.retry_after if outcome.retry_after <= self.longest_wait else None
        return min(self.most_wait, self.first_wait * 2.0 ** (attempt - 1)) * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from: given, so that tests need neither."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep
    chance: Callable[[], float] = random.random


@dataclass(slots=True)
class Wire:
    """The way of one connector's requests. Limits hold over all of them."""

    manifest: Manifest
    settings: Mapping[str, Any] = field(repr=False)
    credentials: Callable[[str], str] = field(repr=False)
    transport: Transport = field(repr=False)
    endpoint: str | None
    timing: Timing = field(repr=False)
    policy: RetryPolicy
    _gate: Gate = field(init=False, repr=False)
    _scheme: Scheme = field(init=False, repr=False)
    _auth: Auth = field(init=False, repr=False)
    _session: Session = field(default_factory=Session, init=False, repr=False)
    _secrets: dict[str, str] = field(default_factory=dict[str, str], init=False, repr=False)

    @property
    def gate(self) -> Gate:
        """The connector's limits."""
        return self._gate

    def __post_init__(self) -> None:
        limits = self.manifest.limits
        bucket = TokenBucket(limits.requests_per_second, self.timing.monotonic)
        self._gate = Gate(limits.concurrency, bucket, self.timing.sleep)
        self._scheme, self._auth = scheme_of(self.manifest.auth)

    async def send(
        self,
        request: Request,
        read: Callable[[Response], Outcome],
        *,
        repeatable: bool = True,
        left: Then | None = None,
    ) -> Outcome:
        """Send `request` until its outcome, which `read` says, is not `retry`, or there is no more patience.

        `repeatable=False`: not sent again unless it is certain that the first one did nothing. `left`: what the
        caller does itself before it sends another request. An outcome is `unsure` where an earlier try may have been
        done.
        """
        attempt, renewed, unsure = 0, False, False
        while True:
            attempt += 1
            token, response, outcome = await self._once(request, read)
            if response.status == _UNAUTHORIZED and self._scheme.refreshable and not renewed:
                renewed = True
                self._session.drop(token)
                continue
            certain = not response.sent or response.status == _TOO_MANY
            if unsure:
                outcome = replace(outcome, unsure=True)
            handed = outcome.then is not None and outcome.then is left
            if outcome.kind is not OutcomeKind.RETRY or handed or not (repeatable or certain):
                return outcome
            unsure = unsure or not certain
            wait = self.policy.wait(outcome, attempt, self.timing.chance())
            if wait is None:
                return outcome
            if outcome.retry_after is not None:
                self._gate.bucket.pause(wait)
            else:
                await self.timing.sleep(wait)

    async def _once(
        self, request: Request, read: Callable[[Response], Outcome]
    ) -> tuple[str | None, Response, Outcome]:
        """Return the token that was used, the answer and what it means."""
        async with self._gate.passed():
            try:
                grant = await self._grant()
            except AuthError as error:
                return None, Response(0, sent=False), error.outcome
            token = self._session.token
            response = await self.transport.send(
                granted(request, grant), self.manifest.limits.timeout_seconds
            )
        return token, response, read(response)

    async def _grant(self) -> Grant:
        """Run the scheme's generator; one at a time, so that a token is asked for once."""
        async with self._gate.alone():
            flow = self._scheme.flow(self._auth, self._context())
            try:
                request = next(flow)
                while True:
                    response = await self.transport.send(request, self.manifest.limits.timeout_seconds)
                    request = flow.send(response)
            except StopIteration as done:
                grant: Grant = done.value
                return grant

    def _context(self) -> Context:
        now = self.timing.clock().timestamp()
        scope = {"settings": self.settings, "credentials": self.resolved()}
        return Context(scope, self._session, now, lambda url: token_url(url, self.endpoint))

    def resolved(self) -> Mapping[str, str]:
        """Resolve each credential once, when the first request is sent: a command may ask a person.

        One that the connector does not have is left out; the scheme says whether it needs it.
        """
        for reference in references(self._auth.model_dump()):
            root, _, name = reference.partition(".")
            if root == "credentials" and name not in self._secrets:
                with suppress(KeyError):
                    self._secrets[name] = self.credentials(name)
        return self._secrets


def granted(request: Request, grant: Grant) -> Request:
    """Return `request` with what authenticates it."""
    names = {name.lower() for name, _ in grant.headers}
    headers = (*(pair for pair in request.headers if pair[0].lower() not in names), *grant.headers)
    joint = "&" if "?" in request.url else "?"
    url = f"{request.url}{joint}{urlencode(grant.query)}" if grant.query else request.url
    whole = replace(request, headers=headers, url=url)
    return grant.sign(whole) if grant.sign else whole
