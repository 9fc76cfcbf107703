"""Looks at SQL that a database will run, in a dialect of its own: one SELECT, closed in itself.

It is not parsed: the database says what is wrong with it when a plan is made. But it is put into a statement of ours, so its
brackets must close inside of it; and a session that is read-only is no reason to hand it a statement that writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from audiform.config.sql import SqlProblem

_TOKEN: Final = re.compile(
    r"(?P<skip>\s+|--[^\n]*|'(?:[^'\\]|''|\\[^'])*'|\"(?:[^\"\\]|\"\"|\\[^\"])*\"|`[^`]*`|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)"
    r"|(?P<comment>/\*)|(?P<open>['\"`])|(?P<word>\w+)|(?P<mark>.)",
    re.DOTALL,
)
"""A backslash before a quote ends a text in one dialect and not in another, so such a text counts as not closed."""
_RUN_BY_MYSQL: Final = ("/*!", "/*M!")
_WRITES: Final = frozenset(
    {"insert", "update", "delete", "merge", "truncate", "drop", "alter", "create", "grant", "copy", "call"}
)
_NOT_SELECT: Final = (
    "An audience is what one SELECT returns, and this is another statement. It begins with SELECT or WITH."
)
_RUN: Final = "MySQL runs what stands in a comment that begins like this. Write it without the comment around it, or as a plain comment."
_NOT_CLOSED: Final = "Something that begins here is not closed: the rest of the query would be a part of it. A quote inside of a text is written twice."


@dataclass(frozen=True, slots=True)
class _Token:
    """What is neither a comment nor a text. `kind`: `open` where a comment or a text begins that is not closed, `run` one that is run."""

    kind: str
    text: str
    offset: int


def check_foreign(text: str) -> tuple[SqlProblem, ...]:
    """Return what is wrong with a query of a database's own dialect, as far as that shows without the database."""
    return tuple(_problems(text))


def _problems(text: str) -> Iterator[SqlProblem]:
    tokens = list(_tokens(text))
    if not tokens:
        yield SqlProblem("sql-not-select", "There is no statement in this query.", 0, 1)
    elif tokens[0].kind != "run" and tokens[0].text.lower() not in {"select", "with"}:
        yield _about(tokens[0], "sql-not-select", _NOT_SELECT)
    else:
        # What follows the first mistake may only follow from it.
        yield from islice(_inside(tokens), 1)


def _inside(tokens: list[_Token]) -> Iterator[SqlProblem]:
    before, opened = "", list[_Token]()
    for token in tokens:
        if token.kind == "open":
            yield _about(token, "sql-syntax", _NOT_CLOSED)
        elif token.kind == "run":
            yield _about(token, "sql-syntax", _RUN)
        elif token.text == "(":
            opened.append(token)
        elif token.text == ")" and not opened:
            yield _about(token, "sql-syntax", "This bracket closes nothing.")
        elif token.text == ")":
            opened.pop()
        elif token.text == ";":
            yield _about(
                token, "sql-not-select", "An audience is one SELECT without `;`: only one would count."
            )
        elif before in {"(", ")"} and token.text.lower() in _WRITES:
            yield _about(
                token, "sql-not-select", f"The query holds {token.text.upper()}, which changes data."
            )
        before = token.text
    for token in opened:
        yield _about(token, "sql-syntax", _NOT_CLOSED)


def _about(token: _Token, code: str, detail: str) -> SqlProblem:
    return SqlProblem(code, detail, token.offset, len(token.text))


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:  # which cannot be: the last alternative takes any character
            return
        place = found.end()
        kind = str(found.lastgroup)
        if kind == "comment":
            end = _end_of_comment(text, found.end())
            if end is None:
                yield _Token("open", "/*", found.start())
                return
            if text.startswith(_RUN_BY_MYSQL, found.start()):
                yield _Token("run", "/*", found.start())
            place = end
        elif found["skip"] is None:
            yield _Token(kind, found.group(), found.start())


def _end_of_comment(text: str, place: int) -> int | None:
    """Return where a comment ends. Comments nest in some dialects and not in others: one inside another is refused."""
    end, inner = text.find("*/", place), text.find("/*", place)
    return None if end < 0 or 0 <= inner < end else end + 2
