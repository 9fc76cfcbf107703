"""What planning compares, three states by name: *recorded* (last written), *observed* (there now), *desired*.

`Record.body` and the desired body of a resource have the same shape, all keys always there:

    source     type settings description labels owner protected enabled dependencies
    connector  type type_digest settings endpoint credentials secrets description labels owner protected enabled
               dependencies
               (`credentials`: name -> reference; `secrets`: name -> keyed digest, only those that were resolved)
    audience   source query profile_key identifiers variables consent [watermark member deleted reconcile] description labels owner protected enabled
               dependencies
               (`query`: hex digest of the SQL; `identifiers`: name -> {column, already_hashed, region})
    binding    audience connector destination signals identifiers variables guards [schedule] on_delete description labels owner
               protected enabled dependencies destination_id
               (as declared, null = default; `guards` and `schedule`: the environment's merged in, only what is set;
               `destination_id`: null before the remote object exists)
    policy     message effect labels owner enabled dependencies, and what it looks at, only where it is given
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
