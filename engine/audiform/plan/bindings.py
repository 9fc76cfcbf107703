"""Decides what happens to the bindings of the project: their destinations, and the people in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audiform.address import Address, Kind
from audiform.config.kinds import Binding
from audiform.config.project import Project
from audiform.plan.decision import Decision, Situation, Verb
from audiform.plan.definitions import created, same_meaning
from audiform.plan.endings import Ending, ending
from audiform.plan.facts import TypeFacts
from audiform.plan.fields import leaves
from audiform.plan.guard import prevented
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, StepKind
from audiform.plan.prior import Observed, Presence
from audiform.plan.records import body_of, record_of, recorded_schedule
from audiform.plan.rules import judged
from audiform.state.store import Record

_BOOKKEEPING = frozenset({"destination", "destination_id", "dependencies"})
_OUTSIDE = "changed outside of Audiform"
_FORGET = Verb(StepKind.FORGET, {"ledger": "drop"})


def is_active(project: Project, binding: Binding) -> bool:
    """Whether the binding sends: it, its connector, its audience and the audience's source are all switched on."""
    audience = project.audiences[binding.audience]
    return (
        binding.enabled
        and audience.enabled
        and project.connectors[binding.connector].enabled
        and project.sources[audience.source].enabled
    )


@dataclass(frozen=True, slots=True)
class _Case:
    """One binding that both the project and the state have."""

    address: Address
    binding: Binding
    record: Record
    situation: Situation
    active: bool

    @property
    def facts(self) -> TypeFacts:
        return self.situation.types[self.binding.connector]

    @property
    def seen(self) -> Observed:
        return self.situation.observed.get(self.address, Observed(Presence.UNKNOWN))

    @property
    def standing(self) -> Mapping[str, Any]:
        """The destination's attributes as the platform has them; as recorded, where it does not say."""
        recorded = self.record.body["destination"]
        known = recorded.keys() | self.binding.destination.keys()
        return {**recorded, **{name: value for name, value in self.seen.attributes.items() if name in known}}


def decide_binding(address: Address, binding: Binding, situation: Situation, touched: str) -> Decision | None:
    """Return what happens to a binding of the project, or None. `touched`: why its people may move, or empty."""
    active = is_active(situation.project, binding)
    record = situation.recorded.records.get(address)
    if record is None:
        return _create(address, binding, situation, ()) if active else None
    case = _Case(address, binding, record, situation, active)
    if case.seen.presence is Presence.MISSING or record.body["destination_id"] is None:
        return _create_again(case)
    if _is_settled(case) and not _moves(case):
        return _only_sync(case, touched) if touched and active else None
    return _change(case, touched)


def _create(
    address: Address, binding: Binding, situation: Situation, fields: tuple[FieldChange, ...]
) -> Decision:
    body = body_of(situation.project, address, {}, {})
    change = Change(address, Action.CREATE, fields or created(Kind.BINDING, body), sends=True)
    return Decision(change, (_creation(binding), Verb(StepKind.SYNC)), fresh=True)


def _create_again(case: _Case) -> Decision:
    """Answer a destination that the platform no longer has, or that a run did not get to create."""
    gone: str | None = case.record.body["destination_id"]
    if not case.active:
        reason = "its destination is gone and it is switched off: created anew when it is switched on"
        return Decision(Change(case.address, Action.FORGET, (), reason), (_FORGET,))
    reason = "its destination was deleted at the platform" if gone else "its destination was not created yet"
    change = Change(
        case.address,
        Action.CREATE,
        tuple(_fields(case)),
        reason=f"{reason}: it is created and everybody is sent",
        drift=(_gone(gone),) if gone else (),
        sends=True,
    )
    return Decision(change, (_FORGET, _creation(case.binding), Verb(StepKind.SYNC)), fresh=True)


def _gone(destination_id: str) -> FieldChange:
    return FieldChange(
        "destination_id", destination_id, None, ChangeCategory.RESEND, "deleted outside of Audiform"
    )


def _is_settled(case: _Case) -> bool:
    """Whether the binding is what was recorded, and the platform has what was recorded."""
    project, record = case.situation.project, case.record
    return (
        record.digest == project.digests[case.address]
        and record.protected == project.environment.file.protected
        and record.body["guards"] == _guards(case)
        and record.body.get("schedule") == recorded_schedule(project, case.binding)
        and (not case.seen.attributes or case.standing == record.body["destination"])
    )


def _guards(case: _Case) -> dict[str, Any]:
    own = case.binding.guards
    # Most bindings have none of their own, and dumping 10,000 models that say nothing takes time.
    said = own.model_dump(mode="json", exclude_none=True) if own.model_fields_set else {}
    return {**case.situation.guards, **said}


def _only_sync(case: _Case, touched: str) -> Decision:
    change = Change(case.address, Action.SYNC, (), reason=touched, drift=tuple(_drift(case)), sends=True)
    return Decision(change, (Verb(StepKind.SYNC),))


