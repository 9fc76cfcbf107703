"""The tables of a schema, step by step: one module per version, never edited once released."""

from __future__ import annotations

from audiform.state.postgresql.migrations.v0001_start import STATEMENTS as V1
from audiform.state.postgresql.migrations.v0002_ledger import STATEMENTS as V2
from audiform.state.postgresql.migrations.v0003_watermark import STATEMENTS as V3
from audiform.state.postgresql.migrations.v0004_last_run import STATEMENTS as V4

MIGRATIONS: tuple[tuple[str, ...], ...] = (V1, V2, V3, V4)
"""`MIGRATIONS[n]` brings version n to n + 1."""

VERSION = len(MIGRATIONS)
