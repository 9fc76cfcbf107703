"""Writes the pages of docs/ that are generated from the code. `make docs` runs it; a test compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from audiform import codes

PAGES: Mapping[str, Callable[[], str]] = {
    "diagnostics.md": codes.document,
}


def write(folder: Path) -> None:
    """Write every generated page to `folder`."""
    for name, page in PAGES.items():
        (folder / name).write_text(page(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(Path(__file__).resolve().parent)
