"""Reads an audience from a database: its SQL runs there, and its rows arrive as Arrow batches, a few at a time.

    SELECT * FROM (the audience's SQL) AS profiles

in a session that cannot write, with a time limit, and under a name that says for which binding it is. DuckDB pulls the
batches while it normalises and hashes, so that no more than some of them are in memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audiform.address import Address, Kind
from audiform.config.kinds import Audience, Source
from audiform.config.project import Project
from audiform.config.source_settings import DatabaseSettings, SqliteSettings
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.secret_stores.stores import SecretStores
from audiform.sources.database_errors import refused, unreachable
from audiform.sources.drivers import DRIVERS, Given, connect, way_to
from audiform.sources.paths import files_of
from audiform.sources.running import running
from audiform.sources.slices import Slice
from audiform.sql import name

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STREAM: Final = "audiform_stream"
"""The relation of the rows while they arrive: read once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read and for what: the audience, and the binding that it is read for. `since`: only the rows of a slice."""

    audience: str
    purpose: str
    since: Slice | None = None


@contextmanager
def read_database(
    connection: DuckDBPyConnection, project: Project, asked: Asked, query: str
) -> Iterator[tuple[str, float]]:
    """Yield the relation of the rows that a database returns, to be read once, and when its data was written.

    Raises:
        DiagnosticError: the database cannot be reached, or does not answer the query.
    """
    audience = project.audiences[asked.audience]
    source_name, source = audience.source, project.sources[audience.source]
    file = file_of(project, source_name, source)
    opened, statement = _opened(project, source_name, source, asked, file)
    address = Address(Kind.AUDIENCE, asked.audience)
    try:
        written = _written(opened, source_name, source, file)
        with opened.cursor() as cursor, running(cursor):
            if statement:
                cursor.adbc_statement.set_options(**statement)
            with answering(address, ("query",)):
                where = f" WHERE {asked.since.condition(source.type)}" if asked.since else ""
                cursor.execute(f"{_note(project, asked)} SELECT * FROM (\n{query}\n) AS profiles{where}")
                batches = cursor.fetch_record_batch()
            connection.register(STREAM, batches)
            try:
                yield _plain(batches.schema, _flags(audience) if source.type == "sqlite" else ()), written
            finally:
                connection.unregister(STREAM)
    finally:
        # What could not be read to its end cannot always be closed; what there is to say of it was said.
        with suppress(Exception):
            opened.close()


@contextmanager
def answering(address: Address, path: tuple[str | int, ...]) -> Iterator[None]:
    """Say what a database refuses in the words of the project.

    Raises:
        DiagnosticError: `query-failed`.
    """
    failures = _failures()
    try:
        yield
    except failures as error:
        raise DiagnosticError([refused(error, address, path)]) from None


def file_of(project: Project, source_name: str, source: Source) -> str:
    """Return the file of a database that is one.

    Raises:
        DiagnosticError: it is not there, or outside of the project.
    """
    if not isinstance(source.settings, SqliteSettings):
        return ""
    place = ("settings", "database")
    return files_of(project.root, source.settings.database, Address(Kind.SOURCE, source_name), place)[0]


def _opened(
    project: Project, source_name: str, source: Source, asked: Asked, file: str
) -> tuple[Any, dict[str, str]]:
    address, stores = Address(Kind.SOURCE, source_name), SecretStores()
    secrets = {key: stores.resolve(item, project.root) for key, item in source.credentials.items()}
    tag = f"audiform {project.name}/{project.environment.name} {asked.purpose}"
    way = way_to(source, Given(secrets, file, tag))
    try:
        return connect(source.type, way), dict(way.statement)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(("adbc_driver", DRIVERS[source.type])):
            raise
        detail = (
            f"`{address}` is read with the Python package `{DRIVERS[source.type]}`, which is not installed. Install it:\n\n"
            f"    pip install 'audiform[{source.type}]'\n"
        )
        raise DiagnosticError([Diagnostic("driver-missing", detail, address=address)]) from None
    except _failures() as error:
        raise DiagnosticError([unreachable(error, address)]) from None


def _failures() -> tuple[type[Exception], ...]:
    """Return what drivers raise; what breaks while rows arrive is an OSError of Arrow's."""
    try:
        import adbc_driver_manager
    except ModuleNotFoundError:
        # Not every driver is one of ADBC's.
        return (OSError,)
    return (adbc_driver_manager.Error, OSError)


def _note(project: Project, asked: Asked) -> str:
    """Return the comment by which a statement is known in the database's own lists, and its cost assigned."""
    parts = {
        "project": project.name,
        "environment": project.environment.name,
        "audience": asked.audience,
        "for": asked.purpose,
        "read": uuid.uuid4().hex[:12],
    }
    return f"/* audiform {' '.join(f'{key}={value}' for key, value in parts.items())} */"


def _written(opened: Any, source_name: str, source: Source, file: str) -> float:
    """Ask when the data was written, where the source says how; 0 where it cannot tell."""
    settings = source.settings
    if not isinstance(settings, DatabaseSettings) or settings.freshness is None:
        return Path(file).stat().st_mtime if file else 0.0
    address, place = Address(Kind.SOURCE, source_name), ("settings", "freshness")
    with opened.cursor() as cursor, running(cursor), answering(address, place):
        cursor.execute(settings.freshness)
        table = cursor.fetch_arrow_table()
    found = table.column(0)[0].as_py() if table.num_columns == 1 and table.num_rows == 1 else None
    if isinstance(found, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(found)
    if not isinstance(found, datetime):
        detail = f"The `freshness` of `{address}` is no timestamp: it takes a SELECT of one row with one column, the time."
        raise DiagnosticError([Diagnostic("source-freshness", detail, address=address, path=place)])
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _flags(audience: Audience) -> list[str]:
    return [item for item in (audience.consent, audience.member, audience.deleted) if item is not None]


def _plain(schema: Any, flags: Sequence[str]) -> str:
    """Return the query of the rows with numbers as numbers: some drivers hand a decimal of any size over as text.

    `flags`: columns of a database whose truth values are the numbers 0 and 1; any other number is neither.
    """
    numbers = [
        column.name
        for column in schema
        if getattr(column.type, "type_name", None) == "numeric" and str(column.type.storage_type) == "string"
    ]
    replaced = [f"CAST({name(item)} AS DOUBLE) AS {name(item)}" for item in numbers]
    whole = {column.name for column in schema if str(column.type) == "int64"}
    replaced += [
        f"CASE WHEN {name(item)} IN (0, 1) THEN {name(item)} = 1 END AS {name(item)}"
        for item in flags
        if item in whole
    ]
    return f"(SELECT * REPLACE ({', '.join(replaced)}) FROM {STREAM})" if replaced else STREAM
