"""The digests by which the ledger and the tombstones know somebody, outside of SQL: the same texts, the same key, the same digests."""

from __future__ import annotations

import hashlib
import hmac
import uuid

_IDENTITY = b"audiform ledger: identity"


def identity_key(state_key: bytes) -> str:
    """Return the key of the ledger's digests."""
    return hmac.digest(state_key, _IDENTITY, "sha256").hex()[:32]


def tombstone_digest(key: str, identifier: str, value: str) -> str:
    """Return what `LedgerSession.digest` makes of `ledger.tombstone_text` of a value."""
    digest = hashlib.md5(f"{key}forgotten {identifier}={value}".encode(), usedforsecurity=False).digest()
    return str(uuid.UUID(bytes=digest[::-1]))
