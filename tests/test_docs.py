"""The documentation is true: generated pages are up to date, and links lead somewhere."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PAGES = runpy.run_path(str(CHECKOUT / "docs" / "generate.py"))["PAGES"]
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


@pytest.mark.parametrize("name", PAGES)
def test_generated_pages_are_up_to_date(name):
    """A page that is generated from the code says what the code says."""
    file = CHECKOUT / "docs" / name
    committed = file.read_text(encoding="utf-8") if file.is_file() else ""

    assert PAGES[name]() == committed, f"docs/{name} is not up to date: run `make docs` and commit it"


def test_links_lead_somewhere():
    """A link inside the project points to a file that is there."""
    pages = [CHECKOUT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    pages += [
        page for folder in ("docs", "connectors", "examples") for page in (CHECKOUT / folder).rglob("*.md")
    ]

    broken = [
        f"{page.relative_to(CHECKOUT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]

    assert [] == broken
