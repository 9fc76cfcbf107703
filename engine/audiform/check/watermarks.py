"""Checks audiences of which a sync reads what changed: that it can be told what changed, and who leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from audiform.address import Address, Kind
from audiform.config.kinds import Audience, IdentifierColumn
from audiform.config.project import Project
from audiform.config.schedule import Schedule, schedule_problems
from audiform.diagnostics import Diagnostic, Severity

_NEEDING = ("member", "deleted", "reconcile")


def check_watermarks(project: Project) -> Iterator[Diagnostic]:
    """Yield the problems of every audience that has a watermark, or says something that only such a one can."""
    for name, audience in project.audiences.items():
        address = Address(Kind.AUDIENCE, name)
        if audience.watermark is None:
            yield from _without(address, audience)
        else:
            yield from _reconcile(address, audience)
            yield from _personal(address, audience)
            yield from _nobody_leaves(address, audience)


def column_of(audience: Audience) -> str | None:
    """Return the column that grows when a row changes."""
    mark = audience.watermark
    return mark if mark is None or isinstance(mark, str) else mark.column


def _without(address: Address, audience: Audience) -> Iterator[Diagnostic]:
    for name in _NEEDING:
        if getattr(audience, name) is None:
            continue
        text = (
            f"`{name}` of `{address}` says something about a sync that reads what changed, and without a `watermark` each one "
            "reads everything. Name the column that grows when a row changes; or leave out who does not belong, with WHERE."
        )
        yield Diagnostic("watermark-missing", text, address=address, path=(name,), on_key=True)


def _reconcile(address: Address, audience: Audience) -> Iterator[Diagnostic]:
    """Yield what is wrong with the time at which everything is read: it is written as that of a schedule."""
    if (given := audience.reconcile) is None:
        return
    times = Schedule(cron=given.cron, every="1d" if given.every else None, time_zone=given.time_zone)
    for item in schedule_problems(times, address):
        yield replace(
            item, detail=item.detail.replace("`schedule", "`reconcile"), path=("reconcile", *item.path[1:])
        )


def _personal(address: Address, audience: Audience) -> Iterator[Diagnostic]:
    column = column_of(audience)
    people = {audience.profile_key: "the profile key"}
    for name, item in audience.identifiers.items():
        people[item.column if isinstance(item, IdentifierColumn) else item] = f"the identifier `{name}`"
    if column in people:
        text = (
            f"The watermark of `{address}` is `{column}`, which is {people[column]}. Its highest value is kept in the state, where no "
            "person may be, and it does not grow when a row changes. Name the column that the source writes with each change."
        )
        yield Diagnostic("watermark-names-people", text, address=address, path=("watermark",))


def _nobody_leaves(address: Address, audience: Audience) -> Iterator[Diagnostic]:
    """Warn where a row that changed cannot say that its profile does not belong any more."""
    if audience.member is not None or audience.deleted is not None:
        return
    text = (
        f"`{address}` has a watermark, and neither `member` nor `deleted`. A sync reads the rows that changed; whoever no longer "
        "meets a WHERE of the query, or is gone from the table, has no such row, and leaves only when everything is read "
        "(`reconcile`). Write the condition as a boolean column and name it as `member`, or name the column that marks deleted rows."
    )
    yield Diagnostic(
        "watermark-without-leavers",
        text,
        Severity.WARNING,
        hint="SELECT ..., (last_order < now() - interval '90 days') AS is_member FROM customers, with `member: is_member`",
        address=address,
        path=("watermark",),
        on_key=True,
    )
