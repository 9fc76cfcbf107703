"""`audiform sync --watch`: sends each binding when it is due, until it is stopped."""
