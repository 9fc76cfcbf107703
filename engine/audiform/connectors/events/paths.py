"""Paths into an event: `event.properties.total`, compiled once into a function.

Parts are names, numbers of list entries, `*` for every entry, or texts in double quotes: `event.traits."Plan name"`.
What is not there is None, and never an error: events of one name differ.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from audiform.shapes import is_list, is_map

Getter = Callable[[Any], Any]
_PART = re.compile(r'"([^"]+)"|([A-Za-z0-9_$@-]+|\*)')


class PathError(ValueError):
    """A text that is no path; the message says why."""


@cache
def compile_path(text: str, root: str = "event") -> Getter:
    """Return the function from an event's scope to what stands at the path `text`, which begins with `root`.

    Raises:
        PathError: it is no path.
    """
    parts = parts_of(text, root)
    if not any(part == "*" or part.isdigit() for part in parts):
        return _Names(parts)
    return lambda scope: _found(scope, parts)


def parts_of(text: str, root: str = "event") -> tuple[str, ...]:
    """Return the parts of a path behind its root.

    Raises:
        PathError: it is no path.
    """
    found: list[str] = []
    place = 0
    while place <= len(text):
        part = _PART.match(text, place)
        if part is None:
            raise PathError(f"`{text}` is no path such as `{root}.properties.total`")
        found.append(part.group(1) or part.group(2))
        place = part.end() + 1
        if part.end() < len(text) and text[part.end()] != ".":
            raise PathError(f"`{text}` is no path such as `{root}.properties.total`")
    if found[0] != root:
        raise PathError(f"a path begins with `{root}.`, and `{text}` does not")
    return tuple(found[1:])


class _Names:
    """A path of names only, which nearly every path is."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = parts

    def __call__(self, scope: Any) -> Any:
        value: Any = scope
        for part in self._parts:
            # Nearly always; asking whether it is a Mapping costs ten times as much.
            if value.__class__ is not dict and not is_map(value):
                return None
            value = value.get(part)
        return value


def _found(value: Any, parts: Sequence[str]) -> Any:
    for number, part in enumerate(parts):
        if part == "*" and is_list(value):
            inner = (_found(entry, parts[number + 1 :]) for entry in value)
            return [entry for entry in inner if entry is not None]
        if is_map(value):
            value = value.get(part)
        elif is_list(value) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
