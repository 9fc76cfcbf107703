"""The `file:` backend: SQLite for records, journal and figures, DuckDB for members."""
