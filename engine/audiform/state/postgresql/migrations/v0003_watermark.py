"""Version 3: how far bindings have read their audiences."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE watermark (
        binding TEXT COLLATE "C" PRIMARY KEY, definition TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL,
        whole TEXT NOT NULL, at TEXT NOT NULL
    )""",
)
