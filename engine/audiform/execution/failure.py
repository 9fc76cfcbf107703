"""Why a step did not work, in words: the platform's answer, and what can be done about it."""

from __future__ import annotations

from collections.abc import Sequence

from audiform.delivery.report import Problem
from audiform.diagnostics import DiagnosticError
from audiform.outcome import Category, Outcome


class StepFailedError(Exception):
    """One step did not work; only what depends on it is held up."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


def failure_of(outcome: Outcome) -> StepFailedError:
    """Return what a platform's answer means for the step."""
    message = outcome.message or (f"HTTP {outcome.status}" if outcome.status else "no answer arrived")
    return StepFailedError(Problem(outcome.category, message, outcome.remedy))


def problems_of(error: DiagnosticError) -> tuple[Problem, ...]:
    """Return the diagnostics that stopped a step, as its problems."""
    return tuple(Problem(None, item.detail, item.hint or "") for item in error.diagnostics)


def cannot(title: str, what: str) -> StepFailedError:
    """Return the failure of a step that the connector's type has no operation for."""
    message = f"{title} cannot {what} through Audiform"
    remedy = "`audiform connectors show TYPE` says what a type can do"
    return StepFailedError(Problem(Category.INVALID_REQUEST, message, remedy))


def unanswered(name: str) -> StepFailedError:
    """Return the failure of a create whose answers were lost, and that made nothing that could be found."""
    message = f"the platform did not answer when `{name}` was created, and has no such object yet"
    return StepFailedError(
        Problem(Category.UNAVAILABLE, message, "run `audiform apply` again: it looks first")
    )


def unknowable(name: str, title: str, outcome: Outcome) -> StepFailedError:
    """Return the failure of a create that may have worked, at a platform that cannot be asked."""
    said = f" ({outcome.message})" if outcome.message else ""
    message = f"the answer to the creation of `{name}` was lost{said}, and {title} cannot be asked whether it is there"
    remedy = f"look for `{name}` there and delete it, then run `audiform apply` again: it creates a new one"
    return StepFailedError(Problem(outcome.category, message, remedy))


def several(name: str, title: str, found: Sequence[str]) -> StepFailedError:
    """Return the failure to tell which of several objects of one name is ours."""
    message = (
        f"{len(found)} objects named `{name}` appeared while it was created ({', '.join(found)}), and {title} has "
        "no field for a marker, so nobody can tell which one is ours"
    )
    remedy = "delete those that nobody needs, or choose another name, then run `audiform apply` again"
    return StepFailedError(Problem(Category.OTHER, message, remedy))
