"""`audiform schema`."""

from __future__ import annotations

import json

import pytest

from audiform.cli.main import run
from audiform.schemas.published import NAMES, file_name, schema


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_printed(name, capsys):
    """The schema that is asked for is all that is on stdout."""
    assert 0 == run(["schema", name])
    assert schema(name) == json.loads(capsys.readouterr().out)


def test_all_schemas_are_written(tmp_path, capsys):
    """`--write` makes a file of each, and says so on stderr."""
    assert 0 == run(["schema", "--write", str(tmp_path / "schemas")])

    assert {file_name(name) for name in NAMES} == {file.name for file in (tmp_path / "schemas").iterdir()}
    assert "" == capsys.readouterr().out


def test_nothing_asked_for(capsys):
    """Without a name the names are said."""
    assert 1 == run(["schema"])
    assert "resources" in capsys.readouterr().err
