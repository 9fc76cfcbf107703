"""A batch as a file: on this machine, in object storage, or on a server over SFTP.

    POST SCHEME://PLACE/FOLDER?name=NAME&format=parquet|csv|jsonl   {"columns": [...], "rows": [...]}  -> {"file": PATH, "rows": COUNT}

The file is FOLDER/YYYY-MM-DD/NAME.FORMAT, with the day in UTC; it appears whole or not at all, and the same name is
written over. Every column is text. Schemes: `file`, `s3`, `gs`, `sftp`. `authorization: Basic` is user name and
password, or access key and its secret; without it `s3` and `gs` take what this machine has.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from audiform.outcome import Request, Response
from audiform.transports.answers import (
    BAD_REQUEST,
    CREATED,
    RefusedError,
    answer,
    answered,
    body_of,
)
from audiform.transports.library import library
from audiform.transports.places import NoAnswerError, Place, local, object_storage
from audiform.transports.sftp import sftp

_PLACES: Mapping[str, Callable[[Request, float], Place]] = {
    "file": local,
    "s3": object_storage,
    "gs": object_storage,
    "sftp": sftp,
}


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class FilesTransport:
    """Opens and closes a place for each file: a batch is a file, and files are few."""

    clock: Callable[[], datetime] = field(default=_now, repr=False)

    async def send(self, request: Request, timeout: float) -> Response:  # noqa: ASYNC109 - as the Protocol has it
        """Write the file of `request`."""
        try:
            return await answered(self._send, request, timeout)
        except NoAnswerError as error:
            return Response(0, error=str(error), sent=error.sent)

    async def close(self) -> None:
        """Nothing stays open."""

    def _send(self, request: Request, timeout: float) -> Response:
        parts = urlsplit(request.url)
        query, body = dict(parse_qsl(parts.query)), body_of(request)
        encode = _FORMATS.get(query.get("format", ""))
        name = query.get("name", "")
        if request.method != "POST" or encode is None or not name or "/" in name:
            raise RefusedError(
                BAD_REQUEST, f"a file is posted with its name, as one of {', '.join(_FORMATS)}"
            )
        folder = "/".join(part for part in unquote(parts.path).split("/") if part not in ("", ".", ".."))
        day = self.clock().astimezone(UTC).date().isoformat()
        path = f"{folder}/{day}/{name}.{query['format']}"
        content = encode(_table(body))
        _PLACES[parts.scheme](request, timeout)(path, content)
        return answer(CREATED, {"file": path, "rows": len(body["rows"])})


def _table(body: Mapping[str, Any]) -> Any:
    pa = library("pyarrow")
    columns = {
        name: pa.array([row.get(name) for row in body["rows"]], pa.string()) for name in body["columns"]
    }
    return pa.table(columns)


def _parquet(table: Any) -> bytes:
    sink = library("pyarrow").BufferOutputStream()
    library("pyarrow.parquet").write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _csv(table: Any) -> bytes:
    sink = library("pyarrow").BufferOutputStream()
    library("pyarrow.csv").write_csv(table, sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _jsonl(table: Any) -> bytes:
    """Write an object per line; what a row lacks is left out of it."""
    import orjson

    rows = ({name: value for name, value in row.items() if value is not None} for row in table.to_pylist())
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


_FORMATS: Mapping[str, Callable[[Any], bytes]] = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}
