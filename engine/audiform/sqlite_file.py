"""A database file for its owner only, made without harm to whoever has it open."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def make_database(path: Path) -> None:
    """Make the empty file (0600); SQLite gives its -wal and -shm files the same permissions.

    A file that is there is never opened but by SQLite: to close it would drop the locks of all of this process's
    connections (POSIX), another process would take itself for the only one, and remove the log under their hands.
    """
    if path.exists():
        return
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
