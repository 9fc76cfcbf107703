"""Finds bindings that say how they are scheduled, and never when: a warning, because nothing is sent wrongly by it."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.config.schedule import MANUAL
from audiform.diagnostics import Diagnostic, Severity
from audiform.plan.records import effective_schedule


def check_schedules(project: Project) -> Iterator[Diagnostic]:
    """Yield a warning for each binding whose schedule has no time of its own, nor of its environment."""
    for name, binding in project.bindings.items():
        if binding.schedule in (None, MANUAL) or effective_schedule(project, binding) is not None:
            continue
        detail = (
            "This schedule has neither `cron` nor `every`, and its environment has none either: `audiform sync --watch` never sends "
            "the binding. Say when, or write `schedule: manual`."
        )
        address = Address(Kind.BINDING, name)
        yield Diagnostic(
            "schedule-without-time",
            detail,
            Severity.WARNING,
            address=address,
            path=("schedule",),
            on_key=True,
        )
