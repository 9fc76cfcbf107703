"""What a database's errors mean, by their SQLSTATE. Their texts are not shown: they repeat values, which are people's."""

from __future__ import annotations

from audiform.outcome import Response
from audiform.transports.answers import (
    BAD_REQUEST,
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    TIMEOUT,
    UNAUTHORIZED,
    UNAVAILABLE,
    RefusedError,
    refusal,
)

_MEANING = {
    "28": (UNAUTHORIZED, "the database does not accept the user name and password"),
    "42501": (FORBIDDEN, "the user may not do this in the database"),
    "42P01": (NOT_FOUND, "the table does not exist"),
    "3F000": (NOT_FOUND, "the schema does not exist"),
    "3D000": (NOT_FOUND, "the database does not exist"),
    "42P07": (CONFLICT, "a table with this name exists already"),
    "42703": (BAD_REQUEST, "the table lacks a column that is written to"),
    "57014": (TIMEOUT, "the statement took too long"),
    "40": (UNAVAILABLE, "another transaction was in the way"),
    "53": (UNAVAILABLE, "the database has no room or no connection left"),
    "57": (UNAVAILABLE, "the database is shutting down or starting"),
    "22": (BAD_REQUEST, "a value has not the form of its column"),
    "23": (BAD_REQUEST, "a row breaks a constraint of the table"),
}
"""SQLSTATE, or its first two characters -> status, and what is said of it."""


def refused(error: Exception) -> Response:
    """Return the answer to a statement that failed; one without a SQLSTATE has lost its connection."""
    state = str(getattr(error, "sqlstate", None) or "").strip("\0")
    if not state:
        return Response(0, error="the connection was lost")
    status, text = _MEANING.get(state) or _MEANING.get(state[:2]) or (BAD_REQUEST, "the statement failed")
    return refusal(RefusedError(status, f"{text} (SQLSTATE {state})"))


def no_connection(error: Exception) -> Response:
    """Return the answer where no connection could be had; libpq says why in words only."""
    text = str(error)
    if "authentication failed" in text or "no password" in text or "pg_hba" in text:
        return refusal(RefusedError(*_MEANING["28"]))
    if "database" in text and "does not exist" in text:
        return refusal(RefusedError(*_MEANING["3D000"]))
    return Response(0, error="no connection (host name, network or certificate)", sent=False)
