"""Compares two bodies of one resource, down to the leaves that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiform.shapes import is_map


def leaves(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted path, before, after) of what differs; a key that is missing is the same as null.

    Maps are compared key by key where both sides have one, everything else as a whole.
    """
    for key in (*before, *(key for key in after if key not in before)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        path = f"{prefix}{key}"
        if is_map(old) and is_map(new):
            yield from leaves(old, new, f"{path}.")
        else:
            yield path, old, new
