"""Audiences that are a dbt model, read where dbt built it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb

from audiform.address import Address, Kind
from audiform.config.kinds import ProjectTest
from audiform.config.load import load
from audiform.config.project import Project
from audiform.connectors.catalog import Catalog
from audiform.project_tests.run import run_test
from audiform.sources.databases import Asked
from audiform.sources.reading import open_profiles
from audiform.sources.snapshot import snapshots

WRITTEN = Path(__file__).parents[1] / "config" / "dbt"
BUILT_AT = 1795575224.443744
"""When dbt ended building `big_spenders`, as its results say."""


def project(root: Path) -> Project:
    """Return a project whose audience is a view that dbt built over another of its tables, as dbt writes it."""
    shutil.copytree(WRITTEN, root / "target")
    with duckdb.connect(root / "shop.duckdb") as writer:
        writer.execute(
            "CREATE SCHEMA main_marts;"
            "CREATE TABLE main_marts.lapsed_buyers AS "
            "SELECT n AS customer_id, n || '@example.com' AS email, n * 10 AS spent FROM range(1, 13) t(n);"
            'CREATE VIEW "shop"."main_marts"."spenders" AS '
            'SELECT customer_id, email FROM "shop"."main_marts"."lapsed_buyers" WHERE spent >= 100'
        )
    audience = {
        "source": "crm",
        "query": {"dbt_model": "big_spenders"},
        "profile_key": "customer_id",
        "identifiers": {"email": "email"},
    }
    settings = {"database": "shop.duckdb", "manifest": "target/manifest.json"}
    made = {
        "sources": {"crm": {"type": "duckdb", "settings": settings}},
        "audiences": {"buyers": audience},
    }
    (root / "audiform.yaml").write_text("project: shop\n", encoding="utf-8")
    (root / "shop.yaml").write_text(json.dumps(made), encoding="utf-8")
    loaded, problems = load(root)
    assert [] == [*problems]
    assert loaded is not None
    return loaded


def read(made: Project) -> tuple[list[Any], float]:
    """Return the profile keys and when they were written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        with open_profiles(connection, made, Asked("buyers", "test"), ()) as profiles:
            rows = connection.execute(f"SELECT customer_id FROM {profiles.relation} ORDER BY 1").fetchall()
            return [key for (key,) in rows], profiles.written


def test_a_view_of_dbt_is_read_under_the_name_that_its_database_has_there(tmp_path):
    """Its parts are found whatever the source is called, and it is as old as its build, whenever the file was written."""
    made = project(tmp_path)

    assert ([10, 11, 12], BUILT_AT) == read(made)


def test_another_build_is_another_state_of_the_data(tmp_path):
    """A plan remembers when dbt built; nothing else of dbt's files counts."""
    first = snapshots(project(tmp_path))
    file = tmp_path / "target" / "run_results.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("02:53:44.443744", "03:53:44.443744"), encoding="utf-8")
    later, _ = load(tmp_path)
    assert later is not None

    assert first.keys() == {"crm"}
    assert first != snapshots(later)


def test_a_test_of_the_project_gives_its_rows(tmp_path):
    """In `audiform test` the model is a table of its name, and nothing of dbt is read."""
    made = project(tmp_path)
    os.remove(tmp_path / "shop.duckdb")  # noqa: PTH107 - gone, whatever it is
    case = ProjectTest.model_validate(
        {
            "audience": "buyers",
            "given": {"spenders": [{"customer_id": 7, "email": "ann@example.com"}]},
            "expect": {"members": [7]},
        }
    )
    result = asyncio.run(run_test(made, Catalog(tmp_path), "buyers", case))

    assert () == result.problems
    assert Address(Kind.AUDIENCE, "buyers") in made.digests