def _change(case: _Case, touched: str) -> Decision | None:
    fields = tuple(_fields(case))
    if _is_replaced(case):
        return _replace(case, fields)
    names = tuple(sorted(_attribute_changes(case)))
    write = Verb(StepKind.UPDATE_DESTINATION, _target(case)) if names else Verb(StepKind.RECORD)
    sends = case.active and (
        bool(touched) or any(field.category is not ChangeCategory.METADATA for field in fields)
    )
    change = Change(
        case.address,
        Action.UPDATE,
        fields,
        reason=touched
        if touched and case.active
        else ("" if fields else same_meaning(case.record, case.situation)),
        drift=tuple(_drift(case)),
        sends=sends,
    )
    return Decision(change, (write, Verb(StepKind.SYNC)) if sends else (write,))


def _replace(case: _Case, fields: tuple[FieldChange, ...]) -> Decision:
    """End the old destination as its recorded `on_delete` says, then begin a new one."""
    old: Ending = ending(case.record, case.situation)
    change = Change(
        case.address,
        Action.REPLACE,
        fields,
        reason=_why_replaced(case),
        drift=tuple(_drift(case)),
        notes=(f"old destination: {old.says}",),
        guards=prevented(case.record),
        sends=case.active,
    )
    verbs = (*old.verbs, _creation(case.binding))
    return Decision(change, (*verbs, Verb(StepKind.SYNC)) if case.active else verbs, fresh=True, undone=True)


def _is_replaced(case: _Case) -> bool:
    changed = _attribute_changes(case).keys()
    return _moves(case) or bool(changed if not case.facts.updates else changed & case.facts.fixed)


def _why_replaced(case: _Case) -> str:
    if case.record.body["connector"] != case.binding.connector:
        return "the destination moves to another connector"
    if _moves(case):
        return f"connector.{case.binding.connector} leads elsewhere from now on"
    return "the platform cannot change this of an existing destination"


def _moves(case: _Case) -> bool:
    """Whether the destination is on another platform, or elsewhere on it, from now on."""
    name = case.binding.connector
    return name != case.record.body["connector"] or name in case.situation.moved


def _fields(case: _Case) -> Iterator[FieldChange]:
    after = record_of(case.situation.project, case.address, type_digests={}, secret_digests={})
    before, now = _plain(case.record), _plain(after)
    for path, old, new in leaves(before, now):
        if path == "connector":
            reason = (
                "everybody is sent to the new destination; the old one ends as its recorded `on_delete` says"
            )
            yield FieldChange(path, old, new, ChangeCategory.REMOVE_ALL, reason)
        else:
            yield judged(Kind.BINDING, path, old, new)
    for name, (old, new) in sorted(_attribute_changes(case).items()):
        yield _attribute(case, name, old, new)
    for name, value in sorted(case.binding.destination.items()):
        recorded = case.record.body["destination"].get(name)
        if value != recorded and value == case.standing.get(name):
            reason = "the platform has it already; it is recorded"
            yield FieldChange(f"destination.{name}", recorded, value, ChangeCategory.METADATA, reason)


def _plain(record: Record) -> dict[str, Any]:
    kept = {key: value for key, value in record.body.items() if key not in _BOOKKEEPING}
    return kept | {"environment.protected": record.protected}


def _attribute_changes(case: _Case) -> dict[str, tuple[Any, Any]]:
    """Return name -> (what the platform has, what it shall have), of attributes that differ."""
    standing, desired = case.standing, case.binding.destination
    names = standing.keys() | desired.keys()
    return {
        name: (standing.get(name), desired.get(name))
        for name in names
        if standing.get(name) != desired.get(name)
    }


def _attribute(case: _Case, name: str, old: Any, new: Any) -> FieldChange:
    path, facts = f"destination.{name}", case.facts
    if name in facts.fixed or not facts.updates:
        reason = f"{facts.title} cannot change it: a new destination is made and everybody is sent there"
        return FieldChange(path, old, new, _replacing(case), reason)
    reason = "set on the new destination" if _is_replaced(case) else "changed in place; nobody is sent again"
    return FieldChange(path, old, new, ChangeCategory.METADATA, reason)


def _replacing(case: _Case) -> ChangeCategory:
    """Return what a replacement means for people: whether those in the old destination stay there."""
    stays = case.record.body["on_delete"] in {"keep", "freeze"}
    return ChangeCategory.RESEND if stays else ChangeCategory.REMOVE_ALL


def _drift(case: _Case) -> Iterator[FieldChange]:
    recorded = case.record.body["destination"]
    for name, value in sorted(case.standing.items()):
        if value != recorded.get(name):
            yield FieldChange(
                f"destination.{name}", recorded.get(name), value, ChangeCategory.METADATA, _OUTSIDE
            )


def _creation(binding: Binding) -> Verb:
    return Verb(
        StepKind.CREATE_DESTINATION, {"connector": binding.connector, "attributes": dict(binding.destination)}
    )


def _target(case: _Case) -> dict[str, Any]:
    body = case.record.body
    return {
        "connector": body["connector"],
        "id": body["destination_id"],
        "attributes": dict(case.binding.destination),
    }
