"""What was read and found right before, by content: a hint that may be lost, stale or broken at any time.

One JSON file per project under `$XDG_CACHE_HOME/audiform` (never pickle: whoever can write the file must not be able
to run code), readable by its owner only. Values are looked up by the digest of the bytes that they were read from.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from audiform import __version__
from audiform.shapes import is_list, is_map

_FORMAT = 1
_SMALL = 65_536


@dataclass(frozen=True, slots=True)
class Remembered:
    """`documents`: digest of a file -> its map. `queries`: digests of SQL texts that were found right."""

    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    queries: frozenset[str] = frozenset()


def cache_home() -> Path | None:
    """Return the folder of all caches, or None where the user has no place for them."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given and Path(given).is_absolute():
        return Path(given) / "audiform"
    try:
        return Path.home() / ".cache" / "audiform"
    except RuntimeError:
        return None


def cache_path(root: Path, suffix: str) -> Path | None:
    """Return the file that caches one project."""
    home = cache_home()
    name = sha256(os.path.realpath(root).encode()).hexdigest()[:32]
    return home / f"{name}.{suffix}.json" if home else None


def recall(root: Path) -> Remembered:
    """Return what is remembered of the project; nothing when the cache is missing, broken or somebody else's."""
    data = read_json(cache_path(root, "project"))
    if not is_map(data):
        return Remembered()
    documents, queries = data.get("documents"), data.get("queries")
    if not is_map(documents) or not is_list(queries):
        return Remembered()
    return Remembered(documents, frozenset(map(str, queries)))


def remember(root: Path, remembered: Remembered) -> None:
    """Write the cache, or do without."""
    content = {"documents": remembered.documents, "queries": sorted(remembered.queries)}
    write_json(cache_path(root, "project"), content)


def read_json(path: Path | None) -> Any:
    """Return what `write_json` wrote with this version, or None."""
    if path is None:
        return None
    try:
        if not _is_ours(path):
            return None
        data = _loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not is_map(data) or data.get("format") != _FORMAT or data.get("version") != __version__:
        return None
    return data.get("content")


def write_json(path: Path | None, content: Any) -> None:
    """Replace the file in one step, 0600. A cache that cannot be written is no problem of the user's."""
    if path is None:
        return
    import orjson

    try:
        data = orjson.dumps({"format": _FORMAT, "version": __version__, "content": content})
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    except (OSError, TypeError):
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)


def _loads(data: bytes) -> Any:
    """Read with what is sooner done: orjson takes longer to import than a small file takes to read."""
    if len(data) < _SMALL:
        return json.loads(data)
    import orjson

    return orjson.loads(data)


def _is_ours(path: Path) -> bool:
    """Return whether only this user could have written the file: what is in it decides what is sent."""
    state = path.stat()
    return state.st_uid == os.getuid() and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
