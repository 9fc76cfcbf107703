"""The ownership marker: a suffix in brackets by which a remote object is known to be ours after a crash.

    Win-back [audiform:shop/production/lapsed_on_ads#1f3a90bc]

The last part is the start of the state's lineage: two states of one project never take each other's objects. While an
object is made, the run that makes it stands behind that: a binding that ended and left its object is no reason to take
that one for the new one.
"""

from __future__ import annotations

import re

_SUFFIX = re.compile(r"\s*\[(audiform:[^\[\]#]+#[0-9a-f]{8}(?:-[0-9a-f]{8})?)\]\s*$")


def marker(project: str, environment: str, binding: str, lineage: str) -> str:
    """Return `audiform:project/environment/binding#12345678`; `lineage` is the state's, a uuid."""
    return f"audiform:{project}/{environment}/{binding}#{lineage.replace('-', '')[:8]}"


def marker_of_creation(marker: str, run: str) -> str:
    """Return the marker of what one run makes; `run` is its id, a uuid in hex."""
    return f"{marker}-{run[:8]}"


def mark(text: str | None, marker: str) -> str:
    """Return `text` with the marker behind it; a marker that is already there is replaced."""
    return f"{unmark(text)} [{marker}]".lstrip()


def unmark(text: str | None) -> str:
    """Return `text` as the user wrote it."""
    return _SUFFIX.sub("", text or "")


def marker_in(text: str | None) -> str | None:
    """Return the marker at the end of `text`, or None."""
    found = _SUFFIX.search(text or "")
    return found.group(1) if found else None
