"""Who may send: the HTTP sources of a project, their write keys, origins and limits."""

from __future__ import annotations

import time
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest

from audiform.collector.answers import FORBIDDEN, TOO_MANY, UNAUTHORIZED, Refused, RefusedError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a source takes at once. `max_skew` is in seconds: how far in the future an event may have happened."""

    max_body_bytes: int = 1_000_000
    max_event_bytes: int = 64_000
    max_batch: int = 1_000
    max_depth: int = 20
    max_skew: float = 3600.0


@dataclass(frozen=True, slots=True)
class HttpSource:
    """One source. `keys` are the secrets themselves."""

    name: str
    keys: tuple[str, ...] = field(repr=False)
    allowed_origins: frozenset[str] = frozenset()
    events_per_second: float | None = None
    limits: Limits = Limits()


@dataclass(slots=True)
class Allowance:
    """So many events a second, with bursts of one second's worth; a batch may borrow from the seconds after it."""

    per_second: float | None
    monotonic: Callable[[], float] = time.monotonic
    _left: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._left, self._at = max(1.0, self.per_second or 1.0), self.monotonic()

    def wait(self) -> float:
        """Return 0 where something may be taken now, or the seconds until then."""
        if self.per_second is None:
            return 0.0
        now = self.monotonic()
        self._left = min(max(1.0, self.per_second), self._left + (now - self._at) * self.per_second)
        self._at = now
        return 0.0 if self._left > 0 else (-self._left + 1e-6) / self.per_second

    def take(self, count: int) -> None:
        """Take so many."""
        self._left -= count


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: one write key of one source."""

    source: HttpSource
    digest: bytes = field(repr=False)
    allowance: Allowance


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every write key there is, by its digest: how long a look-up takes says nothing about a key."""

    senders: Mapping[bytes, Sender] = field(repr=False)
    origins: frozenset[str]
    max_body_bytes: int

    def sender(self, key: str) -> Sender:
        """Return who sends with a write key.

        Raises:
            RefusedError: nobody does.
        """
        digest = sha256(key.encode()).digest()
        found = self.senders.get(digest)
        if found is None or not compare_digest(found.digest, digest):
            raise RefusedError(Refused.KEY, "no source has this write key", UNAUTHORIZED)
        return found


def keyring(sources: Sequence[HttpSource], monotonic: Callable[[], float] = time.monotonic) -> Keyring:
    """Return the keys of all sources."""
    senders: dict[bytes, Sender] = {}
    for source in sources:
        for key in source.keys:
            digest = sha256(key.encode()).digest()
            senders[digest] = Sender(source, digest, Allowance(source.events_per_second, monotonic))
    origins = frozenset(origin for source in sources for origin in source.allowed_origins)
    return Keyring(senders, origins, max((source.limits.max_body_bytes for source in sources), default=0))


@lru_cache(maxsize=256)
def key_of(authorization: bytes) -> str | None:
    """Return the write key of an `Authorization` header: the user of Basic, as Segment's clients do, or a Bearer."""
    scheme, _, value = authorization.partition(b" ")
    try:
        match scheme.lower():
            case b"basic":
                return b64decode(value.strip(), validate=True).decode().partition(":")[0]
            case b"bearer":
                return value.strip().decode()
            case _:
                return None
    except ValueError:
        return None


def check_origin(sender: Sender, origin: str | None) -> None:
    """Raise RefusedError where a web page may not send to the source. Who is no web page says no origin."""
    if origin is not None and origin not in sender.source.allowed_origins:
        raise RefusedError(
            Refused.ORIGIN, f'the source "{sender.source.name}" does not allow this origin', FORBIDDEN
        )


def check_rate(sender: Sender) -> None:
    """Raise RefusedError where a key has sent more than it may."""
    wait = sender.allowance.wait()
    if wait > 0:
        raise RefusedError(Refused.RATE, "this write key sends more events than it may", TOO_MANY, wait)
