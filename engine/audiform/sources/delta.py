"""Delta tables as relations of a DuckDB connection: what their log says is current, with columns and rows picked while reading."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audiform.address import Address
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.sources.paths import climbs, outside

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MILLISECONDS: Final = 1000


def open_delta(
    connection: DuckDBPyConnection, address: Address, tables: Mapping[str, str], root: Path
) -> float:
    """Make Delta tables relations of `connection`; return when the newest was written (epoch seconds).

    Raises:
        DiagnosticError: a folder is outside of the project or no Delta table, or the library is not installed.
    """
    written = 0.0
    for name, folder in tables.items():
        table = _table(address, name, folder, root)
        connection.register(name, table.to_pyarrow_dataset())
        newest = table.history(1)
        written = max(written, newest[0]["timestamp"] / _MILLISECONDS if newest else 0.0)
    return written


def versions_of(address: Address, tables: Mapping[str, str], root: Path) -> Iterator[str]:
    """Yield a line for the version of each table: another one means that it was written.

    Raises:
        DiagnosticError: as for `open_delta`.
    """
    for name, folder in sorted(tables.items()):
        table = _table(address, name, folder, root)
        yield f"{folder} {table.metadata().id} {table.version()}"


def _table(address: Address, name: str, folder: str, root: Path) -> Any:
    place = ("settings", "tables", name)
    home, path = os.path.realpath(root), os.path.realpath(root / folder)
    if climbs(folder) or not path.startswith(f"{home.rstrip(os.sep)}{os.sep}"):
        raise DiagnosticError([outside(folder, address, place)])
    try:
        import deltalake
        from deltalake.exceptions import DeltaError
    except ModuleNotFoundError:
        detail = (
            f"`{address}` is read with the Python package `deltalake`, which is not installed. Install it:\n\n"
            "    pip install 'audiform[delta]'\n"
        )
        raise DiagnosticError([Diagnostic("driver-missing", detail, address=address)]) from None
    try:
        return deltalake.DeltaTable(path)
    except (DeltaError, OSError):
        detail = f"`{folder}` of `{address}` is no folder of a Delta table: it has no log that could be read."
        raise DiagnosticError(
            [Diagnostic("source-unreadable", detail, address=address, path=place)]
        ) from None
