"""The state's key: 32 random bytes in a file beside it, for keyed digests and for what is encrypted at rest.

Without it no digest in the state or in the ledger can be compared, and a new one would make every secret
look rotated and every person new. So it is made once, never replaced, and its loss is an error.
"""

from __future__ import annotations

import os
from pathlib import Path

from audiform.state.keys import new_key


def key_path(directory: Path) -> Path:
    """Return where the key of the state in `directory` lies."""
    return directory / "key"


def read_key(directory: Path) -> bytes | None:
    """Return the key, or None when there is none."""
    try:
        return key_path(directory).read_bytes()
    except FileNotFoundError:
        return None


def create_key(directory: Path, given: bytes | None = None) -> bytes:
    """Return the key, made (0600, synced to disk) or as `given` when there is none; two processes get the same one."""
    key = read_key(directory)
    if key is not None:
        return key
    temporary = directory / f".key.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(given or new_key())
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link is atomic and refuses to replace: whoever comes second takes the first one's key.
        os.link(temporary, key_path(directory))
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    return key_path(directory).read_bytes()
