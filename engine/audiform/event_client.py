"""Sends the records of an event connector and says what became of each of them.

One try: whoever calls decides when the next one is. Events are not idempotent, so what may have been taken is never
sent again here; a batch that the platform refused as a whole was not taken, and goes again in parts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from audiform.config.event_kinds import EventConnector
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import SignalOperation
from audiform.connectors.request import MissingReferenceError, build
from audiform.connectors.response import classify
from audiform.connectors.settings import with_defaults
from audiform.events.route import Mapped
from audiform.events.routing import UncompilableError
from audiform.halving import names_nobody
from audiform.outcome import Category, Outcome, OutcomeKind, Response
from audiform.transport import Transport
from audiform.wire import RetryPolicy, Timing, Wire

_TOO_MANY = 429
_ENOUGH = 10
"""So many records that stand alone and are refused, and none that was taken: the others are left for later."""
_MOST_REFUSALS = 20
"""A platform that finds yet another bad record each time gets the rest of the batch this often."""
_SPACE = uuid.UUID("6f0c4f0e-8f3c-4d57-9b39-6d1b8a5f2a10")


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


@dataclass(slots=True)
class _Tally:
    """What one batch has met so far: whether anything was taken, and how many stand alone and are refused."""

    taken: bool = False
    alone: int = 0

    @property
    def hopeless(self) -> bool:
        """Whether it is time to stop looking for the records that the platform does not want."""
        return not self.taken and self.alone >= _ENOUGH


@dataclass(slots=True)
class PlatformSender:
    """An `EventSender` over the type's own request; build it with `sender_of`."""

    kind: ConnectorType
    operation: SignalOperation = field(repr=False)
    limits: EventLimits
    settings: Mapping[str, Any] = field(repr=False)
    endpoint: str | None
    timing: Timing = field(repr=False)
    wire: Wire = field(repr=False)

    async def send(self, records: Sequence[Mapped]) -> Sequence[Sent]:
        """Send the records, in as many requests as the limits ask for."""
        found: list[Sent] = []
        for part in self._parts(records):
            found += await self._delivered(part, _Tally(), _MOST_REFUSALS)
        return found

    def _parts(self, records: Sequence[Mapped]) -> Iterator[Sequence[Mapped]]:
        """Cut a batch at the limits; a record that is too large by itself stands alone."""
        first, size = 0, 0
        most = self.limits.bytes
        for place, record in enumerate(records):
            size += record.size + 1
            full = place - first >= self.limits.records or (most is not None and size - 1 > most)
            if full and place > first:
                yield records[first:place]
                first, size = place, record.size + 1
        if records:
            yield records[first:]

    async def _delivered(self, records: Sequence[Mapped], tally: _Tally, patience: int) -> list[Sent]:
        """Return what became of records that go into one request."""
        most = self.limits.bytes
        if most is not None and len(records) == 1 and records[0].size > most:
            message = f"a record of {records[0].size:,} bytes; {most:,} are taken at once"
            return [Sent(OutcomeKind.REJECTED, Category.INVALID_RECORD, message)]
        if tally.hopeless:
            message = f"the platform refused {tally.alone} records of the batch one by one, and took none; the others wait"
            return [Sent(OutcomeKind.RETRY, Category.INVALID_REQUEST, message)] * len(records)
        outcome = await self._exchanged(records)
        if names_nobody(outcome) and len(records) > 1:
            middle = len(records) // 2
            first = await self._delivered(records[:middle], tally, patience)
            return [*first, *await self._delivered(records[middle:], tally, patience)]
        if outcome.kind is OutcomeKind.REJECTED and len(records) > 1:
            return await self._without(outcome, records, tally, patience)
        if outcome.kind is OutcomeKind.REJECTED:
            tally.alone += 1
            message = outcome.rejected[0].message if outcome.rejected else outcome.message
            return [Sent(OutcomeKind.REJECTED, outcome.category, message)]
        if not outcome.ok:
            return [_same(outcome)] * len(records)
        tally.taken = True
        return _each(outcome, len(records))

    async def _without(
        self, outcome: Outcome, records: Sequence[Mapped], tally: _Tally, patience: int
    ) -> list[Sent]:
        """Send a batch again without the records for which the platform refused all of it."""
        bad = {error.index: error for error in outcome.rejected}
        kept = [place for place in range(len(records)) if place not in bad]
        if not patience:
            message = f"the platform found other records to refuse each of {_MOST_REFUSALS} times; these wait"
            rest = [Sent(OutcomeKind.RETRY, Category.INVALID_REQUEST, message)] * len(kept)
        else:
            rest = (
                await self._delivered([records[place] for place in kept], tally, patience - 1) if kept else []
            )
        by_place = dict(zip(kept, rest, strict=True))
        return [
            by_place[place]
            if place in by_place
            else Sent(OutcomeKind.REJECTED, bad[place].category, bad[place].message)
            for place in range(len(records))
        ]

    async def _exchanged(self, records: Sequence[Mapped]) -> Outcome:
        """Send the records once."""
        rows = b",".join(record.row for record in records)
        scope: dict[str, Any] = {"settings": self.settings, "operation": {"id": _identity(records)}}
        if len(records) == 1:
            scope["row"] = records[0].fields
        try:
            request = build(self.kind, self.operation.request, scope, rows, endpoint=self.endpoint)
        except MissingReferenceError as error:
            kind = OutcomeKind.REJECTED if "`row." in str(error) else OutcomeKind.FAILED
            category = Category.INVALID_RECORD if kind is OutcomeKind.REJECTED else Category.INVALID_REQUEST
            return Outcome(kind, category, str(error))

        def read(response: Response) -> Outcome:
            template = self.operation.response
            outcome = classify(self.kind, template, response, rows=rows, now=self.timing.clock())
            certain = not response.sent or response.status == _TOO_MANY
            return (
                replace(outcome, unsure=True)
                if outcome.kind is OutcomeKind.RETRY and not certain
                else outcome
            )

        return await self.wire.send(request, read, repeatable=False)


