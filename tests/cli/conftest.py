"""A shell in a project of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audiform.sandbox.serve import serve
from cli.shell import Shell, make_project, services


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Return a shell in a project with an audience of three people and nothing applied."""
    with serve(services()) as sandbox:
        make_project(tmp_path, sandbox)
        made = Shell(tmp_path, sandbox, capsys)
        made.people(10, 20, 30)
        yield made
