"""Makes the plan that undoes an entry of the history: its people first counted, its records shown, its guards asked.

Whom the entry added is removed, whom it removed is added again, as far as the ledger remembers them and nothing later has
moved them. What is not known any more is said. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from audiform import __version__
from audiform.address import Address, Kind, parse_address
from audiform.config.kinds import Guards
from audiform.delivery.restoring import is_known
from audiform.diagnostics import Diagnostic, DiagnosticError
from audiform.inverse.configuration import Undone, undo_configuration
from audiform.judging import judgement_of
from audiform.measure import count_ended, measure_restored
from audiform.plan.decision import Decision, Verb, situation_of
from audiform.plan.digest import config_digest
from audiform.plan.draft import judged_change
from audiform.plan.evolve import Evolved
from audiform.plan.facts import TypeFacts, facts_of
from audiform.plan.guard import Facts, evaluate
from audiform.plan.plan import Action, Change, Plan, Step, StepKind
from audiform.plan.serialise import VERSION
from audiform.planner import PlanOptions
from audiform.runtime import Runtime
from audiform.state.ledger import KEPT, destination_key
from audiform.state.store import HistoryEntry, Record, StateView

_BACK = (StepKind.RESTORE, StepKind.RESTORE_MEMBERS)
_HELD = (
    "no sync sends the bindings that it puts back before the next apply; what the definitions say wins then, unless they are "
    "reverted as well"
)


async def plan_inverse(runtime: Runtime, entry: HistoryEntry, options: PlanOptions) -> Plan:
    """Return the plan that undoes the entry.

    Raises:
        DiagnosticError: a connector type cannot be opened, or the entry is an erasure (`no-inverse`).
    """
    if entry.operation == "forget":
        raise DiagnosticError([_forgotten(entry)])
    recorded = runtime.store.read()
    undone = undo_configuration(runtime.project, recorded, entry, _types(runtime, recorded, entry))
    moves = _moves(runtime, recorded, entry, undone)
    decisions = _with_people(undone, moves, entry)
    changes = [await _change(runtime, recorded, undone, one, options) for one in decisions]
    now = runtime.clock()
    held = (_HELD,) if any(verb.kind in _BACK for one in decisions for verb in one.verbs) else ()
    plan = Plan(
        version=VERSION,
        tool=f"audiform {__version__}",
        project=runtime.project.name,
        environment=runtime.project.environment.name,
        lineage=recorded.lineage,
        serial=recorded.serial,
        config_digest=config_digest(runtime.project),
        manifest_digests=_manifests(runtime, recorded, decisions),
        created=now,
        expires=now + options.expires,
        changes=tuple(changes),
        steps=tuple(_steps(decisions, recorded, undone)),
        approvals=options.approvals.names,
        tolerance=options.tolerance,
        notes=(_head(entry), *undone.notes, *moves.notes, *held),
    )
    return replace(plan, policies=judgement_of(runtime.project, runtime.catalog, plan))


def _forgotten(entry: HistoryEntry) -> Diagnostic:
    return Diagnostic(
        "no-inverse",
        f"{entry.id[:12]} is an erasure, and that has no inverse: who was forgotten is not known any more, and is never sent again.",
    )


@dataclass(frozen=True, slots=True)
class _Moves:
    """Binding -> the data of the step that undoes its runs; `notes`: whom nobody knows any more, and why."""

    steps: Mapping[Address, Mapping[str, Any]]
    notes: Sequence[str]


def _head(entry: HistoryEntry) -> str:
    unended = ", which did not end: what it had under way is not known" if entry.ended is None else ""
    return f"this undoes the {entry.operation} {entry.id[:12]} of {entry.started:%Y-%m-%d %H:%M} UTC by {entry.who}{unended}"


def _moves(runtime: Runtime, recorded: StateView, entry: HistoryEntry, undone: Undone) -> _Moves:
    """Return what undoes the entry's runs, as far as the ledger remembers them."""
    steps: dict[Address, dict[str, Any]] = {}
    notes: list[str] = []
    session = runtime.ledger.open(write=False)
    try:
        for moved in entry.data.get("moved", ()):
            address = Address(Kind.BINDING, moved["binding"])
            record = undone.restored.get(address) or recorded.records.get(address)
            if address in undone.ended or not moved["parts"]:
                continue
            if record is None or _key(record) != moved["destination_key"]:
                notes.append(
                    f"{address}: whom it moved is not undone, because it fills another destination by now, or none"
                )
            elif not is_known(session, moved["destination_key"], moved["run"]):
                notes.append(
                    f"{address}: whom it moved is not known any more and stays as it is; the ledger remembers that for "
                    f"{KEPT.days} days"
                )
            else:
                body = record.body
                start = {"entry": entry.id, "connector": body["connector"], "id": body["destination_id"]}
                step = steps.setdefault(address, {**start, "runs": [], "modified": False})
                step["runs"].append(moved["run"])
                step["modified"] |= "modify" in moved["parts"]
    finally:
        session.close()
    return _Moves(steps, notes)


