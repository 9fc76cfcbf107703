"""From what a client says of an event to the event: Segment's words and plain JSON, with names in either case."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from audiform.collector.answers import Refused, RefusedError
from audiform.collector.times import happened, moment_of, text_of
from audiform.events.event import Event
from audiform.shapes import is_map

CALLS = frozenset({"track", "identify", "page", "screen", "group", "alias"})
"""Segment's calls, which say what must be there."""
_MOST_TEXT = 512
_TAKEN_OUT = frozenset(
    {"message_id", "id", "type", "event", "name", "timestamp", "time", "sent_at", "write_key", "received_at"}
)
_OBJECTS = frozenset({"properties", "traits", "context", "integrations"})
_WHO = frozenset({"user_id", "anonymous_id", "previous_id", "group_id"})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What holds for all events of a request."""

    source: str
    received: datetime
    max_skew: float
    sent: datetime | None = None


def receipt_of(said: Mapping[str, Any], receipt: Receipt) -> Receipt:
    """Return the receipt with the sender's clock, where a request says it."""
    sent = moment_of(said.get("sentAt") or said.get("sent_at"))
    return receipt if sent is None else Receipt(receipt.source, receipt.received, receipt.max_skew, sent)


def drafted(said: Any, receipt: Receipt, call: str | None = None) -> Event:
    """Return the event that a client's JSON object says; `call` is the type where the path says it.

    Raises:
        RefusedError: something is missing or is not what it should be.
    """
    if not is_map(said):
        raise RefusedError(Refused.INVALID, "an event is a JSON object")
    fields = {_snake(name): value for name, value in said.items()}
    kind = call or _text(fields, "type") or "track"
    body = {name: value for name, value in fields.items() if name not in _TAKEN_OUT and value is not None}
    _check(body)
    own = receipt if "sent_at" not in fields else receipt_of(fields, receipt)
    moment = happened(fields.get("timestamp", fields.get("time")), own.sent, own.received, own.max_skew)
    received = text_of(receipt.received)
    return Event(
        _text(fields, "message_id") or _text(fields, "id") or uuid.uuid4().hex,
        receipt.source,
        kind,
        _text(fields, "event") or _text(fields, "name"),
        received if moment is receipt.received else text_of(moment),
        received,
        body,
    )


def called(said: Any, receipt: Receipt, call: str | None = None) -> Event:
    """Return the event of one of Segment's calls, which say what must be there.

    Raises:
        RefusedError: as for `drafted`.
    """
    event = drafted(said, receipt, call)
    if event.type not in CALLS:
        raise RefusedError(Refused.INVALID, f"`type` is one of {', '.join(sorted(CALLS))}")
    if not (event.body.get("user_id") or event.body.get("anonymous_id")):
        raise RefusedError(Refused.INVALID, "it needs a `userId` or an `anonymousId`")
    if event.type == "track" and not event.name:
        raise RefusedError(Refused.INVALID, "`track` needs the name of the `event`")
    if event.type == "group" and not event.body.get("group_id"):
        raise RefusedError(Refused.INVALID, "`group` needs a `groupId`")
    if event.type == "alias" and not event.body.get("previous_id"):
        raise RefusedError(Refused.INVALID, "`alias` needs a `previousId`")
    return event


def _check(body: dict[str, Any]) -> None:
    """Look at the parts that have a form; ids that are numbers become texts, as Segment does it."""
    for name, value in body.items():
        if name in _WHO:
            body[name] = _text(body, name)
        elif name in _OBJECTS and not is_map(value):
            raise RefusedError(Refused.INVALID, f"`{name}` is a JSON object")


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if type(value) is str and 0 < len(value) <= _MOST_TEXT:
        return value  # most of them
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or len(value) > _MOST_TEXT:
        raise RefusedError(Refused.INVALID, f"`{name}` is a text of at most {_MOST_TEXT} characters")
    return value


@lru_cache(maxsize=1_024)
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower().replace("-", "_")
