"""What planning compares, three states by name: *recorded* (last written), *observed* (there now), *desired*.

Bodies of records are described in `records.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from audiform.address import Address


class Presence(StrEnum):
    """Whether the platform has the destination now."""

    PRESENT = "present"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Observed:
    """One recorded binding's destination as the platform has it now.

    `attributes`: those that the type's `read` gives, the ownership marker already taken off. `members`: what
    the platform counts, where it says so. `why`: the masked reason of an `unknown`.
    """

    presence: Presence
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    members: int | None = None
    why: str = ""


Refreshed = Mapping[Address, Observed]
"""By address of the binding; bindings that were not looked up are not in it."""
