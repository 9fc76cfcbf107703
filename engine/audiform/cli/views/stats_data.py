"""The statistics, put together: per connector and day what was sent, who was left out, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from audiform.state.store import Count


@dataclass(frozen=True, slots=True)
class Figures:
    """`by_day`: (connector, day) -> what (`sent`, `left_out`, `error`) -> signal, reason or category -> people."""

    first: date
    last: date
    by_day: Mapping[tuple[str, str], Mapping[str, Counter[str]]]

    def total(self, what: str) -> Counter[str]:
        """Return signal, reason or category -> people, over everything."""
        total = Counter[str]()
        for found in self.by_day.values():
            total.update(found.get(what, {}))
        return total


def figures(counts: Iterable[Count], first: date, last: date) -> Figures:
    """Add the counts of all bindings of a connector up, by day."""
    found: dict[tuple[str, str], dict[str, Counter[str]]] = {}
    for count in counts:
        day = found.setdefault((count.connector, count.day), {})
        day.setdefault(count.what, Counter())[count.detail] += count.count
    return Figures(first, last, dict(sorted(found.items())))


def as_json(found: Figures) -> dict[str, Any]:
    """Return `{from, to, days: [{connector, day, sent, left_out, errors}], totals: {sent, left_out, errors}}`."""
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
        "totals": {
            "sent": _plain(found.total("sent")),
            "left_out": _plain(found.total("left_out")),
            "errors": _plain(found.total("error")),
        },
    }


def _plain(counter: Counter[str] | None) -> dict[str, int]:
    return dict(sorted((counter or Counter()).items()))
