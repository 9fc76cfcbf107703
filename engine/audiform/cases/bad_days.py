"""A platform's bad days, and what is the same about them for people and for events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from audiform.cases.model import Case
from audiform.connectors.manifest import FromSetting, Manifest, SignalOperation
from audiform.connectors.paths import put_at
from audiform.connectors.template import references, unify
from audiform.outcome import Category, Outcome, OutcomeKind, Request, Response

CANARY_SECRET = "sk-live-canary7secret9of42"  # noqa: S105 - it is looked for, and opens nothing
CANARY_PERSON = "canary.person@example.com"
CANARY_PHONE = "+1 650 555 0199"
WAIT = 7


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a batch: its outcome, how many requests went out (those for tokens not counted), seconds waited."""

    outcome: Outcome
    requests: int
    waited: float


@dataclass(slots=True)
class Platform:
    """A platform that gives `answers`, one a request; every request for a token is answered well."""

    manifest: Manifest
    tokens: Sequence[Response] = field(repr=False)
    answers: Sequence[Response] = field(repr=False)
    requests: int = 0
    """How many went out, those for tokens not counted."""

    def answer(self, request: Request) -> Response:
        """Return what comes back."""
        if self.tokens and asks_for_token(self.manifest, request):
            return self.tokens[0]
        self.requests += 1
        if self.requests > len(self.answers):
            return Response(0, error="the platform has no more answers")
        return self.answers[self.requests - 1]


def canary_body(manifest: Manifest) -> Any:
    """Return an answer in which a platform repeats what it was sent, wherever it puts its messages."""
    said = f"{CANARY_PERSON} {CANARY_PHONE} '{CANARY_PERSON}' Bearer {CANARY_SECRET} key={CANARY_SECRET}"
    body: Any = {}
    for path in (*manifest.errors.message, *manifest.errors.code):
        body = put_at(body, path.split("."), said)
    return body


def shown_canaries(status: int, shown: str) -> list[str]:
    """Return a problem for each canary that is in what a person would be shown."""
    return [
        f"HTTP {status}: a canary is in what would be shown"
        for canary in (CANARY_PERSON, CANARY_SECRET, CANARY_PHONE)
        if canary in shown
    ]


def partial_failure(manifest: Manifest, cases: Sequence[Case]) -> Iterator[str]:
    """A type that can tell of rejected records shows it in a case of its own: only it knows how they look."""
    signals = [item for item in manifest.signals.values() if isinstance(item, SignalOperation)]
    told = manifest.errors.record_path is not None or any(rule.records for rule in manifest.outcomes)
    for signal in signals:
        for template in (signal.response, *([signal.job.response] if signal.job else ())):
            told = told or "errors" in template.items or "result.invalid" in references(template.body)
    if told and not any(case.outcome.rejected or case.outcome.rejected_count for case in cases):
        yield "the type can tell of rejected records, and no case of it shows one"


def is_a_good_day(case: Case) -> bool:
    """Whether people are added and nothing goes wrong on the way."""
    answers = [exchange.response.status for exchange in case.exchanges]
    plain = not case.outcome.rejected and not case.outcome.rejected_count
    accepted = case.outcome.kind is OutcomeKind.ACCEPTED and plain
    return case.do == "add" and accepted and bool(answers) and all(200 <= status < 300 for status in answers)  # noqa: PLR2004 - 2xx


def asks_for_token(manifest: Manifest, request: Request) -> bool:
    """Return whether a request only asks for a token."""
    url = auth_of(manifest).get("token_url")
    return isinstance(url, str) and unify(url, request.url) is not None


def auth_of(manifest: Manifest) -> Mapping[str, Any]:
    """Return how the type signs; one that takes it from a setting which is not given does not."""
    return {"scheme": "none"} if isinstance(manifest.auth, FromSetting) else manifest.auth


def is_(sent: Sent, kind: OutcomeKind, category: Category | None = None) -> list[str]:
    """Return how an outcome differs from what it must be."""
    found = (
        []
        if sent.outcome.kind is kind
        else [f"the outcome is {sent.outcome.kind}, not {kind} ({sent.outcome.message})"]
    )
    if category is not None and sent.outcome.category is not category:
        found.append(f"the category is {sent.outcome.category}, not {category}")
    return found


def requests(sent: Sent, count: int) -> list[str]:
    """Return whether another number of requests went out than it must be."""
    return [] if sent.requests == count else [f"{sent.requests} requests were sent, not {count}"]
