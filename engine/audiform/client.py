"""One connector's way to its platform: authentication, limits, retries, pages, jobs and lookups.

`build` and `classify` are pure; here they meet the transport. An answer is an `Outcome`, never an exception.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import (
    Job,
    Lookup,
    Operation,
    RequestTemplate,
    ResponseTemplate,
    SignalOperation,
    Upload,
)
from audiform.connectors.named import named, names_revision
from audiform.connectors.pagination import ForeignPageError, next_request
from audiform.connectors.request import MissingReferenceError, build
from audiform.connectors.response import classify, record_errors
from audiform.connectors.settings import with_defaults
from audiform.connectors.standard import remedy_of
from audiform.connectors.template import as_text, render
from audiform.halving import apart, as_json, names_nobody
from audiform.outcome import Category, Outcome, OutcomeKind, RecordError, Request, Response, Then
from audiform.revision import Turns, compare_and_set
from audiform.transport import Transport
from audiform.wire import RetryPolicy, Timing, Wire

_MOST_PAGES = 1_000
_MOST_REFUSALS = 20
"""A platform that finds yet another bad record each time gets the rest of the batch this often."""


class PlatformError(Exception):
    """A listing could not be read to its end; `outcome` says why."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.message)


@dataclass(frozen=True, slots=True)
class Rows:
    """One batch: `text` are its JSON rows joined with `,`; `count` says how many.

    `records` are the same rows as values, as sent, where `needs_records` holds. `repr` shows the count only.
    """

    text: bytes = field(repr=False)
    count: int
    records: tuple[Mapping[str, Any], ...] | None = field(default=None, repr=False)


