"""The policies that hold in protected environments unless the project switches them off by name, with a reason.

They deny what is hardly ever meant, and warn of what is sometimes right and must not be overlooked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audiform.config.policies import AppliesTo, Forbid, NamedPolicy, Require
from audiform.outcome import Signal

_PROTECTED: Final = AppliesTo(protected=True)

BUILT_IN: Final[Mapping[str, NamedPolicy]] = {
    "consent_required": NamedPolicy(
        message="Say with `consent` which column tells that a profile agreed, so that nobody else is sent",
        applies_to=AppliesTo(protected=True, resources=("audience.*",)),
        require=Require(consent=True),
    ),
    "half_leaves": NamedPolicy(
        message="More than half of a destination's people would leave at once: let somebody read it who knows why",
        applies_to=_PROTECTED,
        warn='change.kind == "binding" and not change.unknown and change.members_before >= 100 '
        "and change.removes * 2 > change.members_before",
    ),
    "no_secret_commands": NamedPolicy(
        message="A command runs wherever a plan is made, with all that is at hand there; a reference to a store of secrets "
        "runs nothing",
        effect="warn",
        applies_to=_PROTECTED,
        forbid=Forbid(secret_sources=("from_command",)),
    ),
    "removals_sent": NamedPolicy(
        message="Without the signal `remove`, people who left the audience or took back their consent stay at the platform",
        effect="warn",
        applies_to=_PROTECTED,
        require=Require(signals=(Signal.REMOVE,)),
    ),
}
