"""Version 4: how far bindings have read their audiences."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE watermark (
        binding TEXT PRIMARY KEY, definition TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, whole TEXT NOT NULL,
        at TEXT NOT NULL
    ) STRICT""",
)
