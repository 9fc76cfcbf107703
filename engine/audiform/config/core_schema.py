"""The scalars of YAML 1.2's core schema: what an unquoted word means. `yes`, `on` and dates are text."""

from __future__ import annotations

import math
import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_ENDLESS = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)\Z")
_STARTS = frozenset("-+.0123456789")
LARGEST: Final = 2**63 - 1
_MOST_DIGITS: Final = 64


class NotANumberWeTake(ValueError):  # noqa: N818 - says what it is where it is raised
    """A number that JSON and the platforms have no form for; the message says so."""


def scalar_value(text: str, tag: str | None = None) -> str | int | float | bool | None:
    """Return what the plain scalar `text` means; `tag` (`str`, `int`, ...) decides where it is given.

    Raises:
        NotANumberWeTake: endless, not a number, or beyond 64 bits.
    """
    if tag == "str":
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _STARTS else text


def _number(text: str) -> str | int | float:
    if _ENDLESS.match(text):
        raise NotANumberWeTake(f"`{text}` is not a number that can be compared or sent.")
    if _INTEGER.match(text):
        return _bounded(text, 10)
    if _OCTAL.match(text):
        return _bounded(text[2:], 8)
    if _HEXADECIMAL.match(text):
        return _bounded(text[2:], 16)
    if _FLOAT.match(text):
        value = float(text)
        if math.isinf(value):
            raise NotANumberWeTake(f"`{text}` is too large a number.")
        return value
    return text


def _bounded(digits: str, base: int) -> int:
    # The length is checked first: turning millions of digits into a number takes minutes.
    value = int(digits, base) if len(digits) <= _MOST_DIGITS else LARGEST + 1
    if abs(value) > LARGEST:
        raise NotANumberWeTake("This number is too large: numbers have at most 64 bits.")
    return value
