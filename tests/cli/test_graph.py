"""`audiform graph`."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from audiform.bundled import bundled
from audiform.cli.main import run


@pytest.mark.parametrize("form", ["text", "dot", "mermaid"])
def test_graph(form, capsys, snapshot: SnapshotAssertion):
    """What depends on what is drawn, the same each time."""
    assert 0 == run(["-C", str(bundled() / "examples" / "shop"), "graph", "--format", form])
    assert snapshot == capsys.readouterr().out


def test_nothing_to_draw(tmp_path, capsys):
    """A project without bindings and audiences says so."""
    (tmp_path / "audiform.yaml").write_text("project: small\n", encoding="utf-8")

    assert 0 == run(["-C", str(tmp_path), "graph"])
    assert "Nothing depends on anything yet\n" == capsys.readouterr().out
