"""The schema of `state.sqlite`, step by step: one module per version, never edited once released."""

from __future__ import annotations

from audiform.state.local.migrations.v0001_start import STATEMENTS as V1
from audiform.state.local.migrations.v0002_spent import STATEMENTS as V2
from audiform.state.local.migrations.v0003_history import STATEMENTS as V3
from audiform.state.local.migrations.v0004_watermark import STATEMENTS as V4
from audiform.state.local.migrations.v0005_last_run import STATEMENTS as V5

MIGRATIONS: tuple[tuple[str, ...], ...] = (V1, V2, V3, V4, V5)
"""`MIGRATIONS[n]` brings version n to n + 1."""

VERSION = len(MIGRATIONS)
