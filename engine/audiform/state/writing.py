"""What a disk refuses to take is said as what it is: it is full, a quota is reached, it may only be read. It is no bug."""

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from audiform.diagnostics import Diagnostic, DiagnosticError

_REFUSALS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
)


@contextmanager
def written(place: Path) -> Generator[None]:
    """Write something below `place`, in files or through DuckDB.

    Raises:
        DiagnosticError: the disk does not take it (`state-not-written`).
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        raise not_written(place, os.strerror(error.errno)) from error
    except Exception as error:
        # DuckDB is imported by whoever opens a ledger, and only then there can be such an error.
        if type(error).__name__ != "IOException":
            raise
        raise not_written(place, _reason(error)) from error


def not_written(place: Path, reason: str) -> DiagnosticError:
    """Return what a command says that could not write its state."""
    detail = (
        f"{place} could not be written: {reason}. The command stopped at this point. What the platforms took before is "
        "recorded, and what was on its way is sent again. Make room, or give the right to write there, and run the command "
        "again: it goes on from there."
    )
    return DiagnosticError([Diagnostic("state-not-written", detail)])


def _reason(error: Exception) -> str:
    """Return the system's own word for it; the rest of DuckDB's message is about its source code."""
    text = str(error)
    known = (os.strerror(number) for number in sorted(_REFUSALS))
    return next((word for word in known if word in text), "the file system refused it")
