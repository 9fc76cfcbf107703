"""Files in object storage as relations of a DuckDB connection: found by path or glob, read as far as a query needs them.

Arrow reads them, and DuckDB asks it for columns and rows: the connection itself reaches nothing outside of this machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from audiform.address import Address
from audiform.config.secret_references import SecretReference
from audiform.config.source_settings import StorageSettings
from audiform.diagnostics import Diagnostic, DiagnosticError, did_you_mean
from audiform.secret_stores.stores import SecretStores
from audiform.sources.filesystems import filesystem
from audiform.sources.paths import reader_of

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_WILD: Final = re.compile(r"[*?\[]")
_LISTED: Final = 200
_BLOCK: Final = 8 * 1024 * 1024
"""Bytes of a text file from which the types of its columns are told."""
_NANO: Final = 1_000_000_000
_MEANINGS: Final = (
    (("NO_SUCH_BUCKET", "ContainerNotFound", "bucket does not exist"), "there is no such bucket"),
    (
        (
            "ACCESS_DENIED",
            "INVALID_ACCESS_KEY",
            "SIGNATURE",
            "Permission denied",
            "PermissionDenied",
            "AuthenticationFailed",
            "403",
        ),
        "the credentials may not list or read it",
    ),
    (("NO_CREDENTIALS", "credential", "Credential"), "there are no credentials here that it accepts"),
    (
        ("NETWORK_CONNECTION", "curlCode", "resolve host", "timed out"),
        "there is no connection (host name, port or network)",
    ),
)
"""What a message of Arrow's may hold -> what it means. The rest of it names places and requests that help nobody."""


Credentials = Mapping[str, SecretReference]


@dataclass(frozen=True, slots=True)
class Found:
    """A file: its path with the bucket before it, its size in bytes, and when it was written (epoch nanoseconds)."""

    path: str
    size: int
    written: int


def open_storage(
    connection: DuckDBPyConnection,
    address: Address,
    settings: StorageSettings,
    credentials: Credentials,
    root: Path,
) -> float:
    """Make the tables of a source in object storage relations of `connection`; return when its newest file was written.

    Raises:
        DiagnosticError: there is no such file, it cannot be reached or read, or is of an unknown format.
    """
    files = _reached(address, settings, credentials, root)
    newest = 0
    for table, pattern in settings.tables.items():
        place = ("settings", "tables", table)
        found = _found(files, settings, pattern, address, place)
        with _saying(address, place, pattern):
            connection.register(
                table, _dataset(files, [file.path for file in found], pattern, address, place)
            )
        newest = max(newest, *(file.written for file in found))
    return newest / _NANO


def files_in(
    address: Address, settings: StorageSettings, credentials: Credentials, root: Path
) -> Iterator[str]:
    """Yield a line for each file of a source in object storage: another one means that it was written.

    Raises:
        DiagnosticError: as for `open_storage`.
    """
    files = _reached(address, settings, credentials, root)
    for table, pattern in sorted(settings.tables.items()):
        for file in _found(files, settings, pattern, address, ("settings", "tables", table)):
            yield f"{file.path} {file.size} {file.written}"


def _reached(address: Address, settings: StorageSettings, credentials: Credentials, root: Path) -> Any:
    stores = SecretStores()
    secrets = {key: stores.resolve(item, root) for key, item in credentials.items()}
    with _saying(address, (), ""):
        return filesystem(settings, secrets)


def _found(
    files: Any,
    settings: StorageSettings,
    pattern: str,
    address: Address,
    place: tuple[str, ...],
) -> list[Found]:
    """Return the files of a pattern, in order of their paths."""
    whole = f"{settings.bucket}/{pattern}"
    if ".." in pattern.split("/") or pattern.startswith("/"):
        detail = f"`{pattern}` leads out of the bucket: write the path of the file below it, without `..` and a slash before it."
        raise DiagnosticError([Diagnostic("invalid-value", detail, address=address, path=place)])
    with _saying(address, place, pattern):
        listed = _listed(files, whole)
    parts = whole.split("/")
    found = [
        Found(item.path, item.size, item.mtime_ns)
        for item in listed
        if item.is_file and _fits(item.path.split("/"), parts)
    ]
    if not found:
        raise DiagnosticError([_missing(files, settings, pattern, address, place)])
    return sorted(found, key=lambda file: file.path)


