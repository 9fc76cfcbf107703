"""The statistics as tables: a line per connector and day, the sums last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from audiform.cli.output import Style, paint
from audiform.cli.views.stats_data import EVENTS, Figures
from audiform.cli.views.table import table
from audiform.outcome import Signal

_SIGNALS = {Signal.ADD: "added", Signal.REMOVE: "removed", Signal.MODIFY: "changed"}


def render(found: Figures, where: str, *, colour: bool) -> str:
    """Return the statistics as text."""
    head = f"{found.first} to {found.last} ({where})"
    if not found.by_day and not found.events:
        return f"{head}\n\nNothing was sent in these days"
    sections = [
        head,
        *([_section("Sent", _sent(found), colour=colour)] if found.by_day else []),
        *(_detailed(found, "left_out", "Left out (counted at each sync)", "reason", colour=colour)),
        *(_detailed(found, "error", "Errors", "category", colour=colour)),
        *([_section("Events", _events(found), colour=colour)] if found.events else []),
    ]
    return "\n\n".join(sections)


def _sent(found: Figures) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("connector", "day", *_SIGNALS.values())]
    for (connector, day), what in found.by_day.items():
        sent = what.get("sent", Counter[str]())
        rows.append((connector, day, *(f"{sent.get(signal.value, 0):,}" for signal in _SIGNALS)))
    total = found.total("sent")
    rows.append(("total", "", *(f"{total[signal.value]:,}" for signal in _SIGNALS)))
    return rows


def _events(found: Figures) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [
        ("connector", "day", "sent", "dead letters", "tries again", "maybe twice", "not sent")
    ]
    total = Counter[str]()
    for (connector, day), counts in found.events.items():
        rows.append((connector, day, *(f"{counts[what]:,}" for what in EVENTS)))
        total.update(counts)
    rows.append(("total", "", *(f"{total[what]:,}" for what in EVENTS)))
    return rows


def _detailed(found: Figures, what: str, title: str, column: str, *, colour: bool) -> Iterator[str]:
    rows: list[Sequence[str]] = [
        (connector, day, detail.replace("_", " "), f"{count:,}")
        for (connector, day), parts in found.by_day.items()
        for detail, count in sorted(parts.get(what, Counter[str]()).items())
    ]
    if rows:
        heads = ("connector", "day", column, "people")
        total = ("total", "", "", f"{sum(found.total(what).values()):,}")
        yield _section(title, [heads, *rows, total], left=3, colour=colour)


def _section(title: str, rows: Sequence[Sequence[str]], *, left: int = 2, colour: bool) -> str:
    return "\n".join([paint(title, Style.BOLD, colour=colour), *table(rows, left=left, indent="  ")])
