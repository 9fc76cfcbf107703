"""What an erasure would do and what it did, destination by destination: counts and words, never a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from audiform.erasure.events import Events
from audiform.state.store import Record


class Way(StrEnum):
    """What can be done about a person in a destination."""

    REMOVE = "remove"
    """The platform takes them out of the destination."""
    DELETE = "delete"
    """The platform deletes its profile of them, whatever it is in."""
    CANNOT = "cannot"
    """The platform has no operation for either: somebody must do it at its console."""
    UNREACHABLE = "unreachable"
    """Nobody knows any more how the destination was reached."""
    PAST = "past"
    """They are no member any more; only what is remembered of it is erased."""


@dataclass(frozen=True, slots=True)
class Place:
    """One binding's part of a destination that received the person. `rows`: how often they are a member of it.

    `record` and `connector`: the binding's record and its connector's body, as last known; None where nobody knows.
    """

    destination_key: str
    binding: str
    rows: int
    way: Way
    title: str = ""
    documentation: str = ""
    record: Record | None = field(default=None, repr=False)
    connector: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def destination(self) -> str:
        """What people call the destination."""
        if self.record is None:
            return f"destination {self.destination_key[:12]}"
        attributes = self.record.body["destination"]
        return str(attributes.get("name") or self.record.body["destination_id"])


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a person in one place. `sent`: how often they were named to the platform; `answer`: in words."""

    place: Place
    at: datetime
    sent: int
    answer: str
    ok: bool
    kept: bool = False
    """The ledger still has them, because they could not be removed yet: the same command again goes on."""


@dataclass(frozen=True, slots=True)
class Erased:
    """The end of an erasure. `rows`: erased of the ledger; `letters`: of the dead letters; `tombstones`: all of them; `events`: of the log."""

    request: str
    receipts: tuple[Receipt, ...]
    rows: int
    letters: int
    tombstones: int
    events: Events

    @property
    def ok(self) -> bool:
        """Whether nothing is left to do, by this command or by somebody."""
        return all(receipt.ok for receipt in self.receipts)

    def data(self) -> dict[str, Any]:
        """Return what the history keeps."""
        return {
            "rows": self.rows,
            "letters": self.letters,
            "events": self.events.data(),
            "receipts": [receipt_data(receipt) for receipt in self.receipts],
        }


def place_data(place: Place) -> dict[str, Any]:
    """Return a place as JSON data."""
    connector = None if place.record is None else place.record.body["connector"]
    return {
        "binding": place.binding,
        "connector": connector,
        "title": place.title,
        "destination": place.destination,
        "records": place.rows,
        "way": place.way.value,
        "documentation": place.documentation,
    }


def receipt_data(receipt: Receipt) -> dict[str, Any]:
    """Return a receipt as JSON data."""
    return {
        **place_data(receipt.place),
        "at": receipt.at.isoformat(),
        "sent": receipt.sent,
        "answer": receipt.answer,
        "ok": receipt.ok,
        "kept": receipt.kept,
    }
