"""Where an event connector sends."""

from __future__ import annotations

from dataclasses import dataclass

from audiform.event_client import EventSender
from audiform.events.route import Route


@dataclass(frozen=True, slots=True)
class Destination:
    """One event connector as it is applied. `window`: how long (seconds) an event is tried again.

    `deduplicates`: its platform knows an event by its id, so that one that is sent twice counts once.
    """

    name: str
    route: Route
    sender: EventSender
    window: float = 24 * 3600.0
    max_seconds: float = 0.05
    deduplicates: bool = False
