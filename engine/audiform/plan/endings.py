"""How a recorded binding ends: what its `on_delete` does to its destination and its people.

A destination that another binding fills as well is never deleted: only this binding's own members are removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audiform.plan.decision import Decision, Situation, Verb, destination_of
from audiform.plan.definitions import GONE, REMOVED
from audiform.plan.guard import prevented
from audiform.plan.plan import Action, Change, StepKind
from audiform.plan.prior import Observed, Presence
from audiform.state.store import Record


@dataclass(frozen=True, slots=True)
class Ending:
    """The verbs that end a destination's binding, and the sentence that says so."""

    verbs: tuple[Verb, ...]
    says: str


_SAYS = {
    "keep": "on_delete `keep`: destination and members stay, Audiform forgets them",
    "freeze": "on_delete `freeze`: destination and members stay as they are, remembered so that no other binding removes them",
    "remove_members": "on_delete `remove_members`: the members that Audiform added are removed, the destination stays",
    "delete_destination": "on_delete `delete_destination`: the destination is deleted with everybody in it",
}
_SHARED = "another binding fills this destination, so it is not deleted: only this binding's own members are removed"


def decide_removed_binding(record: Record, situation: Situation) -> Decision:
    """Return what happens to a recorded binding that the project no longer has."""
    why = REMOVED if record.address in situation.evolved.removals else GONE
    seen = situation.observed.get(record.address, Observed(Presence.UNKNOWN))
    if seen.presence is Presence.MISSING or record.body["destination_id"] is None:
        reason = f"{why}, and its destination is not at the platform"
        change = Change(record.address, Action.FORGET, (), reason, guards=prevented(record))
        return Decision(change, (_forget("drop"),))
    end = ending(record, situation)
    touches = any(verb.kind in (StepKind.REMOVE_MEMBERS, StepKind.DELETE_DESTINATION) for verb in end.verbs)
    action = Action.DELETE if touches else Action.FORGET
    change = Change(record.address, action, (), why, notes=(end.says,), guards=prevented(record))
    verbs = end.verbs if end.verbs[-1].kind is StepKind.FORGET else (*end.verbs, _forget("drop"))
    return Decision(change, verbs, undone=True)


def ending(record: Record, situation: Situation) -> Ending:
    """Return how the binding that `record` holds ends."""
    way = _way(record, situation)
    match way:
        case "freeze":
            return Ending((_forget("keep"),), _SAYS[way])
        case "delete_destination" if not _is_shared(record, situation):
            return Ending((Verb(StepKind.DELETE_DESTINATION, _target(record)),), _SAYS[way])
        case "delete_destination" | "remove_members":
            says = _SAYS[way] if way == "remove_members" else _SHARED
            return Ending((Verb(StepKind.REMOVE_MEMBERS, _target(record)), _forget("drop")), says)
        case _:
            return Ending((_forget("drop"),), _SAYS["keep"])


def _way(record: Record, situation: Situation) -> str:
    """Return what becomes of the binding's people: what an entry of `removed` says, or else what was recorded."""
    recorded: str = record.body["on_delete"]
    return situation.evolved.removals.get(record.address) or recorded


def _is_shared(record: Record, situation: Situation) -> bool:
    """Whether the destination must outlive this binding.

    It must while another binding stays on it or ended without deleting it. Of several that all delete it, the
    last by name does.
    """
    return any(
        _stays(other, situation)
        or _way(other, situation) != "delete_destination"
        or other.address > record.address
        for other in situation.holders[destination_of(record)]
        if other.address != record.address
    )


def _stays(record: Record, situation: Situation) -> bool:
    binding = situation.project.bindings.get(record.address.name)
    return binding is not None and binding.connector == record.body["connector"]


def _target(record: Record) -> dict[str, Any]:
    body = record.body
    return {
        "connector": body["connector"],
        "id": body["destination_id"],
        "attributes": dict(body["destination"]),
    }


def _forget(ledger: str) -> Verb:
    return Verb(StepKind.FORGET, {"ledger": ledger})
