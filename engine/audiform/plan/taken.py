"""What is known of an existing object that is about to be imported."""

from __future__ import annotations

from dataclasses import dataclass

from audiform.plan.prior import Observed


@dataclass(frozen=True, slots=True)
class Taken:
    """`adopts`: its platform lists members. `members`: how many there are, None where nobody looked.

    `unreadable`: entries of the listing that cannot be what the type sends; they are left alone.
    """

    identity: str
    name: str | None
    observed: Observed
    adopts: bool
    members: int | None = None
    unreadable: int = 0
