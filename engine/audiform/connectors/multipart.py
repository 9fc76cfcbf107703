"""Files of rows, and the multipart bodies in which they are uploaded: written by the client, read by the stand-in."""

from __future__ import annotations

import csv
import gzip
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import md5, sha256
from io import StringIO
from typing import Any

from audiform.connectors.manifest import RowsFile
from audiform.connectors.template import as_text

_KIND = "multipart/form-data"
_CONTENT_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Form:
    """What a multipart body says: its texts, and its files by the name of their part."""

    texts: Mapping[str, str] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)


def file_of(template: RowsFile, rows: bytes) -> bytes:
    """Return the file of JSON rows that are joined with `,`. The same rows make the same file."""
    values = json.loads(b"[%b]" % rows)
    if template.format == "csv":
        lines = (",".join(map(_cell, row)) or '""' for row in values)
    else:
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in values)
    content = "".join(f"{line}\n" for line in lines).encode()
    return gzip.compress(content, mtime=0) if template.gzip else content


def _cell(value: Any) -> str:
    """Return a cell. The writer of the standard library does not quote a carriage return in every version."""
    text = "" if value is None else as_text(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(sign in text for sign in '",\r\n') else text


def rows_of(template: RowsFile, content: bytes) -> list[Any]:
    """Return the rows of a file.

    Raises:
        ValueError: it is not in the form that the template says.
    """
    try:
        text = (gzip.decompress(content) if template.gzip else content).decode()
    except (OSError, EOFError) as error:
        raise ValueError(str(error)) from None
    if template.format == "csv":
        return [row for row in csv.reader(StringIO(text, newline="")) if row]
    return [json.loads(line) for line in text.split("\n") if line]


def facts_of(content: bytes) -> dict[str, Any]:
    """Return what a request may say of its file."""
    return {
        "md5": md5(content, usedforsecurity=False).hexdigest(),
        "sha256": sha256(content).hexdigest(),
        "size": len(content),
    }


def write(texts: Sequence[tuple[str, str]], template: RowsFile, content: bytes) -> tuple[bytes, str]:
    """Return a body with the texts and then the file, and its content type."""
    boundary = f"audiform-{secrets.token_hex(16)}"
    kind = "application/gzip" if template.gzip else _CONTENT_TYPES[template.format]
    heads = [f'name="{name}"\r\n\r\n' for name, _ in texts]
    parts = [head.encode() + text.encode() for head, (_, text) in zip(heads, texts, strict=True)]
    head = f'name="{template.part}"; filename="{template.name}"\r\ncontent-type: {kind}\r\n\r\n'
    parts.append(head.encode() + content)
    opening = f"--{boundary}\r\ncontent-disposition: form-data; ".encode()
    body = b"".join(opening + part + b"\r\n" for part in parts)
    return body + f"--{boundary}--\r\n".encode(), f"{_KIND}; boundary={boundary}"


def read(content_type: str, body: bytes) -> Form | None:
    """Return what a body says; None when it is no multipart body."""
    if not content_type.startswith(_KIND):
        return None
    message = BytesParser(policy=HTTP).parsebytes(f"content-type: {content_type}\r\n\r\n".encode() + body)
    if not message.is_multipart():
        return None
    texts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", "", "content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)  # noqa: S101 - a part has no parts of its own
        if part.get_filename() is None:
            texts[name] = content.decode(errors="replace")
        else:
            files[name] = content
    return Form(texts, files)
