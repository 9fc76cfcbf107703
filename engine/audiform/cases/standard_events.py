"""The cases that every event type passes: one try a batch, because whoever runs decides when the next one is.

The subject is the type's own first case in which events are added and nothing goes wrong.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
from audiform.cases.events import as_outcome, connector_of, records_of
from audiform.cases.model import Case
from audiform.cases.script import as_response
from audiform.cases.secrets import sample_secret
from audiform.connectors.auth import scheme_of
from audiform.connectors.catalog import ConnectorType
from audiform.connectors.manifest import Manifest, SignalOperation
from audiform.event_client import PlatformSender, sender_of
from audiform.events.route import Mapped
from audiform.outcome import Category, OutcomeKind, Request, Response
from audiform.transport import FakeTransport


@dataclass(frozen=True, slots=True)
class _Subject:
    """A type with events that its platform takes. `good` is the answer to one request, after that to `tokens`."""

    kind: ConnectorType
    case: Case
    manifest: Manifest
    records: Sequence[Mapped] = field(repr=False)
    tokens: tuple[Response, ...] = field(repr=False)
    good: Response = field(repr=False)


Check = Callable[[_Subject], Awaitable[Sequence[str]]]


async def run_standard_events(kind: ConnectorType, cases: Sequence[Case]) -> dict[str, tuple[str, ...]]:
    """Return standard case -> what was not as it must be; nothing where no case adds events.

    Raises:
        DiagnosticError: the case's settings do not fit the type.
    """
    subject = _subject(kind, cases)
    if subject is None:
        return {}
    found = {name: tuple(await check(subject)) for name, check in EVENT_STANDARD.items()}
    return {**found, "partial failure": tuple(partial_failure(subject.manifest, cases))}


async def _empty(subject: _Subject) -> Sequence[str]:
    return requests(await _send(subject, (), ()), 0)


async def _at_limit(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (subject.good,), _repeated(subject, 0))
    return [*is_(sent, OutcomeKind.ACCEPTED), *requests(sent, 1)]


async def _over_limit(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (subject.good,) * 2, _repeated(subject, 1))
    return [*is_(sent, OutcomeKind.ACCEPTED), *requests(sent, 2)]


async def _unauthorised(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(401),) * 2)
    tries = 2 if scheme_of(auth_of(subject.manifest))[0].refreshable else 1
    return [*is_(sent, OutcomeKind.FAILED, Category.INVALID_CREDENTIALS), *requests(sent, tries)]


async def _throttled_with_time(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(429, {"retry-after": str(WAIT)}),))
    told = sent.outcome.retry_after
    waits = [] if told == WAIT else [f"says to wait {told} seconds, and the platform said {WAIT}"]
    return [*is_(sent, OutcomeKind.RETRY, Category.RATE_LIMITED), *waits, *_surely_not_taken(sent)]


async def _throttled(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(429),))
    return [
        *is_(sent, OutcomeKind.RETRY, Category.RATE_LIMITED),
        *requests(sent, 1),
        *_surely_not_taken(sent),
    ]


async def _broken(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(500),))
    return [*is_(sent, OutcomeKind.RETRY), *requests(sent, 1), *_perhaps_taken(sent)]


async def _silent(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(0, error="timeout"),))
    return [*is_(sent, OutcomeKind.RETRY, Category.TIMEOUT), *requests(sent, 1), *_perhaps_taken(sent)]


async def _not_sent(subject: _Subject) -> Sequence[str]:
    sent = await _send(subject, (Response(0, error="no connection", sent=False),))
    return [*is_(sent, OutcomeKind.RETRY, Category.UNAVAILABLE), *_surely_not_taken(sent)]


async def _nonsense(subject: _Subject) -> Sequence[str]:
    """A body that cannot be read is no success where the type says what must be in it."""
    sent = await _send(subject, (Response(subject.good.status, body=b"<html>not what was promised"),))
    add = subject.manifest.signals["add"]
    promised = isinstance(add, SignalOperation) and bool(add.response.body)
    return is_(sent, OutcomeKind.FAILED if promised else OutcomeKind.ACCEPTED)


async def _canaries(subject: _Subject) -> Sequence[str]:
    """A platform that repeats what it was sent is not repeated."""
    found: list[str] = []
    for status in (400, 401, 429, 500):
        response = as_response(status, canary_body(subject.manifest))
        sent = await _send(subject, (response,) * 40)
        found += shown_canaries(status, f"{sent.outcome!r} {sent.outcome.message} {response!r}")
    return found


EVENT_STANDARD: Mapping[str, Check] = {
    "an empty batch sends nothing": _empty,
    "a batch at the limit is one request": _at_limit,
    "a batch over the limit is two requests": _over_limit,
    "401 is a matter of credentials": _unauthorised,
    "429 with Retry-After says how long to wait": _throttled_with_time,
    "429 without Retry-After is for later": _throttled,
    "500 is for later, and may have been taken": _broken,
    "no answer in time is for later, and may have been taken": _silent,
    "what never left is for later, and was not taken": _not_sent,
    "a body that cannot be read": _nonsense,
    "no canary in any message": _canaries,
}


def _perhaps_taken(sent: Sent) -> list[str]:
    return [] if sent.outcome.unsure else ["it does not say that the platform may have taken the events"]


def _surely_not_taken(sent: Sent) -> list[str]:
    return ["it says that the platform may have taken the events"] if sent.outcome.unsure else []


def _subject(kind: ConnectorType, cases: Sequence[Case]) -> _Subject | None:
    case = next((case for case in cases if is_a_good_day(case)), None)
    if case is None:
        return None
    answers = [exchange.response for exchange in case.exchanges]
    given = tuple(as_response(item.status, item.body, item.text, item.headers) for item in answers)
    manifest = kind.configured(case.settings).manifest
    tokens = 1 if scheme_of(auth_of(manifest))[0].refreshable else 0
    return _Subject(kind, case, manifest, records_of(case, kind)[0], given[:tokens], given[tokens])


def _sender(subject: _Subject, answer: Callable[[Request], Response]) -> PlatformSender:
    return sender_of(
        connector_of(subject.case, subject.kind),
        subject.kind,
        lambda name: sample_secret(subject.manifest, name, CANARY_SECRET),
        FakeTransport(answer),
        still_clock(),
    )


async def _send(
    subject: _Subject, answers: Sequence[Response], records: Sequence[Mapped] | None = None
) -> Sent:
    """Send the events to a platform that answers so; every request for a token is answered well."""
    platform = Platform(subject.manifest, subject.tokens, answers)
    one = subject.records[:1] if records is None else records
    return Sent(as_outcome(await _sender(subject, platform.answer).send(one)), platform.requests, 0)


def _repeated(subject: _Subject, over: int) -> Sequence[Mapped]:
    """Return as many records as the platform takes, and `over` more: all of them the first one, made small."""
    most = _sender(subject, lambda _: Response(0)).limits.records + over
    return [replace(subject.records[0], size=2, row=b"{}")] * most
