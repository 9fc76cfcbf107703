"""How object storage is reached: Arrow's file systems, with the credentials that are given, or those that the machine has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from audiform.config.source_settings import AzureSettings, GcsSettings, S3Settings, StorageSettings

_CONNECT_SECONDS: Final = 10
_REQUEST_SECONDS: Final = 60
_ATTEMPTS: Final = 3
_TOKEN_LASTS: Final = timedelta(hours=1)
"""How long an access token is taken to be good for: nothing in it says so."""


def filesystem(settings: StorageSettings, secrets: Mapping[str, str]) -> Any:
    """Return the file system that a source reads from; no request is made."""
    return _MADE[type(settings)](settings, secrets)


def _s3(settings: S3Settings, secrets: Mapping[str, str]) -> Any:
    from pyarrow import fs

    files: Any = fs
    return files.S3FileSystem(
        **secrets,
        **({} if settings.region is None else {"region": settings.region}),
        **_server(settings, "endpoint_override", "scheme"),
        connect_timeout=_CONNECT_SECONDS,
        request_timeout=_REQUEST_SECONDS,
        retry_strategy=files.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def _gcs(settings: GcsSettings, secrets: Mapping[str, str]) -> Any:
    from pyarrow import fs

    files: Any = fs
    until = {"credential_token_expiration": datetime.now(UTC) + _TOKEN_LASTS} if secrets else {}
    return files.GcsFileSystem(
        **secrets,
        **until,
        **_server(settings, "endpoint_override", "scheme"),
        retry_time_limit=timedelta(seconds=_REQUEST_SECONDS),
    )


def _azure(settings: AzureSettings, secrets: Mapping[str, str]) -> Any:
    from pyarrow import fs

    files: Any = fs
    return files.AzureFileSystem(
        account_name=settings.account,
        **secrets,
        **_server(settings, "blob_storage_authority", "blob_storage_scheme"),
        **_server(settings, "dfs_storage_authority", "dfs_storage_scheme"),
    )


def _server(settings: StorageSettings, host: str, scheme: str) -> dict[str, str]:
    """Return another server than the service's own as the arguments of these names."""
    if settings.endpoint is None:
        return {}
    before, _, after = settings.endpoint.partition("://")
    return {host: after, scheme: before}


_MADE: Final[Mapping[type[StorageSettings], Callable[[Any, Mapping[str, str]], Any]]] = {
    S3Settings: _s3,
    GcsSettings: _gcs,
    AzureSettings: _azure,
}
