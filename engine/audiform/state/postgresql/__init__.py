"""The `postgresql:` backend: records, journal, lock, figures and members in one schema of a database."""
