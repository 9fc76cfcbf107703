"""What an inverse does to the configuration: records as they were before an entry, and what it created ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from audiform.address import Address, Kind, parse_address
from audiform.config.kinds import ADOPT
from audiform.config.project import Project
from audiform.execution.inverting import before_of
from audiform.plan.decision import Decision, Situation, Verb, situation_of
from audiform.plan.endings import decide_removed_binding
from audiform.plan.evolve import Evolved
from audiform.plan.facts import TypeFacts
from audiform.plan.fields import leaves
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, StepKind
from audiform.state.store import HistoryEntry, Record, StateView

_KINDS = (Kind.SOURCE, Kind.CONNECTOR, Kind.AUDIENCE, Kind.BINDING)
_APART = frozenset({"dependencies", "secrets", "destination_id"})
_REASON = "as it was before"
_CREATED = "it was created, and ends as it says"


@dataclass(slots=True)
class Undone:
    """Decisions in the order of kinds; `restored`: bindings by address, with the record that is put back.

    `notes`: what cannot be undone, and why.
    """

    decisions: list[Decision] = field(default_factory=list[Decision])
    restored: dict[Address, Record] = field(default_factory=dict[Address, Record])
    ended: set[Address] = field(default_factory=set[Address])
    notes: list[str] = field(default_factory=list[str])


def undo_configuration(
    project: Project, recorded: StateView, entry: HistoryEntry, types: Mapping[str, TypeFacts]
) -> Undone:
    """Return what puts the records back that the entry changed. `types`: facts by connector type."""
    undone = Undone()
    addresses = [parse_address(text) for text in entry.data.get("before", {})]
    kinds = {kind: number for number, kind in enumerate(Kind)}
    # What uses something first: what was created may end when everything that was created with it does.
    for address in sorted(addresses, key=lambda one: (-kinds[one.kind], one.name)):
        _undo(address, project, recorded, entry, types, undone)
    undone.decisions.sort(key=lambda one: (kinds[one.address.kind], one.address.name))
    return undone


def _undo(
    address: Address,
    project: Project,
    recorded: StateView,
    entry: HistoryEntry,
    types: Mapping[str, TypeFacts],
    undone: Undone,
) -> None:
    before, now = before_of(entry, address), recorded.records.get(address)
    done = _steps(entry, address)
    if address.kind not in _KINDS:
        undone.notes.append(f"{address} is not undone: an inverse puts back what fills destinations")
    elif StepKind.MOVE in done or StepKind.IMPORT in done:
        undone.notes.append(
            f"{address} is not undone: it was moved or imported; write an entry that moves or removes it"
        )
    elif before is None:
        if now is not None:
            _end(now, project, recorded, undone)
    elif now is None:
        _bring_back(before, done, entry, undone)
    elif _is_another(before, now):
        undone.notes.append(
            f"{address} is not undone: its destination was replaced, and the old one ended with its people"
        )
    elif _body(before) != _body(now):
        undone.decisions.append(_restore(before, now, entry, types, undone))


def _steps(entry: HistoryEntry, address: Address) -> set[str]:
    """Return the kinds of steps that the entry had for an address."""
    prefix = f"{address}/"
    return {text.removeprefix(prefix) for text in entry.data.get("steps", ()) if text.startswith(prefix)}


def _end(now: Record, project: Project, recorded: StateView, undone: Undone) -> None:
    """End what the entry has created."""
    if now.address.kind is not Kind.BINDING:
        users = [
            str(one.address)
            for one in recorded.records.values()
            if str(now.address) in one.body["dependencies"] and one.address not in undone.ended
        ]
        if users:
            undone.notes.append(f"{now.address} is not undone: {', '.join(users)} needs it")
            return
        change = Change(now.address, Action.DELETE, (), _CREATED)
        undone.ended.add(now.address)
        undone.decisions.append(Decision(change, (Verb(StepKind.FORGET, {"ledger": "drop"}),)))
        return
    decision = decide_removed_binding(now, _situation(project, recorded, now.address))
    undone.ended.add(now.address)
    undone.decisions.append(replace(decision, change=replace(decision.change, reason=_CREATED)))


def _situation(project: Project, recorded: StateView, ended: Address) -> Situation:
    """Return the situation in which only this binding is no longer in the project."""
    others = {name: one for name, one in project.bindings.items() if name != ended.name}
    alone = replace(project, connectors={}, bindings=others)
    return situation_of(alone, Evolved(recorded, origins=recorded.records), {}, {}, {})


def _bring_back(before: Record, done: set[str], entry: HistoryEntry, undone: Undone) -> None:
    """Record again what the entry has ended, unless its object is gone."""
    address = before.address
    if StepKind.DELETE_DESTINATION in done:
        undone.notes.append(
            f"{address} is not undone: its destination was deleted with everybody in it. Bring its YAML back and apply "
            "that: it makes a new one"
        )
        return
    change = Change(address, Action.CREATE, (), f"{_REASON}: it was ended", owner=before.body.get("owner"))
    undone.decisions.append(Decision(change, (Verb(StepKind.RESTORE, _target(before, entry)),)))
    if address.kind is Kind.BINDING:
        undone.restored[address] = before


def _restore(
    before: Record, now: Record, entry: HistoryEntry, types: Mapping[str, TypeFacts], undone: Undone
) -> Decision:
    """Put a record back that both had, and the object's attributes where the platform can change them."""
    address = before.address
    fields = tuple(
        FieldChange(path, old, new, ChangeCategory.METADATA, "put back")
        for path, old, new in leaves(_body(now), _body(before))
    )
    data = _target(before, entry)
    if address.kind is Kind.BINDING:
        data["id"] = now.body["destination_id"]
        undone.restored[address] = replace(
            before, body={**before.body, "destination_id": now.body["destination_id"]}
        )
        changed = any(one.path.startswith("destination.") for one in fields)
        if changed and _updates(before, types) and ADOPT not in before.body["destination"]:
            data["attributes"] = dict(before.body["destination"])
    change = Change(address, Action.UPDATE, fields, _REASON, owner=before.body.get("owner"))
    return Decision(change, (Verb(StepKind.RESTORE, data),))


def _updates(before: Record, types: Mapping[str, TypeFacts]) -> bool:
    facts = types.get(before.body["connector"])
    return facts is not None and facts.updates


def _target(record: Record, entry: HistoryEntry) -> dict[str, object]:
    if record.address.kind is not Kind.BINDING:
        return {"entry": entry.id}
    return {"entry": entry.id, "connector": record.body["connector"], "id": record.body["destination_id"]}


def _is_another(before: Record, now: Record) -> bool:
    """Whether a binding has another destination by now."""
    if before.address.kind is not Kind.BINDING or before.body["destination_id"] is None:
        return False
    return [before.body[key] for key in ("connector", "destination_id")] != [
        now.body[key] for key in ("connector", "destination_id")
    ]


def _body(record: Record) -> dict[str, object]:
    """Return what says something; digests of secrets are those of today, whatever is put back."""
    return {key: value for key, value in record.body.items() if key not in _APART}
