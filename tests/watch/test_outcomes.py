"""What the log says of each binding of a sync."""

from __future__ import annotations

from dataclasses import replace

from audiform.address import Address, Kind
from audiform.delivery.report import Problem
from audiform.diagnostics import Diagnostic
from audiform.execution.report import Failure, Report
from audiform.outcome import Category
from audiform.plan.plan import GuardResult, Step, StepKind
from audiform.watch.outcomes import Outcome, outcomes
from watch.stage import delivered

STEP = Step("binding.mail/sync", StepKind.SYNC, Address(Kind.BINDING, "mail"), (), {})


def test_each_binding_has_its_result_with_its_reasons():
    """Numbers of people, guards by name, masked messages with their category; nothing that is 0."""
    guard = GuardResult("ads.max_removed", "20%", "50%", ok=False)
    report = Report(
        failed=(
            Failure(STEP, (Problem(Category.TIMEOUT, "no answer"), Problem(None, "the source is gone"))),
        ),
        delivered=(
            replace(delivered("ads", "stopped"), guards=(guard, replace(guard, approved=True)), rejected=2),
        ),
        refused=(Diagnostic("not-applied", "It differs.", address=Address(Kind.BINDING, "letters")),),
    )

    assert [
        Outcome(
            "ads",
            "stopped",
            {"people": {"add": 3, "rejected": 2, "left_out": 2}, "guards": ["ads.max_removed"]},
        ),
        Outcome("mail", "failed", {"problems": ["timeout: no answer", "the source is gone"]}),
        Outcome("letters", "refused", {"problems": ["It differs."]}),
    ] == list(outcomes(report, ["ads", "mail", "letters"]))


def test_a_binding_that_the_files_switch_off_is_refused():
    """The report says nothing of it; whoever watches says why, and what to do, and does not ask again at once."""
    (found,) = outcomes(Report(), ["ads"])

    assert ("ads", "refused") == (found.binding, found.result)
    assert "is switched off in the files, and that is not applied" in found.facts["problems"][0]
