"""A database file for its owner only, made without harm to whoever has it open."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path


def is_there(path: Path, need: int = os.R_OK) -> bool:
    """Whether there is a file that this user may open; `need` as `os.access` takes it. It is not opened.

    Raises:
        PermissionError: this user may not, or may not even look: that is never the same as "nothing is there".
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not os.access(path, need):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return True


def make_database(path: Path) -> None:
    """Make the empty file (0600); SQLite gives its -wal and -shm files the same permissions.

    A file that is there is never opened but by SQLite: to close it would drop the locks of all of this process's
    connections (POSIX), another process would take itself for the only one, and remove the log under their hands.
    """
    if path.exists():
        return
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
