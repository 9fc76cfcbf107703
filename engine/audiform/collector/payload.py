"""From the bytes of a request to JSON data, within limits: nothing that is sent can take more than its share."""

from __future__ import annotations

import zlib
from typing import Any

from audiform.collector.answers import TOO_LARGE, UNSUPPORTED, Refused, RefusedError
from audiform.shapes import is_list, is_map

_GZIP = 31
"""zlib's name for a window of 32 kB with gzip's header."""


def plain(body: bytes, encoding: bytes, most: int) -> bytes:
    """Return the body without its compression.

    Raises:
        RefusedError: it is larger than `most` bytes then, or cannot be read.
    """
    if encoding in {b"", b"identity"}:
        return body
    if encoding not in {b"gzip", b"x-gzip"}:
        raise RefusedError(Refused.UNSUPPORTED, "only gzip is read as a content encoding", UNSUPPORTED)
    reader = zlib.decompressobj(_GZIP)
    try:
        text = reader.decompress(body, most + 1)
    except zlib.error:
        raise RefusedError(Refused.NOT_JSON, "the body is not gzip, although its header says so") from None
    if len(text) > most:
        raise too_large(most)
    if not reader.eof:
        raise RefusedError(Refused.NOT_JSON, "the gzip of the body ends too early")
    return text


def too_large(most: int) -> RefusedError:
    """Return what is said of a body that is too large."""
    return RefusedError(Refused.TOO_LARGE, f"the body has more than {most:,} bytes", TOO_LARGE)


def parsed(text: bytes, depth: int) -> Any:
    """Return the JSON data of a text.

    Raises:
        RefusedError: it is no JSON, or is nested deeper than `depth`.
    """
    import orjson

    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RefusedError(Refused.NOT_JSON, "the body is not JSON in UTF-8") from None
    # So few brackets cannot be nested too deeply; most texts are told by this alone.
    if text.count(b"{") + text.count(b"[") > depth and _deeper(value, depth):
        raise RefusedError(Refused.TOO_DEEP, f"the JSON is nested deeper than {depth} levels")
    return value


def _deeper(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth + 1):
        below: list[Any] = []
        for each in level:
            if is_map(each):
                below += [item for item in each.values() if isinstance(item, dict | list)]
            elif is_list(each):
                below += [item for item in each if isinstance(item, dict | list)]
        if not below:
            return False
        level = below
    return True
