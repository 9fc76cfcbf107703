"""The rules about the rules: each exception has its reason, each command stands on one line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pyproject():
    """Return the text of pyproject.toml."""
    return (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")


def test_each_rule_that_is_off_has_its_reason(pyproject):
    """Ruff has everything on; whoever turns a rule off says why, on the same line."""
    off = re.findall(r'^  "[A-Z]+[0-9]*",.*$', pyproject, re.MULTILINE)

    assert off
    assert [] == [line for line in off if not re.search(r"# \S", line)]


def test_each_dependency_has_a_lower_bound_only(pyproject):
    """A lower bound says what is needed; an upper one would only stand in a user's way."""
    project = tomllib.loads(pyproject)["project"]
    needed = [*project["dependencies"], *(n for e in project["optional-dependencies"].values() for n in e)]

    assert [] == [
        n for n in needed if not re.fullmatch(r"[\w.-]+(\[[\w,]+\])?>=[\d.]+|audiform\[[\w,]+\]", n)
    ]


@pytest.mark.parametrize(
    "target", ["demo", "demo-events", "test", "lint", "types", "schemas", "docs", "bench", "clean"]
)
def test_each_target_is_one_line(target):
    """A target of the Makefile is one command that can be read and copied, and needs nothing done before."""
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")

    found = re.search(rf"^{target}:(.*)\n((?:\t.*\n)+)", makefile, re.MULTILINE)

    assert found is not None
    assert 1 == len(found[2].splitlines())
    assert target == "clean" or ".venv/.installed" in found[1]
