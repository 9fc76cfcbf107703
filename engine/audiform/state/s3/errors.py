"""What the storage or its client says, as diagnostics. No credential is in any of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.s3.place import Place

_DENIED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "403"})


def boto() -> Any:
    """Return the module of AWS's own client.

    Raises:
        DiagnosticError: it is not installed (`state-client-missing`).
    """
    try:
        import boto3
    except ImportError:
        raise _missing("boto3") from None
    return boto3


def delta() -> Any:
    """Return the module of Delta Lake's library.

    Raises:
        DiagnosticError: it is not installed (`state-client-missing`).
    """
    try:
        import deltalake
    except ImportError:
        raise _missing("deltalake") from None
    return deltalake


def _missing(package: str) -> DiagnosticError:
    detail = (
        f"The state is in S3, and the Python package `{package}` that reaches it is not installed. "
        "Run `pip install 'audiform[s3]'`."
    )
    return DiagnosticError([Diagnostic("state-client-missing", detail)])


@contextmanager
def talking(place: Place) -> Iterator[None]:
    """Turn what the client raises into a diagnostic.

    Raises:
        DiagnosticError: `state-unreachable`, `state-refused`.
    """
    boto()
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as problem:
        answer: Any = problem.response
        raise refused(place, answer.get("Error", {})) from None
    except (BotoCoreError, Boto3Error) as problem:
        raise unreachable(place, " ".join(f"{problem}".split()).rstrip(".")) from None


def unreachable(place: Place, said: str) -> DiagnosticError:
    """Return what is said when nobody answers, or with nothing to log in with."""
    detail = (
        f"The state in S3 ({place.shown}) cannot be reached: {said}. What was written before is kept. See whether the bucket's region "
        "and credentials are there (AWS_REGION, AWS_PROFILE, a role, ...) and whether this machine may connect; then run the "
        "command again."
    )
    return DiagnosticError([Diagnostic("state-unreachable", detail)])


def lock_lost(place: Place) -> DiagnosticError:
    """Return what is said when somebody else wrote what this run alone may write."""
    detail = (
        f"Another run wrote the state in S3 ({place.shown}) while this one was working with it: somebody released its lock, or it never "
        "had one. So nothing more is sent or recorded, and nothing was overwritten. What was under way is in the journal; run the "
        "command again, and it goes on from there."
    )
    return DiagnosticError([Diagnostic("state-lock-lost", detail)])


def key_lost(place: Place) -> DiagnosticError:
    """Return what is said of a state whose key is gone or another one."""
    detail = (
        f"The object {place.shown}/key is not the key that this state was made with, or is missing. Without it nobody can tell which "
        "secrets changed and who is already a member: everybody would be sent again. Restore it from a backup, or from the "
        "bucket's versions."
    )
    return DiagnosticError([Diagnostic("state-key-lost", detail)])


def journal_gone(place: Place) -> DiagnosticError:
    """Return what is said of a state whose journal was removed."""
    detail = (
        f"The object {place.shown}/journal.sqlite.gz is missing beside the records. It says what was on its way when a run ended; without "
        "it somebody could be sent twice, or an object made twice. Restore it from a backup, or from the bucket's versions."
    )
    return DiagnosticError([Diagnostic("state-journal-lost", detail)])


def file_gone(place: Place, file: str) -> DiagnosticError:
    """Return what is said of a file that the ledger's table names and that is not there."""
    detail = (
        f"A file of the ledger, {file}, is not in the bucket any more ({place.shown}): another run replaced it while it was read. "
        "Run the command again; if it says the same, restore it from a backup, or from the bucket's versions."
    )
    return DiagnosticError([Diagnostic("ledger-file-missing", detail)])


def refused(place: Place, error: Mapping[str, Any]) -> DiagnosticError:
    """Return what is said when the service answers, and not with what was asked for."""
    code = str(error.get("Code", "unknown"))
    if code in _DENIED:
        hint = (
            "The credentials need to list the bucket, and to read, write and delete objects below the prefix"
        )
    elif code == "NoSuchBucket":
        hint = "Make the bucket first, or mend its name"
    else:
        hint = "See what the service says of this code"
    detail = f"The state in S3 ({place.shown}) was refused: {code}. {hint}; then run the command again."
    return DiagnosticError([Diagnostic("state-refused", detail)])
