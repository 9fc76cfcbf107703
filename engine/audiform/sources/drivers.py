"""How each kind of database is reached through its driver: read-only and with a limit, where it knows such things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from audiform.config.kinds import Source
from audiform.config.source_settings import (
    BigQuerySettings,
    FlightSqlSettings,
    MysqlSettings,
    PostgresqlSettings,
    SnowflakeSettings,
    SqliteSettings,
)
from audiform.connectors.ways import is_local
from audiform.lazily import load
from audiform.plan.guard import seconds

_CONNECT_SECONDS: Final = 10
_MYSQL_PORT: Final = 3306
_NAME: Final = 63
"""What PostgreSQL keeps of an `application_name`."""


DRIVERS: Final[Mapping[str, str]] = {
    "delta": "deltalake",
    "iceberg": "pyiceberg",
    "postgresql": "adbc_driver_postgresql",
    "mysql": "asyncmy",
    "mariadb": "asyncmy",
    "sqlite": "adbc_driver_sqlite",
    "flightsql": "adbc_driver_flightsql",
    "snowflake": "adbc_driver_snowflake",
    "bigquery": "adbc_driver_bigquery",
}
"""Type of a source -> the Python package that it is read with, which the extra of the type's name brings."""


@dataclass(frozen=True, slots=True)
class Way:
    """What a driver is opened with. `options` of the database, `statement` of each statement. Never shown: it has secrets."""

    uri: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    statement: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True)
class Given:
    """What a source's settings do not hold. `file`: of a database that is one; `tag`: what is read, and for what."""

    secrets: Mapping[str, str] = field(repr=False)
    file: str
    tag: str


def way_to(source: Source, given: Given) -> Way:
    """Return how a database is reached."""
    return _WAYS[source.type](source.settings, given)


def connect(type_name: str, way: Way) -> Any:
    """Return a connection of the driver.

    Raises:
        ModuleNotFoundError: the driver is not installed.
    """
    if DRIVERS[type_name] == "asyncmy":
        return load("audiform.sources.mysql:MysqlConnection")(way.options)
    module = import_module(f"{DRIVERS[type_name]}.dbapi")
    place = {} if way.uri is None else {"uri": way.uri}
    options = {"db_kwargs": dict(way.options)} if way.options else {}
    return module.connect(**place, **options)


def _postgresql(settings: PostgresqlSettings, given: Given) -> Way:
    parts = urlsplit(settings.url)
    # As options of the connection, so that no statement comes before them.
    limits = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(seconds(settings.statement_timeout) * 1000),
    }
    if settings.search_path:
        limits["search_path"] = ",".join('"' + item.replace('"', '""') + '"' for item in settings.search_path)
    options = " ".join(f"-c {name}={_escaped(value)}" for name, value in limits.items())
    tls = (
        {"sslmode": "disable"}
        if is_local(settings.url)
        else {"sslmode": "verify-full", "sslrootcert": "system"}
    )
    query = {
        **tls,
        "connect_timeout": _CONNECT_SECONDS,
        "application_name": given.tag[:_NAME],
        "options": options,
    }
    user, password = (quote(given.secrets[name], safe="") for name in ("user", "password"))
    place = f"{parts.netloc}{parts.path}?{urlencode(query, quote_via=quote)}"
    return Way(f"postgresql://{user}:{password}@{place}")


def _escaped(value: str) -> str:
    """Return a value inside of libpq's `options`, where spaces and backslashes have a meaning."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


def _mysql(settings: MysqlSettings, given: Given) -> Way:
    parts = urlsplit(settings.url)
    options = {
        "host": parts.hostname or "",
        "port": str(parts.port or _MYSQL_PORT),
        "database": unquote(parts.path[1:]),
        "user": given.secrets["user"],
        "password": given.secrets["password"],
        "timeout": str(seconds(settings.statement_timeout)),
        "tls": "no" if is_local(settings.url) else "yes",
    }
    return Way(None, options)


def _sqlite(_settings: SqliteSettings, given: Given) -> Way:
    return Way(f"file:{quote(given.file)}?mode=ro")


def _flightsql(settings: FlightSqlSettings, given: Given) -> Way:
    limit = str(seconds(settings.statement_timeout))
    options = {
        "adbc.flight.sql.rpc.timeout_seconds.query": limit,
        "adbc.flight.sql.rpc.timeout_seconds.fetch": limit,
    }
    if "token" in given.secrets:
        options["adbc.flight.sql.authorization_header"] = f"Bearer {given.secrets['token']}"
    elif "user" in given.secrets:
        options |= {"username": given.secrets["user"], "password": given.secrets["password"]}
    return Way(settings.url, options)


def _snowflake(settings: SnowflakeSettings, given: Given) -> Way:
    place = "adbc.snowflake.sql"
    options = {
        "username": given.secrets["user"],
        f"{place}.account": settings.account,
        f"{place}.db": settings.database,
        f"{place}.warehouse": settings.warehouse,
        f"{place}.client_option.request_timeout": f"{seconds(settings.statement_timeout)}s",
        f"{place}.client_option.app_name": "audiform",
    }
    options |= {
        f"{place}.{name}": value
        for name, value in (("schema", settings.schema_), ("role", settings.role))
        if value is not None
    }
    if "private_key" in given.secrets:
        options[f"{place}.auth_type"] = "auth_jwt"
        options[f"{place}.client_option.jwt_private_key_pkcs8_value"] = given.secrets["private_key"]
    elif "token" in given.secrets:
        options |= {
            f"{place}.auth_type": "auth_pat",
            f"{place}.client_option.auth_token": given.secrets["token"],
        }
    else:
        options["password"] = given.secrets["password"]
    return Way(None, options, {"adbc.snowflake.statement.query_tag": given.tag})


def _bigquery(settings: BigQuerySettings, given: Given) -> Way:
    options = {"adbc.bigquery.sql.project_id": settings.project}
    if settings.dataset is not None:
        options["adbc.bigquery.sql.dataset_id"] = settings.dataset
    if settings.location is not None:
        options["adbc.bigquery.sql.location"] = settings.location
    if "service_account" in given.secrets:
        options["adbc.bigquery.sql.auth_type"] = "adbc.bigquery.sql.auth_type.json_credential_string"
        options["adbc.bigquery.sql.auth_credentials"] = given.secrets["service_account"]
    else:
        options["adbc.bigquery.sql.auth_type"] = "adbc.bigquery.sql.auth_type.auth_bigquery"
    return Way(None, options)


_WAYS: Final[Mapping[str, Callable[[Any, Given], Way]]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
    "flightsql": _flightsql,
    "snowflake": _snowflake,
    "bigquery": _bigquery,
}
"""Type of a source -> how it is reached. Options are those of the drivers 1.11 to 1.13."""