def sender_of(
    connector: EventConnector,
    kind: ConnectorType,
    credentials: Callable[[str], str],
    transport: Transport,
    timing: Timing | None = None,
) -> PlatformSender:
    """Return the way of a connector of the type `kind`; `credentials` is asked for a secret when a request is sent.

    Raises:
        DiagnosticError: a setting that stands for a part of the type is not one.
        UncompilableError: its settings have no request.
    """
    timing = timing or Timing()
    configured = kind.configured(connector.settings)
    manifest = configured.manifest
    add = manifest.signals.get("add")
    if not isinstance(add, SignalOperation):
        raise UncompilableError("the settings have no request, so nothing can be sent")
    settings = with_defaults(manifest.settings, connector.settings)
    policy = RetryPolicy(attempts=1)
    wire = Wire(manifest, settings, credentials, transport, connector.endpoint, timing, policy)
    limits = EventLimits(
        _least(add.rows_per_request or manifest.limits.rows_per_request, connector.batch.max_records) or 1,
        _least(add.bytes_per_request or manifest.limits.bytes_per_request, connector.batch.max_bytes),
        manifest.limits.requests_per_second,
        manifest.limits.concurrency,
    )
    return PlatformSender(configured, add, limits, settings, connector.endpoint, timing, wire)


def _least(first: int | None, second: int | None) -> int | None:
    return min((item for item in (first, second) if item is not None), default=None)


def _identity(records: Sequence[Mapped]) -> str:
    """Return the name of a request: the same each time that these records are sent together."""
    return str(uuid.uuid5(_SPACE, "\n".join(record.event_id for record in records)))


def _same(outcome: Outcome) -> Sent:
    """Return what an answer to a whole request means for each record of it."""
    return Sent(outcome.kind, outcome.category, outcome.message, outcome.retry_after, outcome.unsure)


def _each(outcome: Outcome, count: int) -> list[Sent]:
    """Return what a success says of each record; those of which it only says how many count as accepted."""
    unnamed = outcome.rejected_count - len(outcome.rejected)
    message = (
        f"the platform rejected {unnamed:,} records of this batch and did not say which"
        if unnamed > 0
        else ""
    )
    found = [Sent(OutcomeKind.ACCEPTED, message=message)] * count
    for error in outcome.rejected:
        if error.index < count:
            throttled = error.category is Category.RATE_LIMITED
            kind = OutcomeKind.RETRY if throttled else OutcomeKind.REJECTED
            found[error.index] = Sent(kind, error.category, error.message)
    return found
