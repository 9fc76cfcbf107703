"""The status as a table: a line per connector, what is wrong below."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.cli.output import Style, paint
from audiform.cli.views.status_data import ConnectorStatus, Status
from audiform.cli.views.table import table

_HEADS = (
    "connector",
    "type",
    "state",
    "in/s",
    "out/s",
    "waiting",
    "p50",
    "p95",
    "p99",
    "retrying",
    "dead",
    "breaker",
)


def render(found: Status, *, colour: bool) -> str:
    """Return the status as text."""
    rows = [_row(each) for each in found.connectors]
    lines = table([_HEADS, *rows], left=3)
    problems = list(_problems(found, colour=colour))
    return "\n".join([*lines, *(("", *problems) if problems else ())])


def _row(each: ConnectorStatus) -> tuple[str, ...]:
    return (
        each.connector,
        each.type,
        each.state,
        _rate(each.in_per_second),
        _rate(each.out_per_second),
        _count(each.lag),
        *(_time(seconds) for seconds in (each.p50, each.p95, each.p99)),
        _count(each.retrying),
        f"{each.dead:,}",
        each.breaker or "-",
    )


def _problems(found: Status, *, colour: bool) -> Iterator[str]:
    for each in found.connectors:
        if each.last_error:
            head = paint(each.connector, Style.BOLD, colour=colour)
            yield f"{head}: {each.last_error}"
    for name, why in found.not_served.items():
        yield f'{paint("Nothing is taken in", Style.ERROR, colour=colour)} from the source "{name}": {why}'
    if not found.processes:
        yield "`audiform run` does not run on this machine, so nothing is sent. Start it:\n\n    audiform run\n"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _count(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"
