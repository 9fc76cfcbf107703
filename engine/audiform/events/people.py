"""Which values of an event may be somebody: what an erasure looks for, and what a tombstone is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiform.shapes import is_list, is_map

_WHO = ("user_id", "anonymous_id", "previous_id")
_LEAST = 8
"""A shorter text is a person's only where it says so: a 5 is a quantity, too."""
_MOST = 320


def texts_about(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts of an event that may name a person: its ids, and every longer value wherever it stands."""
    for name in _WHO:
        if body.get(name):
            yield str(body[name])
    yield from _texts(body)


def _texts(value: Any) -> Iterator[str]:
    if is_map(value):
        for each in value.values():
            yield from _texts(each)
    elif is_list(value):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        if _LEAST <= len(text) <= _MOST:
            yield text
