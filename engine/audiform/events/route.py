"""What an event connector makes of an event: a record for its destination, or a reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from audiform.events.event import Event


class Reason(StrEnum):
    """Why an event is not sent."""

    OTHER_SOURCE = "other_source"
    """It came from a source that the connector does not take from."""
    OTHER_EVENT = "other_event"
    """Its type or its name is none that the connector takes."""
    FILTERED = "filtered"
    """The connector's filter says no."""
    NO_CONSENT = "no_consent"
    """The person has not agreed, or nothing says so."""
    SUPPRESSED = "suppressed"
    """The person asked to be forgotten."""
    MISSING_FIELD = "missing_field"
    """The destination requires a field, and the event has nothing for it."""
    INVALID_FIELD = "invalid_field"
    """The event has something for a field that cannot be what the field wants."""
    TOO_OLD = "too_old"
    """It happened longer ago than the platform takes."""


COUNTED = frozenset(
    {Reason.NO_CONSENT, Reason.SUPPRESSED, Reason.MISSING_FIELD, Reason.INVALID_FIELD, Reason.TOO_OLD}
)
"""Reasons that somebody should know of. The others say that the event was meant for somebody else."""
DEAD_LETTERS = frozenset({Reason.MISSING_FIELD, Reason.INVALID_FIELD, Reason.TOO_OLD})
"""Reasons for which the event is kept: the connector wanted it, and could not make a record of it."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """One record for the destination. `repr` shows neither the person nor the fields.

    `order_key`: events with the same key are sent in the order in which they came, where the connector asks for it.
    `fields` are JSON-able; `row` is the record as it will be written, JSON of `size` bytes.
    """

    event_id: str
    order_key: str | None = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    size: int
    row: bytes = field(default=b"{}", repr=False)


@dataclass(frozen=True, slots=True)
class NotSent:
    """Why no record was made. `detail` is one sentence without a value of the event in it."""

    reason: Reason
    detail: str


class Route(Protocol):
    """The way from an event to one event connector's record, compiled once from the recorded connector and its type."""

    @property
    def name(self) -> str:
        """The event connector's name."""
        ...

    def offer(self, event: Event) -> Mapped | NotSent:
        """Return the record that `event` becomes: always the same, until it is too old."""
        ...
