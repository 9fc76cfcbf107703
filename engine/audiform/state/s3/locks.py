"""A lock that is an object: taken and released by conditional writes, so that two runs can never both have it.

It is held until it is released. Nothing tells a runner that vanished from one that is only slow, so no time takes it away: `state
unlock` does, by somebody who knows. Only where the holder was a process of this very machine, since it was started, can it be
seen that it is gone; then the lock is taken over. A run whose lock was taken away cannot write the state any more, because what
it would replace is another object by then: who takes it away sees to that, and who takes it next does so again before it reads.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from audiform.state.lock import user
from audiform.state.s3.bucket import Bucket, Lost
from audiform.state.s3.database import Database
from audiform.state.store import LockedError, LockInfo

_NAME = "lock.json"
_FREE = b"{}"
_TAKEN_AWAY = b'{"taken_away": true}'


@dataclass(frozen=True, slots=True)
class S3Lock:
    """A held lock; leaving the `with` releases it."""

    info: LockInfo
    database: Database
    etag: str

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.database.lock_changed(held=False)
        # Not ours any more after a forced unlock: what is there now is another run's.
        with suppress(Lost):
            self.database.bucket.write(_NAME, _FREE, self.etag)


@dataclass(frozen=True, slots=True)
class S3Locks:
    """The lock of one place. `database` is told that this process holds it; `release` is the command that frees it."""

    database: Database
    release: str

    @property
    def bucket(self) -> Bucket:
        """Where the object is."""
        return self.database.bucket

    def take(self, operation: str) -> S3Lock:
        """Take the lock; raises LockedError at once when it is held."""
        present = self.bucket.read(_NAME)
        held = _holding(present.body) if present else {}
        if held and not _is_gone(held):
            raise LockedError(self._info(held))
        unclean = bool(present and present.body != _FREE)
        info = _new(operation, self.release)
        body = json.dumps({**asdict(info), "machine": _machine()}, default=datetime.isoformat, indent=1)
        try:
            etag = self.bucket.write(_NAME, body.encode(), present.etag if present else None)
        except Lost:
            raise LockedError(self._winner()) from None
        if unclean:
            self.database.fence()
        self.database.lock_changed(held=True)
        return S3Lock(info, self.database, etag)

    def take_away(self) -> LockInfo | None:
        """Release the lock of whoever holds it; return who did, or None when nobody had."""
        present = self.bucket.read(_NAME)
        held = _holding(present.body) if present else {}
        if present is None or not held:
            return None
        self.database.fence()
        try:
            self.bucket.write(_NAME, _TAKEN_AWAY, present.etag)
        except Lost:
            return self.take_away()
        return self._info(held)

    def _winner(self) -> LockInfo:
        """Return who was quicker; it may have released the lock already."""
        present = self.bucket.read(_NAME)
        held = _holding(present.body) if present else {}
        if held:
            return self._info(held)
        return LockInfo(
            "", "somebody", "another machine", 0, "another command", datetime.now(UTC), self.release
        )

    def _info(self, held: dict[str, Any]) -> LockInfo:
        return LockInfo(
            id=held["id"],
            who=held["who"],
            host=held["host"],
            pid=held["pid"],
            operation=held["operation"],
            since=datetime.fromisoformat(held["since"]),
            release=self.release,
        )


def _holding(body: bytes | None) -> dict[str, Any]:
    """Return who holds the lock, nothing where nobody does."""
    found: dict[str, Any] = json.loads(body or _FREE)
    return found if "id" in found else {}


def _new(operation: str, release: str) -> LockInfo:
    return LockInfo(
        str(uuid.uuid4()), user(), socket.gethostname(), os.getpid(), operation, datetime.now(UTC), release
    )


def _is_gone(held: dict[str, Any]) -> bool:
    """Whether the holder was a process of this machine that no longer exists; of another machine nobody knows."""
    machine = _machine()
    if not machine or held.get("machine") != machine:
        return False
    try:
        os.kill(held["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _machine() -> str:
    """Return what is the same for all processes that can see each other, and for no others; empty where that is not known.

    A host's name is not enough: two containers may share one, and the numbers of their processes say nothing of each other.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
