"""Where Iceberg tables are listed: a REST catalog, a database, Glue, or nowhere but in their own folder. Nothing is written there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from audiform.config.source_settings import IcebergSettings
from audiform.connectors.ways import is_local
from audiform.sources.iceberg_snapshots import inside

_VERSION: Final = re.compile(r"v?(\d+)")
_STORED: Final = {
    "access_key": "access-key-id",
    "secret_key": "secret-access-key",
    "session_token": "session-token",
}


def opened_catalog(settings: IcebergSettings, secrets: Mapping[str, str], root: Path) -> Any:
    """Return a catalog that answers, or None where tables are folders of the project."""
    if settings.catalog is None:
        return None
    import pyiceberg.catalog

    library: Any = pyiceberg.catalog
    return library.load_catalog(settings.catalog_name, **properties(settings, secrets, root))


def table_file(path: str, root: Path) -> Any:
    """Return the table whose newest metadata stands in a folder of the project, or in a file that is named."""
    import pyiceberg.table

    library: Any = pyiceberg.table
    place = inside(path, root)
    return library.StaticTable.from_metadata(str(place if place.is_file() else _newest(place)))


def _newest(folder: Path) -> Path:
    files = [*(folder / "metadata").glob("*.metadata.json")]
    if not files:
        raise FileNotFoundError(folder)
    return max(files, key=_version)


def _version(file: Path) -> int:
    found = _VERSION.match(file.name)
    return int(found[1]) if found else -1


def properties(settings: IcebergSettings, secrets: Mapping[str, str], root: Path) -> dict[str, str]:
    """Return what the library is told: how the catalog is reached, and the storage that tables are in."""
    scheme, _, rest = str(settings.catalog).partition(":")
    given = {"warehouse": settings.warehouse, "s3.endpoint": settings.endpoint, "s3.region": settings.region}
    plain = {key: value for key, value in given.items() if value is not None}
    stored = {f"s3.{name}": secrets[key] for key, name in _STORED.items() if key in secrets}
    match scheme:
        case "sqlite":
            found = {"type": "sql", "uri": f"sqlite:///file:{quote(_file(rest, root))}?mode=ro&uri=true"}
        case "postgresql":
            found = {"type": "sql", "uri": _in_postgresql(str(settings.catalog), secrets)}
        case "glue":
            keys = {f"glue.{name}": secrets[key] for key, name in _STORED.items() if key in secrets}
            found = {"type": "glue", "glue.region": rest, "s3.region": rest, **keys}
        case _:
            found = {"type": "rest", "uri": str(settings.catalog), **_token(secrets)}
    # A catalog in a database would be made where there is none.
    return {**found, **plain, **stored, "init_catalog_tables": "false"}


def _in_postgresql(url: str, secrets: Mapping[str, str]) -> str:
    user, password = (quote(secrets[key], safe="") for key in ("user", "password"))
    tls = "sslmode=disable" if is_local(url) else "sslmode=verify-full&sslrootcert=system"
    place = url.partition("://")[2]
    return f"postgresql+psycopg://{user}:{password}@{place}?{tls}&options=-c%20default_transaction_read_only%3Don"


def _file(path: str, root: Path) -> str:
    found = inside(path, root)
    if not found.is_file():
        raise FileNotFoundError(path)
    return str(found)


def _token(secrets: Mapping[str, str]) -> dict[str, str]:
    if "token" in secrets:
        return {"token": secrets["token"]}
    if "client_id" in secrets:
        return {"credential": f"{secrets['client_id']}:{secrets['client_secret']}"}
    return {}
