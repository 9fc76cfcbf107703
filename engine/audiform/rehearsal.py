"""Lets platforms validate what would be sent, where they can: one small batch of each binding, and nothing is done.

Who is in the batch leaves this machine, to the platform that gets everybody anyway; so it is done when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from audiform.address import Address, Kind
from audiform.client import ConnectorClient, Rows
from audiform.connectors.dry_run import dry_run_of
from audiform.connectors.manifest import SignalOperation
from audiform.delivery.barred import barred
from audiform.delivery.compare import compare
from audiform.delivery.readings import Opened, Readings
from audiform.delivery.rows import Outgoing, chunks
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.outcome import Outcome
from audiform.plan.bindings import is_active
from audiform.runtime import Runtime
from audiform.state.ledger import Part, destination_key
from audiform.state.store import Record, StateView

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
    questions = [_question(runtime, recorded, name) for name in bindings]
    wanted = {one.binding: one.binding for one in questions if isinstance(one, _Question)}

    async def answer(one: _Question | Rehearsed) -> Rehearsed:
        if isinstance(one, Rehearsed):
            return one
        return await _asked(runtime, recorded.lineage, readings, one)

    async with Readings(runtime, wanted, write=False) as readings:
        return list(await asyncio.gather(*map(answer, questions)))


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


@dataclass(frozen=True, slots=True)
class _Question:
    """What a platform is asked with: the operation that validates, and where to."""

    binding: str
    client: ConnectorClient
    dry: SignalOperation
    record: Record


def _question(runtime: Runtime, recorded: StateView, name: str) -> _Question | Rehearsed:
    """Return how the platform of a binding is asked, or why it is not."""
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
    return _Question(name, client, dry, record)


async def _asked(runtime: Runtime, lineage: str, readings: Readings, question: _Question) -> Rehearsed:
    name, client = question.binding, question.client
    destination = {**question.record.body["destination"], "id": question.record.body["destination_id"]}
    scope = runtime.scope(name, lineage, destination)
    async with readings.turn(name), readings.opened(name) as opened, opened.comparing:
        rows = await _rows(runtime, question, opened, scope)
    if not rows.count:
        return Rehearsed(name, "skipped", "nobody would be added")
    fields = [client.connector_type.manifest.identifiers[item].field for item in opened.selection.identifiers]
    outcome = await client.send_batch(question.dry, {**scope, "identifiers": fields}, rows)
    return _judged(name, outcome, rows.count)


async def _rows(runtime: Runtime, question: _Question, opened: Opened, scope: dict[str, Any]) -> Rows:
    """Return the first people who would be added, as they would be sent."""
    body, selection = question.record.body, opened.selection
    key = destination_key(body["connector"], body["destination_id"])
    known = barred(runtime, question.binding)
    _, compared = await asyncio.to_thread(compare, opened.session, opened.reading, selection, key, known)
    if not compared.parts.get(Part.ADD):
        return Rows(b"", 0)
    dry = question.dry
    few = dry.model_copy(update={"rows_per_request": min(MOST, dry.rows_per_request or MOST)})
    outgoing = Outgoing(
        Part.ADD,
        few,
        selection.manifest,
        tuple(selection.identifiers),
        tuple(selection.variables),
        question.client.constants(scope),
    )
    async for chunk in chunks(opened.session, outgoing):
        first, last = chunk.requests(outgoing)[0]
        return chunk.rows(first, last)
    return Rows(b"", 0)


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
