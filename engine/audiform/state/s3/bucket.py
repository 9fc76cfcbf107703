"""The objects below one prefix: read, written on a condition, listed, removed.

A conditional write has one winner: `If-None-Match: *` makes an object only where there is none, and `If-Match` replaces exactly
the one that was read. A write whose answer was lost on the way is told from somebody else's by a mark of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from audiform.state.s3.errors import boto, refused, talking
from audiform.state.s3.place import Place

_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_LOST = frozenset({"409", "412", "ConditionalRequestConflict", "PreconditionFailed", *_ABSENT})
_MARK = "audiform-write"
_DELETED_AT_ONCE = 1000
"""Keys of a request that deletes: the service's own limit."""


@dataclass(frozen=True, slots=True)
class Object:
    """What was read. `body` is None where it is what `etag` was known for."""

    etag: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a listing. `name` is what its key has after the prefix that was asked for."""

    name: str
    modified: datetime


class Lost(Exception):  # noqa: N818 - it says who won, and is no error by itself
    """A conditional write that somebody else won."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One process's way to the objects of a place. Safe to use from several threads."""

    place: Place

    @property
    def session(self) -> Any:
        """AWS's own: it finds the credentials."""
        return self._connected[0]

    def read(self, name: str, known: str | None = None) -> Object | None:
        """Return an object, None where there is none; without its body where it still is the one of the etag `known`."""
        condition = {} if known is None else {"IfNoneMatch": known}
        with talking(self.place):
            try:
                found = self._client.get_object(**self._where(name), **condition)
            except self._refusal as problem:
                if _code(problem) in _ABSENT:
                    return None
                if known is not None and _code(problem) in {"304", "NotModified"}:
                    return Object(known, None)
                raise
            with found["Body"] as body:
                return Object(found["ETag"], body.read())

    def write(self, name: str, body: bytes, known: str | None) -> str:
        """Write an object in place of the one whose etag is `known`, None: of none; return its etag. Durable then.

        Raises:
            Lost: there is another one by now.
        """
        condition = {"IfNoneMatch": "*"} if known is None else {"IfMatch": known}
        mark = uuid.uuid4().hex
        with talking(self.place):
            try:
                done = self._client.put_object(
                    **self._where(name), **condition, Body=body, Metadata={_MARK: mark}
                )
            except self._refusal as problem:
                if _code(problem) not in _LOST:
                    raise
            else:
                return str(done["ETag"])
            return self._ours(name, mark)

    def upload(self, path: Path, name: str) -> None:
        """Copy a file to an object, in pieces where it is large. Durable when it returns."""
        with talking(self.place), path.open("rb") as file:
            self._client.upload_fileobj(file, self.place.bucket, self.place.key(name))

    def download(self, name: str, handle: int) -> bool:
        """Copy an object to an open file, which is closed; return whether there is one."""
        with open(handle, "wb") as file, talking(self.place):
            try:
                self._client.download_fileobj(self.place.bucket, self.place.key(name), file)
            except self._refusal as problem:
                if _code(problem) in _ABSENT:
                    return False
                raise
        return True

    def list(self, prefix: str) -> Iterator[Listed]:
        """Yield the objects whose names begin with `prefix`."""
        start = self.place.key(prefix)
        with talking(self.place):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.place.bucket, Prefix=start
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Listed(item["Key"].removeprefix(start), item["LastModified"])

    def delete(self, names: Sequence[str]) -> None:
        """Remove objects; those that are not there count as removed.

        Raises:
            DiagnosticError: one of them was not (`state-refused`): it may hold somebody who is to be forgotten.
        """
        with talking(self.place):
            for start in range(0, len(names), _DELETED_AT_ONCE):
                keys = [{"Key": self.place.key(name)} for name in names[start : start + _DELETED_AT_ONCE]]
                answer = self._client.delete_objects(
                    Bucket=self.place.bucket, Delete={"Objects": keys, "Quiet": True}
                )
                if answer.get("Errors"):
                    raise refused(self.place, answer["Errors"][0])

    @property
    def _client(self) -> Any:
        return self._connected[1]

    @property
    def _connected(self) -> tuple[Any, Any]:
        with talking(self.place):
            return _connected(self.place.region, self.place.endpoint)

    @property
    def _refusal(self) -> Any:
        from botocore.exceptions import ClientError

        return ClientError

    def _where(self, name: str) -> dict[str, str]:
        return {"Bucket": self.place.bucket, "Key": self.place.key(name)}

    def _ours(self, name: str, mark: str) -> str:
        """Return the etag of an object that this very write made, before its answer was lost and it was tried again."""
        try:
            found = self._client.head_object(**self._where(name))
        except self._refusal as problem:
            if _code(problem) in _ABSENT:
                raise Lost from None
            raise
        if found["Metadata"].get(_MARK) != mark:
            raise Lost
        return str(found["ETag"])


@cache
def _connected(region: str | None, endpoint: str | None) -> tuple[Any, Any]:
    """Return a session and its client, one for the process: making them takes longer than a request."""
    session = boto().session.Session(region_name=region)
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60)
    return session, session.client("s3", endpoint_url=endpoint, config=config)


def _code(problem: Any) -> str:
    return str(problem.response.get("Error", {}).get("Code", ""))
