"""Lets platforms validate what would be sent, where they can: one small batch of each binding, and nothing is done.

Who is in the batch leaves this machine, to the platform that gets everybody anyway; so it is done when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from audiform.address import Address, Kind
from audiform.audiences.selection import Selection, select
from audiform.client import ConnectorClient, Rows
from audiform.connectors.dry_run import dry_run_of
from audiform.connectors.manifest import SignalOperation
from audiform.delivery.barred import barred
from audiform.delivery.compare import compare
from audiform.delivery.readings import Alone
from audiform.delivery.rows import Outgoing, chunks
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.outcome import Outcome
from audiform.plan.bindings import is_active
from audiform.runtime import Runtime
from audiform.state.ledger import Part, destination_key
from audiform.state.store import StateView

MOST = 10
"""People in a rehearsed batch."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a platform said of a binding's first batch. `skipped`: it was not asked, for the reason in `message`."""

    binding: str
    status: Literal["accepted", "refused", "skipped"]
    message: str = ""
    people: int = 0


async def rehearse(runtime: Runtime, recorded: StateView, bindings: Sequence[str]) -> list[Rehearsed]:
    """Return what the platforms say of each binding, in the order given. Nothing is recorded.

    Raises:
        DiagnosticError: a source cannot be read, or a secret not resolved.
    """
    return list(await asyncio.gather(*(_one(runtime, recorded, name) for name in bindings)))


async def rehearse_all(runtime: Runtime, recorded: StateView) -> Sequence[str]:
    """Return what the platforms say of a batch of each active binding: also of those that only a sync would send.

    Raises:
        DiagnosticError: a platform would refuse a batch.
    """
    project = runtime.project
    active = [name for name, binding in project.bindings.items() if is_active(project, binding)]
    found = await rehearse(runtime, recorded, active)
    refused = [item for item in found if item.status == "refused"]
    if refused:
        raise DiagnosticError([_refused(item) for item in refused])
    return [_said(item) for item in found]


async def _one(runtime: Runtime, recorded: StateView, name: str) -> Rehearsed:
    binding = runtime.project.bindings[name]
    client = runtime.client(binding.connector)
    record = recorded.records.get(Address(Kind.BINDING, name))
    signal = client.connector_type.manifest.signals.get("add")
    dry = dry_run_of(signal) if isinstance(signal, SignalOperation) else None
    if dry is None:
        return Rehearsed(
            name, "skipped", f"{client.connector_type.manifest.title} does not validate without doing"
        )
    if (
        record is None
        or record.body["destination_id"] is None
        or record.body["connector"] != binding.connector
    ):
        return Rehearsed(name, "skipped", "its destination does not exist yet")
    selection = select(
        name, binding, runtime.project.audiences[binding.audience], client.connector_type.manifest
    )
    identity: str = record.body["destination_id"]
    destination = {**record.body["destination"], "id": identity}
    scope = runtime.scope(name, recorded.lineage, destination)
    key = destination_key(binding.connector, identity)
    rows = await _rows(runtime, client, selection, dry, scope, key)
    if not rows.count:
        return Rehearsed(name, "skipped", "nobody would be added")
    fields = [client.connector_type.manifest.identifiers[item].field for item in selection.identifiers]
    outcome = await client.send_batch(dry, {**scope, "identifiers": fields}, rows)
    return _judged(name, outcome, rows.count)


async def _rows(
    runtime: Runtime,
    client: ConnectorClient,
    selection: Selection,
    dry: SignalOperation,
    scope: dict[str, Any],
    key: str,
) -> Rows:
    """Return the first people who would be added, as they would be sent."""
    session = await asyncio.to_thread(runtime.ledger.open, write=False)
    try:
        reading = Alone(runtime.project, runtime.project.bindings[selection.binding].audience)
        known = barred(runtime, selection.binding)
        _, compared = await asyncio.to_thread(compare, session, reading, selection, key, known)
        if not compared.parts.get(Part.ADD):
            return Rows(b"", 0)
        few = dry.model_copy(update={"rows_per_request": min(MOST, dry.rows_per_request or MOST)})
        outgoing = Outgoing(
            Part.ADD,
            few,
            client.connector_type.manifest,
            tuple(selection.identifiers),
            tuple(selection.variables),
            client.constants(scope),
        )
        async for chunk in chunks(session, outgoing):
            first, last = chunk.requests(outgoing)[0]
            return chunk.rows(first, last)
        return Rows(b"", 0)
    finally:
        await asyncio.to_thread(session.close)


def _judged(name: str, outcome: Outcome, count: int) -> Rehearsed:
    if outcome.ok and not outcome.rejected_count:
        return Rehearsed(name, "accepted", people=count)
    words = [outcome.message] if outcome.message and not outcome.ok else []
    words += list(dict.fromkeys(error.message for error in outcome.rejected))
    text = "; ".join(words) or f"{outcome.rejected_count} of {count} people would not be taken"
    return Rehearsed(name, "refused", text, count)


def _said(item: Rehearsed) -> str:
    if item.status == "accepted":
        return f"binding.{item.binding}: the platform accepts a batch of {item.people} people; nothing was done there"
    return f"binding.{item.binding} was not validated by its platform: {item.message}"


def _refused(item: Rehearsed) -> Diagnostic:
    text = (
        f"The platform would not take what `binding.{item.binding}` sends: {item.message}. It was only asked; nothing was done "
        "there."
    )
    return Diagnostic("remote-validation-failed", text, address=Address(Kind.BINDING, item.binding))
