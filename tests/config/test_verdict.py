"""What is remembered of a project that was found right: only that, and only while nothing has changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from audiform.cli.main import run
from audiform.config.cache import cache_path, read_json, write_json
from audiform.config.verdict import fingerprint, keep, recalled

BASE = Path(__file__).parent / "corpus" / "_base"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project that is right, and was found so."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "project"
    shutil.copytree(BASE, root)
    (root / "lapsed.sql").write_text("SELECT customer_id, email FROM customers", encoding="utf-8")
    text = (root / "audiences.yaml").read_text(encoding="utf-8")
    query = "query: {file: lapsed.sql}"
    (root / "audiences.yaml").write_text(
        text.replace("query: SELECT customer_id, email FROM customers", query), encoding="utf-8"
    )
    assert 0 == run(["-C", str(root), "validate", "--quiet"])
    return root


def is_known(root: Path, environment: str | None = None) -> bool:
    """Return whether the project as it is now was found right."""
    return recalled(root, fingerprint(root, environment)) is not None


def test_nothing_changed(project):
    """What was found right is known, in the environment that was asked about."""
    assert (True, False) == (is_known(project), is_known(project, "production"))


@pytest.mark.parametrize("file", ["audiform.yaml", "environments/test.yaml", "bindings.yaml", "lapsed.sql"])
def test_a_changed_file_is_seen(file, project):
    """Any change of a file that was looked at is a reason to look again, and to find what is wrong now."""
    with (project / file).open("a", encoding="utf-8") as stream:
        stream.write("\n)")

    assert not is_known(project)
    assert 1 == run(["-C", str(project), "validate", "--quiet"])


@pytest.mark.parametrize("name", ["more.yaml", "more.sql", "connectors/own/manifest.yaml"])
def test_a_new_file_is_seen(name, project):
    """So is a file that was not there, a connector type of the project included."""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("", encoding="utf-8")

    assert not is_known(project)


def test_a_removed_file_is_seen(project):
    """And one that is there no more."""
    (project / "lapsed.sql").unlink()

    assert not is_known(project)
    assert 1 == run(["-C", str(project), "validate", "--quiet"])


def test_a_link_in_place_of_a_file_is_seen(project, tmp_path):
    """A file that is replaced by a link to the same text outside of the project is not what it was."""
    outside = tmp_path / "outside.sql"
    shutil.move(project / "lapsed.sql", outside)
    (project / "lapsed.sql").symlink_to(outside)

    assert not is_known(project)
    assert 1 == run(["-C", str(project), "validate", "--quiet"])


def test_problems_are_not_remembered(project):
    """What is wrong is found each time anew."""
    (project / "bindings.yaml").write_text("bindigns: {}\n", encoding="utf-8")

    assert [1, 1] == [run(["-C", str(project), "validate", "--quiet"]) for _ in range(2)]
    assert not is_known(project)


def test_a_query_in_another_kind_of_file_is_never_remembered(project):
    """A file that the fingerprint does not cover could change unseen."""
    found = fingerprint(project, "other")
    keep(project, found, "valid", frozenset({"lapsed.txt"}))

    assert recalled(project, found) is None


@pytest.mark.parametrize("content", ["", "[]", "{", "{}", '{"format": 1}'])
def test_a_broken_cache_is_no_cache(content, project):
    """Whatever the file holds, the project is looked at again."""
    path = cache_path(project, "valid")
    assert path is not None
    path.write_text(content, encoding="utf-8")

    assert not is_known(project)
    assert 0 == run(["-C", str(project), "validate", "--quiet"])


def test_what_others_could_have_written_is_not_read(tmp_path):
    """A file that everybody may write is not believed, because what it holds decides what is sent."""
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    assert {"a": 1} == read_json(path)
    path.chmod(0o666)
    assert read_json(path) is None


def test_a_cache_that_cannot_be_written_is_no_problem(tmp_path):
    """Without a place for it the commands work all the same."""
    (tmp_path / "file").write_text("", encoding="utf-8")

    write_json(tmp_path / "file" / "a.json", {})
    write_json(tmp_path / "b.json", {"a": object()})
    write_json(None, {})
    assert (None, None) == (read_json(tmp_path / "b.json"), read_json(None))
