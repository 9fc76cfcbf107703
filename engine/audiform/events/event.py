"""One event: what was received, where from, and when it happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, once. `repr` shows no `body`: it is about a person.

    `id` is unique: the sender's own (`messageId`, the `id` of a CloudEvent), else made at receipt. `type` is `track`,
    `identify`, `page`, `screen`, `group`, `alias` or the type of a CloudEvent; `name` is "Order Completed", None where an event
    has none. `time` says when it happened, `received` when it arrived: RFC 3339 in UTC, with milliseconds and `Z`.
    `body` is what was received, checked and limited: `user_id`, `anonymous_id`, `properties`, `traits`, `context`, ...;
    only the keys of its top level are in snake case.
    """

    id: str
    source: str
    type: str
    name: str | None
    time: str
    received: str
    body: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> bytes:
        """Return what a log stores."""
        import orjson

        return orjson.dumps(self)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the event that a log has stored."""
        import orjson

        return cls(**orjson.loads(data))
