"""The history for reading: a line for each entry, or one in full. It holds no secret and no person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from audiform.cli.views.table import table
from audiform.state.store import HistoryEntry

SHOWN = 12
"""Characters of an id."""
_SIGNS = {"add": "+", "remove": "-", "modify": "~"}


def listing(entries: Sequence[HistoryEntry]) -> str:
    """Return a line per entry, the latest first."""
    if not entries:
        return "Nothing was applied or sent yet"
    heads = ("id", "when (UTC)", "command", "who", "changed", "people", "ended")
    rows = [
        (
            entry.id[:SHOWN],
            f"{entry.started:%Y-%m-%d %H:%M}",
            entry.operation,
            entry.who,
            f"{len(entry.data.get('changes', ())):,}",
            _people(entry),
            _end(entry),
        )
        for entry in reversed(entries)
    ]
    lines = table([heads, *rows], left=len(heads))
    return "\n".join(
        [*lines, "", "`audiform history show ID` says more; `audiform plan --inverse ID` undoes one."]
    )


def line_data(entry: HistoryEntry) -> dict[str, Any]:
    """Return an entry as JSON data, without the records that it changed."""
    whole = data(entry)
    return {**whole, "data": {key: value for key, value in entry.data.items() if key != "before"}}


def data(entry: HistoryEntry) -> dict[str, Any]:
    """Return an entry as JSON data."""
    return {
        "id": entry.id,
        "command": entry.operation,
        "who": entry.who,
        "started": entry.started.isoformat(),
        "ended": None if entry.ended is None else entry.ended.isoformat(),
        "serial_before": entry.serial_before,
        "serial_after": entry.serial_after,
        "data": entry.data,
    }


def detail(entry: HistoryEntry) -> str:
    """Return one entry in full."""
    return "\n".join(_lines(entry))


def _lines(entry: HistoryEntry) -> Iterator[str]:
    yield f"{entry.operation} {entry.id}"
    yield f"  who: {entry.who}"
    yield f"  started: {entry.started:%Y-%m-%d %H:%M:%S} UTC"
    ended = "it did not end" if entry.ended is None else f"{entry.ended:%Y-%m-%d %H:%M:%S} UTC, {_end(entry)}"
    yield f"  ended: {ended}"
    after = "unknown" if entry.serial_after is None else entry.serial_after
    yield f"  serial: {entry.serial_before} before, {after} after"
    for name in ("plan", "config"):
        if entry.data.get(name):
            yield f"  {name} hash: {entry.data[name]}"
    for change in entry.data.get("changes", ()):
        yield f"  {change['action']} {change['address']}"
    for moved in entry.data.get("moved", ()):
        sent = " ".join(f"{_SIGNS[name]}{count:,}" for name, count in moved["sent"].items())
        yield f"  people of binding.{moved['binding']}: {sent or 'none were sent'}"
    for receipt in entry.data.get("receipts", ()):
        yield f"  {receipt['binding'] or 'a destination'}: {receipt['answer']}"


def _people(entry: HistoryEntry) -> str:
    moved = entry.data.get("moved", ())
    sums = {name: sum(one["sent"].get(name, 0) for one in moved) for name in _SIGNS}
    return " ".join(f"{_SIGNS[name]}{count:,}" for name, count in sums.items())


def _end(entry: HistoryEntry) -> str:
    if entry.ended is None:
        return "did not end"
    return "ok" if entry.data.get("ok", True) else "not all of it"
