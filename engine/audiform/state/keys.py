"""The state's key: 32 random bytes, for keyed digests and for what is encrypted at rest. Each backend keeps it its way."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256

_BYTES = 32


def new_key() -> bytes:
    """Return a key for a new state."""
    return os.urandom(_BYTES)


def keyed_digest(key: bytes, purpose: str, value: str) -> str:
    """Return the hex HMAC-SHA256 of `value`; digests of different purposes never compare."""
    return hmac.new(key, f"{purpose}\0{value}".encode(), sha256).hexdigest()
