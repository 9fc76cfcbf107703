"""Delta tables: their current version, its age and its number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import deltalake
import duckdb
import pyarrow as pa
import pytest

from audiform.config.project import Project
from audiform.diagnostics import DiagnosticError
from audiform.sources.databases import Asked
from audiform.sources.reading import open_profiles
from audiform.sources.snapshot import snapshots
from plan.world import project

QUERY = "SELECT customer_id FROM people WHERE spent > 10 ORDER BY 1"


def of(root: Path, folder: str = "lake/people") -> Project:
    """Return a project with an audience of a Delta table."""
    audience = {
        "source": "lake",
        "query": QUERY,
        "profile_key": "customer_id",
        "identifiers": {"email": "email"},
    }
    source = {"type": "delta", "settings": {"tables": {"people": folder}}}
    made = project(sources={"lake": source}, audiences={"buyers": audience}, bindings={}, connectors={})
    return replace(made, root=root)


def read(made: Project) -> tuple[list[int], float]:
    """Return the profile keys, and when they were written."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA audiform")
        with open_profiles(connection, made, Asked("buyers", "test"), ()) as profiles:
            rows = connection.execute(f"SELECT * FROM {profiles.relation}").fetchall()
            return [row[0] for row in rows], profiles.written


def test_the_current_version_is_read(tmp_path):
    """What was written last counts, with its time; another version is another state of the data."""
    folder = tmp_path / "lake" / "people"
    first = pa.table({"customer_id": [1, 2], "spent": [5, 20]})
    deltalake.write_deltalake(str(folder), first)
    before, made = snapshots(of(tmp_path)), of(tmp_path)
    deltalake.write_deltalake(str(folder), pa.table({"customer_id": [3], "spent": [30]}), mode="append")
    keys, written = read(made)

    assert [2, 3] == keys
    assert folder.stat().st_mtime - 60 < written < folder.stat().st_mtime + 60
    assert before.keys() == {"lake"}
    assert before != snapshots(made)


@pytest.mark.parametrize(
    ("folder", "code"),
    [("lake", "source-unreadable"), ("../lake", "path-outside-project")],
    ids=["no table", "outside"],
)
def test_what_is_no_table_of_the_project_is_said(tmp_path, folder, code):
    """Neither another folder nor one outside of the project is read."""
    (tmp_path / "lake").mkdir()
    with pytest.raises(DiagnosticError) as caught:
        read(of(tmp_path, folder))

    assert [code] == [item.code for item in caught.value.diagnostics]