@dataclass(slots=True)
class ConnectorClient:
    """A configured connector.

    `credentials` returns a secret by its name, when a request is sent; KeyError where the connector has none.
    Limits hold over all calls of one client. `endpoint` replaces the type's base URL and token URL.
    """

    connector_type: ConnectorType
    settings: Mapping[str, Any] = field(repr=False)
    credentials: Callable[[str], str] = field(repr=False)
    transport: Transport = field(repr=False)
    endpoint: str | None = None
    timing: Timing = field(default_factory=Timing, repr=False)
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    _base: Mapping[str, Any] = field(init=False, repr=False)
    wire: Wire = field(init=False, repr=False)
    _turns: Turns = field(default_factory=Turns, init=False, repr=False)

    def __post_init__(self) -> None:
        manifest = self.connector_type.manifest
        settings = with_defaults(manifest.settings, self.settings)
        fields = {name: identifier.field for name, identifier in manifest.identifiers.items()}
        self._base = {"settings": settings, "fields": fields}
        self.wire = Wire(
            manifest, settings, self.credentials, self.transport, self.endpoint, self.timing, self.policy
        )

    def constants(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the rows of a batch may name that is the same in every row."""
        return {**scope, "settings": self._base["settings"]}

    async def call(self, operation: Operation, scope: Mapping[str, Any]) -> Outcome:
        """Do one operation and return its last outcome; `scope` is nested (`{"destination": {"id": ...}}`).

        Creating a destination is not repeated when it is not certain that nothing was made (no answer, or
        5xx, after the request left): the outcome is then `retry`, and the caller looks for the object first.
        """
        target = self.connector_type.manifest.destination
        repeatable = operation is not target.create or "operation.id" in named(operation.request)
        outcome = await self._exchange(operation, self._scope(scope), repeatable=repeatable)
        if outcome.ok and outcome.rejected:
            return _failed(outcome.rejected[0].message)
        if operation is target.create and outcome.ok and target.settle_seconds:
            await self.timing.sleep(target.settle_seconds)
        return outcome

    async def listing(
        self, operation: Operation, scope: Mapping[str, Any], most: int = _MOST_PAGES
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the entries of every page as dotted reference -> value (`destination.id`, ...).

        Raises:
            PlatformError: a page failed, or there are more than `most`.
        """
        whole = self._scope(scope)
        try:
            request: Request | None = self._build(operation.request, whole)
            read = 0
            for _ in range(most):
                if request is None:
                    return
                outcome = await self.wire.send(request, partial(self._read, operation.response, None))
                if not outcome.ok:
                    raise PlatformError(outcome)
                for name in operation.response.items:
                    for entry in outcome.extracted[name]:
                        read += 1
                        yield entry
                rebuild = partial(self._page, operation.request, whole)
                request = next_request(operation.pagination, outcome, request, rebuild, read=read)
        except (MissingReferenceError, ForeignPageError) as error:
            raise PlatformError(_failed(str(error))) from None
        raise PlatformError(_failed(f"the listing has more than {most:,} pages"))

    async def send_batch(self, signal: SignalOperation, scope: Mapping[str, Any], rows: Rows) -> Outcome:
        """Send one batch and return what became of it, an asynchronous job's end included.

        Indexes of rejected records are those of `rows`. Rows that a lookup does not find count as accepted:
        there is nothing to tell the platform about them. `pending`: the platform took the batch, but its job
        did not end in time. A batch over the limits is refused before anything is sent.
        """
        refusal = self._refusal(signal, rows, scope.get("identifiers", ()))
        if refusal is not None or rows.count == 0:
            return refusal or Outcome(OutcomeKind.ACCEPTED)
        whole = self._scope(scope)
        if self.connector_type.manifest.limits.identifier_kinds == 1:
            whole["identifier"] = {"field": scope["identifiers"][0]}
        async with self._turns.of(signal, whole):
            if signal.lookup is not None:
                return await self._send_found(signal, signal.lookup, whole, rows.records or ())
            if rows.records is not None and rows.count == 1:
                whole["row"] = rows.records[0]
            return await self._sent(signal, whole, rows.text)

    async def _sent(self, signal: SignalOperation | Lookup, scope: Mapping[str, Any], text: bytes) -> Outcome:
        """Send the rows; where the platform refuses all of them for some that it does not name, find those."""
        send = partial(self._send_rows, signal, scope)
        outcome = await send(text)
        alone = not names_nobody(outcome) or len(json.loads(b"[%b]" % text)) <= 1
        return outcome if alone else await apart(send, text, outcome)

    async def _send_rows(
        self,
        signal: SignalOperation | Lookup,
        scope: Mapping[str, Any],
        text: bytes,
        patience: int = _MOST_REFUSALS,
    ) -> Outcome:
        """Send the rows, and again what the platform did not take for no fault of its own.

        Rows for which it refuses the whole batch are taken out; rows that it throttles are sent again later.
        """
        outcome = await self._offered(signal, scope, text)
        if outcome.ok and isinstance(signal, SignalOperation) and signal.job is not None:
            outcome = await self._with_job(signal.job, scope, outcome, text)
        throttled = _throttled(outcome)
        if not throttled and (outcome.kind is not OutcomeKind.REJECTED or not outcome.rejected):
            return outcome
        wait = (
            self.policy.wait(outcome, _MOST_REFUSALS + 1 - patience, self.timing.chance()) if throttled else 0
        )
        if not patience or wait is None:
            return _given_up(outcome, throttled)
        await self.timing.sleep(wait)
        rows = json.loads(b"[%b]" % text)
        bad = {error.index: error for error in outcome.rejected if error.index not in throttled}
        kept = sorted(throttled) or [index for index in range(len(rows)) if index not in bad]
        rest = Outcome(OutcomeKind.ACCEPTED, status=outcome.status)
        if kept:
            rest = await self._send_rows(
                signal, scope, b",".join(as_json(rows[index]) for index in kept), patience - 1
            )
        return replace(
            rest,
            rejected=_in_order((*bad.values(), *_placed(rest.rejected, kept))),
            rejected_count=len(bad) + rest.rejected_count,
            unsure=outcome.unsure or rest.unsure,
        )

    async def _offered(
        self, signal: SignalOperation | Lookup, scope: Mapping[str, Any], text: bytes
    ) -> Outcome:
        """Send the rows once, after their upload, or after reading which state of the members the request changes."""
        if isinstance(signal, SignalOperation) and signal.upload is not None:
            uploaded = await self._exchange(signal.upload, scope, rows=text)
            if not uploaded.ok:
                return replace(uploaded, unsure=False)
            scope = {**scope, "upload": {"id": uploaded.extracted["upload.id"]}}
        read = self.connector_type.manifest.destination.read
        if read is None or isinstance(signal, Lookup) or not names_revision(signal):
            return await self._exchange(signal, scope, rows=text)

        async def send(more: Mapping[str, Any]) -> Outcome:
            return await self._exchange(signal, {**scope, **more}, rows=text, left=Then.READ_AGAIN)

        return await compare_and_set(partial(self._exchange, read, scope), send, self.policy, self.timing)

    async def _with_job(self, job: Job, scope: Mapping[str, Any], begun: Outcome, text: bytes) -> Outcome:
        """Return what became of the job that `begun` has started, with what either of them rejected."""
        inside = {**scope, "job": {"id": begun.extracted.get("job.id")}}
        ended = await self._ended(job, inside, begun, text)
        told = ended.rejected
        if job.errors is not None and ended.ok and ended.rejected_count:
            told += await self._job_errors(job.errors, inside, text)
        rejected = _in_order((*begun.rejected, *told))
        count = max(begun.rejected_count, ended.rejected_count, len(rejected))
        # The platform had taken the batch: whatever the question about its job came to, it may have been done.
        unsure = begun.unsure or ended.unsure or not ended.ok
        return replace(ended, rejected=rejected, rejected_count=count, unsure=unsure)

    async def _job_errors(
        self, operation: Operation, scope: Mapping[str, Any], text: bytes
    ) -> tuple[RecordError, ...]:
        """Return the rejected records of an ended job; none when they cannot be listed: they are counted then."""
        try:
            return record_errors([entry async for entry in self.listing(operation, scope)], text)
        except PlatformError:
            return ()

    async def _send_found(
        self,
        signal: SignalOperation,
        lookup: Lookup,
        scope: dict[str, Any],
        records: Sequence[Mapping[str, Any]],
    ) -> Outcome:
        """Look the ids up, send the rows that have one, and give rejected records their place in the batch."""
        ids: dict[str, Any] = {}
        refused: tuple[RecordError, ...] = ()
        known = [index for index, record in enumerate(records) if record.get(lookup.identifier) is not None]
        for first in range(0, len(known), lookup.rows_per_request):
            places = known[first : first + lookup.rows_per_request]
            outcome = await self._look_up(lookup, scope, [records[index] for index in places])
            if not outcome.ok:
                return replace(outcome, rejected=_placed(outcome.rejected, places))
            refused += _placed(outcome.rejected, places)
            ids |= {
                str(entry["lookup.key"]): entry["lookup.id"] for entry in outcome.extracted.get("lookups", ())
            }
        found = [index for index in known if str(records[index][lookup.identifier]) in ids]
        if lookup.missing == "rejected":
            refused = (*_unknown(lookup, set(range(len(records))) - set(found)), *refused)
        if not found:
            return Outcome(OutcomeKind.ACCEPTED, rejected=_in_order(refused), rejected_count=len(refused))
        scopes = [
            {**scope, "row": records[index], "lookup": {"id": ids[str(records[index][lookup.identifier])]}}
            for index in found
        ]
        text = b",".join(as_json(render(signal.row, one)) for one in scopes)
        outcome = await self._sent(signal, scopes[0] if len(scopes) == 1 else scope, text)
        rejected = _in_order((*refused, *_placed(outcome.rejected, found)))
        return replace(outcome, rejected=rejected, rejected_count=max(outcome.rejected_count, len(rejected)))

    async def _look_up(
        self, lookup: Lookup, scope: dict[str, Any], records: Sequence[Mapping[str, Any]]
    ) -> Outcome:
        """Ask for the ids of some records; those for which the platform refuses the whole question are left out."""
        keys = [record[lookup.identifier] for record in records]
        inside = {**scope, "lookup": {"keys": keys}, **({"row": records[0]} if len(records) == 1 else {})}
        if lookup.row is None:
            found = await self._exchange(lookup, inside)
            return Outcome(OutcomeKind.ACCEPTED) if found.status == lookup.nobody else found
        text = b",".join(as_json(render(lookup.row, {**scope, "row": record})) for record in records)
        return await self._sent(lookup, inside, text)

    async def _ended(self, job: Job, scope: Mapping[str, Any], begun: Outcome, text: bytes) -> Outcome:
        """Poll until the job has ended or the time is over; its end may name records by what was sent."""
        until = self.timing.monotonic() + job.timeout_seconds
        while self.timing.monotonic() < until:
            await self.timing.sleep(job.interval_seconds)
            outcome = await self._exchange(job, scope, rows=text, left=Then.RESUME if job.resume else None)
            if outcome.then is Then.RESUME and job.resume is not None:
                outcome = await self._exchange(job.resume, scope)
                if outcome.ok:
                    continue
            if not outcome.ok:
                return outcome
            status = as_text(outcome.extracted["job.status"])
            kind = job.statuses.get(status, OutcomeKind.PENDING)
            if kind is OutcomeKind.ACCEPTED:
                return replace(outcome, kind=kind)
            if kind is not OutcomeKind.PENDING:
                message = outcome.message or f"the platform's job ended as {status}"
                return replace(outcome, kind=kind, category=Category.OTHER, message=message)
        message = (
            f"the platform took the batch, but its job did not end within {job.timeout_seconds:g} seconds"
        )
        return replace(begun, kind=OutcomeKind.PENDING, category=Category.TIMEOUT, message=message)

    async def _exchange(
        self,
        part: Operation | SignalOperation | Job | Lookup | Upload,
        scope: Mapping[str, Any],
        *,
        rows: bytes | None = None,
        repeatable: bool = True,
        left: Then | None = None,
    ) -> Outcome:
        try:
            request = self._build(part.request, scope, rows)
        except MissingReferenceError as error:
            return _failed(str(error))
        read = partial(self._read, part.response, rows)
        return await self.wire.send(request, read, repeatable=repeatable, left=left)

    def _build(
        self, template: RequestTemplate, scope: Mapping[str, Any], rows: bytes | None = None
    ) -> Request:
        return build(self.connector_type, template, scope, rows, endpoint=self.endpoint)

    def _page(self, template: RequestTemplate, scope: Mapping[str, Any], cursor: str) -> Request:
        return self._build(template, {**scope, "page": {"cursor": cursor}})

    def _read(self, template: ResponseTemplate, rows: bytes | None, response: Response) -> Outcome:
        return classify(self.connector_type, template, response, rows=rows, now=self.timing.clock())

    def _scope(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        return {**self._base, "operation": {"id": str(uuid.uuid4())}, **scope}

    def _refusal(self, signal: SignalOperation, rows: Rows, fields: Sequence[str]) -> Outcome | None:
        limits = self.connector_type.manifest.limits
        if limits.identifier_kinds is not None and len(fields) > limits.identifier_kinds:
            return _failed(
                f"a batch with the identifiers {', '.join(fields)}; the platform takes {limits.identifier_kinds} "
                "kind at once: name it in the binding's `identifiers`, and make a binding for each"
            )
        most_rows = signal.rows_per_request or limits.rows_per_request
        most_bytes = signal.bytes_per_request or limits.bytes_per_request
        if rows.count > most_rows:
            return _failed(f"a batch of {rows.count:,} records; the platform takes {most_rows:,} at once")
        if most_bytes is not None and len(rows.text) > most_bytes:
            return _failed(f"a batch of {len(rows.text):,} bytes; the platform takes {most_bytes:,} at once")
        return None


def _placed(errors: Sequence[RecordError], places: Sequence[int]) -> tuple[RecordError, ...]:
    """Return the errors with the places in the batch instead of those in what was sent of it."""
    return tuple(replace(error, index=places[error.index]) for error in errors if error.index < len(places))


def _throttled(outcome: Outcome) -> set[int]:
    """Return the places of the records that the platform takes later, of a batch that it took."""
    places = {error.index for error in outcome.rejected if error.category is Category.RATE_LIMITED}
    return places if outcome.ok else set()


def _given_up(outcome: Outcome, throttled: Collection[int]) -> Outcome:
    """Return what became of a batch some of whose records were not taken to the last."""
    if not throttled:
        return outcome
    message = f"the platform throttled records of this batch each time they were sent, {len(throttled):,} to the last"
    return replace(
        outcome,
        kind=OutcomeKind.RETRY,
        category=Category.RATE_LIMITED,
        message=message,
        remedy=remedy_of(Category.RATE_LIMITED),
        rejected=(),
        rejected_count=0,
    )


def _unknown(lookup: Lookup, places: Collection[int]) -> Iterator[RecordError]:
    message = f"the platform knows nobody by this {lookup.identifier}"
    return (RecordError(index, Category.INVALID_RECORD, message) for index in places)


def _in_order(errors: Sequence[RecordError]) -> tuple[RecordError, ...]:
    every = {error.index: error for error in errors}
    return tuple(every[index] for index in sorted(every))


def _failed(message: str) -> Outcome:
    """Return the outcome of what was not sent, or not read to its end, for a reason of ours."""
    return Outcome(OutcomeKind.FAILED, Category.INVALID_REQUEST, message)
