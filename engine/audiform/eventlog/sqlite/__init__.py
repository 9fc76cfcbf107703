"""The default log: one SQLite file beside the process that collects and forwards."""
