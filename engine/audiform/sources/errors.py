"""DuckDB's errors as diagnostics: what is wrong with files and SQL, and nothing of the data.

A message about names, syntax or files is the author's own text. One about values (a cast that failed, a line of
a CSV file) quotes what it found, which may be a person: of such a one only what kind it is can be said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audiform.address import Address
from audiform.diagnostics import Diagnostic

if TYPE_CHECKING:
    from duckdb import Error

_ABOUT_TEXT = frozenset({"BinderException", "CatalogException", "ParserException", "SyntaxException"})
_ABOUT_FILES = frozenset({"IOException", "PermissionException"})
_MEANINGS = {
    "ConversionException": "a value cannot be converted",
    "OutOfRangeException": "a value is out of range",
    "OutOfMemoryException": "the query needs more memory and disk than there is",
}
_TARGET = re.compile(
    r"\bto (?:type )?(DATE|TIMESTAMP|TIME|BOOLEAN|U?(?:BIG|SMALL|TINY|HUGE)?INT\d*|DOUBLE|FLOAT|DECIMAL|UUID)\b"
)


def failed(
    error: Error, address: Address, code: str, path: tuple[str | int, ...] = (), what: str = ""
) -> Diagnostic:
    """Return what `error` says of the source or query at `address`; `what`: the file or pattern that is meant."""
    meant = f"`{what}` of `{address}`" if what else f"`{address}`"
    return Diagnostic(code, f"{meant} cannot be read: {_said(error)}.", address=address, path=path)


def _said(error: Error) -> str:
    kind = type(error).__name__
    first = str(error).partition("\n")[0].strip().rstrip(".")
    if kind in _ABOUT_TEXT:
        return _masked_strings(first)
    if kind in _ABOUT_FILES:
        return first
    target = _TARGET.search(str(error))
    meaning = _MEANINGS.get(kind, "the data is not as it is expected to be")
    where = f" to {target[1]}" if target and kind == "ConversionException" else ""
    return f"{meaning}{where} ({kind}). The message quotes data and is not shown; run the query in DuckDB to see it"


def _masked_strings(text: str) -> str:
    """Take out string literals: a query may name a person."""
    return re.sub(r"'(?:[^']|'')*'", "'...'", text)
