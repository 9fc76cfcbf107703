"""A database's errors as diagnostics: what is wrong with the SQL or the way there, and nothing of the data.

A message about names or syntax (class 42 of SQLSTATE) is the author's own text. Any other may quote a value, which may be a
person's: of such a one only its meaning is shown.
"""

from __future__ import annotations

import re
from typing import Final

from audiform.address import Address
from audiform.diagnostics import Diagnostic

_MEANINGS: Final = {
    "28": "the database does not accept the user name and password",
    "42501": "the user may not read that",
    "3D000": "the database does not exist",
    "57014": "the statement was stopped, by its time limit or by somebody",
    "25006": "it writes, and the session is read-only",
    "22": "a value is not what the query takes it for",
    "08": "the connection was lost",
    "53": "the database has no room or no connection left",
    "57": "the database is shutting down or starting",
    "40": "another transaction was in the way",
}
"""SQLSTATE, or its first two characters -> what it means."""
_ABOUT_TEXT: Final = "42"
_SAID: Final = re.compile(r"(?:ERROR|error):\s*(?P<said>[^\n]*)")
_ABOUT_NAMES: Final = re.compile(
    r"(?P<said>(?:no such (?:table|column|function): [\w.]+|near \"[^\"]*\": syntax error))"
)
_STATE: Final = re.compile(r"SQLSTATE:?\s*(?P<state>[0-9A-Z]{5})")
_STOPPED: Final = "canceling statement"


def refused(error: Exception, address: Address, path: tuple[str | int, ...]) -> Diagnostic:
    """Return what a database says of a query of `address`."""
    return Diagnostic(
        "query-failed",
        f"The database does not answer `{address}`: {_said(error)}.",
        address=address,
        path=path,
    )


def unreachable(error: Exception, address: Address) -> Diagnostic:
    """Return why there is no connection. Drivers say it in words only, and some of these hold the place with its password."""
    text = str(error).lower()
    if "to database" in text:
        meaning = "the user may not read the database, or there is none of that name"
    elif any(said in text for said in ("authentication failed", "access denied", "no password", "pg_hba")):
        meaning = _MEANINGS["28"]
    elif "database" in text and ("does not exist" in text or "unknown" in text):
        meaning = _MEANINGS["3D000"]
    elif "certificate" in text or "ssl" in text:
        meaning = "no encrypted connection to a server whose certificate can be verified"
    else:
        meaning = "there is no connection (host name, port or network)"
    return Diagnostic("source-unreachable", f"`{address}` cannot be read: {meaning}.", address=address)


def _said(error: Exception) -> str:
    text = str(error)
    state = _state(error, text)
    if state.startswith(_ABOUT_TEXT) and state not in _MEANINGS:
        found = _SAID.search(text)
        if found:
            return _masked(found["said"])
    names = _ABOUT_NAMES.search(text)
    if names:
        return names["said"]
    meaning = _MEANINGS.get(state) or _MEANINGS.get(state[:2])
    if meaning is None and _STOPPED in text:
        meaning = _MEANINGS["57014"]
    where = f" (SQLSTATE {state})" if state else f" ({type(error).__name__})"
    return (
        meaning or "the statement failed; its message may quote data and is not shown, so run the query there"
    ) + where


def _state(error: Exception, text: str) -> str:
    given = str(getattr(error, "sqlstate", None) or "").strip("\0")
    if given:
        return given
    found = _STATE.search(text)
    return found["state"] if found else ""


def _masked(text: str) -> str:
    """Take out string literals: a query may name a person."""
    return re.sub(r"'(?:[^']|'')*'", "'...'", text)
