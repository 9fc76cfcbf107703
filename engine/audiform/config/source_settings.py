"""The settings of each type of source. What runs the audience's SQL follows from the type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    ValidationInfo,
    model_serializer,
)

from audiform.config.models import Model

_URL = r"^{}://[^/@?#]+/[^/?#]+$"
_BUCKET = r"^[a-z0-9$][a-z0-9._-]+$"
Timeout = Annotated[str, Field(pattern=r"^\d+(s|m|h|d)$", examples=["10m"])]


class BuiltByDbt(Model):
    """What a source has whose tables a dbt project may build."""

    manifest: str | None = Field(
        default=None,
        description="The dbt project's `manifest.json`, for audiences that are a `dbt_model`; below the project's folder",
        examples=["dbt/target/manifest.json"],
    )

    @model_serializer(mode="wrap")
    def _without_nothing(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Say nothing of a manifest that there is not: records from before there were any stay as they are."""
        found: dict[str, Any] = serialize(self)
        return found if self.manifest is not None else {key: found[key] for key in found if key != "manifest"}


class DuckDBSettings(BuiltByDbt):
    """Files read through DuckDB, or a DuckDB database opened read-only."""

    tables: dict[str, str] = Field(
        default_factory=dict, description="Table name -> file or glob (Parquet, CSV, JSON)"
    )
    database: str | None = Field(default=None, description="A .duckdb file, opened read-only")


class DeltaSettings(Model):
    """Delta tables in the project's folder, read through DuckDB; needs `audiform[delta]`."""

    tables: dict[str, str] = Field(min_length=1, description="Table name -> folder of the Delta table")


class IcebergSettings(Model):
    """Iceberg tables, read through DuckDB; needs `audiform[iceberg]`."""

    catalog: str | None = Field(
        default=None,
        pattern=r"^(https?://[^@?#]+|postgresql://[^/@?#]+/[^/?#]+|sqlite:[^?#]+|glue:[a-z0-9-]+)$",
        description="Where tables are listed (default: nowhere, they are folders of the project)",
        examples=[
            "https://catalog.example.com/api",
            "postgresql://db.example.com/lake",
            "sqlite:lake/catalog.db",
        ],
    )
    tables: dict[str, str] = Field(
        min_length=1,
        description="Table name -> its name in the catalog, such as `marts.customers`; without a catalog its folder",
    )
    catalog_name: str = Field(
        default="default", description="Which catalog, of those that a database may hold"
    )
    warehouse: str | None = Field(default=None, description="Which warehouse of the catalog")
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/@?#]+$",
        description="A server that speaks the protocol of S3, where tables are kept there",
    )
    region: str | None = Field(default=None, examples=["eu-central-1"])


class StorageSettings(Model):
    """Files in object storage, read through DuckDB."""

    bucket: str = Field(pattern=_BUCKET)
    tables: dict[str, str] = Field(
        min_length=1,
        description="Table name -> file or glob (Parquet, CSV, JSON lines), `**` for any number of folders",
    )
    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^/@?#]+$",
        description="Another server that speaks the same protocol",
        examples=["https://minio.example.com:9000"],
    )


class S3Settings(StorageSettings):
    """Files on S3, or on a server that speaks its protocol."""

    region: str | None = Field(default=None, examples=["eu-central-1"])


class GcsSettings(StorageSettings):
    """Files on Google Cloud Storage."""


class AzureSettings(StorageSettings):
    """Files on Azure Blob Storage or Data Lake Storage."""

    account: str = Field(pattern=r"^[a-z0-9]+$")
    bucket: str = Field(alias="container", pattern=_BUCKET)


class DatabaseSettings(BuiltByDbt):
    """What every database has: it runs the audience's SQL itself, in its own dialect."""

    freshness: str | None = Field(
        default=None,
        min_length=1,
        description="A SELECT of one timestamp: when the data was last written (for the guard `max_source_age`)",
        examples=["SELECT max(loaded_at) FROM customers"],
    )


class LimitedSettings(DatabaseSettings):
    """What a database has that can be told when to give up."""

    statement_timeout: Timeout = Field(default="30m", description="The longest that one statement may take")


class PostgresqlSettings(LimitedSettings):
    """A PostgreSQL database; needs `audiform[postgresql]`."""

    url: str = Field(
        pattern=_URL.format("postgresql"),
        description="Where it is; user and password stand in `credentials`",
        examples=["postgresql://db.example.com:5432/shop"],
    )
    search_path: tuple[str, ...] = Field(
        default=(), description="Schemas in which tables without one are sought"
    )


class MysqlSettings(LimitedSettings):
    """A MySQL or MariaDB database; needs `audiform[mysql]`."""

    url: str = Field(
        pattern=_URL.format("(mysql|mariadb)"),
        description="Where it is; user and password stand in `credentials`",
        examples=["mysql://db.example.com:3306/shop"],
    )


