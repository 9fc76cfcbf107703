"""Takes events in over HTTP: Segment's tracking API, CloudEvents, plain JSON. Success means that they are in the log."""
