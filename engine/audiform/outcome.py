"""Words for what goes over the wire and what an answer means. No I/O, no third parties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Signal(StrEnum):
    """What happened to a member of an audience."""

    ADD = "add"
    REMOVE = "remove"
    MODIFY = "modify"


class OutcomeKind(StrEnum):
    """What an answer means for the batch that was sent."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RETRY = "retry"
    PENDING = "pending"
    FAILED = "failed"


class Category(StrEnum):
    """The closed set of error categories."""

    INVALID_CREDENTIALS = "invalid_credentials"
    PERMISSION_DENIED = "permission_denied"
    DESTINATION_MISSING = "destination_missing"
    INVALID_REQUEST = "invalid_request"
    INVALID_RECORD = "invalid_record"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    TIMEOUT = "timeout"
    OTHER = "other"


class Then(StrEnum):
    """What a refusal asks for before the same is tried again, where the manifest says it."""

    READ_AGAIN = "read_again"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `repr` shows the method only: URL, headers and body may hold secrets and people."""

    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer; header names are lower case. `status` 0 with `error` set: no answer arrived.

    `sent` is False only when it is certain that the request's body never left this machine.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    body: bytes = field(default=b"", repr=False)
    error: str | None = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class RecordError:
    """One record of a batch that the platform rejected, by its 0-based position in the batch."""

    index: int
    category: Category
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one answer means.

    `message` is the platform's own, masked: safe to show. `remedy` says what the user can do, where the
    manifest knows it. `extracted` holds what the response
    template named (`destination.id`, `job.id`, `page.next`, ...), keyed by the dotted reference.
    `rejected` are single records; `rejected_count` counts those that the platform only counts.
    `unsure`: although this is no success, the platform may have done it, at an earlier try or in part. Of a success this
    is about the records that it, or its job, rejects.
    `then`: what must be done before it is sent again.
    """

    kind: OutcomeKind
    category: Category | None = None
    message: str = ""
    remedy: str = ""
    status: int = 0
    retry_after: float | None = None
    extracted: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    rejected: tuple[RecordError, ...] = ()
    rejected_count: int = 0
    unsure: bool = False
    then: Then | None = None

    @property
    def ok(self) -> bool:
        """Whether the platform took the batch (single records may still be rejected)."""
        return self.kind in (OutcomeKind.ACCEPTED, OutcomeKind.PENDING)
