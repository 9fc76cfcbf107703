"""Names and texts inside SQL: quoted, so that nothing of a user's becomes a part of the statement."""

from __future__ import annotations


def name(text: str) -> str:
    """Return `text` as the name of a table or column."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as a string literal."""
    return "'" + text.replace("'", "''") + "'"
