"""From decisions to a plan: what was measured and what the guards say of it is put in. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audiform.address import Address, Kind
from audiform.config.kinds import Guards
from audiform.plan.decision import Decision, Situation
from audiform.plan.guard import Facts, evaluate, people, protected_delete, stricter
from audiform.plan.plan import Action, Change, Figure, GuardResult, Impact, StepKind

NOT_COUNTED = "not counted: --no-impact"


@dataclass(frozen=True, slots=True)
class Approvals:
    """What whoever plans approves: guards by `binding.guard`, deletions by address."""

    guards: frozenset[str] = frozenset()
    deletes: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, as the plan records them."""
        return (*sorted(self.guards), *sorted(self.deletes))


@dataclass(frozen=True, slots=True)
class Ended:
    """Members of a recorded binding, counted in the ledger; `alone`: those that no other binding holds there."""

    members: int
    alone: int


def judged_change(
    decision: Decision,
    situation: Situation,
    approvals: Approvals,
    *,
    sent: Facts | None = None,
    ended: Ended | None = None,
) -> Change:
    """Return the change with its impact, what the guards say of it, and what it does in words.

    `sent`: measured of a binding that will be synced; `ended`: counted of one whose destination ends.
    """
    change = decision.change
    if decision.address.kind is not Kind.BINDING or (sent is None and ended is None and not decision.undone):
        return change
    impact = impact_of(_kinds(decision), sent.impact if sent else None, ended)
    guards = (*change.guards, *_guards(decision, situation, approvals, sent, ended))
    notes = (*change.notes, *_notes(decision, ended), *_not_sent(sent))
    return replace(change, impact=impact, guards=guards, notes=notes)


def impact_of(kinds: Collection[StepKind], sent: Impact | None, ended: Ended | None) -> Impact | None:
    """Return what the steps of these kinds do to a binding's people; None where nobody was counted.

    `sent`: measured of the destination that is synced; `ended`: counted of the one that ends before.
    """
    end = ending_impact(kinds, ended) if ended else None
    if sent is None or end is None:
        return sent or end
    return replace(sent, removes=end.removes, members_before=end.members_before)


def ending_impact(kinds: Collection[StepKind], ended: Ended) -> Impact:
    """Return what the end of a recorded destination does to the people that Audiform added."""
    removed = 0
    if StepKind.DELETE_DESTINATION in kinds:
        removed = ended.members
    elif StepKind.REMOVE_MEMBERS in kinds:
        removed = ended.alone
    none = Figure("exact", 0)
    return Impact(none, Figure("exact", removed), none, Figure("exact", ended.members), none, {}, {})


def _kinds(decision: Decision) -> frozenset[StepKind]:
    return frozenset(verb.kind for verb in decision.verbs)


def _guards(
    decision: Decision, situation: Situation, approvals: Approvals, sent: Facts | None, ended: Ended | None
) -> Iterator[GuardResult]:
    name, address = decision.address.name, decision.address
    record = situation.recorded.records.get(address)
    kept = Guards.model_validate(record.body["guards"]) if record else None
    if ended is not None and kept is not None:
        # The guard that protects a deletion is the recorded one: to delete the YAML is not to delete the guard.
        yield from evaluate(
            name, kept, Facts(ending_impact(_kinds(decision), ended), ends=True), approvals.guards
        )
    if sent is not None:
        wanted = _wanted(decision.address, situation)
        held = stricter(wanted, kept, sent.impact.members_before.value) if kept and ended is None else wanted
        yield from evaluate(name, held, sent, approvals.guards)
    is_delete = decision.undone and decision.change.action is not Action.REPLACE
    if (
        record is not None
        and is_delete
        and (record.protected or situation.project.environment.file.protected)
    ):
        yield protected_delete(str(address), approvals.deletes)


def _wanted(address: Address, situation: Situation) -> Guards:
    own: Mapping[str, Any] = situation.project.bindings[address.name].guards.model_dump(exclude_none=True)
    return Guards.model_validate({**situation.guards, **own})


def _notes(decision: Decision, ended: Ended | None) -> Iterator[str]:
    if ended is None:
        return
    impact = ending_impact(_kinds(decision), ended)
    held = ended.members - impact.removes.value
    yield f"{people(impact.removes)} people leave the destination, {held:,} stay in it"


def _not_sent(sent: Facts | None) -> Iterator[str]:
    for signal, why in sent.impact.not_sent.items() if sent else ():
        yield f"{signal} is not sent: {why}"
