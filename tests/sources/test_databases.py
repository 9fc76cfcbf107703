"""Audiences that a database answers: read-only, named, bounded, and only as Arrow."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from audiform.address import Address, Kind
from audiform.config.project import Project
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.query import check_columns
from audiform.sources.reading import open_profiles
from audiform.sources.running import in_thread
from plan.world import project
from servers import Database

PEOPLE = """
DROP SCHEMA IF EXISTS reading CASCADE;
CREATE SCHEMA reading;
CREATE TABLE reading.people AS
  SELECT n AS customer_id, 'p' || n || '@example.com' AS email, n % 2 = 0 AS agreed, n * 1.25 AS ltv,
    timestamptz '2026-05-01 12:00:00+00' AS loaded_at
  FROM generate_series(1, 5000) n
"""
AUDIENCE = {"source": "crm", "profile_key": "customer_id", "identifiers": {"email": "email"}}


def of(root: Path, query: str, **source: Any) -> Project:
    """Return a project with one audience that is read from `source`."""
    made = project(
        sources={"crm": source}, audiences={"buyers": AUDIENCE | {"query": query}}, bindings={}, connectors={}
    )
    return replace(made, root=root)


def on(database: Database, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> dict[str, Any]:
    """Return a source that is read from the running PostgreSQL."""
    monkeypatch.setenv("CRM_USER", database.user)
    monkeypatch.setenv("CRM_PASSWORD", database.password)
    return {
        "type": "postgresql",
        "settings": {"url": database.url, "search_path": ["reading"], **settings},
        "credentials": {"user": {"from_env": "CRM_USER"}, "password": {"from_env": "CRM_PASSWORD"}},
    }


def read(made: Project, select: str = "*", needed: Any = ()) -> tuple[list[Any], float]:
    """Return what DuckDB makes of the rows, as a delivery reads them, and when they were written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        asked = Asked("buyers", "binding.buyers_on_ads")
        with open_profiles(connection, made, asked, ()) as profiles:
            check_columns(profiles.columns, needed, Address(Kind.AUDIENCE, "buyers"))
            try:
                rows = connection.execute(f"SELECT {select} FROM {profiles.relation}").fetchall()
            except duckdb.Error as error:
                raise DiagnosticError([profiles.refused(error)]) from None
            return rows, profiles.written


def said(made: Project) -> list[tuple[str, str]]:
    """Return what is said where an audience cannot be read."""
    with pytest.raises(DiagnosticError) as caught:
        read(made)
    return [(item.code, item.detail) for item in caught.value.diagnostics]


@pytest.fixture(scope="module")
def filled(database: Database) -> Database:
    """Return the running PostgreSQL with 5,000 people."""
    with psycopg.connect(
        host="127.0.0.1", port=database.port, user=database.user, password=database.password, dbname="shop"
    ) as connection:
        connection.execute(PEOPLE)
    return database


def test_rows_come_with_their_types_under_the_name_of_the_binding(filled, tmp_path, monkeypatch):
    """Numbers are numbers, booleans are booleans; the session is read-only, limited and says what it is for."""
    query = (
        "SELECT *, current_setting('transaction_read_only') AS read_only, current_setting('statement_timeout') AS most, "
        "(SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS called, "
        "(SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()) AS noted FROM people -- all of them"
    )
    source = on(filled, monkeypatch, statement_timeout="5m", freshness="SELECT max(loaded_at) FROM people")

    rows, written = read(
        of(tmp_path, query, **source),
        "count(*), sum(ltv), count(*) FILTER (agreed), any_value(read_only), any_value(most), any_value(called), "
        "any_value(regexp_replace(noted, 'read=[0-9a-f]{12}.*', 'read=ID', 's'))",
    )

    assert 1_777_636_800 == written
    assert [
        (
            5000,
            15_628_125.0,
            2500,
            "on",
            "5min",
            "audiform shop/production binding.buyers_on_ads",
            "audiform project=shop environment=production audience=buyers for=binding.buyers_on_ads read=ID",
        )
    ] == [(*row[:-1], row[-1].split("/* ", 1)[-1]) for row in rows]


