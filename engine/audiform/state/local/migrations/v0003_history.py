"""Version 3: tombstones, the history of what changed something, and by what an erasure finds a dead letter."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE tombstone (
        digest TEXT PRIMARY KEY, identifier TEXT NOT NULL, request TEXT NOT NULL, at TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE history (
        id TEXT PRIMARY KEY, operation TEXT NOT NULL, who TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
        serial_before INTEGER NOT NULL, serial_after INTEGER, data TEXT NOT NULL, pinned INTEGER NOT NULL
    ) STRICT""",
    "ALTER TABLE dead_letter ADD COLUMN keys TEXT NOT NULL DEFAULT ''",
)
