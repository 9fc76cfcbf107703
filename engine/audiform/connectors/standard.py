"""What a status means where the manifest does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from audiform.outcome import Category, Outcome, OutcomeKind, Response

_FAILED = {
    400: Category.INVALID_REQUEST,
    401: Category.INVALID_CREDENTIALS,
    403: Category.PERMISSION_DENIED,
    404: Category.DESTINATION_MISSING,
    410: Category.DESTINATION_MISSING,
}
_RETRY = {
    408: Category.TIMEOUT,
    429: Category.RATE_LIMITED,
    504: Category.TIMEOUT,
}

_REMEDIES = {
    Category.INVALID_CREDENTIALS: "Check the connector's credentials, then run `audiform connectors check`",
    Category.PERMISSION_DENIED: "Give the credentials access to what the connector's settings name",
    Category.DESTINATION_MISSING: "Run `audiform plan`: the destination was deleted there, or never made",
    Category.INVALID_REQUEST: "Compare the connector's settings and the destination's attributes with the platform's documentation",
    Category.RATE_LIMITED: "Wait, then run the command again: what was sent is recorded",
    Category.UNAVAILABLE: "Wait, then run the command again: what was sent is recorded",
    Category.TIMEOUT: "Wait, then run the command again: what was sent is recorded",
}


def standard_outcome(response: Response, message: str, now: datetime) -> Outcome:
    """Return what an answer that is no success means; `message` is the platform's own, masked, or empty."""
    status = response.status
    if status == 0:
        return _no_answer(response)
    if status in _RETRY or status >= 500:  # noqa: PLR2004 - 5xx
        category = _RETRY.get(status, Category.UNAVAILABLE)
        kind = OutcomeKind.RETRY
    elif status >= 400:  # noqa: PLR2004 - 4xx
        category = _FAILED.get(status, Category.INVALID_REQUEST)
        kind = OutcomeKind.FAILED
    else:
        category = Category.OTHER
        kind = OutcomeKind.FAILED
    return Outcome(
        kind,
        category,
        f"HTTP {status}: {message}" if message else f"HTTP {status}",
        remedy=remedy_of(category),
        status=status,
        retry_after=retry_after(response.headers, now) if kind is OutcomeKind.RETRY else None,
        unsure=status < 300,  # noqa: PLR2004 - 2xx, but not the one that was promised
    )


def remedy_of(category: Category | None) -> str:
    """Return what a user can do about an error, one sentence without a full stop; empty when nothing is known."""
    return _REMEDIES.get(category, "") if category else ""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how many seconds the platform asks to wait: `Retry-After` in seconds or as an HTTP date."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())


def _no_answer(response: Response) -> Outcome:
    if response.error == "timeout":
        category, message = Category.TIMEOUT, "no answer in time"
    else:
        category, message = Category.UNAVAILABLE, f"no answer: {response.error or 'the connection was lost'}"
    return Outcome(OutcomeKind.RETRY, category, message, remedy=remedy_of(category))
