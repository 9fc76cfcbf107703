"""docs/security.md is true: each test that it names is there, and each test of this folder is named."""

from __future__ import annotations

import ast
import re
from functools import cache

from conftest import CHECKOUT

TESTS = CHECKOUT / "tests"
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", (CHECKOUT / "docs" / "security.md").read_text(encoding="utf-8"))


@cache
def named_in(file: str) -> frozenset[str]:
    """Return the names of the tests in a file; none where there is no file."""
    path = TESTS / file
    tree = ast.parse(path.read_text(encoding="utf-8") if path.is_file() else "")
    names = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(name for name in names if name.startswith("test_"))


def test_each_test_that_is_named_exists():
    """A defence that is claimed is shown by a test under the very name."""
    assert NAMED
    assert [] == [f"{file}::{name}" for file, name in NAMED if name not in named_in(file)]


def test_each_test_of_this_folder_is_named():
    """Whoever adds a test for a threat says in the threat model what it stands against."""
    here = {
        (f"security/{path.name}", name)
        for path in sorted((TESTS / "security").glob("test_*.py"))
        if path.name != "test_page.py"
        for name in named_in(f"security/{path.name}")
    }

    assert [] == sorted(here - set(NAMED))
