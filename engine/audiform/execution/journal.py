"""The journal of an apply: an intent before each outside effect, settled when the effect is recorded.

The intent of a create holds all that is needed to finish it later: the record to write, and the connector that it
goes through. Neither holds a secret.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.address import Address
from audiform.plan.plan import StepKind
from audiform.state.store import Intent, Record, StateStore


@dataclass(frozen=True, slots=True)
class Creation:
    """A remote object that is to be there, once. `record` has no id yet; `connector` is the connector's record body.

    `before`: ids of the objects of this name that are no creation of ours, where only the name can tell.
    """

    record: Record
    connector: Mapping[str, Any]
    before: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """The binding's."""
        return self.record.address

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The destination's, as the project says them."""
        attributes: Mapping[str, Any] = self.record.body["destination"]
        return attributes

    @property
    def name(self) -> str:
        """What people call the object."""
        return str(self.attributes.get("name", self.address.name))

    def made(self, identity: str) -> Record:
        """Return the record of the object with this id."""
        return replace(self.record, body={**self.record.body, "destination_id": identity})


@dataclass(frozen=True, slots=True)
class Journal:
    """One run's intents in the store."""

    store: StateStore
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def intend(
        self, address: Address, kind: StepKind, data: Mapping[str, Any] | None = None, marker: str = ""
    ) -> Intent:
        """Write that an effect is about to happen."""
        return self.store.intend(self.run, address, kind.value, marker, data or {})

    def intend_creation(self, creation: Creation, marker: str) -> Intent:
        """Write that an object is about to be created."""
        record = creation.record
        data = {
            "record": {"digest": record.digest, "body": record.body, "protected": record.protected},
            "connector": creation.connector,
            "before": list(creation.before),
        }
        return self.intend(creation.address, StepKind.CREATE_DESTINATION, data, marker)

    def settle(self, intents: Iterable[Intent]) -> None:
        """Write that the effects are recorded, or never were."""
        for intent in intents:
            self.store.settle(intent)


def creation_of(intent: Intent) -> Creation:
    """Return what an intent wanted to create."""
    record = intent.data["record"]
    return Creation(
        Record(intent.address, record["digest"], record["body"], record["protected"]),
        intent.data["connector"],
        tuple(intent.data["before"]),
    )


def of_kind(intents: Iterable[Intent], kind: StepKind) -> tuple[Intent, ...]:
    """Return the intents of one kind of step."""
    return tuple(intent for intent in intents if intent.action == kind.value)


def by_address(intents: Sequence[Intent]) -> dict[Address, tuple[Intent, ...]]:
    """Return address -> its intents, oldest first."""
    found: dict[Address, tuple[Intent, ...]] = {}
    for intent in intents:
        found[intent.address] = (*found.get(intent.address, ()), intent)
    return found
