from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from audiform.address import Address, Kind
from audiform.config.kinds import Source
from audiform.diagnostics import DiagnosticError
from audiform.sources.files import open_source
from audiform.sources.query import PROFILES, check_columns, open_query

AUDIENCE = Address(Kind.AUDIENCE, "buyers")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a connection as the ledger makes it."""
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA audiform")
        yield opened


def opened(connection: duckdb.DuckDBPyConnection, root: Path, **settings: Any) -> float:
    """Open a source of a project at `root`."""
    source = Source.model_validate({"type": "duckdb", "settings": settings})
    return open_source(connection, "shop", source, root, [])


def codes(caught: pytest.ExceptionInfo[DiagnosticError]) -> list[str]:
    """Return the codes of what was caught."""
    return [item.code for item in caught.value.diagnostics]


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    """Return the rows of a query."""
    return connection.execute(query).fetchall()


def test_tables_of_every_format_are_read(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Parquet, CSV and JSON, packed or not, one file or many, are tables under the names of the source."""
    duckdb.sql(f"COPY (SELECT 1 AS a) TO '{tmp_path / 'one.parquet'}'")
    (tmp_path / "two.csv").write_text("a\n2\n")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(b"a\n3\n"))
    (tmp_path / "lines.jsonl").write_text('{"a": 4}\n')
    (tmp_path / "days").mkdir()
    for day in (5, 6):
        (tmp_path / f"days/{day}.csv").write_text(f"a\n{day}\n")
    tables = {
        "parquet": "one.parquet",
        "csv": "two.csv",
        "packed": "packed.csv.gz",
        "lines": "lines.jsonl",
        "many": "days/*.csv",
    }

    opened(connection, tmp_path, tables=tables)

    union = " UNION ALL ".join(f"SELECT a FROM {name}" for name in tables)
    assert [(1,), (2,), (3,), (4,), (5,), (6,)] == sorted(rows(connection, union))


def test_a_database_is_read_and_never_written(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Tables of a .duckdb file are known by their names, beside those of files; nothing can be written."""
    with duckdb.connect(tmp_path / "shop.duckdb") as writer:
        writer.execute("CREATE TABLE orders AS SELECT 7 AS a")
    (tmp_path / "two.csv").write_text("a\n2\n")

    opened(connection, tmp_path, database="shop.duckdb", tables={"more": "two.csv"})

    assert [(7,), (2,)] == rows(connection, "SELECT a FROM orders UNION ALL SELECT a FROM more")
    with pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("INSERT INTO shop.orders VALUES (8)")


def test_the_age_is_that_of_the_newest_file(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """A source is as old as the last that was written to it."""
    for name, written in (("old", 1_000), ("new", 2_000)):
        (tmp_path / f"{name}.csv").write_text("a\n1\n")
        os.utime(tmp_path / f"{name}.csv", (written, written))

    assert 2_000 == opened(connection, tmp_path, tables={"all": "*.csv"})


@pytest.mark.parametrize("pattern", ["../out.csv", "{outside}/out.csv", "link.csv", "folder/out.csv"])
def test_no_file_outside_of_the_project_is_read(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, pattern: str
):
    """Neither by a path nor by a link to a file or a folder."""
    root, outside = tmp_path / "project", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "out.csv").write_text("a\n1\n")
    (tmp_path / "out.csv").write_text("a\n1\n")
    (root / "link.csv").symlink_to(outside / "out.csv")
    (root / "folder").symlink_to(outside)

    with pytest.raises(DiagnosticError) as caught:
        opened(connection, root, tables={"people": pattern.format(outside=outside)})

    assert ["path-outside-project"] == codes(caught)
    assert ("settings", "tables", "people") == caught.value.diagnostics[0].path


def test_a_link_within_the_project_is_followed(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Data may lie elsewhere in the project."""
    (tmp_path / "real.csv").write_text("a\n1\n")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")

    opened(connection, tmp_path, tables={"people": "link.csv"})

    assert [(1,)] == rows(connection, "SELECT a FROM people")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM read_text('{outside}')",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '{outside}.copy'",
        "ATTACH '{outside}.duckdb'",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
        "INSTALL httpfs",
        "LOAD '{outside}'",
    ],
)
def test_sql_reaches_nothing_else(connection: duckdb.DuckDBPyConnection, tmp_path: Path, query: str):
    """Once a source is open, no SQL reads, writes or configures anything beside it."""
    root = tmp_path / "project"
    root.mkdir()
    (tmp_path / "outside.csv").write_text("a\n1\n")
    (root / "people.csv").write_text("a\n1\n")
    opened(connection, root, tables={"people": "people.csv"})

    with pytest.raises(duckdb.Error):
        connection.execute(query.format(outside=tmp_path / "outside.csv")).fetchall()


