"""Remembers that a project was found right, so that asking again while nothing has changed costs a look at the files.

What a verdict belongs to is a digest of all that could change it: the project's YAML and SQL, what its links lead to,
the connector types, and the code of Audiform itself. Only "nothing is wrong" is remembered; a warning is said each time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from audiform.bundled import bundled
from audiform.config.cache import cache_path, read_json, write_json
from audiform.config.files import LARGEST_FILE
from audiform.shapes import is_map

_READ = (".yaml", ".yml", ".sql", ".lock")
_TYPES = "connectors/"
"""A project's own connector types are signed as a whole: each of their files counts."""
_MOST = 32
_SUFFIX = "valid"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`digest` of everything that `validate` looks at; `files` of the project are those that it covers."""

    digest: str
    files: frozenset[str]


def fingerprint(root: Path, environment: str | None) -> Fingerprint:
    """Return the fingerprint of the project as it is now, for one environment as it was asked for."""
    total = sha256(os.fsencode(f"{environment}\n{os.path.realpath(root)}\n"))
    for place in _code():
        total.update(place.encode())
    files: set[str] = set()
    for file in _files(root):
        content = _content(root, file)
        total.update(os.fsencode(f"{file}\n{len(content)}\n"))
        total.update(content)
        files.add(file)
    return Fingerprint(total.hexdigest(), frozenset(files))


def recalled(root: Path, found: Fingerprint) -> str | None:
    """Return what was said of the project when it was found right as it is now, or None."""
    known = read_json(cache_path(root, _SUFFIX))
    said = known.get(found.digest) if is_map(known) else None
    return said if isinstance(said, str) else None


def keep(root: Path, found: Fingerprint, said: str, queries: frozenset[str]) -> None:
    """Remember `said`, unless a query stands in a file that the fingerprint does not cover."""
    if not queries <= found.files:
        return
    path = cache_path(root, _SUFFIX)
    known = read_json(path)
    older = [*known.items()][-_MOST + 1 :] if is_map(known) else []
    write_json(path, {**dict(older), found.digest: said})


def _files(home: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(home):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "node_modules")
        inside = os.path.relpath(folder, home)
        prefix = "" if inside == os.curdir else f"{inside}/".replace(os.sep, "/")
        yield from (
            prefix + name for name in sorted(names) if name.endswith(_READ) or prefix.startswith(_TYPES)
        )


def _content(home: Path, file: str) -> bytes:
    """Return what the file holds, and of a link also where it leads; of one that cannot be read, that."""
    path = home / file
    try:
        if not path.is_file():
            return b"no file"
        with path.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
        return os.fsencode(f"{path.resolve()}\n") + content if path.is_symlink() else content
    except OSError as error:
        return f"{error.errno}".encode()


def _code() -> Iterator[str]:
    """Yield the state of each module and each shipped manifest: in a checkout they change without a new version."""
    package = Path(__file__).parent.parent
    for place, ending in ((package, ".py"), (bundled() / "connectors", "manifest.yaml")):
        for folder, folders, names in os.walk(place):
            folders[:] = sorted(name for name in folders if name not in {"__pycache__", "_bundled"})
            for name in sorted(names):
                if name.endswith(ending):
                    state = (Path(folder) / name).stat()
                    yield f"{name} {state.st_mtime_ns} {state.st_size}\n"
