"""What was found of drift: two layers for each recorded binding, its object and the people in it. Counts, never people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audiform.address import Address
from audiform.plan.plan import FieldChange, Figure


class Verdict(StrEnum):
    """What was found of one layer of a binding."""

    SAME = "same"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    """Nobody can know: the platform cannot be asked."""
    FAILED = "failed"
    """The platform can be asked, and did not answer."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The remote object: its changed fields, or that it is gone."""

    verdict: Verdict
    fields: tuple[FieldChange, ...] = ()
    gone: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Members:
    """The people in it. `ledger`: whom all bindings of the destination added; `platform`: who is there.

    `missing` and `others`: members who are not there, and people there whom nobody here added; None where they cannot
    be told apart.
    """

    verdict: Verdict
    ledger: int
    platform: Figure
    why: str
    missing: int | None = None
    others: int | None = None


@dataclass(frozen=True, slots=True)
class Drifted:
    """One recorded binding. `objects` and `members`: its destination's, which it may share with others."""

    address: Address
    connector: str
    title: str
    objects: Objects
    members: Members

    @property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        """Of both layers."""
        return self.objects.verdict, self.members.verdict


@dataclass(frozen=True, slots=True)
class Drift:
    """The whole report."""

    project: str
    environment: str
    at: datetime
    bindings: tuple[Drifted, ...]

    def having(self, verdict: Verdict) -> tuple[Drifted, ...]:
        """Return the bindings of which a layer has this verdict."""
        return tuple(one for one in self.bindings if verdict in one.verdicts)