def test_a_missing_file_is_named_with_a_near_one(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """Whoever mistypes a file's name is told the one that is there."""
    (tmp_path / "orders.csv").write_text("a\n1\n")

    with pytest.raises(DiagnosticError) as caught:
        opened(connection, tmp_path, tables={"orders": "order.csv"})

    assert ["source-file-missing"] == codes(caught)
    assert 'did you mean "orders.csv"?' == caught.value.diagnostics[0].hint


def test_an_unknown_ending_is_refused(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """How a file is read is never guessed."""
    (tmp_path / "orders.xlsx").write_text("")

    with pytest.raises(DiagnosticError) as caught:
        opened(connection, tmp_path, tables={"orders": "orders.xlsx"})

    assert ["unknown-file-format"] == codes(caught)


def test_a_damaged_file_is_said_without_its_content(connection: duckdb.DuckDBPyConnection, tmp_path: Path):
    """The message says which file; nothing of what is in it."""
    (tmp_path / "people.parquet").write_text("canary@example.com")

    with pytest.raises(DiagnosticError) as caught:
        opened(connection, tmp_path, tables={"people": "people.parquet"})

    assert ["source-unreadable"] == codes(caught)
    assert "people.parquet" in caught.value.diagnostics[0].detail
    assert "canary" not in str(caught.value)


@pytest.fixture
def people(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with a table of people."""
    (tmp_path / "people.csv").write_text("id,email,plan\n1,canary@example.com,gold\n2,b@example.com,none\n")
    opened(connection, tmp_path, tables={"people": "people.csv"})
    return connection


def test_a_query_is_a_view_with_known_columns(people: duckdb.DuckDBPyConnection):
    """Comments, a semicolon and common table expressions are as good as in any other SQL."""
    query = "WITH p AS (SELECT * FROM people) -- all\nSELECT id, email FROM p -- of them\n;"

    assert {"id": "BIGINT", "email": "VARCHAR"} == open_query(people, query, AUDIENCE)
    assert 2 == len(rows(people, f"SELECT * FROM {PROFILES}"))


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM peopel",
        "SELECT e_mail FROM people",
        "SELEC",
        "SELECT 1) UNION (SELECT 2",
        "SELECT 1; SELECT 2",
        "DROP TABLE people",
    ],
)
def test_a_query_that_fails_says_why(people: duckdb.DuckDBPyConnection, query: str):
    """What is wrong with names and syntax is DuckDB's own message, at the audience's query."""
    with pytest.raises(DiagnosticError) as caught:
        open_query(people, query, AUDIENCE)

    assert ["query-failed"] == codes(caught)
    assert (AUDIENCE, ("query",)) == (caught.value.diagnostics[0].address, caught.value.diagnostics[0].path)


@pytest.mark.parametrize(
    "expression",
    [
        "CAST(email AS INTEGER)",
        "CAST(email AS DATE)",
        "email::BOOLEAN",
        "error(email)",
        "strptime(email, '%Y')",
        "'canary'::INTEGER",
        "repeat(email, 1)::DOUBLE",
    ],
)
def test_a_message_about_data_quotes_none(people: duckdb.DuckDBPyConnection, expression: str):
    """A value that cannot be converted stands in DuckDB's message, and not in ours."""
    from audiform.sources.errors import failed

    try:
        open_query(people, f"SELECT {expression} AS x FROM people", AUDIENCE)
        people.execute(f"SELECT * FROM {PROFILES}").fetchall()
    except duckdb.Error as error:
        said = failed(error, AUDIENCE, "query-failed").detail
    except DiagnosticError as error:
        said = str(error)
    else:
        pytest.fail("the query did not fail")

    assert "canary" not in said
    assert "cannot be read" in said


def test_every_missing_column_is_named_with_a_near_one(people: duckdb.DuckDBPyConnection):
    """All of them at once, each at its place in the audience."""
    columns = open_query(people, "SELECT * FROM people", AUDIENCE)
    needed = [(("profile_key",), "id"), (("identifiers", "email"), "emial"), (("variables", "tier"), "Plan")]

    with pytest.raises(DiagnosticError) as caught:
        check_columns(columns, needed, AUDIENCE)

    assert ["missing-column", "missing-column"] == codes(caught)
    assert [
        (("identifiers", "email"), 'did you mean "email"?'),
        (("variables", "tier"), 'did you mean "plan"?'),
    ] == [(item.path, item.hint) for item in caught.value.diagnostics]


def test_consent_is_a_boolean(people: duckdb.DuckDBPyConnection):
    """Which text means a yes is not guessed."""
    columns = open_query(people, "SELECT * FROM people", AUDIENCE)

    with pytest.raises(DiagnosticError) as caught:
        check_columns(columns, [(("consent",), "plan")], AUDIENCE)

    assert ["consent-not-boolean"] == codes(caught)
