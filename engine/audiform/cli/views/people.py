"""The table of people: per binding, who is there, who comes, goes and changes, and who is left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.plan.plan import Action, Change, Extent, Figure, Impact, Plan

HEADS = ("binding", "members", "adds", "removes", "modifies", "after")


def people_table(plan: Plan, *, colour: bool, concise: bool = False) -> Iterator[str]:
    """Yield the section, or nothing when no people are concerned; concise: without reasons and who is left out."""
    rows = [(change, change.impact) for change in plan.changes if change.impact is not None]
    if rows:
        yield "\n".join(_lines(rows, colour=colour, concise=concise))


def _lines(rows: Sequence[tuple[Change, Impact]], *, colour: bool, concise: bool) -> Iterator[str]:
    yield paint("People", Style.BOLD, colour=colour)
    head, *lines = table([HEADS, *(cells(change, impact) for change, impact in rows)], indent="  ")
    yield head
    for line, (_, impact) in zip(lines, rows, strict=True):
        yield line
        if not concise:
            yield from (f"      {detail}" for detail in details(impact))


def cells(change: Change, impact: Impact) -> tuple[str, ...]:
    """Return the row of one binding, under `HEADS`."""
    return (
        change.address.name,
        _figure(impact.members_before),
        _figure(impact.adds, "+"),
        _figure(impact.removes, "-"),
        _figure(impact.modifies, "~"),
        _figure(after(change, impact)),
    )


def after(change: Change, impact: Impact) -> Figure:
    """Return who is in the destination after it all; a new one begins without members."""
    if change.action is Action.REPLACE:
        return replace(impact.adds, why="")
    return impact.members_after


def _figure(figure: Figure, sign: str = "") -> str:
    match figure.quality:
        case "unknown":
            return "unknown"
        case "estimated":
            return f"about {sign}{figure.value:,}"
        case _:
            return f"{sign if figure.value else ''}{figure.value:,}"


def read(extent: Extent) -> str:
    """Return how much was read of an audience with a watermark."""
    if extent.since is None:
        return f"read: everything, because {extent.why}"
    waiting = (
        f"; {extent.shared:,} whom several profiles may share wait until everything is read"
        if extent.shared
        else ""
    )
    return f"read: incremental, what changed since {extent.since}{waiting}"


def details(impact: Impact) -> Iterator[str]:
    """Yield why figures are unknown, and who is left out; a reason that several figures share is said once."""
    figures = (impact.members_before, impact.adds, impact.removes, impact.modifies)
    for why in dict.fromkeys(figure.why for figure in figures if figure.quality == "unknown" and figure.why):
        yield f"unknown: {why}"
    out = [f"{count:,} {reason.replace('_', ' ')}" for reason, count in impact.left_out.items() if count]
    if out:
        yield f"left out: {', '.join(out)}"
    if impact.extent is not None:
        yield read(impact.extent)
    if impact.claims:
        yield f"{impact.claims:,} join without being sent: they are in the destination already"
    if impact.releases:
        yield f"{impact.releases:,} leave without a removal: others who stay are known there by the same"
