"""The changes of entries in `moved`: records get another name, and nobody is sent, removed or changed."""

from __future__ import annotations

from collections.abc import Iterator

from audiform.plan.decision import Decision, Situation, Verb
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, StepKind


def decide_moves(situation: Situation) -> Iterator[Decision]:
    """Yield one decision for each record that gets another address."""
    for move in situation.evolved.moves:
        reason = "the record and all that hangs on it get this name; nobody is sent, removed or changed"
        field = FieldChange("address", str(move.old), str(move.new), ChangeCategory.METADATA, reason)
        change = Change(move.new, Action.MOVE, (field,), reason=f"was {move.old}")
        yield Decision(change, (Verb(StepKind.MOVE, {"from": str(move.old)}),))
