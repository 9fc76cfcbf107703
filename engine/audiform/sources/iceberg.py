"""Iceberg tables as relations of a DuckDB connection: one snapshot of each, with columns and files picked while reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audiform.address import Address
from audiform.config.secret_references import SecretReference
from audiform.config.source_settings import IcebergSettings
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.secret_stores.stores import SecretStores
from audiform.sources.iceberg_catalogs import opened_catalog, table_file
from audiform.sources.iceberg_snapshots import Outside, confined, relation_of
from audiform.sources.paths import outside

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MILLISECONDS: Final = 1000
_NOT_ALLOWED: Final = frozenset(
    {"UnauthorizedError", "ForbiddenError", "OAuthError", "AuthorizationExpiredError"}
)
_MISSING: Final = frozenset({"NoSuchTableError", "NoSuchNamespaceError", "NoSuchIcebergTableError"})


def open_iceberg(
    connection: DuckDBPyConnection,
    address: Address,
    settings: IcebergSettings,
    credentials: Mapping[str, SecretReference],
    root: Path,
) -> float:
    """Make Iceberg tables relations of `connection`; return when the newest snapshot was made (epoch seconds).

    Raises:
        DiagnosticError: the catalog or a table cannot be read, a file is outside of the project, or the library is not installed.
    """
    written = 0.0
    for name, table in _tables(address, settings, credentials, root):
        snapshot = table.current_snapshot()
        connection.register(name, relation_of(table, root))
        written = max(written, snapshot.timestamp_ms / _MILLISECONDS if snapshot else 0.0)
    return written


def snapshots_of(
    address: Address, settings: IcebergSettings, credentials: Mapping[str, SecretReference], root: Path
) -> Iterator[str]:
    """Yield a line for the snapshot of each table: another one means that it was written.

    Raises:
        DiagnosticError: as for `open_iceberg`.
    """
    for name, table in _tables(address, settings, credentials, root):
        snapshot = table.current_snapshot()
        yield f"{name} {table.metadata.table_uuid} {snapshot.snapshot_id if snapshot else 0}"


def _tables(
    address: Address, settings: IcebergSettings, credentials: Mapping[str, SecretReference], root: Path
) -> Iterator[tuple[str, Any]]:
    stores = SecretStores()
    secrets = {key: stores.resolve(item, root) for key, item in credentials.items()}
    with _saying(address, ("settings", "catalog"), f"the catalog of `{address}`"):
        catalog = opened_catalog(settings, secrets, root)
    for name, identifier in sorted(settings.tables.items()):
        place = ("settings", "tables", name)
        with _saying(address, place, f"`{identifier}` of `{address}`", catalog, identifier):
            table = table_file(identifier, root) if catalog is None else catalog.load_table(identifier)
            confined(table.metadata_location, root)
        yield name, table


@contextmanager
def _saying(
    address: Address, place: tuple[str, ...], what: str, catalog: Any = None, identifier: str = ""
) -> Iterator[None]:
    """Say what the library cannot reach or read; its own messages may hold secrets."""
    try:
        yield
    except DiagnosticError:
        raise
    except ModuleNotFoundError as error:
        raise DiagnosticError([_not_installed(error, address)]) from None
    except Outside as error:
        raise DiagnosticError([outside(str(error), address, place)]) from None
    except Exception as error:  # noqa: BLE001 - of the library, and of each of the libraries that it may call
        raise DiagnosticError(
            [_failed(error, address, place, what, _near(error, catalog, identifier))]
        ) from None


def _not_installed(error: ModuleNotFoundError, address: Address) -> Diagnostic:
    detail = (
        f"`{address}` is read with the Python package `{(error.name or 'pyiceberg').partition('.')[0]}`, which is not installed. "
        "Install it:\n\n    pip install 'audiform[iceberg]'\n"
    )
    return Diagnostic("driver-missing", detail, address=address)


def _failed(
    error: Exception, address: Address, place: tuple[str, ...], what: str, near: str | None
) -> Diagnostic:
    kind = type(error).__name__
    if kind in _MISSING:
        detail = f"{what} cannot be read: the catalog has no such table."
        return Diagnostic("source-unreadable", detail, hint=near, address=address, path=place)
    if kind in _NOT_ALLOWED:
        detail = f"{what} cannot be read: the credentials may not read it."
        return Diagnostic("source-unreachable", detail, address=address, path=place)
    if isinstance(error, FileNotFoundError):
        detail = f"{what} cannot be read: there is no such file, or no metadata of an Iceberg table in it."
        return Diagnostic("source-unreadable", detail, address=address, path=place)
    detail = f"{what} cannot be read: it does not answer, does not accept the credentials, or is none of Iceberg ({kind})."
    return Diagnostic("source-unreachable", detail, address=address, path=place)


def _near(error: Exception, catalog: Any, identifier: str) -> str | None:
    """Return the nearest name that the catalog has in the namespace of a table that it has not."""
    if type(error).__name__ not in _MISSING or catalog is None:
        return None
    try:
        known = [".".join(item) for item in catalog.list_tables(identifier.rpartition(".")[0])]
    except Exception:  # noqa: BLE001 - a hint is no reason to say something else
        return None
    return did_you_mean(identifier, known)
