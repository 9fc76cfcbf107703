"""What a message or a row of another source becomes: an event, or a note that there is none in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from audiform.collector.answers import RefusedError
from audiform.collector.cloudevents import from_binary, from_structured
from audiform.collector.drafts import Receipt, drafted
from audiform.collector.payload import parsed
from audiform.events.event import Event
from audiform.shapes import is_map

_DEPTH = 20
_SKEW = 3600.0


@dataclass(slots=True)
class Reading:
    """Makes events of one source. `refused` counts what could not be read, by reason."""

    source: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    refused: dict[str, int] = field(default_factory=dict[str, int])

    def message(self, data: bytes, place: str, headers: Mapping[bytes, bytes] | None = None) -> Event | None:
        """Return the event of a message at `place`; one that is none is counted, and never stops the others.

        `headers` are named as HTTP names them: with `ce-specversion` among them, they are a CloudEvent's attributes.
        """
        try:
            if headers and b"ce-specversion" in headers:
                return from_binary(headers, data, self._receipt())
            return self._event(parsed(data, _DEPTH), place)
        except RefusedError as error:
            self.refused[error.reason] = self.refused.get(error.reason, 0) + 1
            return None

    def row(self, said: Any, place: str) -> Event | None:
        """Return the event of a row that was read already."""
        try:
            return self._event(said, place)
        except RefusedError as error:
            self.refused[error.reason] = self.refused.get(error.reason, 0) + 1
            return None

    def _event(self, said: Any, place: str) -> Event:
        """Return an event whose id is the same each time that it is read: its own, or its place."""
        receipt = self._receipt()
        if is_map(said) and "specversion" in said:
            return from_structured(said, receipt)
        named = is_map(said) and any(said.get(key) for key in ("id", "messageId", "message_id"))
        return drafted(said if named or not is_map(said) else {**said, "id": place}, receipt)

    def _receipt(self) -> Receipt:
        return Receipt(self.source, self.clock(), _SKEW)
