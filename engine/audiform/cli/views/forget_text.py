"""An erasure for reading: where a person is, what became of it, and how many were forgotten. Never who."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.erasure.report import Erased, Place, Receipt, Way
from audiform.state.store import Tombstone

_SAYS: Mapping[Way, str] = {
    Way.REMOVE: "removed from the destination",
    Way.DELETE: "deleted at the platform, with all that it has of them",
    Way.CANNOT: "cannot: say it at the platform's console",
    Way.UNREACHABLE: "cannot: nobody knows any more how it was reached",
    Way.PAST: "no member any more; what is remembered of it is erased",
}
_NEEDS_SOMEBODY = frozenset({Way.CANNOT, Way.UNREACHABLE})


def plan(
    identifiers: Sequence[str], places: Sequence[Place], where: str, left: Sequence[str], *, colour: bool
) -> str:
    """Return what would be done, without showing the person; `left`: what of their events is not reached."""
    head = paint(f"Somebody is to be forgotten ({where})", Style.BOLD, colour=colour)
    known = f"Looked for by: {', '.join(identifiers)}"
    after = (
        "They are erased from the ledger, the log of events and the dead letters, and a tombstone for each of these identifiers\n"
        "keeps every later sync from sending them again (left out as `suppressed`)."
        + "".join(f"\nNot erased: {each}." for each in left)
    )
    if not places:
        return f"{head}\n{known}\n\nNo destination received them, as far as the ledger knows.\n{after}"
    heads = ("binding", "platform", "destination", "times")
    rows = [
        (place.binding or "?", place.title or "?", place.destination, f"{place.rows:,}") for place in places
    ]
    first, *lines = table([heads, *rows], left=3, indent="  ")
    body = [part for line, place in zip(lines, places, strict=True) for part in (line, *_says(place))]
    return "\n".join([head, known, "", first, *body, "", after])


def receipts(erased: Erased, *, colour: bool) -> str:
    """Return what was done, place by place."""
    lines = ["", paint("Receipts", Style.BOLD, colour=colour)]
    for receipt in erased.receipts:
        lines.extend(_receipt(receipt, colour=colour))
    if not erased.receipts:
        lines.append("  no destination had received them")
    lines += ["", _summary(erased)]
    return "\n".join(lines)


def listing(stones: Sequence[Tombstone]) -> str:
    """Return a line per request: when, which kinds of identifiers, how many tombstones."""
    if not stones:
        return "Nobody was forgotten"
    rows = [
        (
            one["at"][:16].replace("T", " "),
            one["request"][:12],
            ", ".join(one["identifiers"]),
            str(one["tombstones"]),
        )
        for one in requests_data(stones)
    ]
    lines = table([("when (UTC)", "request", "identifiers", "tombstones"), *rows], left=3)
    return "\n".join(
        [*lines, "", f"{len(rows):,} request{'' if len(rows) == 1 else 's'}, {len(stones):,} tombstones"]
    )


def requests_data(stones: Sequence[Tombstone]) -> list[dict[str, Any]]:
    """Return the requests as JSON data, oldest first."""
    found: dict[str, dict[str, Any]] = {}
    for stone in stones:
        start: dict[str, Any] = {
            "request": stone.request,
            "at": stone.at.isoformat(),
            "identifiers": [],
            "tombstones": 0,
        }
        one = found.setdefault(stone.request, start)
        one["tombstones"] += 1
        if stone.identifier not in one["identifiers"]:
            one["identifiers"].append(stone.identifier)
    return list(found.values())


def _says(place: Place) -> Iterator[str]:
    yield f"      {_SAYS[place.way]}"
    if place.way in _NEEDS_SOMEBODY and place.documentation:
        yield f"      {place.documentation}"


def _receipt(receipt: Receipt, *, colour: bool) -> Iterator[str]:
    place, symbol = receipt.place, "ok" if receipt.ok else "!!"
    mark = paint(symbol, Style.CREATE if receipt.ok else Style.ERROR, colour=colour)
    where = " on ".join(filter(None, (place.binding, place.title)))
    yield f"  {mark}  {where or 'a destination'} ({place.destination})"
    named = (
        "" if not receipt.sent else ", named once" if receipt.sent == 1 else f", named {receipt.sent:,} times"
    )
    yield f"      {receipt.at:%Y-%m-%d %H:%M:%S} UTC{named}: {receipt.answer}"
    if not receipt.ok and place.documentation and not receipt.kept:
        yield f"      {place.documentation}"


def _events(erased: Erased) -> str:
    events = erased.events
    said = f"\nEvents: {events.erased:,} erased from the log, {events.letters:,} dead letters."
    left = "".join(f"\nNot erased: {each}." for each in events.left)
    return f"{said if events.erased or events.letters else ''}{left}"


def _summary(erased: Erased) -> str:
    here = (
        f"Erased here: {erased.rows:,} rows of the ledger, {erased.letters:,} dead letters. "
        f"Request {erased.request[:12]}: {erased.tombstones:,} tombstones."
        f"{_events(erased)}"
    )
    if any(receipt.kept for receipt in erased.receipts):
        return f"{here}\nNot finished: give the same request again. No sync sends them meanwhile."
    return here if erased.ok else f"{here}\nSomebody has to do the rest at the platforms named above."
