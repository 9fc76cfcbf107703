"""Writes the pages of docs/ that are generated from the code and the catalogue. `make docs` runs it; a test compares."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path

from audiform import codes
from audiform.cli.views.connectors_data import example_text
from audiform.cli.views.connectors_pages import index, page, verified
from audiform.cli.views.connectors_sheet import sheet_of
from audiform.connectors.catalog import Catalog, ConnectorType

HERE = Path(__file__).resolve().parent
BENCHMARKS = str(HERE.parent / "benchmarks")
sys.path.append(BENCHMARKS)  # scripts, which import each other by name; nobody else is to find them by it
BENCHMARK_PAGES = import_module("page").PAGES
sys.path.remove(BENCHMARKS)


def _page(kind: ConnectorType) -> str:
    return page(sheet_of(kind, example_text(kind)))


CATALOG = Catalog()
KINDS = [CATALOG.get(name) for name in CATALOG.names()]
PAGES: Mapping[str, Callable[[], str]] = {
    **BENCHMARK_PAGES,
    "diagnostics.md": codes.document,
    "connectors/index.md": partial(index, KINDS),
    "connectors/verified.md": partial(verified, KINDS),
    **{f"connectors/{kind.name}.md": partial(_page, kind) for kind in KINDS},
}


def write(folder: Path) -> None:
    """Write every generated page to `folder`, and remove those of what is gone."""
    for kept in ("connectors", "benchmarks"):
        (folder / kept).mkdir(exist_ok=True)
        for old in (folder / kept).iterdir():
            if f"{kept}/{old.name}" not in PAGES:
                old.unlink()
    for name, text in PAGES.items():
        (folder / name).write_text(text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write(HERE)
