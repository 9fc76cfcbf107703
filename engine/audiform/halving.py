"""Finds the records for which a platform refuses a whole batch when it does not say which they are.

The batch is sent in halves, and what is refused again in smaller ones, until each bad record stands alone. Signals
are idempotent, so that it does no harm to send a record in another company.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.outcome import Category, Outcome, OutcomeKind, RecordError

Send = Callable[[bytes], Awaitable[Outcome]]
"""Sends some rows (JSON, joined with `,`) and returns what became of them."""

_ENOUGH = 3
"""So many records that stand alone and are refused, and none that was taken: it is not the records' fault."""


def names_nobody(outcome: Outcome) -> bool:
    """Whether an outcome is about records, and does not say about which."""
    return outcome.kind is OutcomeKind.REJECTED and not outcome.rejected


@dataclass(slots=True)
class _Found:
    """What is known so far: the rejected by their place, what the parts that were taken told, and whether that is sure."""

    unsure: bool
    bad: dict[int, RecordError] = field(default_factory=dict[int, RecordError])
    lookups: list[Any] = field(default_factory=list[Any])
    taken: Outcome | None = None

    def add(self, part: Sequence[int], outcome: Outcome) -> None:
        """Keep what a part that was taken says, with its rejected records at their places in the batch."""
        self.taken = outcome
        self.bad |= {part[error.index]: replace(error, index=part[error.index]) for error in outcome.rejected}
        self.lookups += outcome.extracted.get("lookups", ())

    def rejected(self) -> tuple[RecordError, ...]:
        """Return the rejected records in order."""
        return tuple(self.bad[place] for place in sorted(self.bad))


async def apart(send: Send, text: bytes, refusal: Outcome) -> Outcome:
    """Return what became of the rows of a batch that was refused as `refusal` says, after sending them apart.

    When no record is taken the refusal is about the request, and stays a failure of all of it. A part that fails
    for another reason ends the search; what was rejected until then is told with it.
    """
    rows = json.loads(b"[%b]" % text)
    found = _Found(refusal.unsure)
    parts = _halves(range(len(rows)))
    while parts:
        part = parts.pop(0)
        outcome = await send(b",".join(as_json(rows[place]) for place in part))
        found.unsure |= outcome.unsure
        if names_nobody(outcome) and len(part) > 1:
            parts[:0] = _halves(part)
        elif names_nobody(outcome):
            category = outcome.category or Category.INVALID_RECORD
            found.bad[part[0]] = RecordError(part[0], category, outcome.message)
        elif outcome.ok:
            found.add(part, outcome)
        else:
            return _with(outcome, found)
        if found.taken is None and len(found.bad) >= min(_ENOUGH, len(rows)):
            failed = replace(refusal, kind=OutcomeKind.FAILED, category=Category.INVALID_REQUEST)
            return replace(failed, unsure=found.unsure)
    return _with(found.taken or refusal, found)


def _halves(part: Sequence[int]) -> list[Sequence[int]]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]


def _with(outcome: Outcome, found: _Found) -> Outcome:
    rejected = found.rejected()
    extracted = {**outcome.extracted, "lookups": tuple(found.lookups)} if found.lookups else outcome.extracted
    told = replace(outcome, rejected=rejected, rejected_count=len(rejected), extracted=extracted)
    return replace(told, unsure=found.unsure)


def as_json(row: Any) -> bytes:
    """Return a row as it is sent."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
