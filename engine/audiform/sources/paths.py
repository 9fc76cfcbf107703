"""The files of a source: found by path or glob, and none outside of the project's folder."""

from __future__ import annotations

import os
from pathlib import Path

from audiform.address import Address
from audiform.config.kinds import Source
from audiform.config.source_settings import DuckDBSettings, SqliteSettings
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean

READERS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".json": "read_json",
    ".jsonl": "read_json",
    ".ndjson": "read_json",
}
_PACKED = (".gz", ".zst")


def files_of(root: Path, pattern: str, address: Address, path: tuple[str | int, ...]) -> list[str]:
    """Return the absolute paths of the files that `pattern` (relative to the project) names, in order.

    `address` and `path` say where the pattern stands.

    Raises:
        DiagnosticError: `source-file-missing`, or `path-outside-project`.
    """
    if climbs(pattern):
        raise DiagnosticError([outside(pattern, address, path)])
    files = [os.path.realpath(file) for file in sorted(root.glob(pattern))]
    home = os.path.realpath(root)
    if any(not file.startswith(f"{home.rstrip(os.sep)}{os.sep}") for file in files):
        raise DiagnosticError([outside(pattern, address, path)])
    files = [file for file in files if Path(file).is_file()]
    if not files:
        raise DiagnosticError([_missing(root, pattern, address, path)])
    return files


def named_files(source: Source) -> dict[str, str]:
    """Return table -> path or pattern of the files that a source names; a database that is a file has no table's name."""
    match source.settings:
        case DuckDBSettings(tables=tables, database=database):
            return {**tables, **({"": database} if database is not None else {})}
        case SqliteSettings(database=database):
            return {"": database}
        case _:
            return {}


def reader_of(pattern: str, address: Address, path: tuple[str | int, ...]) -> str:
    """Return the DuckDB function that reads such files.

    Raises:
        DiagnosticError: `unknown-file-format`.
    """
    suffixes = [suffix for suffix in Path(pattern).suffixes if suffix not in _PACKED]
    reader = READERS.get(suffixes[-1].lower()) if suffixes else None
    if reader is None:
        detail = (
            f"`{pattern}` has none of the endings that say how a file is read: {', '.join(READERS)}, packed as .gz or "
            ".zst or not. Rename the file, or convert it."
        )
        raise DiagnosticError([Diagnostic("unknown-file-format", detail, address=address, path=path)])
    return reader


def climbs(pattern: str) -> bool:
    """Whether a path leads out of the folder that it is relative to."""
    return Path(pattern).is_absolute() or ".." in Path(pattern).parts


def outside(pattern: str, address: Address, path: tuple[str | int, ...]) -> Diagnostic:
    """Return what is said of a path that leads out of the project's folder."""
    detail = (
        f"`{pattern}` leads out of the project's folder, by its path or by a link. What is reviewed must be all that "
        "decides what is sent. Put the data into the project's folder, or mount it there; git need not know it."
    )
    return Diagnostic("path-outside-project", detail, address=address, path=path)


def _missing(root: Path, pattern: str, address: Address, path: tuple[str | int, ...]) -> Diagnostic:
    detail = f"There is no file `{pattern}` in the project's folder, so nobody can be read from it."
    there = [entry.name for entry in (root / pattern).parent.glob("*")] if "*" not in pattern else []
    hint = did_you_mean(Path(pattern).name, there)
    return Diagnostic("source-file-missing", detail, hint=hint, address=address, path=path)
