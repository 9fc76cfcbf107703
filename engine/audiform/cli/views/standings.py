"""How bindings stand, as a table and as JSON: last run, what came of it, when the next one is due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from audiform.cli.output import Style, paint
from audiform.cli.views.table import table
from audiform.config.schedule import Schedule
from audiform.schedules.agenda import Standing
from audiform.state.store import LastRun

_HEADS = ("binding", "schedule", "last run (UTC)", "result", "next run (UTC)")


def render(found: Sequence[Standing], *, colour: bool) -> str:
    """Return a line per binding, and what is wrong below."""
    rows = [
        (
            each.binding,
            _schedule(each.schedule),
            _moment(each.last.started) if each.last else "never",
            _result(each.last),
            _next(each),
        )
        for each in found
    ]
    problems = list(_problems(found, colour=colour))
    return "\n".join([*table([_HEADS, *rows], left=len(_HEADS)), *(("", *problems) if problems else ())])


def data(found: Sequence[Standing]) -> list[dict[str, Any]]:
    """Return it as JSON data."""
    return [
        {
            "binding": each.binding,
            "audience": each.audience,
            "on": each.on,
            "schedule": each.schedule.model_dump(mode="json", exclude_none=True) if each.schedule else None,
            "last_run": _last(each.last),
            "next_run": _iso(each.due.at),
            "overdue_since": _iso(each.due.missed),
        }
        for each in found
    ]


def _last(last: LastRun | None) -> dict[str, Any] | None:
    if last is None:
        return None
    ended = _iso(last.ended)
    return {"started": _iso(last.started), "ended": ended, "result": last.result, "failures": last.failures}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _schedule(schedule: Schedule | None) -> str:
    if schedule is None:
        return "by hand"
    if schedule.every is not None:
        return f"every {schedule.every}"
    return f"{schedule.cron} {schedule.time_zone or 'UTC'}"


def _result(last: LastRun | None) -> str:
    if last is None:
        return "-"
    # A killed run could not say so, and only whoever has the lock knows that it goes on.
    result = "not ended" if last.result == "running" else last.result
    return f"{result}, {last.failures} times" if last.failures > 1 else result


def _next(each: Standing) -> str:
    if not each.on:
        return "switched off"
    if each.due.at is None:
        return "-"
    overdue = f", overdue since {_moment(each.due.missed)}" if each.due.missed else ""
    return f"{_moment(each.due.at)}{overdue}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _problems(found: Sequence[Standing], *, colour: bool) -> Iterator[str]:
    late = sum(each.due.missed is not None for each in found)
    if late:
        head = paint("Overdue", Style.WARNING, colour=colour)
        subject = "1 binding was" if late == 1 else f"{late:,} bindings were"
        yield (
            f"{head}: {subject} not sent when it was time. Either a sync takes longer than its interval, or nobody watches. Start it:"
            "\n\n    audiform sync --watch\n"
        )
