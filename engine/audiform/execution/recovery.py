"""Finishes what a run that was killed had begun: its objects are found and recorded, before anything is planned.

A create that was under way is the only effect that must not be repeated. Everything else may be: a plan compares
what is there with what is wanted, so what an update or a deletion did not get to do is in the next plan.
Deliveries that did not end are no matter of recovery either: the plan reads them, and sends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from audiform.address import Address, parse_address
from audiform.client import ConnectorClient
from audiform.diagnostics import DiagnosticError
from audiform.execution.destinations import Destinations, held_ids
from audiform.execution.failure import StepFailedError
from audiform.execution.journal import Creation, Journal, by_address, creation_of, of_kind
from audiform.plan.plan import StepKind
from audiform.runtime import Runtime
from audiform.state.renaming import rename
from audiform.state.store import Intent, Record, StateView

_OPEN_IN_PLAN = frozenset({StepKind.CREATE_DESTINATION.value, StepKind.SYNC.value})


@dataclass(slots=True)
class Recovered:
    """`taken`: bindings whose object was found and recorded; `moved`: new addresses of finished moves.

    With either, a plan that was made before is no longer true.
    """

    taken: list[Address] = field(default_factory=list[Address])
    moved: list[Address] = field(default_factory=list[Address])
    notes: list[str] = field(default_factory=list[str])


async def recover(runtime: Runtime, leave: Callable[[Intent], bool] | None = None) -> Recovered:
    """Finish interrupted creations, except those for which `leave` holds: their step looks for the object itself.

    The caller holds the lock. What cannot be looked for now stays open for the next run.
    """
    pending = runtime.store.pending()
    recovered = Recovered()
    if not pending:
        return recovered
    _finish_moves(runtime, pending, recovered)
    recorded = runtime.store.create()
    journal = Journal(runtime.store)
    journal.settle(intent for intent in pending if intent.action not in _OPEN_IN_PLAN)
    destinations = Destinations(runtime, recorded.lineage, journal, recovered.notes.append)
    for intents in by_address(of_kind(pending, StepKind.CREATE_DESTINATION)).values():
        if leave is None or not leave(intents[-1]):
            await _finish(runtime, recorded, destinations, intents, recovered)
    return recovered


def _finish_moves(runtime: Runtime, pending: Sequence[Intent], recovered: Recovered) -> None:
    """Go on with moves that were under way: what the ledger keeps may be under the new name already."""
    for intent in of_kind(pending, StepKind.MOVE):
        old, new = parse_address(intent.data["from"]), intent.address
        records = runtime.store.read().records
        if old in records and new not in records:
            rename(runtime.store, runtime.ledger, old, new, runtime.clock)
            recovered.moved.append(new)
            recovered.notes.append(f"{new}: a move from {old} that was interrupted is finished")


async def _finish(
    runtime: Runtime,
    recorded: StateView,
    destinations: Destinations,
    intents: Sequence[Intent],
    recovered: Recovered,
) -> None:
    creation = creation_of(intents[0])
    address = creation.address
    known = recorded.records.get(address)
    if known is not None and known.body["destination_id"] is not None:
        destinations.journal.settle(intents)  # killed between recording and settling
        return
    try:
        client = runtime.recorded_client(creation.record.body["connector"], creation.connector)
        taken = await _taken(client, recorded, destinations, creation, intents)
    except (StepFailedError, DiagnosticError) as error:
        why = _said(error)
        recovered.notes.append(
            f"{address}: an interrupted run may have created `{creation.name}`, and it could not be looked for "
            f"({why}); the next apply tries again"
        )
        return
    if taken is not None:
        recovered.taken.append(address)
        return
    if client.connector_type.manifest.destination.find is None:
        recovered.notes.append(
            f"{address}: an interrupted run may have created `{creation.name}`, and "
            f"{client.connector_type.manifest.title} cannot be asked; look for it there and delete it"
        )
    destinations.journal.settle(intents)


async def _taken(
    client: ConnectorClient,
    recorded: StateView,
    destinations: Destinations,
    creation: Creation,
    intents: Sequence[Intent],
) -> Record | None:
    if client.connector_type.manifest.destination.find is None:
        return None
    held = held_ids(recorded.records, creation.record.body["connector"], creation.address)
    return await destinations.take(client, creation, intents, lambda: held)


def _said(error: StepFailedError | DiagnosticError) -> str:
    if isinstance(error, DiagnosticError):
        return "; ".join(item.detail for item in error.diagnostics)
    return str(error)
