"""What the database or its client says, as diagnostics. A password is in none of it: libpq never repeats one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.postgresql.place import Place

if TYPE_CHECKING:
    from psycopg import Error


def client() -> Any:
    """Return the module of the client.

    Raises:
        DiagnosticError: it is not installed (`state-client-missing`).
    """
    try:
        import psycopg
    except ImportError:
        detail = (
            "The state is in PostgreSQL, and the Python package `psycopg` that reaches it is not installed. "
            "Run `pip install 'audiform[postgresql]'`."
        )
        raise DiagnosticError([Diagnostic("state-client-missing", detail)]) from None
    return psycopg


def failed(error: Error, place: Place) -> DiagnosticError:
    """Return what is said when a statement was refused or no server answered."""
    from psycopg import OperationalError

    said = " ".join((error.diag.message_primary or str(error)).split()).rstrip(".")
    if isinstance(error, OperationalError):
        detail = (
            f"The state in PostgreSQL ({place.shown}) cannot be reached: {said}. What was written before is kept. "
            "See whether the server runs, and whether this machine and this user may connect; then run the command again."
        )
        return DiagnosticError([Diagnostic("state-unreachable", detail)])
    detail = (
        f"PostgreSQL refused what the state needs ({place.shown}): {said}. The user needs the right to make the schema, or to "
        "own it; nobody else should write in it."
    )
    return DiagnosticError([Diagnostic("state-refused", detail)])


def lock_lost(place: Place) -> DiagnosticError:
    """Return what is said when the connection that held the lock is gone: another run may have begun."""
    detail = (
        f"The connection to PostgreSQL ({place.shown}) that held the lock is gone: the server ended, the network failed, or "
        "somebody released the lock. Another run may have begun, so nothing more is sent or recorded. What was under way is in "
        "the journal; run the command again, and it goes on from there."
    )
    return DiagnosticError([Diagnostic("state-lock-lost", detail)])


def not_ended(place: Place, backend: int) -> DiagnosticError:
    """Return what is said when the connection that holds the lock does not end although it was told to."""
    detail = (
        f"PostgreSQL ({place.shown}) was told to end the connection that holds the lock (its process {backend}), and it goes on. The "
        "lock is still held. See what that process does on the server, and run the command again."
    )
    return DiagnosticError([Diagnostic("state-refused", detail)])


def key_lost(place: Place) -> DiagnosticError:
    """Return what is said of a state whose key is gone or another one."""
    detail = (
        f"The key in the state ({place.shown}) is not the one that it was made with, or is missing. Without it nobody can tell "
        "which secrets changed and who is already a member: everybody would be sent again. Restore the schema from a backup."
    )
    return DiagnosticError([Diagnostic("state-key-lost", detail)])


def too_new(place: Place, version: int, known: int) -> DiagnosticError:
    """Return what is said of a schema that a newer version made."""
    detail = (
        f"The state in PostgreSQL ({place.shown}) has schema version {version}; this Audiform knows versions up to {known}. "
        "Reading it could misunderstand what a newer version recorded. Use the version that wrote it, or a newer one."
    )
    return DiagnosticError([Diagnostic("state-too-new", detail)])
