"""Which versions of Audiform a project's `requires` allows: `>=0.1,<0.2`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping

Release = tuple[int, ...]

_PART = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+){0,3})\s*\Z")
_COMPARE: Mapping[str, Callable[[Release, Release], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def allows(requires: str, version: str) -> bool:
    """Return whether every part of `requires` holds for `version`; what follows its numbers does not count.

    Raises:
        ValueError: `requires` is not a list of comparisons; the message says how one looks.
    """
    running = _release(version)
    allowed = True
    for part in requires.split(","):
        found = _PART.match(part)
        if found is None:
            message = f"`{part.strip()}` is not a comparison of versions; write `>=0.1` or `>=0.1,<0.2`."
            raise ValueError(message)
        allowed = allowed and _COMPARE[found.group(1)](running, _release(found.group(2)))
    return allowed


def _release(version: str) -> Release:
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    release = [int(number) for number in numbers.group().split(".")] if numbers else []
    # 0.1 and 0.1.0 are the same release.
    return tuple(release + [0] * (4 - len(release)))