def _with_people(undone: Undone, moves: _Moves, entry: HistoryEntry) -> list[Decision]:
    """Return the decisions, with the people of each binding behind its record."""
    decisions: list[Decision] = []
    left = dict(moves.steps)
    for decision in undone.decisions:
        step = left.pop(decision.address, None)
        verbs = decision.verbs if step is None else (*decision.verbs, Verb(StepKind.RESTORE_MEMBERS, step))
        decisions.append(replace(decision, verbs=verbs))
    for address, step in sorted(left.items()):
        change = Change(address, Action.SYNC, (), f"undoes whom the {entry.operation} moved")
        decisions.append(Decision(change, (Verb(StepKind.RESTORE_MEMBERS, step),)))
    return decisions


async def _change(
    runtime: Runtime, recorded: StateView, undone: Undone, decision: Decision, options: PlanOptions
) -> Change:
    """Return the change with how many people it moves, and what the recorded guards say of that."""
    address = decision.address
    if decision.undone:
        project = replace(runtime.project, connectors={})
        situation = situation_of(project, Evolved(recorded, origins=recorded.records), {}, {}, {})
        ended = count_ended(runtime, {address: recorded.records[address]})[address]
        return judged_change(decision, situation, options.approvals, ended=ended)
    step = next((verb.data for verb in decision.verbs if verb.kind is StepKind.RESTORE_MEMBERS), None)
    if step is None:
        return decision.change
    record = undone.restored.get(address) or recorded.records[address]
    impact = await measure_restored(runtime, record, step)
    held = recorded.records.get(address, record)
    guards = Guards.model_validate(held.body["guards"])
    results = evaluate(address.name, guards, Facts(impact, ends=True), options.approvals.guards)
    notes = tuple(f"{signal} is not undone: {why}" for signal, why in impact.not_sent.items())
    change = decision.change
    return replace(change, impact=impact, guards=results, notes=(*change.notes, *notes))


def _steps(decisions: Sequence[Decision], recorded: StateView, undone: Undone) -> Iterator[Step]:
    """Yield the steps: what ends, what is put back with what it needs before it, people, and what is forgotten."""
    last: dict[Address, str] = {}
    ends = [one for one in decisions if one.address in undone.ended]
    for decision in (one for one in ends if one.address.kind is Kind.BINDING):
        yield from _chain(decision, (), last)
    for decision in (one for one in decisions if one.address not in undone.ended):
        record = undone.restored.get(decision.address) or recorded.records.get(decision.address)
        needs = [] if record is None else [parse_address(name) for name in record.body["dependencies"]]
        yield from _chain(decision, [last[need] for need in needs if need in last], last)
    for decision in reversed([one for one in ends if one.address.kind is not Kind.BINDING]):
        users = [address for address in last if _uses(recorded, address, decision.address)]
        yield from _chain(decision, [last[user] for user in users], last)


def _chain(decision: Decision, needs: Sequence[str], last: dict[Address, str]) -> Iterator[Step]:
    before = tuple(needs)
    for verb in decision.verbs:
        step = Step(f"{decision.address}/{verb.kind.value}", verb.kind, decision.address, before, verb.data)
        before, last[decision.address] = (step.id,), step.id
        yield step


def _uses(recorded: StateView, user: Address, address: Address) -> bool:
    record = recorded.records.get(user)
    return record is not None and str(address) in record.body["dependencies"]


def _types(runtime: Runtime, recorded: StateView, entry: HistoryEntry) -> dict[str, TypeFacts]:
    """Return what is known of the types of the connectors that the state has, by connector."""
    return {
        address.name: facts_of(runtime.recorded_client(address.name, record.body).connector_type)
        for address, record in recorded.records.items()
        if address.kind is Kind.CONNECTOR and entry.data.get("before")
    }


def _manifests(runtime: Runtime, recorded: StateView, decisions: Sequence[Decision]) -> Mapping[str, str]:
    """Return the digests of the types that the steps go through."""
    names = {verb.data["connector"] for one in decisions for verb in one.verbs if "connector" in verb.data}
    connectors = (recorded.records.get(Address(Kind.CONNECTOR, name)) for name in names)
    types = sorted({record.body["type"] for record in connectors if record is not None})
    return {name: runtime.catalog.get(name).digest for name in types}


def _key(record: Record) -> str | None:
    identity = record.body["destination_id"]
    return None if identity is None else destination_key(record.body["connector"], identity)
