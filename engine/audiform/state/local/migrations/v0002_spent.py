"""Version 2: which signed plans were applied."""

from __future__ import annotations

STATEMENTS = ("CREATE TABLE spent (digest TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT",)
