"""`audiform environments`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.bundled import bundled
from audiform.cli.main import run

SHOP = bundled() / "examples" / "shop"
BASE = Path(__file__).parent.parent / "config" / "corpus"


def said(capsys: pytest.CaptureFixture[str], *arguments: str, root: Path = SHOP) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    code = run(["-C", str(root), "environments", *arguments])
    printed = capsys.readouterr()
    return int(code), (printed.out + printed.err).replace(str(root), "PROJECT")


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("list", "--json"), ("show",), ("show", "production"), ("show", "production", "--json")],
    ids=" ".join,
)
def test_environments(arguments, capsys, snapshot: SnapshotAssertion):
    """Each environment is listed with what sets it apart, and shown with its values and guards."""
    assert snapshot == said(capsys, *arguments)


def test_an_unknown_environment_is_said(capsys, snapshot: SnapshotAssertion):
    """A misspelled name is refused with the nearest one."""
    assert snapshot == said(capsys, "show", "prodution")


def test_a_project_without_environments_has_the_default_one(tmp_path, capsys):
    """Where there is no file, there is one environment, named `default`."""
    (tmp_path / "audiform.yaml").write_text("project: small\n", encoding="utf-8")

    code, text = said(capsys, "list", "--json", root=tmp_path)

    assert (0, [{"name": "default", "default": True}]) == (code, json.loads(text))


def test_no_project(tmp_path, capsys, snapshot: SnapshotAssertion):
    """A folder without a project is said to be one."""
    assert snapshot == said(capsys, "list", root=tmp_path)


def test_a_broken_environment_is_said(capsys, snapshot: SnapshotAssertion):
    """What is wrong with an environment's file is shown in place of it."""
    code, text = said(capsys, "list", root=BASE / "environment_broken")

    assert 1 == code
    assert "no-project" in text
