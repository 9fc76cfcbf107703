"""Holds the YAML of a project's own connector types to a size: aliases of aliases can make a page into terabytes.

The reader that is fast copies what an alias names. So what would come of it is known before it reads: nearly always
by a bound that is cheap, else by a reader that shares what is named and is slow.
"""

from __future__ import annotations

import re
from math import prod
from typing import Any

from audiform.shapes import Json

_TOKENS = re.compile(r"(?:\A|(?<=[\s\[{,:?-]))([&*])([^\s,\[\]{}]+)")
_SMALL = 10_000_000
"""Characters after all aliases are replaced that need no closer look."""
MOST = 100_000
"""Values after all aliases are replaced; a manifest has some hundreds."""


class TooMuchError(ValueError):
    """What the aliases of a text repeat is more than anybody has written by hand."""

    def __init__(self) -> None:
        super().__init__(f"its aliases repeat more than {MOST:,} values")


def parse(text: str) -> Any:
    """Return the data of a YAML document that anybody may have written.

    Raises:
        ValueError: it is no YAML, or its aliases would make it too large.
    """
    import yaml12

    check_aliases(text)
    return yaml12.parse_yaml(text)


def check_aliases(text: str) -> None:
    """Raise a ValueError where the aliases of `text` would make it too large."""
    if len(text) * _most_copies(text) > _SMALL and _expanded(text) > MOST:
        raise TooMuchError


def _most_copies(text: str) -> int:
    """Return how often a part of `text` can stand in the result at most: each anchor multiplies by its uses."""
    uses: list[int] = []
    latest: dict[str, int] = {}
    for sign, name in _TOKENS.findall(text):
        if sign == "&" or name not in latest:
            # The same name again is another anchor.
            latest[name] = len(uses)
            uses.append(1)
        if sign == "*":
            uses[latest[name]] += 1
    return prod(uses)


def _expanded(text: str) -> int:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader: Any = YAML(typ="safe", pure=True)
    reader.composer.warn_double_anchors = False
    try:
        return _size(reader.compose(text), {})
    except (YAMLError, RecursionError) as error:
        raise ValueError("it is nested too deeply, or is no YAML") from error


def _size(node: Any, known: dict[int, int]) -> int:
    """Return how many values a node has when each alias is a copy; one that holds itself has no end."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST + 1
    inside: Json = getattr(node, "value", None)
    match inside:
        case [(_, _), *_] as pairs:
            size = 1 + sum(_size(key, known) + _size(value, known) for key, value in pairs)
        case list() as items:
            size = 1 + sum(_size(item, known) for item in items)
        case _:
            size = 1
    known[id(node)] = size
    return size
