"""The cases that every connector type passes, without a line of Python or YAML of its own.

What a platform does on a bad day is the same everywhere: it refuses, throttles, breaks, keeps silent, answers
nonsense. The subject is the type's own first case in which people are added; its answers are the platform's
good day, and here they are preceded or replaced by a bad one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.cases.bad_days import (
    CANARY_SECRET,
    WAIT,
    Platform,
    Sent,
    auth_of,
    canary_body,
    is_,
    is_a_good_day,
    partial_failure,
    requests,
    shown_canaries,
)
from audiform.cases.clock import still_clock
from audiform.cases.model import PLACE, Case
from audiform.cases.people import batch_of, columns_of
from audiform.cases.script import as_response
from audiform.cases.secrets import sample_secret
from audiform.cases.standard_events import EVENT_STANDARD, run_standard_events
from audiform.client import ConnectorClient, Rows
from audiform.connectors.auth import scheme_of
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.outcome import Category, OutcomeKind, Response
from audiform.transport import FakeTransport
from audiform.wire import RetryPolicy


@dataclass(slots=True)
class Subject:
    """A type with one batch that its platform takes. `good` are the answers to it, after those to `tokens`."""

    kind: ConnectorType
    case: Case
    signal: SignalOperation
    scope: Mapping[str, Any] = field(repr=False)
    rows: Rows = field(repr=False)
    tokens: tuple[Response, ...] = field(repr=False)
    good: tuple[Response, ...] = field(repr=False)

    @property
    def manifest(self) -> Manifest:
        """The manifest with the settings in it."""
        return self.kind.manifest

    @property
    def most_rows(self) -> int:
        """How many rows a batch may have."""
        return self.signal.rows_per_request or self.manifest.limits.rows_per_request


Check = Callable[[Subject], Awaitable[Sequence[str]]]


async def run_standard(kind: ConnectorType, cases: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    """Return standard case -> what was not as it must be. `cases` are the type's own; no `add` among them: nothing.

    Raises:
        DiagnosticError: the case's settings do not fit the type.
    """
    if kind.manifest.kind == "event":
        return await run_standard_events(kind, cases)
    subject = _subject(kind, cases)
    if subject is None:
        return {}
    found = {name: tuple(await check(subject)) for name, check in STANDARD.items()}
    return {**found, "partial failure": tuple(partial_failure(subject.manifest, cases))}


async def _empty(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, (), Rows(b"", 0))
    return [*is_(sent, OutcomeKind.ACCEPTED), *requests(sent, 0)]


async def _at_limit(subject: Subject) -> Sequence[str]:
    rows = _repeated(subject.rows, subject.most_rows)
    sent = await _send(subject, subject.good, rows)
    return is_(sent, OutcomeKind.ACCEPTED)


async def _over_limit(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, subject.good, _repeated(subject.rows, subject.most_rows + 1))
    return [*is_(sent, OutcomeKind.FAILED, Category.INVALID_REQUEST), *requests(sent, 0)]


async def _unauthorised(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(401),) * 2)
    tries = 2 if scheme_of(auth_of(subject.manifest))[0].refreshable else 1
    return [*is_(sent, OutcomeKind.FAILED, Category.INVALID_CREDENTIALS), *requests(sent, tries)]


async def _throttled_with_time(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(429, {"retry-after": str(WAIT)}), *subject.good))
    waits = (
        [] if sent.waited >= WAIT else [f"waited {sent.waited:g} seconds, not the {WAIT} that it was told"]
    )
    return [*is_(sent, OutcomeKind.ACCEPTED), *waits]


async def _throttled(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(429), *subject.good))
    return [*is_(sent, OutcomeKind.ACCEPTED), *([] if sent.waited else ["it did not wait"])]


async def _broken_once(subject: Subject) -> Sequence[str]:
    return is_(await _send(subject, (Response(500), *subject.good)), OutcomeKind.ACCEPTED)


async def _silent(subject: Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(0, error="timeout"),) * 3)
    return [*is_(sent, OutcomeKind.RETRY, Category.TIMEOUT), *requests(sent, 3)]


async def _nonsense(subject: Subject) -> Sequence[str]:
    """A body that cannot be read is no success where the type says what must be in it."""
    status = subject.good[0].status
    sent = await _send(subject, (Response(status, body=b"<html>not what was promised"),))
    promised = bool(subject.signal.response.body) or subject.signal.lookup is not None
    return is_(sent, OutcomeKind.FAILED if promised else OutcomeKind.ACCEPTED)


async def _canaries(subject: Subject) -> Sequence[str]:
    """A platform that repeats what it was sent is not repeated."""
    body = canary_body(subject.manifest)
    found: list[str] = []
    for status in (400, 401, 429, 500):
        response = as_response(status, body)
        sent = await _send(subject, (response,) * 4)
        found += shown_canaries(
            status, f"{sent.outcome!r} {sent.outcome.message} {sent.outcome.remedy} {response!r}"
        )
    return found


STANDARD: Mapping[str, Check] = {
    "an empty batch sends nothing": _empty,
    "a batch at the limit is sent": _at_limit,
    "a batch over the limit is refused before anything is sent": _over_limit,
    "401 is a matter of credentials": _unauthorised,
    "429 with Retry-After waits as long": _throttled_with_time,
    "429 without Retry-After waits and goes on": _throttled,
    "500, then success": _broken_once,
    "no answer in time": _silent,
    "a body that cannot be read": _nonsense,
    "no canary in any message": _canaries,
}


def standard_names(kind: ConnectorType) -> tuple[str, ...]:
    """Return the names of all standard cases of a type of this kind."""
    return (*(EVENT_STANDARD if kind.manifest.kind == "event" else STANDARD), "partial failure")


# --- The subject and its bad days


def _subject(kind: ConnectorType, cases: Sequence[Case]) -> Subject | None:
    case = next((case for case in cases if is_a_good_day(case)), None)
    if case is None:
        return None
    configured = kind.configured(case.settings)
    signal = configured.manifest.signals["add"]
    if not isinstance(signal, SignalOperation):
        return None
    columns = columns_of(case, configured.manifest)
    fields = [item.field for name, item in configured.manifest.identifiers.items() if name in columns]
    answers = [exchange.response for exchange in case.exchanges]
    given = tuple(as_response(item.status, item.body, item.text, item.headers) for item in answers)
    tokens = 1 if scheme_of(auth_of(configured.manifest))[0].refreshable else 0
    return Subject(
        configured,
        case,
        signal,
        {**PLACE, "destination": dict(case.destination), "identifiers": fields},
        batch_of(signal, configured.manifest, case, columns)[0],
        given[:tokens],
        given[tokens:],
    )


async def _send(subject: Subject, answers: Sequence[Response], rows: Rows | None = None) -> Sent:
    """Send the batch to a platform that answers so; every request for a token is answered well."""
    platform = Platform(subject.manifest, subject.tokens, answers)
    timing = still_clock()
    client = ConnectorClient(
        subject.kind,
        subject.case.settings,
        lambda name: sample_secret(subject.manifest, name, CANARY_SECRET),
        FakeTransport(platform.answer),
        timing=timing,
        policy=RetryPolicy(attempts=3),
    )
    started = timing.monotonic()
    outcome = await client.send_batch(subject.signal, subject.scope, rows or subject.rows)
    return Sent(outcome, platform.requests, timing.monotonic() - started)


def _repeated(rows: Rows, count: int) -> Rows:
    """Return a batch of `count` rows, all of them the first one."""
    one = _first(rows.text) if rows.text else b""
    records = None if rows.records is None else (rows.records[0],) * count
    return replace(rows, text=b",".join([one] * count) if one else b"", count=count, records=records)


def _first(text: bytes) -> bytes:
    import orjson

    return orjson.dumps(orjson.loads(b"[%b]" % text)[0])
