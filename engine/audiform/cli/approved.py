"""An approval is given to what a plan does: it holds for an identical plan, whenever and wherever that is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from audiform.execution.stopped import Stopped
from audiform.plan.effect import plan_hash
from audiform.plan.plan import Plan

Command = TypeVar("Command", bound=Callable[..., Any])

approved_option = click.option(
    "--approved",
    metavar="HASH",
    help="Go on only if the plan does exactly what was approved: its plan hash is this one.",
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Why nobody is asked: because whoever started the command says so, or because the effect was approved before."""

    auto: bool = False
    approved: str | None = None

    @property
    def given(self) -> bool:
        """Whether nobody has to be asked."""
        return self.auto or self.approved is not None


def check_approved(plan: Plan, approved: str | None) -> None:
    """Check that the plan does what was approved; without an approval there is nothing to check.

    Raises:
        Stopped: it does something else.
    """
    if approved is None:
        return
    found = plan_hash(plan)
    if approved.strip().lower() != found:
        raise Stopped(
            "this plan does not do what was approved; nothing was done\n"
            f"  approved   {approved}\n  this plan  {found}\n"
            "The project, a connector type, what is recorded, or the people changed since. Have this plan read, and approve "
            "its hash.\nTo let people move a little meanwhile, apply the file of the plan that was read: it has a tolerance."
        )
