"""The digest of a source's data: the same while nobody writes it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from audiform.sources.snapshot import snapshots
from plan.world import project


def of(root: Path) -> str | None:
    """Return the digest of the source that reads `data/*.csv` below `root`."""
    source = {"type": "duckdb", "settings": {"tables": {"people": "data/*.csv"}}}
    return snapshots(replace(project(sources={"shop": source}), root=root)).get("shop")


def test_data_that_was_written_has_another_digest(tmp_path):
    """A file more, another size and a later time each count; looking twice does not."""
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "people.csv"
    file.write_text("number\n1\n", "utf-8")
    os.utime(file, ns=(1, 1))
    digests = [of(tmp_path), of(tmp_path)]
    assert 1 == len(set(digests))
    os.utime(file, ns=(1, 2))
    digests.append(of(tmp_path))
    (tmp_path / "data" / "more.csv").write_text("number\n2\n", "utf-8")
    digests.append(of(tmp_path))

    assert 3 == len(set(digests))


def test_the_place_of_the_project_is_no_part_of_it(tmp_path):
    """The same data below another folder has the same digest: a plan is applied elsewhere."""
    digests = set()
    for name in ("here", "there"):
        (tmp_path / name / "data").mkdir(parents=True)
        file = tmp_path / name / "data" / "people.csv"
        file.write_text("number\n1\n", "utf-8")
        os.utime(file, ns=(1, 1))
        digests.add(of(tmp_path / name))

    assert 1 == len(digests)


def test_a_source_without_files_has_none(tmp_path):
    """What cannot be read is said by whoever reads it."""
    assert of(tmp_path) is None
