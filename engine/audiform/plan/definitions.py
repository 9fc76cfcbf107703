"""Decides what happens to sources, connectors, audiences, policies and all of events: nothing remote, only what is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiform.address import Address, Kind
from audiform.config.event_kinds import EventConnector, EventSource, EventType
from audiform.config.kinds import Audience, Connector, Source
from audiform.config.policies import NamedPolicy
from audiform.plan.decision import Decision, Situation, Verb, key_of
from audiform.plan.event_rules import EVENT_KINDS, HISTORY_KEPT, judged_event, starts_sending, upgraded_events
from audiform.plan.fields import leaves
from audiform.plan.guard import prevented
from audiform.plan.plan import Action, Change, ChangeCategory, FieldChange, NewFields, StepKind
from audiform.plan.records import body_of, record_of, secrets_of
from audiform.plan.rules import LOCATING, SENSITIVE, judged, rotated, short, upgraded
from audiform.state.store import Record

Definition = Source | Connector | Audience | NamedPolicy | EventSource | EventType | EventConnector
Signed = Connector | EventConnector | EventSource
"""What has secrets: their digests tell of a rotation."""

_RECORD = (Verb(StepKind.RECORD),)
_APART = frozenset({"dependencies", "secrets"})
_NOT_SHOWN = _APART | {"type_digest", "enabled"}
GONE = "no longer in the project"
REMOVED = "an entry of `removed` says so"
SAME_MEANING = "written differently in the YAML, with the same meaning"


def decide_definition(address: Address, resource: Definition, situation: Situation) -> Decision | None:
    """Return what happens to a resource of the project, or None when nothing does."""
    record = situation.recorded.records.get(address)
    if record is None:
        if not resource.enabled:
            return None  # switched off before it ever was: nothing to keep, nothing to stop
        body = body_of(situation.project, address, *_outside(address, resource, situation))
        fields = created(address.kind, body, secret=_secret_settings(address, situation))
        if isinstance(resource, EventConnector):
            return Decision(Change(address, Action.CREATE, (*fields, starts_sending())), _RECORD)
        return Decision(Change(address, Action.CREATE, fields), _RECORD)
    if record.digest == situation.project.digests[address] and (
        not isinstance(resource, Signed) or _same_outside(address, resource, record, situation)
    ):
        return None
    changed = tuple(_differing(address, record, _desired(address, resource, situation), situation))
    reason = "" if changed else same_meaning(record, situation)
    return Decision(Change(address, Action.UPDATE, changed, reason=reason), _RECORD)


def same_meaning(record: Record, situation: Situation) -> str:
    """Return why a record is written although nothing in it means anything else."""
    new = [
        str(address) for address in situation.evolved.renamed if str(address) in record.body["dependencies"]
    ]
    return f"it names {' and '.join(sorted(new))} from now on" if new else SAME_MEANING


def decide_removed_definition(record: Record, situation: Situation) -> Decision:
    """Return what happens to a recorded resource that the project no longer has."""
    reason = REMOVED if record.address in situation.evolved.removals else GONE
    if record.address.kind is Kind.POLICY:
        reason += ": nothing is judged by it any more, this plan included"
    if record.address.kind is Kind.EVENT_CONNECTOR:
        reason += f": {HISTORY_KEPT}"
    change = Change(record.address, Action.DELETE, (), reason=reason, guards=prevented(record))
    return Decision(change, (Verb(StepKind.FORGET, {"ledger": "drop"}),))


def created(kind: Kind, body: Mapping[str, Any], *, secret: frozenset[str] = frozenset()) -> NewFields:
    """Return the fields of a new resource that say something, for the reader of the plan."""
    pairs: list[tuple[str, Any]] = []
    for key, value in body.items():
        if value is None or value is False or value == [] or key in _NOT_SHOWN:
            continue
        if value.__class__ is not dict:
            pairs.append((key, value))
            continue
        for name, inner in value.items():
            path = f"{key}.{name}"
            shown = SENSITIVE if key == "settings" and name in secret else short(kind, path, inner)
            if shown is not None:
                pairs.append((path, shown))
    return NewFields(pairs)


def touches(decision: Decision) -> bool:
    """Whether people may have to be sent, removed or changed because of a definition's change."""
    return any(category is not ChangeCategory.METADATA for category in decision.change.categories)


def _desired(address: Address, resource: Definition, situation: Situation) -> Record:
    types, secrets = _outside(address, resource, situation)
    return record_of(situation.project, address, type_digests=types, secret_digests=secrets)


def _outside(
    address: Address, resource: Definition, situation: Situation
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what the YAML does not hold: the digests of the resource's type and of its secrets."""
    if not isinstance(resource, Signed):
        return {}, {}
    facts, secrets = situation.types.get(key_of(address)), situation.secrets.get(key_of(address), {})
    types = {resource.type: facts.digest} if facts and not isinstance(resource, EventSource) else {}
    return types, secrets


def _same_outside(address: Address, resource: Signed, record: Record, situation: Situation) -> bool:
    """Whether what the YAML does not hold is the same as well: the type's manifest and the secrets."""
    facts = situation.types.get(key_of(address))
    same_type = facts is None or record.body["type_digest"] == facts.digest
    return same_type and not _rotations(address, resource, record, situation)


def _rotations(address: Address, resource: Signed, record: Record, situation: Situation) -> list[str]:
    recorded, now = record.body["secrets"], situation.secrets.get(key_of(address), {})
    return [
        credential
        for credential in secrets_of(resource)
        if credential in recorded and recorded[credential] != now.get(credential, recorded[credential])
    ]


def _differing(
    address: Address, record: Record, desired: Record, situation: Situation
) -> Iterator[FieldChange]:
    for path, before, after in leaves(_comparable(record.body), _comparable(desired.body)):
        if path == "type_digest":
            yield from (
                upgraded(before, after) if address.kind is Kind.CONNECTOR else upgraded_events(before, after)
            )
        else:
            yield _field(address, path, before, after, situation, desired)
    resource = situation.project.get(address)
    if isinstance(resource, Signed):
        yield from map(rotated, _rotations(address, resource, record, situation))


def _field(
    address: Address, path: str, before: Any, after: Any, situation: Situation, desired: Record
) -> FieldChange:
    section, _, rest = path.partition(".")
    facts, name = situation.types.get(key_of(address)), rest.partition(".")[0]
    if facts is not None and section == "settings":
        if name in facts.secret_settings:
            before, after = SENSITIVE, SENSITIVE
        if name in facts.locating:
            return FieldChange(path, before, after, LOCATING.category, LOCATING.reason)
    if address.kind in EVENT_KINDS:
        return judged_event(address.kind, path, before, after, desired.body)
    return judged(address.kind, path, short(address.kind, path, before), short(address.kind, path, after))


def _comparable(body: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what follows from other fields, and digests of secrets, which have a line of their own."""
    return {key: value for key, value in body.items() if key not in _APART}


def _secret_settings(address: Address, situation: Situation) -> frozenset[str]:
    facts = situation.types.get(key_of(address))
    return facts.secret_settings if facts else frozenset()
