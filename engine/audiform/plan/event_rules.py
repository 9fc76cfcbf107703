"""What changing a field means for events: they are sent from now on in another way, and never again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audiform.address import Kind
from audiform.connectors.version import parts_of
from audiform.plan.plan import ChangeCategory, FieldChange
from audiform.plan.rules import NOTES, Rule

EVENT_KINDS = frozenset({Kind.EVENT_SOURCE, Kind.EVENT_TYPE, Kind.EVENT_CONNECTOR})
NO_BACK_FILL = "nothing from before is sent"
HISTORY_KEPT = "sending stops at once; its figures and dead letters are kept"

_STARTS = ChangeCategory.STARTS_SENDING
_LATER = ChangeCategory.METADATA

EVENT_RULES: Mapping[Kind, Mapping[str, Rule]] = {
    Kind.EVENT_SOURCE: {
        "type": Rule(_LATER, "events are taken from another kind of place from now on"),
        "settings": Rule(_LATER, "events are taken as these say from now on"),
        "write_keys": Rule(_LATER, "clients prove themselves with these from now on"),
        "credentials": Rule(_LATER, "read from there from now on"),
        **NOTES,
    },
    Kind.EVENT_TYPE: {
        "event": Rule(_LATER, "events of that name are checked from now on"),
        "schema": Rule(_LATER, "what arrives is checked against it from now on"),
        "on_violation": Rule(_LATER, "decides what happens to an event that is otherwise, from now on"),
        **NOTES,
    },
    Kind.EVENT_CONNECTOR: {
        "type": Rule(_STARTS, f"events go to another platform at once; {NO_BACK_FILL}"),
        "settings": Rule(_STARTS, f"events go where these say at once; {NO_BACK_FILL}"),
        "endpoint": Rule(_STARTS, f"events go there at once; {NO_BACK_FILL}"),
        "events": Rule(_STARTS, f"other events are sent at once; {NO_BACK_FILL}"),
        "map": Rule(_LATER, "events are written like this from now on; none is sent again"),
        "consent": Rule(_LATER, "decides from now on whose events are left out"),
        "order_by": Rule(_LATER, "decides from now on which events wait for each other"),
        "on_resume": Rule(_LATER, "decides what the end of a later pause does"),
        "retry": Rule(_LATER, "decides from now on when an event becomes a dead letter"),
        "batch": Rule(_LATER, "decides from now on when a request is full"),
        "credentials": Rule(_LATER, "read from there from now on; no event is sent again"),
        "type_digest": Rule(_LATER, "the type's manifest changed: events are sent as it says from now on"),
        **NOTES,
    },
}
_TYPE_PARTS: Mapping[str, str] = {
    "fields": "the type fills or hashes fields in another way from now on; no event is sent again",
    "signals": "the type writes events in another way from now on; no event is sent again",
    "access": "requests go to the platform in another way from now on; no event is sent again",
}
_RESUMES = {
    "skip": "sending goes on at once, with what arrives from now on; what came meanwhile is not sent (`on_resume: skip`)",
    "replay": "sending goes on at once, first with what came meanwhile and is kept (`on_resume: replay`)",
}


def starts_sending() -> FieldChange:
    """Return the line of a new event connector that says what applying it does."""
    reason = f"sends events as they arrive as soon as it is applied; {NO_BACK_FILL}"
    return FieldChange("enabled", None, True, _STARTS, reason)


def judged_event(kind: Kind, path: str, before: Any, after: Any, body: Mapping[str, Any]) -> FieldChange:
    """Return the change of one field; `body` is what is wanted."""
    key = path.partition(".")[0]
    if key == "enabled":
        return FieldChange(path, before, after, *_switched(kind, body, after=bool(after)))
    rule = EVENT_RULES[kind][key]
    if rule.category is _STARTS and not body["enabled"]:
        return FieldChange(path, before, after, _LATER, "holds from when it is switched on")
    return FieldChange(path, before, after, rule.category, rule.reason)


def upgraded_events(before: str, after: str) -> Iterator[FieldChange]:
    """Yield what changes with another version of an event type: a line for each part of its manifest."""
    old, new = parts_of(before), parts_of(after)
    changed = [name for name in _TYPE_PARTS if old.get(name) != new.get(name)]
    if not old or not new or not changed:
        yield judged_event(Kind.EVENT_CONNECTOR, "type_digest", before, after, {})
        return
    for name in changed:
        yield FieldChange(f"type_digest.{name}", old.get(name), new.get(name), _LATER, _TYPE_PARTS[name])


def _switched(kind: Kind, body: Mapping[str, Any], *, after: bool) -> tuple[ChangeCategory, str]:
    match kind:
        case Kind.EVENT_CONNECTOR if after:
            return _STARTS, _RESUMES[body["on_resume"]]
        case Kind.EVENT_CONNECTOR:
            return _LATER, HISTORY_KEPT
        case Kind.EVENT_SOURCE if after:
            return _LATER, "events are taken from it again from now on"
        case Kind.EVENT_SOURCE:
            return _LATER, "nothing is taken from it any more; what it brought is still sent"
        case _:
            return (
                _LATER,
                "events are checked by it from now on" if after else "nothing is checked by it any more",
            )