def test_what_a_database_refuses_is_said_without_the_data(filled, tmp_path, monkeypatch):
    """Names are the author's own and shown with what the server says; values are not, nor is the password."""
    source = on(filled, monkeypatch, statement_timeout="1s")
    wrong = {
        **source,
        "credentials": {"user": {"from_env": "CRM_USER"}, "password": {"from_env": "CRM_USER"}},
    }
    queries = (
        "SELECT emial FROM people",
        "SELECT * FROM peple",
        "SELECT email::int AS email FROM people",
        "SELECT 1 AS a FROM pg_sleep(20)",
        "SELECT nextval('reading.numbers') AS customer_id",
    )
    found = [said(of(tmp_path, query, **source))[0] for query in queries]
    found += said(of(tmp_path, "SELECT 1", **wrong))
    found += said(
        of(tmp_path, "SELECT 1", **{**source, "settings": {"url": "postgresql://127.0.0.1:1/shop"}})
    )

    assert [
        ("query-failed", 'The database does not answer `audience.buyers`: column "emial" does not exist.'),
        ("query-failed", 'The database does not answer `audience.buyers`: relation "peple" does not exist.'),
    ] == found[:2]
    assert ["query-failed"] * 5 + ["source-unreachable"] * 2 == [code for code, _ in found]
    assert "example.com" not in str(found)
    assert filled.password not in str(found)
    assert "does not accept the user name and password" in found[5][1]


def test_a_column_that_lacks_is_said_with_a_near_one(filled, tmp_path, monkeypatch):
    """A plan compares what the audience names with what the database would return."""
    made = of(tmp_path, "SELECT customer_id, email AS e_mail FROM people", **on(filled, monkeypatch))

    with pytest.raises(DiagnosticError) as caught:
        read(made, needed=[(("identifiers", "email"), "email")])

    assert [("missing-column", 'did you mean "e_mail"?')] == [
        (item.code, item.hint) for item in caught.value.diagnostics
    ]


def test_whoever_is_interrupted_stops_the_database_too(filled, tmp_path, monkeypatch):
    """Ctrl-C ends a query of half an minute at once, and the server works for nobody no longer."""
    made = of(tmp_path, "SELECT 1 AS customer_id FROM pg_sleep(30)", **on(filled, monkeypatch))

    async def interrupted() -> None:
        reading = asyncio.create_task(in_thread(read, made))
        await asyncio.sleep(0.5)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    began = time.monotonic()
    asyncio.run(interrupted())

    assert time.monotonic() - began < 10


def test_a_sqlite_file_is_read_and_never_written(tmp_path):
    """Its file says how old the data is, and a 1 is true where a truth is asked for; a file outside of the project is not opened."""
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as writer:
        writer.execute("CREATE TABLE people (customer_id INTEGER, email TEXT)")
        writer.execute("INSERT INTO people VALUES (1, 'ann@example.com'), (2, NULL)")
        writer.commit()
    source = {"type": "sqlite", "settings": {"database": "shop.sqlite"}}
    outside = {"type": "sqlite", "settings": {"database": "../shop.sqlite"}}

    rows, written = read(of(tmp_path, "SELECT * FROM people ORDER BY 1", **source))

    flagged = of(tmp_path, "SELECT *, customer_id = 1 AS yes, customer_id + 1 AS other FROM people", **source)
    flagged = replace(
        flagged,
        audiences={
            "buyers": flagged.audiences["buyers"].model_copy(update={"consent": "yes", "deleted": "other"})
        },
    )
    needed = [(("consent",), "yes"), (("deleted",), "other")]

    assert [(True, None), (False, None)] == read(flagged, "yes, other", needed)[0]
    assert [(1, "ann@example.com"), (2, None)] == rows
    assert (tmp_path / "shop.sqlite").stat().st_mtime == written
    assert [
        ("query-failed", "The database does not answer `audience.buyers`: no such table: peple.")
    ] == said(of(tmp_path, "SELECT * FROM peple", **source))
    assert "path-outside-project" == said(of(tmp_path, "SELECT 1", **outside))[0][0]
