"""The statistics, put together: per connector and day what was sent, who was left out, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from audiform.forwarding.records import Figure
from audiform.state.store import Count


@dataclass(frozen=True, slots=True)
class Figures:
    """`by_day`: (connector, day) -> what (`sent`, `left_out`, `error`) -> signal, reason or category -> people."""

    first: date
    last: date
    by_day: Mapping[tuple[str, str], Mapping[str, Counter[str]]]
    events: Mapping[tuple[str, str], Counter[str]] = field(
        default_factory=dict[tuple[str, str], Counter[str]]
    )
    """(event connector, day) -> `sent`, `dead`, `retried`, `maybe_twice`, `not_sent` -> events."""

    def total(self, what: str) -> Counter[str]:
        """Return signal, reason or category -> people, over everything."""
        total = Counter[str]()
        for found in self.by_day.values():
            total.update(found.get(what, {}))
        return total


EVENTS = ("sent", "dead", "retried", "maybe_twice", "not_sent")
"""What becomes of events, in the order of their columns. An event may be retried several times."""


def figures(counts: Iterable[Count], first: date, last: date, events: Iterable[Figure] = ()) -> Figures:
    """Add the counts of all bindings of a connector up, by day; and what became of events."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for count in counts:
        day = found.setdefault((count.connector, count.day), {})
        day.setdefault(count.what, Counter())[count.detail] += count.count
    happened: dict[tuple[str, str], Counter[str]] = {}
    for figure in events:
        # What a platform knows again by its id was not counted twice there.
        if (figure.what, figure.detail) != ("maybe_twice", "same_id"):
            happened.setdefault((figure.connector, figure.day), Counter())[figure.what] += figure.count
    return Figures(first, last, dict(sorted(found.items())), dict(sorted(happened.items())))


def as_json(found: Figures) -> dict[str, Any]:
    """Return `{from, to, days: [{connector, day, sent, left_out, errors}], events: [...], totals: {sent, left_out, errors}}`."""
    return {
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "days": [
            {
                "connector": connector,
                "day": day,
                "sent": _plain(what.get("sent")),
                "left_out": _plain(what.get("left_out")),
                "errors": _plain(what.get("error")),
            }
            for (connector, day), what in found.by_day.items()
        ],
        "events": [
            {"connector": connector, "day": day, **{what: counts[what] for what in EVENTS}}
            for (connector, day), counts in found.events.items()
        ],
        "totals": {
            "sent": _plain(found.total("sent")),
            "left_out": _plain(found.total("left_out")),
            "errors": _plain(found.total("error")),
        },
    }


def _plain(counter: Counter[str] | None) -> dict[str, int]:
    return dict(sorted((counter or Counter()).items()))
