"""Iceberg tables: one snapshot of each, with its age and its number, read no further than a query needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from audiform.config.source_settings import IcebergSettings
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.iceberg_catalogs import properties
from audiform.sources.reading import open_profiles
from audiform.sources.snapshot import snapshots
from plan.world import project

SCHEMA = pa.schema(
    [("customer_id", pa.int64()), ("email", pa.string()), ("spent", pa.float64()), ("day", pa.date32())]
)
CATALOG = "sqlite:lake/catalog.db"


def people(first: int, last: int, day: date, spent: str = "spent") -> pa.Table:
    """Return rows of a day."""
    numbers = range(first, last)
    columns = {
        "customer_id": pa.array(numbers, pa.int64()),
        "email": [f"p{number}@example.com" for number in numbers],
        spent: [float(number) for number in numbers],
        "day": [day] * len(numbers),
    }
    return pa.table(columns)


@pytest.fixture
def lake(tmp_path: Path) -> Any:
    """Return a table of two days, with a catalog in a file, below the project's folder."""
    (tmp_path / "lake").mkdir()
    catalog = SqlCatalog(
        "lake", uri=f"sqlite:///{tmp_path}/lake/catalog.db", warehouse=f"file://{tmp_path}/lake"
    )
    catalog.create_namespace("marts")
    table = catalog.create_table("marts.people", schema=SCHEMA)
    with table.update_spec() as spec:
        spec.add_identity("day")
    table.append(people(0, 1000, date(2026, 1, 1)))
    table.append(people(1000, 2000, date(2026, 1, 2)))
    yield table
    catalog.close()


def of(root: Path, query: str, tables: dict[str, str] | None = None, **settings: Any) -> Any:
    """Return a project with an audience that is read from Iceberg."""
    made = {
        "catalog": CATALOG,
        "catalog_name": "lake",
        "tables": tables or {"people": "marts.people"},
    } | settings
    audience = {
        "source": "lake",
        "query": query,
        "profile_key": "customer_id",
        "identifiers": {"email": "email"},
    }
    whole = project(
        sources={"lake": {"type": "iceberg", "settings": made}},
        audiences={"buyers": audience},
        bindings={},
        connectors={},
    )
    return replace(whole, root=root)


def read(made: Any) -> tuple[list[Any], float]:
    """Return the rows, and when they were written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        with open_profiles(connection, made, Asked("buyers", "test"), ()) as profiles:
            try:
                return connection.execute(f"SELECT * FROM {profiles.relation}").fetchall(), profiles.written
            except duckdb.Error as error:
                raise DiagnosticError([profiles.refused(error)]) from None


def test_the_current_snapshot_is_read(lake, tmp_path):
    """Whatever became of its columns, with what was deleted left out; its time is the age, its number the state of the data."""
    before = snapshots(of(tmp_path, "SELECT 1"))
    with lake.update_schema() as change:
        change.rename_column("spent", "ltv")
    lake.append(people(2000, 2010, date(2026, 1, 3), "ltv"))
    lake.delete("customer_id = 5")
    query = "SELECT count(*), sum(ltv), count(DISTINCT email), max(day) FROM people"

    rows, written = read(of(tmp_path, query))

    assert [(2009, 2_019_040.0, 2009, date(2026, 1, 3))] == rows
    assert lake.refresh().current_snapshot().timestamp_ms / 1000 == written
    assert before.keys() == {"lake"}
    assert before != snapshots(of(tmp_path, "SELECT 1"))


def test_conditions_and_joins_see_the_rows_that_they_should(lake, tmp_path):
    """A condition that leaves out files, one that cannot, and a table that is read twice."""
    where = {
        "day = DATE '2026-01-02' AND spent >= 1990": 10,
        "email = 'p7@example.com' OR spent > 1998.5": 2,
        "email LIKE 'p19%' AND customer_id IN (19, 190, 1900, 1)": 3,
        "day > DATE '2026-01-01' AND email <> 'p1000@example.com' AND spent < 1100": 99,
        "customer_id + 1 = 5": 1,
        "spent IS NULL": 0,
    }
    counts = [read(of(tmp_path, f"SELECT count(*) FROM people WHERE {item}"))[0][0][0] for item in where]
    joined = "SELECT count(*) FROM people a JOIN people b USING (customer_id) WHERE a.spent < 10"

    assert [*where.values()] == counts
    assert [(10,)] == read(of(tmp_path, joined))[0]


def test_files_of_other_days_are_not_opened(lake, tmp_path):
    """What the table's statistics rule out may be missing on the disk."""
    for task in lake.scan(row_filter="day = '2026-01-01'").plan_files():
        Path(task.file.file_path.removeprefix("file://")).unlink()
    query = "SELECT count(*) FROM people WHERE day = DATE '2026-01-02' AND spent > 1989.5"

    assert [(10,)] == read(of(tmp_path, query))[0]
    with pytest.raises(DiagnosticError) as caught:
        read(of(tmp_path, "SELECT sum(spent) FROM people"))
    assert ["query-failed"] == [item.code for item in caught.value.diagnostics]


