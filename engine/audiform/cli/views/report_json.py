"""What was done, as JSON data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from audiform.cli.views.diagnostics_data import as_json
from audiform.delivery.report import Delivered, Problem
from audiform.execution.report import Report
from audiform.plan.plan import Step


def render(report: Report) -> dict[str, Any]:
    """Return `{ok, stopped, done, failed, skipped, people, withdrawn, refused, notes}`."""
    return {
        "ok": report.ok,
        "stopped": report.stopped,
        "done": [_step(step) for step in report.done],
        "failed": [
            {**_step(failure.step), "problems": [_problem(problem) for problem in failure.problems]}
            for failure in report.failed
        ],
        "skipped": [{**_step(one.step), "because_of": one.cause.id} for one in report.skipped],
        "people": [_people(one) for one in report.delivered],
        "withdrawn": [_people(one) for one in report.withdrawn],
        "refused": as_json(report.refused)["diagnostics"],
        "notes": list(report.notes),
    }


def _step(step: Step) -> dict[str, str]:
    return {"step": step.id, "kind": step.kind.value, "address": str(step.address)}


def _problem(problem: Problem) -> dict[str, str | None]:
    category = problem.category.value if problem.category else None
    return {"category": category, "message": problem.message, "remedy": problem.remedy}


def _people(one: Delivered) -> dict[str, Any]:
    return {
        "binding": one.binding,
        "status": one.status,
        "sent": {signal.value: count for signal, count in one.sent.items()},
        "rejected": one.rejected,
        "pending": one.pending,
        "unsure": one.unsure,
        "not_sent": one.not_sent,
        "left_out": dict(one.left_out),
        "read": None if one.impact.extent is None else asdict(one.impact.extent),
        "guards": [asdict(result) for result in one.guards],
        "problems": [_problem(problem) for problem in one.problems],
    }
