"""Where a project's events are on this machine, and what commands open there."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiform.config.project import Project
from audiform.forwarding.store import Looking, look
from audiform.state.open import state_directory

_FRESH_SECONDS = 5.0


def event_directory(project: Project) -> Path:
    """Return the folder of the log and of what forwarding remembers: beside the state, where that is a folder."""
    environment = project.environment.name
    beside = state_directory(project.state.url, project.root, environment)
    return (beside or project.root / ".audiform" / environment) / "events"


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
