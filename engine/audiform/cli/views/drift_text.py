"""Drift for reading: as text, as Markdown for an issue, and as data. Figures say what they are; unknown is no 0."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.drift.report import Drift, Drifted, Members, Objects, Verdict
from audiform.plan.guard import people

_MOST = 100
"""Bindings that a comment shows."""
HEADS = ("binding", "platform", "object", "in the ledger", "at the platform", "members")
_WORDS = {
    Verdict.SAME: "as applied",
    Verdict.DRIFT: "DRIFT",
    Verdict.UNKNOWN: "unknown",
    Verdict.FAILED: "no answer",
}
_NEXT = (
    "`audiform plan` shows what an apply would do about the objects.\n"
    "Members who are gone at a platform are not sent again by a sync, because the ledger has them: look there who took them out."
)


def render(drift: Drift, *, colour: bool) -> str:
    """Return the report as text."""
    parts = [paint(_head(drift), Style.BOLD, colour=colour)]
    if drift.bindings:
        first, *rows = table([HEADS, *map(cells, drift.bindings)], left=3, indent="  ")
        lines = [first]
        for row, one in zip(rows, drift.bindings, strict=True):
            lines += [row, *(f"      {detail}" for detail in details(one))]
        parts.append("\n".join(lines))
    parts.append(paint(summary(drift), Style.BOLD, colour=colour))
    if drift.having(Verdict.DRIFT):
        parts.append(_NEXT)
    return "\n\n".join(parts)


def markdown(drift: Drift) -> str:
    """Return the report for an issue or a comment; names of the user's stand in code only."""
    parts = [
        f"<!-- audiform drift {drift.project} {drift.environment} -->",
        f"### Audiform drift: project {_code(drift.project)}, environment {_code(drift.environment)}",
        f"**{summary(drift)}**",
    ]
    shown = [*drift.having(Verdict.DRIFT), *drift.having(Verdict.FAILED)] or list(drift.bindings)
    shown, rest = list(dict.fromkeys(shown))[:_MOST], len(drift.bindings)
    if shown:
        lines = [f"| {' | '.join(HEADS)} |", "| --- | --- | --- | ---: | ---: | --- |"]
        lines += [f"| {' | '.join(_cell(cell) for cell in cells(one))} |" for one in shown]
        parts.append("\n".join(lines))
        found = [f"- {_code(str(one.address))}: {_code(detail)}" for one in shown for detail in details(one)]
        parts += ["\n".join(found)] * bool(found)
    if rest > len(shown):
        parts.append(f"Not shown: {rest - len(shown):,} of {_bindings(rest)}; `audiform drift` shows all.")
    if drift.having(Verdict.DRIFT):
        parts.append(_NEXT)
    return "\n\n".join(parts)


def as_json(drift: Drift) -> dict[str, Any]:
    """Return `{project, environment, at, drift, unanswered, bindings: [...]}`."""
    return {
        "project": drift.project,
        "environment": drift.environment,
        "at": drift.at.isoformat(),
        "drift": bool(drift.having(Verdict.DRIFT)),
        "unanswered": len(drift.having(Verdict.FAILED)),
        "bindings": [
            {
                "binding": str(one.address),
                "connector": one.connector,
                "title": one.title,
                "objects": asdict(one.objects),
                "members": asdict(one.members),
            }
            for one in drift.bindings
        ],
    }


def cells(one: Drifted) -> tuple[str, ...]:
    """Return the row of one binding, under `HEADS`."""
    objects = "GONE" if one.objects.gone else _WORDS[one.objects.verdict]
    told = one.members.platform
    platform = "unknown" if told.quality == "unknown" else people(told)
    return (
        one.address.name,
        one.title,
        objects,
        f"{one.members.ledger:,}",
        platform,
        _WORDS[one.members.verdict],
    )


def details(one: Drifted) -> Iterator[str]:
    """Yield what a row does not say: what changed, who differs, and why something is not known."""
    yield from _object(one.objects)
    yield from _people(one.members)


def summary(drift: Drift) -> str:
    """Return the sum in one sentence."""
    count, drifted = len(drift.bindings), len(drift.having(Verdict.DRIFT))
    if not count:
        return "Nothing is applied yet, so nothing can have drifted."
    parts = [f"{drifted:,} of {_bindings(count)} drifted" if drifted else f"No drift in {_bindings(count)}"]
    unasked = sum(one.members.verdict is Verdict.UNKNOWN for one in drift.bindings)
    if unasked:
        parts.append(f"members of {unasked:,} unknown")
    failed = len(drift.having(Verdict.FAILED))
    if failed:
        parts.append(f"{failed:,} got no answer")
    return f"{', '.join(parts)}."


def _object(objects: Objects) -> Iterator[str]:
    for change in objects.fields:
        yield f"{change.path}: {change.before!r} was applied, {change.after!r} is there ({change.reason})"
    if objects.why:
        yield f"object: {objects.why}"


def _people(members: Members) -> Iterator[str]:
    if members.verdict in {Verdict.UNKNOWN, Verdict.FAILED}:
        yield f"members unknown: {members.why}"
    elif members.missing is not None and members.others is not None and members.missing + members.others:
        yield (
            f"members: {members.missing:,} of the ledger are not there, {members.others:,} are there whom nobody here added "
            f"({members.why})"
        )
    elif members.verdict is Verdict.DRIFT:
        yield f"members: {people(members.platform)} there, {members.ledger:,} in the ledger ({members.why})"


def _head(drift: Drift) -> str:
    return (
        f"Drift of project {drift.project}, environment {drift.environment} ({drift.at:%Y-%m-%d %H:%M} UTC)"
    )


def _bindings(count: int) -> str:
    return f"{count:,} binding{'' if count == 1 else 's'}"


def _cell(text: str) -> str:
    return _code(text).replace("|", "\\|")


def _code(text: str) -> str:
    """Return text of others as code, which is neither markup nor a mention."""
    flat: Sequence[str] = text.replace("`", "'").split()
    return f"`{' '.join(flat)}`"
