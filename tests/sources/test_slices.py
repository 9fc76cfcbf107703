"""A part of a source, as each kind of database is asked for it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from audiform.sources.databases import Asked
from audiform.sources.reading import open_profiles
from audiform.sources.slices import Slice
from servers import Database
from sources.test_databases import of, on

MOMENT = Slice("changed_at", "timestamptz", "2026-05-01 12:00:00.000000+00:00")
CHANGES = """
DROP SCHEMA IF EXISTS slices CASCADE;
CREATE SCHEMA slices;
CREATE TABLE slices.people AS
  SELECT n AS customer_id, 'p' || n || '@example.com' AS email, n::text AS version,
    timestamptz '2026-05-01 00:00:00+00' + n * interval '1 minute' AS changed_at
  FROM generate_series(1, 20000) n;
CREATE INDEX ON slices.people (changed_at);
ANALYZE slices.people
"""


@pytest.mark.parametrize(
    ("source", "part", "asked"),
    [
        ("duckdb", MOMENT, "CAST('2026-05-01 12:00:00.000000+00:00' AS TIMESTAMPTZ)"),
        ("postgresql", MOMENT, "CAST('2026-05-01 12:00:00.000000+00:00' AS TIMESTAMP WITH TIME ZONE)"),
        ("snowflake", MOMENT, "CAST('2026-05-01 12:00:00.000000+00:00' AS TIMESTAMP_TZ)"),
        ("postgresql", Slice("a", "date", "2026-05-01"), "\"a\" >= CAST('2026-05-01' AS DATE)"),
        (
            "bigquery",
            Slice("a", "timestamp", "2026-05-01 00:00:00"),
            "`a` >= CAST('2026-05-01 00:00:00' AS DATETIME)",
        ),
        ("sqlite", Slice("a", "text", "v1"), "\"a\" COLLATE BINARY >= 'v1'"),
        ("postgresql", Slice("a", "text", "v1"), '"a" COLLATE "C" >= \'v1\''),
        ("postgresql", Slice('a"b', "integer", "7"), '"a""b" >= 7'),
    ],
    ids=["duckdb", "postgresql", "snowflake", "date", "bigquery", "sqlite", "bytewise", "quoted"],
)
def test_each_database_is_asked_in_its_dialect(source: str, part: Slice, asked: str):
    """A constant of the column's type, the column alone, names quoted, texts byte by byte."""
    assert part.condition(source).endswith(asked)


def test_postgresql_uses_the_index_of_the_watermark(database: Database, tmp_path: Path, monkeypatch: Any):
    """Only what changed is read, by the index, although the audience's SQL stands in brackets of ours."""
    with closing(
        psycopg.connect(
            host="127.0.0.1",
            port=database.port,
            user=database.user,
            password=database.password,
            dbname="shop",
            autocommit=True,
        )
    ) as connection:
        connection.execute(CHANGES)
        query = "SELECT * FROM slices.people WHERE email LIKE '%@example.com'"
        late = Slice("changed_at", "timestamptz", "2026-05-14 20:00:00+00:00")
        statement = f"EXPLAIN SELECT * FROM (\n{query}\n) AS profiles WHERE {late.condition('postgresql')}"
        planned = "\n".join(row[0] for row in connection.execute(statement.encode()))
    made = of(tmp_path, query, **on(database, monkeypatch))

    assert "Index Cond: (changed_at >=" in planned
    assert 81 == _rows(made, late)
    assert 8_889 == _rows(made, Slice("version", "text", "2"))


def test_a_file_is_read_from_the_value_on(tmp_path: Path):
    """Equal values are read again; rows without one are not."""
    (tmp_path / "people.csv").write_text(
        "customer_id,email,version\n1,a@example.com,1\n2,b@example.com,2\n3,c@example.com,\n4,d@example.com,3\n"
    )
    made = of(tmp_path, "SELECT * FROM people", type="duckdb", settings={"tables": {"people": "people.csv"}})

    assert [4, 2] == [_rows(made, None), _rows(made, Slice("version", "integer", "2"))]


def _rows(made: Any, part: Slice | None) -> int:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        asked = Asked("buyers", "binding.buyers_on_ads", part)
        with open_profiles(connection, made, asked, ()) as profiles:
            rows: list[Any] = connection.execute(f"SELECT count(*) FROM {profiles.relation}").fetchall()
            return int(rows[0][0])
