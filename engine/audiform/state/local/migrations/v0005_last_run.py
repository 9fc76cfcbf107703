"""Version 5: what became of bindings when they were sent last."""

from __future__ import annotations

STATEMENTS = (
    """CREATE TABLE last_run (
        binding TEXT PRIMARY KEY, started TEXT NOT NULL, ended TEXT, result TEXT NOT NULL, failures INTEGER NOT NULL
    ) STRICT""",
)
