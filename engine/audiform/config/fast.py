"""The fast path: yaml12 (Rust) reads a plain document, or this says that it needs a closer look.

yaml12 keeps the last of two equal keys, stops at a second document, wraps tags, and has no bound on nesting. So it
decides only about documents of which all that can be ruled out by cheap looks at the text and at the result
(docs/decisions/0002-reading-yaml.md). Everything else goes to `nodes.py`, which is exact.
"""

from __future__ import annotations

import re
from typing import Any

from audiform.config.core_schema import LARGEST
from audiform.config.nodes import DEEPEST

_CONTROL = bytes(set(range(32)) - {10}) + b"\x7f"
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# Documents, tags and merge keys, which yaml12 reads in another way.
_MARKERS = ("\n---", "\n...", "!!", "!<", "<<")
_STARTS = ("---", "...", "%")
_ANCHOR = re.compile(r"(?:\A|[\s\[{,:?-])[&*][^\s&*=(),;]")
_BLOCK_AT_END = re.compile(r"[|>][-+0-9]*(?: +#[^\n]*)?\s*\Z")
# A key without a value in a flow map: `{a, a: 1}`.
_BARE_KEY = re.compile(r"(?<!\{)\{(?!\{)\s*[^\s{}\[\]:,\"'][^{}\[\]:]*[,}]")
_COMMENT = re.compile(r"(?:^| )#[^\"']*$")
_AFTER_KEY = (" ", "\n", ",", "[", "]", "{", "}")
# Nesting needs columns, so the longest line bounds it: yaml12 by itself would exhaust the stack.
_LONGEST_LINE = 2000
_SIGNS = frozenset("|>?:")
_MOST_PRECISE = 2**53


def parse(text: str) -> dict[str, Any] | None:
    """Return the map that `text` holds, or None: look closer. Never raises."""
    if text.startswith("---\n"):
        text = text[3:]
    if not _is_plain(text):
        return None
    import yaml12

    try:
        documents: Any = yaml12.parse_yaml(text, multi=True)
    except ValueError:
        return None
    if len(documents) != 1 or type(documents[0]) is not dict:
        return None
    signs: list[str] = []
    keys = _count(documents[0], DEEPEST - 1, signs)
    plain = keys is not None and keys == _colons(text) and _are_quoted(signs, text)
    return documents[0] if plain else None


def _is_plain(text: str) -> bool:
    data = text.encode()
    if len(data.translate(None, _CONTROL)) != len(data) or text.startswith(_STARTS):
        return False
    if any(marker in text for marker in _MARKERS) or max(map(len, text.split("\n"))) > _LONGEST_LINE:
        return False
    if ("&" in text and _ANCHOR.search(text)) or _BARE_KEY.search(text):
        return False
    if _BLOCK_AT_END.search(text, max(0, len(text) - 200)):
        return False
    return text.isascii() or not _ODD.search(text)


def _colons(text: str) -> int:
    """Return how many colons could stand behind a key: never fewer than do, because all are counted.

    Those in quotes and SQL count too; such a document takes the exact path. Behind a ` #` without a quote behind it
    there is no key: it starts a comment, or stands in a text that does not end in this line.
    """
    if "#" in text:
        text = "\n".join([_COMMENT.sub("", line) if "#" in line else line for line in text.split("\n")])
    total = sum(text.count(f":{after}") for after in _AFTER_KEY) + text.endswith(":")
    for quote in ('":', "':"):
        if quote in text:
            total += text.count(quote) - sum(text.count(f"{quote}{after}") for after in _AFTER_KEY)
    return total


def _count(node: Any, depth: int, signs: list[str]) -> int | None:
    """Return the number of keys, or None where a value is not plainly what YAML 1.2 says.

    A key without a value may have been written without its colon, which the count of colons would miss. `signs` takes
    the texts that start with a sign of YAML.
    """
    total = 0
    values: Any = node
    if node.__class__ is dict:
        values = node.values()
        if None in values or not _are_texts(node):
            return None
        total = len(node)
    for value in values:
        kind = value.__class__
        if kind is str:
            if value[:1] in _SIGNS:
                signs.append(value)
        elif kind is dict or kind is list:
            inner = _count(value, depth - 1, signs) if depth else None
            if inner is None:
                return None
            total += inner
        elif not _is_exact(value, kind):
            return None
    return total


def _are_texts(keys: Any) -> bool:
    return all(type(key) is str for key in keys)


def _are_quoted(signs: list[str], text: str) -> bool:
    """Return whether the texts stand in quotes: inside of brackets yaml12 takes an unquoted sign of YAML for text."""
    return all(signs.count(sign) <= text.count(f'"{sign}"') + text.count(f"'{sign}'") for sign in set(signs))


def _is_exact(value: Any, kind: object) -> bool:
    if kind is bool:
        return True
    if kind is int:
        return bool(-LARGEST <= value <= LARGEST)
    # yaml12 turns integers of more than 64 bits into floats.
    return value is None or bool(kind is float and -_MOST_PRECISE < value < _MOST_PRECISE)
