"""Existing objects that a project imports: found at the platform, read, and their members listed. Nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.address import Address, Kind
from audiform.client import ConnectorClient, PlatformError
from audiform.config.evolution import Importing
from audiform.config.kinds import ADOPT, Binding
from audiform.config.places import place_in
from audiform.connectors.identifiers import normalize
from audiform.delivery.adopting import Listed
from audiform.destinations import Existing, meant, said
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.plan.evolve import Conflict, Evolved, at_entry
from audiform.plan.facts import facts_of
from audiform.plan.prior import Observed, Presence
from audiform.plan.records import record_of
from audiform.plan.taken import Taken
from audiform.refresh import observe
from audiform.runtime import Runtime

MOST_PAGES = 50_000
"""Of a listing of members: some platforms give a hundred at a time."""


@dataclass(slots=True)
class Found:
    """What came of looking. `members`: of those whose platform lists them; `conflicts`: what cannot be imported."""

    taken: dict[Address, Taken] = field(default_factory=dict[Address, Taken])
    members: dict[Address, Listed] = field(default_factory=dict[Address, Listed])
    conflicts: list[Conflict] = field(default_factory=list[Conflict])


async def find_imports(runtime: Runtime, evolved: Evolved, *, members: bool = True) -> Found:
    """Look up what the entries of `imports` name that are not done yet. `members`: and list who is in it."""
    looking = _Looking(runtime, evolved, members)
    await asyncio.gather(*(looking.find(one) for one in evolved.imports))
    return looking.found


async def found_imports(runtime: Runtime, evolved: Evolved, *, members: bool) -> Found:
    """As `find_imports`, where all of it has to be found.

    Raises:
        DiagnosticError: something cannot be imported, each at its entry.
    """
    found = await find_imports(runtime, evolved, members=members)
    if found.conflicts:
        raise DiagnosticError(place_in(runtime.project.root, map(at_entry, found.conflicts)))
    return found


def with_imports(evolved: Evolved, runtime: Runtime, found: Found) -> Evolved:
    """Return the state as it will be once what was found is imported: what a plan compares the project with."""
    if not found.taken:
        return evolved
    records = {
        address: record_of(
            runtime.project, address, type_digests={}, secret_digests={}, destination_id=taken.identity
        )
        for address, taken in found.taken.items()
    }
    recorded = replace(evolved.recorded, records={**evolved.recorded.records, **records})
    return replace(
        evolved, recorded=recorded, origins={**evolved.origins, **records}, taken=dict(found.taken)
    )


async def object_of(
    runtime: Runtime, client: ConnectorClient, name: str, wanted: str, lineage: str
) -> Existing | Diagnostic:
    """Return the object that an entry names, or why it is not one.

    Raises:
        PlatformError: the platform cannot be asked.
    """
    binding, target = runtime.project.bindings[name], client.connector_type.manifest.destination
    title = client.connector_type.manifest.title
    own = target.external
    if own is not None and str(binding.destination.get(own)) != wanted:
        text = f"The binding fills `{binding.destination.get(own)}`, and the entry names `{wanted}`. Write the same in both."
        return Diagnostic("import-conflict", text)
    if own is None and target.find is None and target.read is None:
        text = f"{title} cannot be asked for an object, so nobody could tell whether it is the one that is meant."
        return Diagnostic("invalid-import", text)
    return await meant(client, runtime.scope(name, lineage, binding.destination), wanted)


async def list_members(client: ConnectorClient, scope: Mapping[str, Any]) -> Listed:
    """Return who is in an object, by what names a member there, as it would be sent; each once.

    Raises:
        PlatformError: the listing cannot be read to its end.
    """
    manifest = client.connector_type.manifest
    operation, key = manifest.destination.members, manifest.identity
    assert operation is not None  # noqa: S101 - the caller has looked
    values: dict[str, None] = {}
    unreadable = 0
    async for entry in client.listing(operation, scope, MOST_PAGES):
        given = entry.get(f"member.{key}")
        value = normalize(
            manifest.identifiers[key],
            None if given is None else str(given),
            region=None,
            already_hashed=False,
        )
        if value is None:
            unreadable += 1
        else:
            values[value] = None
    return Listed(tuple(values), unreadable)


@dataclass(slots=True)
class _Looking:
    """What all look-ups of one plan share."""

    runtime: Runtime
    evolved: Evolved
    members: bool
    found: Found = field(default_factory=Found)

    async def find(self, one: Importing) -> None:
        """Look up one entry; keep what it means, or why it means nothing."""
        try:
            problem = await self._found(one)
        except PlatformError as error:
            problem = Diagnostic(
                "import-conflict", f"`{one.wanted}` cannot be looked up: {said(error.outcome)}."
            )
        except DiagnosticError as error:
            problem = error.diagnostics[0]
        if problem is not None:
            self.found.conflicts.append(Conflict(one.entry, replace(problem, path=("id",))))

    async def _found(self, one: Importing) -> Diagnostic | None:
        name, lineage = one.address.name, self.evolved.recorded.lineage
        binding = self.runtime.project.bindings[name]
        client = self.runtime.client(binding.connector)
        existing = await object_of(self.runtime, client, name, one.wanted, lineage)
        if isinstance(existing, Diagnostic):
            return existing
        record = record_of(
            self.runtime.project, one.address, type_digests={}, secret_digests={}, destination_id=existing.id
        )
        observed = Observed(Presence.PRESENT)
        if client.connector_type.manifest.destination.read is not None:
            observed = await observe(self.runtime, client, record, lineage)
        problem = _taken_by(self.evolved, binding, existing.id, client) or _unchangeable(
            client, binding, observed
        )
        if problem is None:
            await self._keep(one, existing, observed, client)
        return problem

    async def _keep(
        self, one: Importing, existing: Existing, observed: Observed, client: ConnectorClient
    ) -> None:
        """Keep the object, with who is in it where the platform says so and somebody wants to know."""
        adopts, listed = client.connector_type.manifest.destination.members is not None, None
        if self.members and adopts:
            attributes = self.runtime.project.bindings[one.address.name].destination
            destination = {**attributes, "id": existing.id}
            scope = self.runtime.scope(one.address.name, self.evolved.recorded.lineage, destination)
            listed = self.found.members[one.address] = await list_members(client, scope)
        count, unreadable = (len(listed.values), listed.unreadable) if listed else (None, 0)
        self.found.taken[one.address] = Taken(existing.id, existing.name, observed, adopts, count, unreadable)


def _taken_by(
    evolved: Evolved, binding: Binding, identity: str, client: ConnectorClient
) -> Diagnostic | None:
    """Return why an object cannot be imported that another binding was recorded for: only some are shared."""
    if ADOPT in binding.destination or client.connector_type.manifest.destination.external is not None:
        return None
    for record in evolved.recorded.records.values():
        if record.address.kind is Kind.BINDING and (
            record.body["connector"],
            record.body["destination_id"],
        ) == (binding.connector, identity):
            text = (
                f"The object is the destination of `{record.address}` in the state. Apply the end of that first and import it "
                "then; or share it: `destination: {adopt: ...}`."
            )
            return Diagnostic("import-conflict", text)
    return None


def _unchangeable(client: ConnectorClient, binding: Binding, observed: Observed) -> Diagnostic | None:
    facts = facts_of(client.connector_type)
    for name, wanted in binding.destination.items():
        has = observed.attributes.get(name, wanted)
        if has != wanted and name != ADOPT and (name in facts.fixed or not facts.updates):
            text = (
                f"The binding says `{name}: {wanted}`, the object has `{has}`, and {facts.title} cannot change that of an existing "
                "one: it would be replaced at once. Write what it has."
            )
            return Diagnostic("import-conflict", text)
    return None