def _listed(files: Any, whole: str) -> list[Any]:
    """Return what stands in the folder that a pattern begins with; below it too where the pattern leads there."""
    from pyarrow import fs

    arrow: Any = fs
    wild = _WILD.search(whole)
    if wild is None:
        return list(files.get_file_info([whole]))
    folder = whole[: wild.start()].rpartition("/")[0]
    deep = "/" in whole[wild.start() :]
    return list(files.get_file_info(arrow.FileSelector(folder, recursive=deep, allow_not_found=True)))


def _fits(path: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path are as a glob's: `*` stays within a folder, `**` stands for any number of folders."""
    match pattern:
        case []:
            return not path
        case ["**", *rest]:
            return any(_fits(path[start:], rest) for start in range(len(path) + 1))
        case [first, *rest]:
            return bool(path) and fnmatchcase(path[0], first) and _fits(path[1:], rest)
        case _:
            return False


def _dataset(files: Any, paths: list[str], pattern: str, address: Address, place: tuple[str, ...]) -> Any:
    """Return some files as one table: columns that only some have are null in the others, `day=1` in a path is a column."""
    from pyarrow import dataset

    arrow: Any = dataset
    options = arrow.FileSystemFactoryOptions(
        partitioning=arrow.HivePartitioning.discover(),
        partition_base_dir=paths[0].partition("/")[0],
    )
    factory = arrow.FileSystemDatasetFactory(files, paths, _format(pattern, address, place), options)
    return factory.finish(factory.inspect(promote_options="permissive", fragments=None))


def _format(pattern: str, address: Address, place: tuple[str, ...]) -> Any:
    from pyarrow import csv, dataset, json

    arrow, text, lines = (dataset, csv, json)
    match reader_of(pattern, address, place):
        case "read_parquet":
            return arrow.ParquetFileFormat()
        case "read_json":
            return arrow.JsonFileFormat(read_options=lines.ReadOptions(block_size=_BLOCK))
        case _:
            tabs = any(pattern.removesuffix(end).endswith(".tsv") for end in ("", ".gz", ".zst"))
            return arrow.CsvFileFormat(
                text.ParseOptions(delimiter="\t" if tabs else ",", newlines_in_values=True),
                # As in files on this machine: nothing between two commas is null.
                convert_options=text.ConvertOptions(null_values=[""], strings_can_be_null=True),
                read_options=text.ReadOptions(block_size=_BLOCK),
            )


@contextmanager
def _saying(address: Address, place: tuple[str, ...], pattern: str) -> Iterator[None]:
    """Say what Arrow cannot reach or read; its own messages may quote data."""
    try:
        yield
    except (OSError, ValueError, TypeError) as error:
        raise DiagnosticError([_failed(error, address, place, pattern)]) from None


def _failed(error: Exception, address: Address, place: tuple[str, ...], pattern: str) -> Diagnostic:
    what = f"`{pattern}` of `{address}`" if pattern else f"`{address}`"
    for words, meaning in _MEANINGS:
        if isinstance(error, OSError) and any(word in str(error) for word in words):
            detail = f"{what} cannot be read: {meaning}."
            return Diagnostic("source-unreachable", detail, address=address, path=place)
    detail = f"{what} cannot be read: it is not what its ending says, or damaged ({type(error).__name__})."
    if ".json" in pattern:
        detail += " JSON has to be one object in each line."
    return Diagnostic("source-unreadable", detail, address=address, path=place)


def _missing(
    files: Any, settings: StorageSettings, pattern: str, address: Address, place: tuple[str, ...]
) -> Diagnostic:
    detail = f"There is no file `{pattern}` in `{settings.bucket}`, so nobody can be read from it."
    near: list[str] = []
    with suppress(OSError):
        folder = f"{settings.bucket}/{pattern}".rpartition("/")[0]
        near = [item.path.partition("/")[2] for item in _listed(files, f"{folder}/*") if item.is_file]
    hint = did_you_mean(pattern, near[:_LISTED])
    return Diagnostic("source-file-missing", detail, hint=hint, address=address, path=place)
