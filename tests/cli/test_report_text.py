"""A report as people read it: what was done, what was not and why, the sum last."""

from __future__ import annotations

from typing import Any

from audiform.address import Address, Kind
from audiform.cli.reporting import exit_code
from audiform.cli.views import report_json, report_text
from audiform.delivery.report import Delivered, Problem
from audiform.diagnostics import Diagnostic
from audiform.execution.report import Failure, Report, Skipped
from audiform.outcome import Category, Signal
from audiform.plan.plan import GuardResult, Step, StepKind
from plan.sample import impact


def step(kind: StepKind, name: str = "buyers_on_ads", of: Kind = Kind.BINDING) -> Step:
    """Return a step."""
    return Step(f"{of}.{name}/{kind}", kind, Address(of, name), (), {})


def delivered(binding: str = "buyers_on_ads", status: Any = "done", **parts: Any) -> Delivered:
    """Return what became of a binding: nothing, where nothing else is said."""
    given: dict[str, Any] = {
        "sent": {},
        "rejected": 0,
        "pending": 0,
        "unsure": 0,
        "left_out": {},
        "impact": impact(),
        "guards": (),
        "problems": (),
        "not_sent": 0,
    }
    return Delivered(binding=binding, status=status, **{**given, **parts})


GUARD = GuardResult(
    "lapsed_on_ads.max_removed",
    "20%",
    "900",
    ok=False,
    detail="900 people would leave the destination at once",
)
TROUBLE = Problem(
    Category.PERMISSION_DENIED, "HTTP 403: no access to this account (code 294)", "give the token access"
)
MIXED = Report(
    done=(
        step(StepKind.RECORD, "shop", Kind.SOURCE),
        step(StepKind.CREATE_DESTINATION),
        step(StepKind.DELETE_DESTINATION, "old_on_ads"),
        step(StepKind.FORGET, "old_on_ads"),
        step(StepKind.SYNC),
    ),
    failed=(Failure(step(StepKind.CREATE_DESTINATION, "vips_on_mail"), (TROUBLE,)),),
    skipped=(
        Skipped(step(StepKind.SYNC, "vips_on_mail"), step(StepKind.CREATE_DESTINATION, "vips_on_mail")),
    ),
    delivered=(
        delivered(
            sent={Signal.ADD: 1_234_567, Signal.REMOVE: 89, Signal.MODIFY: 7},
            rejected=3,
            pending=10_000,
            left_out={"no_consent": 120, "duplicate_identity": 4},
            problems=(Problem(Category.INVALID_RECORD, "the address is not valid"),),
        ),
        delivered("lapsed_on_ads", "stopped", guards=(GUARD,)),
        delivered("repeat_on_ads", "failed", unsure=500, not_sent=9_500, problems=(TROUBLE,)),
    ),
    withdrawn=(delivered("old_on_mail", sent={Signal.REMOVE: 40}),),
    refused=(Diagnostic("not-applied", "binding.new_on_ads was not sent."),),
    notes=("binding.buyers_on_ads: the object of an interrupted creation was found and taken",),
)


def text(report: Report, *, total: int, verb: str = "Applied") -> str:
    """Return a report without colour."""
    return report_text.render(report, verb=verb, total=total, colour=False)


def test_everything_that_can_happen(snapshot):
    """Done, people, stopped, problems with their remedies, not done with its cause, notes, and the sum last."""
    assert snapshot == text(MIXED, total=8)


def test_nothing_to_do():
    """A report of nothing is one line."""
    assert "Nothing to do: applied nothing." == text(Report(), total=0)


def test_a_report_as_data(snapshot):
    """Programs get the same, with ids of steps and categories of problems."""
    assert snapshot == report_json.render(MIXED)


def test_the_exit_code_of_a_report():
    """0 when all was done, 3 when only guards stopped something, 1 when something failed."""
    stopped, failed = delivered(status="stopped"), delivered(status="failed")

    assert [0, 3, 1, 1, 1] == [
        exit_code(report)
        for report in (
            Report(delivered=(delivered(),)),
            Report(delivered=(delivered(), stopped)),
            Report(delivered=(stopped, failed)),
            Report(failed=MIXED.failed),
            Report(refused=MIXED.refused),
        )
    ]
