"""Makes a platform's message safe to show.

It is taken from the paths that the manifest names, then cut and cleared of everything that has the form of
a person's key or of a secret: what it says about the request stays.
"""

from __future__ import annotations

import re

MASK = "***"
_LONGEST = 300
_READ = 1000
"""So many times the longest message is looked at: no more than a platform needs to say what is wrong."""

_FORMS = (
    re.compile(r"[^\s\"'<>(),;:]+(?:@|%40)[^\s\"'<>(),;:]+"),  # e-mail addresses
    re.compile(r"(?i)\b(?:bearer|basic)\s+[^\s\"',;]{4,}"),  # what stands in an Authorization header
    re.compile(r"(?<=[?&])[^\s=&]+=[^\s&]+"),  # parameters of a URL
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),  # advertising ids
    re.compile(r"(?<![\w.])\+?\(?\d(?:[\s()./-]{0,2}\d){6,}(?![\w])"),  # phone numbers
    re.compile(r"\b[0-9a-fA-F]{16,}\b"),  # hashes
    re.compile(
        r"(?=[\w+/=.~-]*\d)(?=[\w+/=.~-]*[A-Za-z])[\w+/=.~-]{20,}"
    ),  # tokens: long, letters and digits
    re.compile(r"\b(?=[a-z+/_-]*[A-Z])(?=[A-Z+/_-]*[a-z])[A-Za-z+/_-]{32,}={0,2}"),  # tokens without a digit
)
_QUOTED = re.compile(r"(['\"`\u2018\u201c])((?:(?!\1)[^\u2019\u201d])*)(['\"`\u2019\u201d])")
_NAME = re.compile(r"[a-z][\w.\[\]-]*|[A-Z][A-Z0-9_]*|")


def mask(message: object) -> str:
    """Return `message` as one line of at most 300 characters without anything that could be a person or a secret.

    A quoted text stays only where it looks like the name of a field or a constant. What a terminal would obey, or
    what would turn the order of the letters around, is taken for a space.
    """
    text = " ".join(_text(message)[: _READ * _LONGEST].split())[: 10 * _LONGEST]
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    for form in _FORMS:
        text = form.sub(MASK, text)
    text = _QUOTED.sub(_masked_quote, text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(message: object) -> str:
    try:
        return str(message)
    except RecursionError:
        return ""


def _masked_quote(found: re.Match[str]) -> str:
    inside = found.group(2)
    return found.group(0) if _NAME.fullmatch(inside) else f"{found.group(1)}{MASK}{found.group(3)}"
