"""The changes of entries in `imports`: an existing object becomes a binding's destination, with its members."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.plan.decision import Decision, Situation, Verb
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, StepKind
from audiform.plan.taken import Taken

IMPORTED = "its destination is imported"


def decide_imports(situation: Situation) -> Iterator[Decision]:
    """Yield one decision for each object that is taken into the state."""
    for address, taken in situation.evolved.taken.items():
        name: str = situation.project.bindings[address.name].connector
        reason = "the object is recorded as this binding's; nothing at the platform changes by that"
        field = FieldChange("destination_id", None, taken.identity, ChangeCategory.METADATA, reason)
        called = f"takes over `{taken.name}`" if taken.name else "takes over an existing object"
        change = Change(address, Action.IMPORT, (field,), called, notes=tuple(_members(taken)))
        data = {"connector": name, "id": taken.identity, "members": taken.adopts}
        yield Decision(change, (Verb(StepKind.IMPORT, data),))


def _members(taken: Taken) -> Iterator[str]:
    """Say who is adopted: whom a later removal covers."""
    if not taken.adopts:
        yield (
            "members: unknown (the platform does not list members); who is in it stays, and only whom Audiform sends from now on "
            "is ever removed"
        )
    elif taken.members is None:
        yield "members: unknown (not counted: --no-impact); they are adopted, so that later removals cover them"
    else:
        yield f"members: {taken.members:,}; they count as added by this binding from now on, so that later removals cover them"
    if taken.unreadable:
        yield f"not adopted: {taken.unreadable:,} that the type could not send; they stay there untouched"
