"""Does one step of a plan: the outside effect, and after it what is recorded. Decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.address import Address, Kind, parse_address
from audiform.client import ConnectorClient, PlatformError
from audiform.config.event_kinds import EventConnector, EventSource
from audiform.config.kinds import Connector
from audiform.delivery.adopting import adopt
from audiform.delivery.deliver import deliver, restore, withdraw
from audiform.delivery.progress import Progress
from audiform.delivery.readings import Readings
from audiform.delivery.report import Delivered
from audiform.diagnostics import DiagnosticError
from audiform.execution.destinations import Destinations, held_ids
from audiform.execution.failure import StepFailedError, failure_of, problems_of
from audiform.execution.inverting import restored
from audiform.execution.journal import Creation, Journal
from audiform.execution.report import Failure
from audiform.execution.turns import Turns
from audiform.imports import list_members
from audiform.plan.plan import Step, StepKind
from audiform.plan.records import put_back, record_of, secrets_of
from audiform.runtime import Runtime
from audiform.state.ledger import destination_key
from audiform.state.renaming import rename, renamed
from audiform.state.store import Intent, Record

Intents = Mapping[Address, Sequence[Intent]]


@dataclass(slots=True)
class Executor:
    """What all steps of one apply share. `records` is the state as it is after each step.

    `creations`: intents of interrupted creations, by binding. `unsent`: intents of deliveries that did not end.
    `readings`: the audiences of the bindings that are sent.
    """

    runtime: Runtime
    journal: Journal
    destinations: Destinations
    records: dict[Address, Record]
    approved: Sequence[str]
    progress: Progress
    creations: Intents
    unsent: Intents
    turns: Turns
    readings: Readings
    done: list[Step] = field(default_factory=list[Step], init=False)
    failed: list[Failure] = field(default_factory=list[Failure], init=False)
    delivered: list[Delivered] = field(default_factory=list[Delivered], init=False)
    withdrawn: list[Delivered] = field(default_factory=list[Delivered], init=False)

    def record(self, steps: Sequence[Step]) -> None:
        """Do the steps that only write state, in one transaction."""
        self._put(*(self._wanted(step.address) for step in steps))
        self.done.extend(steps)

    async def perform(self, step: Step) -> bool:
        """Do one step; whether it worked. Why it did not is kept in `failed`, or said by its delivery."""
        try:
            worked = await self._perform(step)
        except StepFailedError as error:
            self.failed.append(Failure(step, error.problems))
            return False
        except DiagnosticError as error:
            self.failed.append(Failure(step, problems_of(error)))
            return False
        if worked:
            self.done.append(step)
        return worked

    async def _perform(self, step: Step) -> bool:
        here: Mapping[StepKind, Callable[[Step], None]] = {
            StepKind.FORGET: self._forget,
            StepKind.MOVE: self._move,
            StepKind.RECORD: lambda one: self._put(self._wanted(one.address)),
        }
        if step.kind in here:
            here[step.kind](step)
            return True
        there: Mapping[StepKind, Callable[[Step], Awaitable[bool | None]]] = {
            StepKind.SYNC: self._sync,
            StepKind.REMOVE_MEMBERS: self._remove_members,
            StepKind.RESTORE_MEMBERS: self._restore_members,
            StepKind.RESTORE: self._restore,
            StepKind.CREATE_DESTINATION: self._create,
            StepKind.UPDATE_DESTINATION: self._update,
            StepKind.DELETE_DESTINATION: self._delete,
            StepKind.IMPORT: self._import,
        }
        return await there[step.kind](step) is not False

    async def _create(self, step: Step) -> None:
        name: str = step.data["connector"]
        connector = self.records[Address(Kind.CONNECTOR, name)]
        creation = Creation(self._wanted(step.address), connector.body)
        record = await self.destinations.create(
            self.runtime.client(name),
            creation,
            self.creations.get(step.address, ()),
            lambda: held_ids(self.records, name, step.address),
        )
        self.records[step.address] = record

    async def _import(self, step: Step) -> None:
        """Record an existing object; its members first, so that whoever is interrupted begins anew."""
        address, lineage = step.address, self.destinations.lineage
        client = self.runtime.client(step.data["connector"])
        intent = self.journal.intend(address, step.kind, step.data)
        record = await self.destinations.imported(client, self._wanted(address), step.data["id"])
        if step.data["members"]:
            destination = {**record.body["destination"], "id": step.data["id"]}
            try:
                listed = await list_members(client, self.runtime.scope(address.name, lineage, destination))
            except PlatformError as error:
                raise failure_of(error.outcome) from None
            manifest = client.connector_type.manifest
            await asyncio.to_thread(adopt, self.runtime, record, manifest, listed)
        self._put(record)
        self.journal.settle((intent,))

    async def _update(self, step: Step) -> None:
        client = self.runtime.client(step.data["connector"])
        intent = self.journal.intend(step.address, step.kind, step.data)
        await self.destinations.update(client, step.address, step.data["id"], step.data["attributes"])
        self._put(self._wanted(step.address))
        self.journal.settle((intent,))

    async def _delete(self, step: Step) -> None:
        name, identity = step.data["connector"], step.data["id"]
        intent = self.journal.intend(step.address, step.kind, step.data)
        await self.destinations.delete(
            self._recorded_client(name), step.address, identity, step.data["attributes"]
        )
        self._drop_members(destination_key(name, identity))
        record = self.records[step.address]
        self._put(replace(record, body={**record.body, "destination_id": None}))
        self.journal.settle((intent,))

    async def _remove_members(self, step: Step) -> bool:
        record = self.records[step.address]
        async with self.readings.other_turn(), self.turns.of(record):
            gone = await withdraw(self.runtime, step.address.name, record, progress=self.progress)
        self.withdrawn.append(gone)
        return gone.status == "done"

    async def _restore(self, step: Step) -> None:
        """Write the object's attributes of before, where they were others, and the record of before."""
        record = restored(self.runtime.store.history(), step, self.records.get(step.address))
        if record.address.kind is Kind.BINDING and "attributes" in step.data:
            intent = self.journal.intend(step.address, step.kind, step.data)
            client = self._recorded_client(step.data["connector"])
            await self.destinations.update(client, step.address, step.data["id"], step.data["attributes"])
            self._put(record)
            self.journal.settle((intent,))
            return
        self._put(record)

    async def _restore_members(self, step: Step) -> bool:
        """Put people back; the record says so first, so that no sync undoes a part of it when this is killed."""
        record = put_back(self.records[step.address], step.data["entry"])
        self._put(record)
        async with self.readings.other_turn(), self.turns.of(record):
            done = await restore(self.runtime, record, step.data["runs"], progress=self.progress)
        self.withdrawn.append(done)
        return done.status == "done"

    async def _sync(self, step: Step) -> bool:
        name = step.address.name
        async with self.readings.turn(name), self.turns.of(self.records[step.address]):
            sent = await deliver(
                self.runtime, name, approved=self.approved, progress=self.progress, readings=self.readings
            )
        self.delivered.append(sent)
        if sent.status == "done":
            self.journal.settle(self.unsent.get(step.address, ()))
        return sent.status == "done"

    def _move(self, step: Step) -> None:
        old = parse_address(step.data["from"])
        intent = self.journal.intend(step.address, step.kind, step.data)
        rename(self.runtime.store, self.runtime.ledger, old, step.address, self.runtime.clock)
        after = renamed(self.records, old, step.address)
        self.records.clear()
        self.records.update(after)
        self.journal.settle((intent,))

    def _forget(self, step: Step) -> None:
        address, record = step.address, self.records[step.address]
        identity = record.body.get("destination_id")
        if identity is not None and step.data["ledger"] == "drop":
            self._drop_members(destination_key(record.body["connector"], identity), address.name)
        self.runtime.store.remove(address)
        del self.records[address]
        if self.runtime.project.get(address) is None:
            # A replaced binding is forgotten as well, and must still be sent.
            self.journal.settle(self.unsent.get(address, ()))

    def _wanted(self, address: Address) -> Record:
        """Return the record of what the project says, with the destination that is known."""
        resource = self.runtime.project.get(address)
        types, secrets = dict[str, str](), dict[str, str]()
        if isinstance(resource, Connector | EventConnector):
            types = {resource.type: self.runtime.catalog.get(resource.type).digest}
        if isinstance(resource, Connector | EventConnector | EventSource):
            secrets = self.runtime.digests(secrets_of(resource))
        known = self.records.get(address)
        identity = known.body.get("destination_id") if known else None
        return record_of(
            self.runtime.project,
            address,
            type_digests=types,
            secret_digests=secrets,
            destination_id=identity,
        )

    def _put(self, *records: Record) -> None:
        self.runtime.store.put(*records)
        self.records.update((record.address, record) for record in records)

    def _recorded_client(self, name: str) -> ConnectorClient:
        body: Mapping[str, Any] = self.records[Address(Kind.CONNECTOR, name)].body
        return self.runtime.recorded_client(name, body)

    def _drop_members(self, key: str, binding: str | None = None) -> None:
        """Forget the members of a destination, or of one binding there, and how far that had read: nobody is there any more."""
        for record in self.records.values():
            if record.address.kind is Kind.BINDING and binding in (None, record.address.name):
                identity = record.body["destination_id"]
                if identity is not None and destination_key(record.body["connector"], identity) == key:
                    self.runtime.store.drop_watermark(record.address.name)
        session = self.runtime.ledger.open(write=True)
        try:
            session.drop(key, binding)
        finally:
            session.close()
