"""Sends the records of an event connector and says what became of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from audiform.events.route import Mapped
from audiform.outcome import Category, OutcomeKind


@dataclass(frozen=True, slots=True)
class EventLimits:
    """How much goes into one request and how much at the same time; None where nobody says a limit."""

    records: int
    bytes: int | None = None
    requests_per_second: float | None = None
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one record.

    `accepted`: the platform has it. `rejected`: it does not want this record, and never will. `retry`: not now; not before
    `retry_after` seconds where the platform says so. `failed`: nothing can be sent until somebody does something, such as
    renewing a credential. `message` is the platform's own, masked. `answer_lost`: although this is no success, the platform may have
    the record, so that another try may deliver it twice.
    """

    outcome: OutcomeKind
    category: Category | None = None
    message: str = ""
    retry_after: float | None = None
    answer_lost: bool = False


class EventSender(Protocol):
    """The way of one event connector to its platform."""

    @property
    def limits(self) -> EventLimits:
        """What the platform takes, narrowed by what the connector says."""
        ...

    async def send(self, records: Sequence[Mapped]) -> Sequence[Sent]:
        """Send one batch and return one `Sent` for each record, in order; never raise for what the platform does.

        A batch over `limits` is sent in several requests.
        """
        ...
