"""Makes the tables of a source readable on a DuckDB connection, and nothing else on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiform.address import Address, Kind
from audiform.config.kinds import Source
from audiform.config.source_settings import DeltaSettings, DuckDBSettings, IcebergSettings, StorageSettings
from audiform.diagnostics import DiagnosticError
from audiform.lazily import load
from audiform.sources.delta import open_delta
from audiform.sources.errors import failed
from audiform.sources.paths import files_of, reader_of
from audiform.sql import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def open_source(
    connection: DuckDBPyConnection,
    source_name: str,
    source: Source,
    root: Path,
    folders: Sequence[str],
    called: str | None = None,
) -> float:
    """Make the source's tables views of `connection`; return when its newest file was written (epoch seconds).

    `called`: the name by which views in its database call that themselves, if it is not the source's.

    From then on the connection reaches the source's files and `folders`, and no setting of it can be changed:
    whatever the audience's SQL says, it reads nothing else and writes nothing.

    Raises:
        DiagnosticError: a file is missing, outside of the project, of an unknown format or not readable.
    """
    import duckdb

    address, settings = Address(Kind.SOURCE, source_name), source.settings
    files: list[str] = []
    written = 0.0
    try:
        if isinstance(settings, DuckDBSettings):
            if settings.database is not None:
                files += _attach(connection, address, settings.database, root, called or source_name)
            for table, pattern in settings.tables.items():
                files += _view(connection, address, table, pattern, root)
        elif isinstance(settings, DeltaSettings):
            written = open_delta(connection, address, settings.tables, root)
        elif isinstance(settings, IcebergSettings):
            opened = load("audiform.sources.iceberg:open_iceberg")
            written = opened(connection, address, settings, source.credentials, root)
        elif isinstance(settings, StorageSettings):
            opened = load("audiform.sources.storage:open_storage")
            written = opened(connection, address, settings, source.credentials, root)
        confine(connection, files, folders)
    except duckdb.Error as error:
        raise DiagnosticError([failed(error, address, "source-unreadable")]) from None
    return max((Path(file).stat().st_mtime for file in files), default=written)


def _attach(
    connection: DuckDBPyConnection, address: Address, pattern: str, root: Path, called: str
) -> list[str]:
    files = files_of(root, pattern, address, ("settings", "database"))
    connection.execute(f"ATTACH {literal(files[0])} AS {name(called)} (READ_ONLY)")
    # Its tables are known by their names alone, as those of files are.
    connection.execute(f"SET search_path = {literal(f'memory.main,{name(called)}.main')}")
    return files


def _view(
    connection: DuckDBPyConnection, address: Address, table: str, pattern: str, root: Path
) -> list[str]:
    import duckdb

    place = ("settings", "tables", table)
    found = files_of(root, pattern, address, place)
    reader = reader_of(pattern, address, place)
    listed = ", ".join(literal(file) for file in found)
    by_name = ", union_by_name = true" if len(found) > 1 else ""
    try:
        connection.execute(f"CREATE VIEW {name(table)} AS SELECT * FROM {reader}([{listed}]{by_name})")
    except duckdb.Error as error:
        raise DiagnosticError([failed(error, address, "source-unreadable", place, pattern)]) from None
    return found


def confine(connection: DuckDBPyConnection, files: Sequence[str], folders: Sequence[str]) -> None:
    """Let the connection reach these files and folders only, for good."""
    for setting, paths in (("allowed_paths", files), ("allowed_directories", folders)):
        connection.execute(f"SET {setting} = [{', '.join(literal(path) for path in paths)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
