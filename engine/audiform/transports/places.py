"""Where files go: this machine's disk and object storage. A place writes a whole file at a path."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from audiform.outcome import Request
from audiform.transports.answers import (
    BAD_REQUEST,
    FORBIDDEN,
    NOT_FOUND,
    UNAUTHORIZED,
    UNAVAILABLE,
    RefusedError,
    header,
    login,
)
from audiform.transports.library import library

Place = Callable[[str, bytes], None]
"""Writes a file; raises RefusedError or NoAnswerError."""

_SAID = (
    ("ACCESS_DENIED", FORBIDDEN, "the access key may not write to the bucket"),
    ("NO_SUCH_BUCKET", NOT_FOUND, "the bucket does not exist"),
    ("NO_SUCH_KEY", NOT_FOUND, "the bucket does not exist"),
    ("INVALID_ACCESS_KEY_ID", UNAUTHORIZED, "the access key is not known"),
    ("INVALID_CLIENT_TOKEN_ID", UNAUTHORIZED, "the access key is not known"),
    ("SIGNATURE", UNAUTHORIZED, "the secret does not belong to the access key"),
    ("Forbidden", FORBIDDEN, "the credentials may not write to the bucket"),
    ("Unauthorized", UNAUTHORIZED, "the credentials are not accepted"),
)
"""What a message of the object storage holds -> status, and what is said of it. The first that fits counts."""


class NoAnswerError(Exception):
    """The place did not answer; `sent`: whether the file may be there all the same."""

    def __init__(self, text: str, *, sent: bool) -> None:
        self.sent = sent
        super().__init__(text)


def local(_request: Request, _timeout: float) -> Place:
    """Return this machine's disk: a file is written beside its place and then moved there."""

    def write(path: str, content: bytes) -> None:
        place = Path("/", path)
        beside = place.with_name(f".{place.name}.{os.getpid()}")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)  # left by a kill; whoever else has put a link there gets nothing
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(place)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise _refused_by_disk(error) from None

    return write


def object_storage(request: Request, timeout: float) -> Place:
    """Return a bucket of an object storage that speaks S3 or is of the scheme `gs`."""
    bucket = urlsplit(request.url).netloc
    filesystem = _FILESYSTEMS[urlsplit(request.url).scheme](request, timeout)

    def write(path: str, content: bytes) -> None:
        try:
            with filesystem.open_output_stream(f"{bucket}/{path}") as stream:
                stream.write(content)
        except OSError as error:
            raise _refused_by_storage(str(error)) from None

    return write


def _s3(request: Request, timeout: float) -> Any:
    user = login(request)
    keys = {} if user is None else {"access_key": user[0], "secret_key": user[1]}
    endpoint = header(request, "s3-endpoint")
    return library("pyarrow.fs").S3FileSystem(
        **keys,
        region=header(request, "s3-region"),
        endpoint_override=endpoint,
        scheme=urlsplit(endpoint).scheme if endpoint else "https",
        connect_timeout=min(timeout, 10),
        request_timeout=timeout,
        background_writes=False,
    )


def _gs(_request: Request, timeout: float) -> Any:
    return library("pyarrow.fs").GcsFileSystem(retry_time_limit=timedelta(seconds=timeout))


_FILESYSTEMS: dict[str, Callable[[Request, float], Any]] = {"s3": _s3, "gs": _gs}


def _refused_by_disk(error: OSError) -> RefusedError:
    match error:
        case PermissionError():
            return RefusedError(FORBIDDEN, "this user may not write into the folder")
        case FileExistsError() | NotADirectoryError():
            return RefusedError(BAD_REQUEST, "there is a file where the folder should be")
        case _:
            return RefusedError(UNAVAILABLE, f"the disk could not be written to ({error.strerror})")


def _refused_by_storage(text: str) -> Exception:
    """Return what a message means. Its own text is not shown: it names the file."""
    for sign, status, said in _SAID:
        if sign in text:
            return RefusedError(status, said)
    return NoAnswerError("the object storage did not answer, or broke off", sent=True)
