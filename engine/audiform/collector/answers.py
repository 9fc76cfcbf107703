"""What a client is told."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OK = 200
NO_CONTENT = 204
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
NOT_ALLOWED = 405
TOO_LARGE = 413
UNSUPPORTED = 415
TOO_MANY = 429
UNAVAILABLE = 503


class Refused(StrEnum):
    """Why nothing, or one event, was taken."""

    NOT_JSON = "not_json"
    INVALID = "invalid_event"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    TOO_MANY = "too_many_events"
    FUTURE = "time_in_the_future"
    SCHEMA = "schema_violation"
    KEY = "unknown_write_key"
    ORIGIN = "origin_not_allowed"
    RATE = "rate_limited"
    FULL = "log_full"
    UNAVAILABLE = "log_unavailable"
    UNSUPPORTED = "unsupported_content_type"


Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Headers = ((b"content-type", b"application/json"),)


class RefusedError(Exception):
    """Nothing of a request was taken, or one event of it was not. The text holds no value of the event."""

    def __init__(
        self, reason: Refused, why: str, status: int = BAD_REQUEST, retry_after: float | None = None
    ) -> None:
        self.reason = reason
        self.status = status
        self.retry_after = retry_after
        super().__init__(why)

    def answer(self) -> Answer:
        """Return what the client is told."""
        headers: Headers = ((b"content-type", b"application/json"),)
        if self.retry_after is not None:
            headers += ((b"retry-after", str(max(1, math.ceil(self.retry_after))).encode()),)
        if self.status == UNAUTHORIZED:
            headers += ((b"www-authenticate", b'Basic realm="audiform"'),)
        said = {"success": False, "reason": self.reason, "message": str(self)}
        return Answer(self.status, json.dumps(said).encode(), headers)


@dataclass(frozen=True, slots=True)
class Problem:
    """One event of a batch that was not taken, by its place."""

    index: int
    reason: Refused
    message: str


SUCCESS = Answer(OK, b'{"success":true}')


def partly(taken: int, problems: Sequence[Problem]) -> Answer:
    """Return what is said of a batch of which some was not taken: never that it should be sent again."""
    rejected = [{"index": each.index, "reason": each.reason, "message": each.message} for each in problems]
    said = {"success": taken > 0, "accepted": taken, "rejected": rejected}
    return Answer(OK if taken else BAD_REQUEST, json.dumps(said).encode())


@dataclass(slots=True)
class Figures:
    """What was taken and refused, by source; since the process began, as Prometheus counts."""

    taken: dict[str, int] = field(default_factory=dict[str, int])
    flagged: dict[str, int] = field(default_factory=dict[str, int])
    refused: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def take(self, source: str, count: int) -> None:
        """Count events that are in the log."""
        self.taken[source] = self.taken.get(source, 0) + count

    def flag(self, source: str) -> None:
        """Count an event that was taken although its schema says no."""
        self.flagged[source] = self.flagged.get(source, 0) + 1

    def refuse(self, source: str, reason: str) -> None:
        """Count an event, or a request, that was not taken. `source` is empty where it is not known."""
        self.refused[source, reason] = self.refused.get((source, reason), 0) + 1


def json_answer(value: Mapping[str, Any], status: int = OK) -> Answer:
    """Return a value as JSON."""
    return Answer(status, json.dumps(value).encode())
