"""What of a condition says which files of an Iceberg table need not be opened.

DuckDB hands its conditions over as Arrow's expressions, which can be applied to rows and printed, and nothing else. So the printed
form is read, and only as far as it is beyond doubt: what is not understood leaves a file in, and every row is looked at anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_COMPARED: Final = re.compile(
    r'\((?P<column>\w+) (?P<sign>==|>=|<=|>|<) (?:"(?P<text>[^"\\]*)"|(?P<number>-?\d+(?:\.\d+)?)|(?P<day>\d{4}-\d\d-\d\d))\)'
)
_MARK: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[()]| and ')


@dataclass(frozen=True, slots=True)
class Compared:
    """A column compared with a constant. `value`: a number, or the text of a text or of a day."""

    column: str
    sign: str
    value: int | float | str


def compared_in(expression: str) -> Iterator[Compared]:
    """Yield the comparisons that must all hold where a printed condition holds."""
    for part in _parts(expression.strip()):
        found = _COMPARED.fullmatch(part)
        if found is not None:
            yield Compared(found["column"], found["sign"], _value(found))


def _value(found: re.Match[str]) -> int | float | str:
    number = found["number"]
    if number is not None:
        return float(number) if "." in number else int(number)
    return found["day"] or found["text"] or ""


def _parts(expression: str) -> Iterator[str]:
    """Yield what `and` joins, also inside of what it joins: `((a and b) and c)`."""
    inside = expression[1:-1] if expression.startswith("(") and expression.endswith(")") else ""
    joint = _joint(inside)
    if joint is None:
        yield expression
    else:
        yield from _parts(inside[: joint.start()])
        yield from _parts(inside[joint.end() :])


def _joint(text: str) -> re.Match[str] | None:
    """Return the `and` that stands in no bracket and no text."""
    depth = 0
    for mark in _MARK.finditer(text):
        depth += {"(": 1, ")": -1}.get(mark.group(), 0)
        if mark.group() == " and " and depth == 0:
            return mark
    return None
