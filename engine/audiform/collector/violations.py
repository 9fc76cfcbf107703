"""What events of a name must look like: JSON Schemas of the project, and what an event does against them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiform.collector.answers import Refused, RefusedError
from audiform.events.event import Event

_TRAITS = frozenset({"identify", "group"})
_MOST = 5


@dataclass(frozen=True, slots=True)
class EventType:
    """The schema of the properties (traits, data) of the events of one name, compiled. `refuse` or flag."""

    validator: Any = field(repr=False)
    refuse: bool


@dataclass(frozen=True, slots=True)
class EventTypes:
    """Name of an event, or its type where it has none -> what it must look like."""

    by_name: Mapping[str, EventType] = field(default_factory=dict[str, EventType])

    def checked(self, event: Event) -> tuple[Event, bool]:
        """Return the event, and whether it is flagged: its body then says where it is not as it should be.

        Raises:
            RefusedError: it is not, and such events are refused.
        """
        kind = self.by_name.get(event.name or event.type)
        if kind is None:
            return event, False
        part: Any = event.body.get("traits" if event.type in _TRAITS else "properties") or {}
        if kind.validator.is_valid(part):
            return event, False
        places = sorted({_place(error) for error in kind.validator.iter_errors(part)})[:_MOST]
        if kind.refuse:
            raise RefusedError(Refused.SCHEMA, f"it is not as its event type says: {'; '.join(places)}")
        return replace(event, body={**event.body, "violations": places}), True


def event_types(schemas: Mapping[str, tuple[Mapping[str, Any], str]]) -> EventTypes:
    """Return what must be kept; name -> schema, and `refuse` or `flag`."""
    import jsonschema_rs

    return EventTypes(
        {
            name: EventType(jsonschema_rs.validator_for(dict(schema)), refuse=on_violation == "refuse")
            for name, (schema, on_violation) in schemas.items()
        }
    )


def _place(error: Any) -> str:
    """Return where and against which word of the schema, without the value, which may be a person's."""
    path = ".".join(str(part) for part in error.instance_path)
    rule = next(
        (str(part) for part in reversed(list(error.schema_path)) if not isinstance(part, int)), "schema"
    )
    return f"`{path}` ({rule})" if path else f"the whole ({rule})"
