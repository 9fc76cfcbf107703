"""The difference between what is recorded, what is there and what the project says: one decision per resource."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.address import Address, Kind
from audiform.plan.bindings import decide_binding
from audiform.plan.decision import Decision, Situation
from audiform.plan.definitions import Definition, decide_definition, decide_removed_definition, touches
from audiform.plan.endings import decide_removed_binding
from audiform.plan.imports import IMPORTED, decide_imports
from audiform.plan.labels import labelled
from audiform.plan.moves import decide_moves
from audiform.plan.records import is_put_back

_DEFINED = tuple(kind for kind in Kind if kind is not Kind.BINDING)
UNSENT = "an earlier apply did not get to send its people"
UNDONE = "an inverse put its people back: an apply sends what the definition says"


def diff(situation: Situation) -> tuple[Decision, ...]:
    """Return what happens, in the order of kinds and names; resources to which nothing happens are left out."""
    decisions: list[Decision] = [*decide_moves(situation), *decide_imports(situation)]
    for kind in _DEFINED:
        decisions.extend(_definitions(kind, situation))
    touched = {decision.address: _touch(decision) for decision in decisions if touches(decision)}
    decisions.extend(_bindings(situation, touched))
    decisions.extend(_removed(situation))
    order = {kind: number for number, kind in enumerate(Kind)}
    return tuple(
        labelled(decision, situation)
        for decision in sorted(
            decisions, key=lambda decision: (order[decision.change.address[0]], decision.change.address[1])
        )
    )


def _definitions(kind: Kind, situation: Situation) -> Iterator[Decision]:
    project = situation.project
    resources: dict[str, Definition] = {
        **(project.sources if kind is Kind.SOURCE else {}),
        **(project.connectors if kind is Kind.CONNECTOR else {}),
        **(project.audiences if kind is Kind.AUDIENCE else {}),
        **(project.policies if kind is Kind.POLICY else {}),
        **(project.event_sources if kind is Kind.EVENT_SOURCE else {}),
        **(project.event_types if kind is Kind.EVENT_TYPE else {}),
        **(project.event_connectors if kind is Kind.EVENT_CONNECTOR else {}),
    }
    for name, resource in resources.items():
        decision = decide_definition(Address(kind, name), resource, situation)
        if decision is not None:
            yield decision


def _bindings(situation: Situation, touched: dict[Address, str]) -> Iterator[Decision]:
    for name, binding in situation.project.bindings.items():
        address = Address(Kind.BINDING, name)
        why = (
            UNSENT if address in situation.unsent else IMPORTED if address in situation.evolved.taken else ""
        )
        if is_put_back(situation.recorded.records.get(address)):
            why = UNDONE
        if touched:
            source = situation.project.audiences[binding.audience].source
            upstream = (
                Address(Kind.AUDIENCE, binding.audience),
                Address(Kind.CONNECTOR, binding.connector),
                Address(Kind.SOURCE, source),
            )
            why = next((touched[above] for above in upstream if above in touched), why)
        decision = decide_binding(address, binding, situation, why)
        if decision is not None:
            yield decision


def _touch(decision: Decision) -> str:
    names = dict.fromkeys(field.path.partition(".")[0] for field in decision.change.fields)
    fields = ", ".join("its type's manifest" if name == "type_digest" else name for name in names)
    return f"{decision.address} changes: {fields}"


def _removed(situation: Situation) -> Iterator[Decision]:
    present = situation.project.digests
    for address, record in situation.recorded.records.items():
        if address in present:
            continue
        removed_binding = address.kind is Kind.BINDING
        yield (
            decide_removed_binding(record, situation)
            if removed_binding
            else decide_removed_definition(record, situation)
        )
