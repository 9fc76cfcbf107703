"""docs/running.md shows commands that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiform.cli.main import cli

PAGE = Path(__file__).resolve().parents[2] / "docs" / "running.md"
COMMANDS = re.findall(r"^\$ audiform (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_each_command_and_option_is_known(number):
    """Each line of the page can be typed: its command has help, and its options stand there."""
    words = COMMANDS[number].partition(" && ")[0].removeprefix("-e production ").split()
    names = words[:2] if words[0] in {"events", "dead-letters"} else words[:1]
    told = CliRunner().invoke(cli, [*names, "--help"])

    assert 0 == told.exit_code
    assert [] == [word for word in words if word.startswith("--") and word not in told.output]
