"""What Spark says of a query, in the words of the project: names and syntax, and nothing of the data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from audiform.address import Address
from audiform.diagnostics import Diagnostic, DiagnosticError

_ABOUT_TEXT: Final = (
    "UNRESOLVED",
    "PARSE_SYNTAX",
    "TABLE_OR_VIEW",
    "AMBIGUOUS",
    "MISSING",
    "UNSUPPORTED",
    "DATATYPE_MISMATCH",
)
"""Conditions whose message is made of the author's own SQL."""
_CONDITION: Final = re.compile(r"\[(?P<name>[A-Z][A-Z_.]+)\]\s*(?P<said>[^\n]*)")


@contextmanager
def failures(address: Address) -> Iterator[None]:
    """Say what Spark refuses, or cannot do, of `address`.

    Raises:
        DiagnosticError: `query-failed`.
    """
    try:
        yield
    except Exception as error:
        if not is_of_spark(error):
            raise
        raise DiagnosticError([failed(error, address)]) from None


def is_of_spark(error: Exception) -> bool:
    """Whether Spark, or the way to it, is what raised an error."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return isinstance(error, (PySparkException, Py4JError, ConnectionError))


def failed(error: Exception, address: Address) -> Diagnostic:
    """Return what an error of Spark says of `address`."""
    detail = f"Spark does not answer `{address}`: {said(error)}."
    return Diagnostic("query-failed", detail, address=address, path=("query",))


def said(error: Exception) -> str:
    """Return what is wrong; a message that may quote a value is not shown."""
    found = _CONDITION.search(str(error))
    if found is None:
        return f"its executors failed ({type(error).__name__}), and their message may quote data, so it is not shown"
    if found["name"].startswith(_ABOUT_TEXT):
        return re.sub(r"'(?:[^']|'')*'", "'...'", found["said"]).rstrip(". ")
    return f"{found['name'].replace('_', ' ').lower()}; its message may quote data and is not shown"
