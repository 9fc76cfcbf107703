"""Remote objects: created once whatever happens, updated, deleted.

A create whose answer is lost is *ambiguous*: the object may be there. Before anything is created a second time,
it is looked for: by its marker, where the platform has a field for one, else by its exact name among the objects
that were not there before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.address import Address, Kind
from audiform.client import ConnectorClient, PlatformError
from audiform.config.kinds import ADOPT
from audiform.connectors.manifest import Destination, Operation
from audiform.delivery.report import Problem
from audiform.destinations import meant
from audiform.diagnostics import Diagnostic
from audiform.execution.failure import StepFailedError, cannot, failure_of, several, unanswered, unknowable
from audiform.execution.journal import Creation, Journal, creation_of
from audiform.imports import object_of
from audiform.marker import mark, marker_in, marker_of_creation
from audiform.outcome import Category, Outcome, OutcomeKind
from audiform.runtime import Runtime
from audiform.state.store import Intent, Record

TRIES = 3
"""A create whose answer is lost, and that made nothing, is sent this often."""
PAUSE_SECONDS = 2.0
"""Platforms list what was just created a moment later."""
_ID = "destination.id"
Held = Callable[[], Collection[str]]


@dataclass(slots=True)
class Destinations:
    """The remote objects of one state. What the platform answers badly is a StepFailedError.

    `note` is told what whoever reads the report has to know beside the outcome.
    """

    runtime: Runtime
    lineage: str
    journal: Journal
    note: Callable[[str], None]
    _turns: defaultdict[int, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False, repr=False
    )

    async def create(
        self, client: ConnectorClient, creation: Creation, earlier: Sequence[Intent], held: Held
    ) -> Record:
        """Create the object, or take the one that an `earlier` intent has made; record it and return the record.

        `held` returns the ids of objects that other bindings have.
        """
        destination = _destination(client)
        if destination.external is not None:
            return self._recorded(creation, str(creation.attributes[destination.external]), earlier)
        if ADOPT in creation.attributes:
            return await self._adopted(client, creation, earlier)
        if destination.create is None:
            raise cannot(_title(client), "create destinations")
        if destination.marker is not None or destination.find is None:
            return await self._create(client, creation, earlier, held)
        # Without a marker only the name tells which object is new: one after the other.
        async with self._turns[id(client)]:
            before = (
                creation_of(earlier[0]).before
                if earlier
                else tuple(await self._named(client, destination.find, creation))
            )
            return await self._create(client, replace(creation, before=before), earlier, held)

    async def _adopted(
        self, client: ConnectorClient, creation: Creation, earlier: Sequence[Intent]
    ) -> Record:
        """Record the existing object that the project means. It is not written to: it stays as it is."""
        scope = self.runtime.scope(creation.address.name, self.lineage, {})
        try:
            found = await meant(client, scope, str(creation.attributes[ADOPT]))
        except PlatformError as error:
            raise failure_of(error.outcome) from None
        if isinstance(found, Diagnostic):
            raise StepFailedError(Problem(Category.DESTINATION_MISSING, found.detail, found.hint or ""))
        return self._recorded(creation, found.id, earlier)

    async def imported(self, client: ConnectorClient, record: Record, identity: str) -> Record:
        """Return the record with the existing object that its entry names: the one that was planned, or none."""
        wanted = next(
            one.wanted for one in self.runtime.project.evolution.imports if one.address == record.address
        )
        try:
            found = await object_of(self.runtime, client, record.address.name, wanted, self.lineage)
        except PlatformError as error:
            raise failure_of(error.outcome) from None
        if isinstance(found, Diagnostic):
            raise StepFailedError(Problem(Category.DESTINATION_MISSING, found.detail, found.hint or ""))
        if found.id != identity:
            message = f"`{wanted}` is another object by now than the one that was planned"
            raise StepFailedError(Problem(Category.DESTINATION_MISSING, message, "make a new plan"))
        return replace(record, body={**record.body, "destination_id": identity})

    async def take(
        self, client: ConnectorClient, creation: Creation, intents: Sequence[Intent], held: Held
    ) -> Record | None:
        """Find the object that one of the intents has made, and record it; None when there is none.

        Raises:
            StepFailedError: it cannot be looked for, or nobody can tell which one it is.
        """
        found = await self._found(client, creation, intents, held)
        if not found:
            return None
        if len(found) > 1 and _destination(client).marker is None:
            raise several(creation.name, _title(client), found)
        self.note(f"{creation.address}: the object of an interrupted creation was found and taken")
        if found[1:]:
            others = ", ".join(found[1:])
            self.note(
                f"{creation.address}: {others} carry its marker as well; nobody fills them, delete them"
            )
        return self._recorded(creation, found[0], intents)

    async def update(
        self, client: ConnectorClient, address: Address, identity: str, attributes: Mapping[str, Any]
    ) -> None:
        """Write the attributes of an existing object."""
        operation = _destination(client).update
        if operation is None:
            raise cannot(_title(client), "change destinations")
        outcome = await client.call(operation, self._scope(client, address, {**attributes, "id": identity}))
        if not outcome.ok:
            raise failure_of(outcome)

    async def delete(
        self, client: ConnectorClient, address: Address, identity: str, attributes: Mapping[str, Any]
    ) -> None:
        """Delete an object; one that is not there is as good as deleted."""
        operation = _destination(client).delete
        if operation is None:
            raise cannot(_title(client), "delete destinations")
        outcome = await client.call(operation, self._scope(client, address, {**attributes, "id": identity}))
        if not outcome.ok and outcome.category is not Category.DESTINATION_MISSING:
            raise failure_of(outcome)

    async def _create(
        self, client: ConnectorClient, creation: Creation, earlier: Sequence[Intent], held: Held
    ) -> Record:
        """Take what an earlier run has made, or create; look before each further try."""
        intents, finds = list(earlier), _destination(client).find is not None
        if intents and not finds:
            self.note(
                f"{creation.address}: an earlier run was interrupted while it created `{creation.name}`, and "
                f"{_title(client)} cannot be asked whether it did; if there are two, delete the one without members"
            )
        for _ in range(TRIES):
            if intents and finds:
                taken = await self.take(client, creation, intents, held)
                if taken is not None:
                    return taken
            intents.append(self.journal.intend_creation(creation, self._marker(creation.address)))
            made = await self._tried(client, creation, intents)
            if made is not None:
                return made
        taken = await self.take(client, creation, intents, held)
        if taken is None:
            raise unanswered(creation.name)
        return taken

    async def _tried(
        self, client: ConnectorClient, creation: Creation, intents: Sequence[Intent]
    ) -> Record | None:
        """Send the create once; None when nobody can tell what it did, but the platform can be asked."""
        destination = _destination(client)
        assert destination.create is not None  # noqa: S101 - `create` has looked
        scope = self._scope(client, creation.address, creation.attributes, intents[-1].marker)
        outcome = await client.call(destination.create, scope)
        identity = outcome.extracted.get(_ID)
        if outcome.ok and identity is not None:
            return self._recorded(creation, str(identity), intents)
        if _is_certain(outcome):
            self.journal.settle(intents[-1:])
            raise failure_of(outcome)
        if destination.find is None:
            raise unknowable(creation.name, _title(client), outcome)
        return None

    async def _found(
        self, client: ConnectorClient, creation: Creation, intents: Sequence[Intent], held: Held
    ) -> list[str]:
        """Return the ids of what the intents have made: one, or none, if all is well. Looks twice."""
        destination = _destination(client)
        if destination.find is None:
            raise cannot(_title(client), "look for destinations")
        for pause in (PAUSE_SECONDS, 0.0):
            if destination.marker is not None:
                mine = {intent.marker for intent in intents}
                found = await self._marked(client, destination.find, creation, mine)
            else:
                named = await self._named(client, destination.find, creation)
                found = [one for one in named if one not in creation.before]
            # One that was moved still carries the marker of its old name, which another binding may have by now.
            others = held()
            found = [one for one in found if one not in others]
            if found:
                return found
            await self.runtime.timing.sleep(pause)
        return []

    async def _marked(
        self, client: ConnectorClient, operation: Operation, creation: Creation, markers: Collection[str]
    ) -> list[str]:
        field_name, found = f"destination.{_destination(client).marker}", dict[str, None]()
        for marker in sorted(markers):
            entries = await self._listed(client, operation, creation, marker)
            found |= {str(one[_ID]): None for one in entries if marker_in(one.get(field_name)) == marker}
        return [*found]

    async def _named(self, client: ConnectorClient, operation: Operation, creation: Creation) -> list[str]:
        entries = await self._listed(client, operation, creation)
        name = creation.attributes.get("name")
        return [str(entry[_ID]) for entry in entries if entry.get("destination.name") == name]

    async def _listed(
        self, client: ConnectorClient, operation: Operation, creation: Creation, marker: str = ""
    ) -> list[Mapping[str, Any]]:
        scope = self._scope(client, creation.address, creation.attributes, marker)
        try:
            return [entry async for entry in client.listing(operation, scope)]
        except PlatformError as error:
            raise failure_of(error.outcome) from None

    def _recorded(self, creation: Creation, identity: str, intents: Sequence[Intent]) -> Record:
        record = creation.made(identity)
        self.runtime.store.put(record)
        self.journal.settle(intents)
        return record

    def _marker(self, address: Address) -> str:
        marker: str = self.runtime.scope(address.name, self.lineage, {})["marker"]
        return marker_of_creation(marker, self.journal.run)

    def _scope(
        self, client: ConnectorClient, address: Address, attributes: Mapping[str, Any], marker: str = ""
    ) -> dict[str, Any]:
        """Return what the templates may name, with the marker in its field: that of a creation, or the binding's."""
        scope = self.runtime.scope(address.name, self.lineage, attributes)
        scope["marker"] = marker or scope["marker"]
        marked = _destination(client).marker
        if marked is not None:
            scope["destination"][marked] = mark(attributes.get(marked), scope["marker"])
        return scope


def held_ids(records: Mapping[Address, Record], connector: str, own: Address) -> frozenset[str]:
    """Return the ids of the connector's objects that other bindings have."""
    return frozenset(
        record.body["destination_id"]
        for address, record in records.items()
        if address.kind is Kind.BINDING and address != own and record.body["connector"] == connector
    )


def _destination(client: ConnectorClient) -> Destination:
    return client.connector_type.manifest.destination


def _title(client: ConnectorClient) -> str:
    return client.connector_type.manifest.title


def _is_certain(outcome: Outcome) -> bool:
    """Whether the platform said no: nothing was made."""
    return not outcome.ok and outcome.kind is not OutcomeKind.RETRY and not outcome.unsure