class SqliteSettings(DatabaseSettings):
    """A SQLite database in the project's folder, opened read-only; needs `audiform[sqlite]`."""

    database: str = Field(description="The file", examples=["data/shop.sqlite"])


class FlightSqlSettings(LimitedSettings):
    """A server that speaks Arrow Flight SQL; needs `audiform[flightsql]`."""

    url: str = Field(
        pattern=r"^grpc(\+tls)?://[^/@?#]+$",
        description="Where it is: `grpc+tls://`, or `grpc://` on this machine",
        examples=["grpc+tls://flight.example.com:443"],
    )


class SnowflakeSettings(LimitedSettings):
    """A Snowflake database; needs `audiform[snowflake]`."""

    account: str = Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", examples=["myorg-shop"])
    database: str
    warehouse: str
    schema_: str | None = Field(default=None, alias="schema")
    role: str | None = None


class BigQuerySettings(DatabaseSettings):
    """A BigQuery project; needs `audiform[bigquery]`."""

    project: str
    dataset: str | None = Field(default=None, description="In which tables without one are sought")
    location: str | None = Field(default=None, examples=["EU"])


SourceType = Literal[
    "duckdb",
    "delta",
    "iceberg",
    "s3",
    "gcs",
    "azure",
    "postgresql",
    "mysql",
    "mariadb",
    "sqlite",
    "flightsql",
    "snowflake",
    "bigquery",
]
SETTINGS: Final[Mapping[str, type[Model]]] = {
    "duckdb": DuckDBSettings,
    "delta": DeltaSettings,
    "iceberg": IcebergSettings,
    "s3": S3Settings,
    "gcs": GcsSettings,
    "azure": AzureSettings,
    "postgresql": PostgresqlSettings,
    "mysql": MysqlSettings,
    "mariadb": MysqlSettings,
    "sqlite": SqliteSettings,
    "flightsql": FlightSqlSettings,
    "snowflake": SnowflakeSettings,
    "bigquery": BigQuerySettings,
}
"""Type of a source -> the model of its `settings`."""
_OF_CATALOGS: Final = (set[str](), {"token"}, {"client_id", "client_secret"}, {"user", "password"})
_OF_STORAGE: Final = (set[str](), {"access_key", "secret_key"}, {"access_key", "secret_key", "session_token"})
CREDENTIALS: Final[Mapping[str, tuple[frozenset[str], ...]]] = {
    "postgresql": (frozenset({"user", "password"}),),
    "mysql": (frozenset({"user", "password"}),),
    "mariadb": (frozenset({"user", "password"}),),
    "flightsql": (frozenset({"user", "password"}), frozenset({"token"}), frozenset()),
    "snowflake": (
        frozenset({"user", "password"}),
        frozenset({"user", "private_key"}),
        frozenset({"user", "token"}),
    ),
    "bigquery": (frozenset({"service_account"}), frozenset()),
    "iceberg": tuple(frozenset(one | other) for one in _OF_CATALOGS for other in _OF_STORAGE),
    "s3": (
        frozenset({"access_key", "secret_key"}),
        frozenset({"access_key", "secret_key", "session_token"}),
        frozenset(),
    ),
    "gcs": (frozenset({"access_token"}), frozenset()),
    "azure": (
        frozenset({"account_key"}),
        frozenset({"sas_token"}),
        frozenset({"tenant_id", "client_id", "client_secret"}),
        frozenset(),
    ),
}
"""Type of a source -> the sets of credentials of which it takes one; any other type takes none."""


def as_settings(value: Any, info: ValidationInfo) -> Any:
    """Read `settings` as those of the source's type; of a type that there is not, nothing can be said of them."""
    model = SETTINGS.get(str(info.data.get("type")))
    if model is None:
        return DuckDBSettings()
    return value if isinstance(value, model) else model.model_validate(value)


def _kind(value: Any) -> str:
    return f"<{type(value).__name__}>"


SourceSettings = Annotated[
    Annotated[DuckDBSettings, Tag("<DuckDBSettings>")]
    | Annotated[DeltaSettings, Tag("<DeltaSettings>")]
    | Annotated[IcebergSettings, Tag("<IcebergSettings>")]
    | Annotated[S3Settings, Tag("<S3Settings>")]
    | Annotated[GcsSettings, Tag("<GcsSettings>")]
    | Annotated[AzureSettings, Tag("<AzureSettings>")]
    | Annotated[PostgresqlSettings, Tag("<PostgresqlSettings>")]
    | Annotated[MysqlSettings, Tag("<MysqlSettings>")]
    | Annotated[SqliteSettings, Tag("<SqliteSettings>")]
    | Annotated[FlightSqlSettings, Tag("<FlightSqlSettings>")]
    | Annotated[SnowflakeSettings, Tag("<SnowflakeSettings>")]
    | Annotated[BigQuerySettings, Tag("<BigQuerySettings>")],
    Discriminator(_kind),
]
"""The settings of a source, as they are once `as_settings` has read them."""
