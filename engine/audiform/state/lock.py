"""A lock on a file, held by the process: when the process dies, however it dies, the kernel lets go of it.

The file says who holds it. It is removed on release; a file that nobody holds is left over from a run that
was killed, and is simply taken. Its inode is compared after locking, because a file that was removed between
opening and locking excludes nobody. Works over NFS where the server locks; across hosts that do not share
locks, only the backend's URL keeps two runs apart.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.state.store import LockedError, LockInfo


@dataclass(slots=True)
class FileLock:
    """A held lock; leaving the `with` releases it."""

    info: LockInfo
    path: Path
    handle: int
    released: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        # Not ours any more after a forced unlock: the file there now may be another run's.
        if _is_at(self.handle, self.path):
            self.path.unlink()
        os.close(self.handle)
        self.released = True

    @property
    def is_lost(self) -> bool:
        """Whether somebody took it away: another run may have begun."""
        return not self.released and not _is_at(self.handle, self.path)


@dataclass(slots=True)
class Holding:
    """The lock that a process holds on one state, if any: asked before whatever another run must not write as well."""

    lock: FileLock | None = None

    def check(self) -> None:
        """Let go on whoever has the lock, or never took one.

        Raises:
            DiagnosticError: it was taken away (`state-lock-lost`).
        """
        if self.lock is not None and self.lock.is_lost:
            raise DiagnosticError([_lost(self.lock)])


def take(path: Path, operation: str, release: str) -> FileLock:
    """Lock the file at `path` (its folder exists) for `operation`; `release` is the command that frees it.

    Raises:
        LockedError: another process, or another lock of this one, holds it.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise LockedError(_holder(path, release)) from None
        if _is_at(handle, path):
            return FileLock(_write(handle, operation, release), path, handle)
        os.close(handle)


def force_release(path: Path) -> LockInfo | None:
    """Take the lock away; return who held it, or None when nobody had."""
    info = _read(path)
    path.unlink(missing_ok=True)
    return info


def _lost(lock: FileLock) -> Diagnostic:
    detail = (
        f"The lock that `{lock.info.operation}` held ({lock.path}) was taken away, and another run may have begun. Nothing more is "
        "sent or recorded. What was under way is in the journal; run the command again, and it goes on from there."
    )
    return Diagnostic("state-lock-lost", detail)


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _write(handle: int, operation: str, release: str) -> LockInfo:
    info = LockInfo(
        id=str(uuid.uuid4()),
        who=user(),
        host=socket.gethostname(),
        pid=os.getpid(),
        operation=operation,
        since=datetime.now(UTC),
        release=release,
    )
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(asdict(info), default=datetime.isoformat).encode(), 0)
    return info


def _read(path: Path) -> LockInfo | None:
    try:
        data = json.loads(path.read_bytes())
        return LockInfo(**(data | {"since": datetime.fromisoformat(data["since"])}))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _holder(path: Path, release: str) -> LockInfo:
    """Return who holds the lock; a holder between locking and writing its name is not yet known."""
    unknown = LockInfo("", "somebody", "this host", 0, "another command", datetime.now(UTC), release)
    return _read(path) or unknown


def whoami() -> str:
    """Return who runs this process, and where: `ann@laptop`."""
    return f"{user()}@{socket.gethostname()}"


def user() -> str:
    """Return who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run as a user id that has no name.
        return f"uid {os.getuid()}"
