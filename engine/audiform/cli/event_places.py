"""Where a project's events are on this machine, and what commands open there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from audiform.config.project import Project
from audiform.eventlog.open import event_directory
from audiform.forwarding.store import Looking, look

_FRESH_SECONDS = 5.0


@contextmanager
def looking(project: Project) -> Iterator[Looking]:
    """Yield what there is to look at; makes nothing."""
    found = look(event_directory(project))
    try:
        yield found
    finally:
        found.close()


def alive(found: Looking) -> Mapping[str, Mapping[str, Any]]:
    """Return how each process is that said so within the last seconds."""
    now = time.time()
    return {worker: body for worker, (at, body) in found.statuses().items() if now - at < _FRESH_SECONDS}
