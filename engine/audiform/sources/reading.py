"""Opens the profiles of an audience, wherever they are read from: a relation of DuckDB, with its columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audiform.address import Address, Kind
from audiform.config.dbt import BuiltModel
from audiform.config.project import Project
from audiform.config.source_settings import DatabaseSettings
from audiform.diagnostics import Diagnostic
from audiform.memory import lacking
from audiform.sources.database_errors import refused
from audiform.sources.databases import Asked, read_database
from audiform.sources.errors import failed
from audiform.sources.files import confine, open_source
from audiform.sources.query import PROFILES, columns_of, open_query
from audiform.sources.running import Local, running

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Error


@dataclass(frozen=True, slots=True)
class Profiles:
    """`relation` is read once. `columns`: name -> DuckDB's type; `written`: when, in epoch seconds, 0 where nobody knows."""

    relation: str
    columns: Mapping[str, str]
    written: float
    address: Address
    elsewhere: bool

    def refused(self, error: Error) -> Diagnostic:
        """Return what went wrong while they were read."""
        said = lacking(error)
        if said is not None:
            return replace(said, address=self.address)
        if self.elsewhere:
            return refused(error, self.address, ("query",))
        return failed(error, self.address, "query-failed", ("query",))


@contextmanager
def open_profiles(
    connection: DuckDBPyConnection, project: Project, asked: Asked, folders: Sequence[str]
) -> Iterator[Profiles]:
    """Yield the profiles of an audience. From then on the connection reaches nothing but its source and `folders`.

    Raises:
        DiagnosticError: the source cannot be read, or does not answer the query.
    """
    audience, address = project.audiences[asked.audience], Address(Kind.AUDIENCE, asked.audience)
    source, model = project.sources[audience.source], project.built.get(asked.audience)
    if isinstance(source.settings, DatabaseSettings):
        confine(connection, (), folders)
        with read_database(connection, project, asked, audience.sql) as (relation, written):
            age = _oldest(written, model)
            yield Profiles(relation, columns_of(connection, relation), age, address, elsewhere=True)
    else:
        called = model.database if model is not None else None
        written = open_source(connection, audience.source, source, project.root, folders, called)
        # Whatever was written into the file last, the model is as old as dbt says.
        age = written if model is None else model.refreshed
        columns, relation = open_query(connection, audience.sql, address), PROFILES
        if asked.since is not None:
            relation = f"(SELECT * FROM {PROFILES} WHERE {asked.since.condition(source.type)})"
        with running(Local(connection)):
            yield Profiles(relation, columns, age, address, elsewhere=False)


def _oldest(written: float, model: BuiltModel | None) -> float:
    """Return when the data was written of which a model was built, if that is longer ago; what nobody knows does not count."""
    return min((item for item in (written, model.refreshed if model else 0.0) if item), default=0.0)
