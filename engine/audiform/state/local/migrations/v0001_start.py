"""Version 1: records, journal, runs of batches, statistics, dead letters."""

from __future__ import annotations

STATEMENTS = (
    "CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE record (
        kind TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, protected INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (kind, name)
    ) WITHOUT ROWID""",
    # AUTOINCREMENT: the id of a settled intent is never given again.
    """CREATE TABLE intent (
        id INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        action TEXT NOT NULL, marker TEXT NOT NULL, data TEXT NOT NULL, started TEXT NOT NULL, settled TEXT
    )""",
    "CREATE INDEX intent_pending ON intent (id) WHERE settled IS NULL",
    """CREATE TABLE run (
        id TEXT PRIMARY KEY, binding TEXT NOT NULL, destination_key TEXT NOT NULL, data TEXT NOT NULL,
        started TEXT NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE batch (
        run TEXT NOT NULL REFERENCES run (id) ON DELETE CASCADE, number INTEGER NOT NULL, settled INTEGER NOT NULL,
        data TEXT NOT NULL, PRIMARY KEY (run, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE count (
        day TEXT NOT NULL, connector TEXT NOT NULL, binding TEXT NOT NULL, what TEXT NOT NULL, detail TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (day, connector, binding, what, detail)
    ) WITHOUT ROWID""",
    """CREATE TABLE dead_letter (
        binding TEXT NOT NULL, signal TEXT NOT NULL, identity TEXT NOT NULL, category TEXT NOT NULL,
        message TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (binding, signal, identity)
    ) WITHOUT ROWID""",
)
