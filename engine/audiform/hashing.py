"""Canonical JSON and content digests: the same data gives the same bytes everywhere."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

# Made once: `json.dumps` makes an encoder for each call that wants one of its own.
_ENCODE = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def canonical(value: Any) -> str:
    """Return `value` (JSON data, or what pydantic's `model_dump(mode="json")` gives) as canonical JSON text."""
    return _ENCODE(value)


def digest(value: Any) -> str:
    """Return the hex SHA-256 of the canonical JSON of `value`."""
    return digest_text(canonical(value))


def digest_text(text: str) -> str:
    """Return the hex SHA-256 of `text`."""
    return sha256(text.encode()).hexdigest()
