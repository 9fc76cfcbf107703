"""The rows of a test as the tables of its source, with the types that the source's own files give them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiform.config.kinds import Source
from audiform.config.source_settings import DeltaSettings, DuckDBSettings, IcebergSettings, StorageSettings
from audiform.diagnostics import DiagnosticError, did_you_mean
from audiform.sources.files import open_source
from audiform.sql import literal, name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_Named = DuckDBSettings | DeltaSettings | IcebergSettings | StorageSettings
Rows = Sequence[Mapping[str, Any]]
Types = Mapping[str, Mapping[str, str]]
"""Table -> column -> DuckDB's type."""


class WrongRowsError(Exception):
    """The rows are none of the source's; the message says why."""


def source_of(
    source_name: str, source: Source, root: Path, given: Mapping[str, Rows], folder: Path
) -> Source:
    """Write the tables of a test into `folder`; return the source that reads them instead of its own.

    A table that is not given is empty. Where the source's own files can be read, columns have the types that they
    have there; otherwise those that the given rows look like.

    Raises:
        WrongRowsError: a table or a column that the source does not have, or a value that does not fit.
    """
    types = _types(source_name, source, root, given)
    settings = source.settings
    own = settings.tables if isinstance(settings, _Named) else {}
    names = types.keys() or own.keys() or given.keys()
    for table in given:
        if table not in names:
            raise WrongRowsError(
                _unknown(f"the table `{table}`", f"the source `{source_name}`", table, names)
            )
    for table in dict.fromkeys([*types, *given]):
        _write(table, given.get(table, ()), types.get(table, {}), folder)
    tables = {table: f"{table}.parquet" for table in dict.fromkeys([*types, *given])}
    return Source(type="duckdb", settings=DuckDBSettings(tables=tables, database=None))


def _types(source_name: str, source: Source, root: Path, given: Mapping[str, Rows]) -> Types:
    """Return the columns of the source's own tables; nothing where its files are not here."""
    import duckdb

    if not isinstance(source.settings, DuckDBSettings | DeltaSettings):
        # Nobody elsewhere is asked: a test needs no network.
        return {}
    with duckdb.connect() as connection:
        try:
            open_source(connection, source_name, source, root, ())
        except DiagnosticError:
            return {}
        tables = {*source.settings.tables, *given}
        return {table: found for table in sorted(tables) if (found := _described(connection, table))}


def _described(connection: DuckDBPyConnection, table: str) -> dict[str, str]:
    import duckdb

    try:
        rows = connection.execute(f"DESCRIBE {name(table)}").fetchall()
    except duckdb.Error:
        return {}
    return {row[0]: row[1] for row in rows}


def _write(table: str, rows: Rows, types: Mapping[str, str], folder: Path) -> None:
    import duckdb

    with duckdb.connect() as connection:
        try:
            if types:
                _typed(connection, table, rows, types)
            else:
                _guessed(connection, table, rows, folder)
        except duckdb.Error as error:
            what = str(error).split("\n", 1)[0]
            raise WrongRowsError(f"the rows of `{table}` cannot be read as a table: {what}") from None
        target = literal(str(folder / f"{table}.parquet"))
        connection.execute(f"COPY {name(table)} TO {target} (FORMAT parquet)")


def _typed(connection: DuckDBPyConnection, table: str, rows: Rows, types: Mapping[str, str]) -> None:
    columns = ", ".join(f"{name(column)} {kind}" for column, kind in types.items())
    connection.execute(f"CREATE TABLE {name(table)} ({columns})")
    for row in rows:
        for column in row:
            if column not in types:
                raise WrongRowsError(
                    _unknown(f"the column `{column}`", f"the table `{table}`", column, types)
                )
        if row:
            names = ", ".join(name(column) for column in row)
            marks = ", ".join("?" for _ in row)
            connection.execute(f"INSERT INTO {name(table)} ({names}) VALUES ({marks})", list(row.values()))


def _guessed(connection: DuckDBPyConnection, table: str, rows: Rows, folder: Path) -> None:
    if not rows:
        raise WrongRowsError(
            f"`{table}` has no rows, and its own files are not here to say which columns it has"
        )
    file = folder / f"{table}.json"
    columns = dict.fromkeys(column for row in rows for column in row)
    whole = [{column: row.get(column) for column in columns} for row in rows]
    file.write_text("\n".join(json.dumps(row, default=str) for row in whole), encoding="utf-8")
    connection.execute(f"CREATE TABLE {name(table)} AS SELECT * FROM read_json({literal(str(file))})")


def _unknown(what: str, where: str, wrong: str, known: Iterable[str]) -> str:
    names = list(known)
    listed = ", ".join(f"`{item}`" for item in names)
    hint = did_you_mean(wrong, names)
    return f"{where} does not have {what}; it has {listed}{f' ({hint})' if hint else ''}"
