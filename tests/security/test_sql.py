"""An audience's SQL reads tables of its source: `validate` says so, and the connection cannot do else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from audiform.config.kinds import Source
from audiform.config.sql import check_queries
from audiform.sources.files import open_source
from audiform.state.local.ledger import local_ledger
from audiform.state.local.store import local_store

READS = [
    "FROM a_python_variable",  # the only one that could be a table of the source, as far as validate knows
    "FROM read_csv('{outside}')",
    "FROM read_text('{outside}')",
    "FROM read_csv('{root}/other.csv')",
    "FROM '{outside}'",
    "FROM 'https://example.com/people.parquet'",
    "FROM glob('{root}/*')",
    "SELECT getenv('HOME')",
    "FROM duckdb_secrets()",
]
WRITES = [
    "COPY (SELECT 1) TO '{outside}.copy'",
    "COPY (SELECT 1) TO '{root}/copy.csv'",
    "EXPORT DATABASE '{outside}.folder'",
    "IMPORT DATABASE '{outside}.folder'",
    "ATTACH '{outside}.duckdb'",
    "CREATE PERSISTENT SECRET a (TYPE S3)",
]
SETS = [
    "SET enable_external_access = true",
    "RESET enable_external_access",
    "PRAGMA enable_external_access = true",
    "SET lock_configuration = false",
    "SET allowed_directories = ['/']",
    "PRAGMA profiling_output = '{outside}.profile'",
    "CALL enable_logging(storage = 'file', storage_path = '{outside}.log')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{outside}'",
]
INSIDE = [
    "SELECT * FROM audiform.profiles",
    'SELECT * FROM audiform."members 0123456789abcdef"',
    "SELECT * FROM memory.audiform.profiles",
    "FROM duckdb_variables()",
    "SELECT getvariable('audiform')",
    "SELECT 'audiform'.getvariable()",
    "SELECT list_transform(['a'], lambda name: getvariable(name))",
    "FROM read_parquet('.audiform/default/ledger/*/*.parquet')",
]
"""What the connection could do, and what only the look at the SQL keeps from the author of a query."""
a_python_variable = [1]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Return the ledger's connection with a source on it, as a plan has it when it runs a query."""
    root, state = tmp_path / "project", tmp_path / "project" / ".audiform" / "default"
    root.mkdir()
    (tmp_path / "outside.csv").write_text("a\n1\n", encoding="utf-8")
    for name in ("people.csv", "other.csv"):
        (root / name).write_text("a\n1\n", encoding="utf-8")
    with closing(local_store(state, "")) as store:
        store.create()
    source = Source.model_validate({"type": "duckdb", "settings": {"tables": {"people": "people.csv"}}})
    with closing(local_ledger(state).open(write=True)) as session:
        open_source(session.connection, "shop", source, root, session.folders)
        yield session.connection


@pytest.mark.parametrize("query", [*READS, *WRITES, *SETS])
def test_the_connection_itself_reaches_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, query: str
):
    """Files, the network, extensions, settings and Python's own variables, even if nobody looked at the SQL."""
    text = query.format(outside=tmp_path / "outside.csv", root=tmp_path / "project")

    with pytest.raises(duckdb.Error):
        connection.execute(text).fetchall()

    assert {"project", "outside.csv"} == {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize("query", [*READS[1:], *WRITES, *SETS, *INSIDE])
def test_validate_refuses_it(query: str, tmp_path: Path):
    """The same, and what is Audiform's own on that connection: the ledger, the digests' key."""
    text = query.format(outside=tmp_path / "outside.csv", root=tmp_path / "project")

    assert {"sql-unsafe", "sql-not-select", "sql-syntax"} & {
        problem.code for problem in check_queries([text], frozenset()).problems.get(text, ())
    }


@pytest.mark.parametrize(
    "query",
    ["SELECT " + "(" * 5000 + "1" + ")" * 5000, "SELECT 1" + " + 1" * 20_000, "SELECT '" + "x" * 10**6],
)
def test_sql_that_is_nested_or_cut_is_refused(query: str):
    """The parser has a bound on depth; what it does not understand is not run."""
    assert ["sql-syntax"] == [problem.code for problem in check_queries([query], frozenset()).problems[query]]