def test_a_table_without_a_catalog_is_its_folder(lake, tmp_path):
    """Its newest metadata is read, or the file that is named."""
    folder = "lake/marts/people"
    named = Path(lake.metadata_location.removeprefix("file://")).relative_to(tmp_path)

    for path in (folder, str(named)):
        made = of(tmp_path, "SELECT count(*) FROM people", {"people": path}, catalog=None)
        assert [(2000,)] == read(made)[0]


def test_what_cannot_be_read_is_said(lake, tmp_path):
    """No such table, no such catalog, no server, and a table whose files are elsewhere on this machine."""
    other = tmp_path / "project"
    (other / "lake").mkdir(parents=True)
    (other / "lake" / "catalog.db").write_bytes((tmp_path / "lake" / "catalog.db").read_bytes())
    made = (
        of(tmp_path, "SELECT 1", {"people": "marts.peple"}),
        of(tmp_path, "SELECT 1", catalog="sqlite:lake/catalogue.db"),
        of(tmp_path, "SELECT 1", catalog="http://127.0.0.1:1/api"),
        of(tmp_path, "SELECT 1", {"people": "lake"}, catalog=None),
        of(tmp_path, "SELECT 1", {"people": "../lake"}, catalog=None),
        of(other, "SELECT 1"),
    )
    found = []
    for one in made:
        with pytest.raises(DiagnosticError) as caught:
            read(one)
        found += [(item.code, item.hint) for item in caught.value.diagnostics]

    assert [
        ("source-unreadable", 'did you mean "marts.people"?'),
        ("source-unreadable", None),
        ("source-unreachable", None),
        ("source-unreadable", None),
        ("path-outside-project", None),
        ("path-outside-project", None),
    ] == found


@pytest.mark.parametrize(
    ("settings", "secrets", "found"),
    [
        (
            {"catalog": "https://catalog.example.com/api", "warehouse": "shop"},
            {"client_id": "i", "client_secret": "s", "access_key": "a", "secret_key": "k"},
            {
                "type": "rest",
                "uri": "https://catalog.example.com/api",
                "credential": "i:s",
                "warehouse": "shop",
                "s3.access-key-id": "a",
                "s3.secret-access-key": "k",
            },
        ),
        (
            {"catalog": "postgresql://db.example.com:5432/lake", "region": "eu-central-1"},
            {"user": "reader", "password": "p@ss"},
            {
                "type": "sql",
                "uri": "postgresql+psycopg://reader:p%40ss@db.example.com:5432/lake?sslmode=verify-full&sslrootcert=system"
                "&options=-c%20default_transaction_read_only%3Don",
                "s3.region": "eu-central-1",
            },
        ),
        (
            {"catalog": "glue:eu-central-1"},
            {},
            {"type": "glue", "glue.region": "eu-central-1", "s3.region": "eu-central-1"},
        ),
    ],
    ids=["rest", "postgresql", "glue"],
)
def test_a_catalog_is_reached_with_what_the_library_knows(settings, secrets, found, tmp_path):
    """Encrypted and verified, read-only where it is a database, and never made. No catalog was asked."""
    given = IcebergSettings.model_validate(settings | {"tables": {"people": "marts.people"}})

    assert found | {"init_catalog_tables": "false"} == properties(given, secrets, tmp_path)
